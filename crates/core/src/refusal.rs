//! Why a node is refused, in words: what stands there, and what a person can do about it.

use crate::{blueprint::Node, drift::Difference, failure::Cause, kind::Adoptable, scrub, seen::Seen};
use acivnet_api::conditions::reasons;
use serde_json::Value;

/// Why what is referenced can't serve as it stands. Nothing is written to it, so people have to.
pub(crate) fn not_as_referenced(node: &Node, seen: &Seen) -> Cause {
    let label = node.label();
    if let Seen::Failed { why, .. } = seen {
        let message = format!("{label} is referenced, and the last operation on it failed: {why}; repair it in Azure");
        return Cause::person(reasons::AZURE_REFUSED, scrub::clean(&message));
    }
    let differs: Vec<String> = seen.differences().iter().map(both_values).collect();
    let before = format!("{label} is referenced, so it stays as it is, and differs: ");
    let after = "; correct the spec (a new object where it can't change), or change it in Azure";
    Cause::person(reasons::REFERENCE_DIFFERS, scrub::list(&before, &differs, after))
}

fn both_values(one: &Difference) -> String {
    let shown = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("{} is {}, the spec says {}", one.path, shown(&one.have), shown(&one.want))
}

/// Why what stands is left alone, and what would change that. A compute instance is somebody's desk, and never adopted.
pub(crate) fn adoption_refused(node: &Node, owner: Option<&str>) -> Cause {
    let (whose, way) = match owner {
        None => ("carries no mark of ours".to_owned(), "set adoption: IfUnowned to take it, "),
        Some(owner) => (format!("belongs to {owner}"), "set adoption: Force to take it from there, "),
    };
    let (reason, ways) = match node.kind.adoptable {
        Adoptable::Named => (reasons::SERVICE_NAME_TAKEN, format!("{way}choose another name, ")),
        Adoptable::Never => {
            (reasons::ADOPTION_REFUSED, "it is never adopted; name another in a new DelegatedSubnet, ".to_owned())
        }
        Adoptable::Referable => {
            let reference = "set management: Reference where the field exists, ";
            (reasons::ADOPTION_REFUSED, format!("{way}choose another name, {reference}"))
        }
    };
    Cause::person(reason, format!("{} exists and {whose}; {ways}or remove it in Azure ({})", node.label(), node.id))
}
