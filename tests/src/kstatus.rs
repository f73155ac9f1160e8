//! How kstatus, and with it Flux and `kpt`, reads an object (kubernetes-sigs/cli-utils, `pkg/kstatus/status`): the
//! generic rules, which are all that apply to a custom resource.

use serde_json::Value;

/// What kstatus says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kstatus {
    /// It is being deleted.
    Terminating,
    /// The controller is on its way, or has not seen the object yet.
    InProgress,
    /// Nothing will change by itself, so waiting is pointless.
    Failed,
    /// It is as wanted.
    Current,
}

/// `Compute` of kstatus for a custom resource.
pub fn read(object: &Value) -> Kstatus {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Kstatus::Terminating;
    }
    let (generation, observed) = (object.pointer("/metadata/generation"), object.pointer("/status/observedGeneration"));
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        return Kstatus::InProgress;
    }
    let abnormal =
        conditions(object).find_map(|condition| match (word(condition, "type"), word(condition, "status")) {
            ("Reconciling", "True") => Some(Kstatus::InProgress),
            ("Stalled", "True") => Some(Kstatus::Failed),
            _ => None,
        });
    let ready = || {
        conditions(object)
            .find(|condition| word(condition, "type") == "Ready")
            .map(|condition| word(condition, "status"))
    };
    abnormal.unwrap_or_else(|| match ready() {
        Some("False" | "Unknown") => Kstatus::InProgress,
        _ => Kstatus::Current,
    })
}

/// The conditions in the object's status.
pub fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

/// Status, reason and message of one condition; empty texts when it is not there.
pub fn condition<'o>(object: &'o Value, type_: &str) -> (&'o str, &'o str, &'o str) {
    let found = conditions(object).find(|condition| word(condition, "type") == type_);
    found.map_or(("", "", ""), |one| (word(one, "status"), word(one, "reason"), word(one, "message")))
}

fn word<'c>(condition: &'c Value, name: &str) -> &'c str {
    condition.get(name).and_then(Value::as_str).unwrap_or_default()
}
