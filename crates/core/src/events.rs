//! What is told as events: what was written, and transitions.

use crate::{
    blueprint::Goal,
    conditions::find,
    outcome::{Event, Reconcile},
    plan::{Action, Request, Step},
    scrub,
    seen::Seen,
};
use acivnet_api::{
    DriftMode, ResourceStatus,
    conditions::{reasons, types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// One event for all the writes of one sort in a reconcile. `drifts`: differences are drift.
pub fn write_events(reconcile: &Reconcile<'_>, drifts: bool) -> Vec<Event> {
    let mut told: Vec<(&'static str, &'static str, Vec<String>)> = Vec::new();
    for (step, _) in reconcile.plan.successes() {
        let (reason, action, what) = written(step, drifts);
        match told.iter_mut().find(|(known, ..)| *known == reason) {
            Some((.., all)) => all.push(what),
            None => told.push((reason, action, vec![what])),
        }
    }
    let event = |(reason, action, all): (&'static str, &'static str, Vec<String>)| {
        let warning = matches!(reason, "Replacing" | "Retrying");
        Event { warning, reason, action, message: scrub::list("", &all, "") }
    };
    told.into_iter().map(event).collect()
}

fn written(step: &Step, drifts: bool) -> (&'static str, &'static str, String) {
    let label = step.node.label();
    let fields: Vec<String> = step.differences().iter().map(|one| one.path.clone()).collect();
    match (&step.action, &step.seen) {
        (Action::Write(Request::Delete { successor: Some(_), .. }), _) => {
            let before = format!("deleting {label} to create it again: ");
            ("Replacing", "Replace", scrub::list(&before, &fields, " can't be changed in place"))
        }
        (Action::Write(Request::Delete { .. }), Seen::Failed { why, .. }) if step.node.goal == Goal::Present => {
            ("Retrying", "Replace", format!("deleting the failed {label} to create it again ({why})"))
        }
        (Action::Write(Request::Delete { .. }), _) => ("Deleting", "Delete", format!("deleting {label}")),
        (_, Seen::Absent) if drifts => {
            ("DriftCorrected", "Correct", format!("{label} was gone from Azure; creating it again"))
        }
        (_, Seen::Absent) => ("Creating", "Create", format!("creating {label}")),
        (_, Seen::Failed { why, .. }) => {
            ("Retrying", "Update", format!("writing {label} again, it had failed ({why})"))
        }
        _ if drifts => {
            let before = format!("{label} differed in ");
            ("DriftCorrected", "Correct", scrub::list(&before, &fields, "; putting it back"))
        }
        _ => ("Updating", "Update", scrub::list(&format!("updating {label}: "), &fields, "")),
    }
}

/// The event of a transition of `Ready`.
pub fn ready_event(last: &[Condition], now: &str, ready: bool, message: &str) -> Option<Event> {
    let quiet = [reasons::PROGRESSING, reasons::DELETING];
    let was = find(last, types::READY).map(|one| one.reason.as_str());
    let harmless = ready || [reasons::WAITING_FOR_SUBNET, reasons::SUSPENDED].contains(&now);
    (was != Some(now) && !quiet.contains(&now)).then(|| event(!harmless, now, "Reconcile", message))
}

/// The event of a cause that holds the work, when it is a new one and nothing else told it.
pub fn stalled_event(last: &[Condition], next: &[Condition], told: &[Event]) -> Option<Event> {
    let now = find(next, types::STALLED)?;
    let known = find(last, types::STALLED).is_some_and(|was| was.reason == now.reason);
    let told = told.iter().any(|event| event.reason == now.reason);
    (!known && !told).then(|| event(now.reason != reasons::SUSPENDED, &now.reason, "Wait", &now.message))
}

/// The event of a deletion that something holds.
pub fn blocked_event(last: &[Condition], next: &[Condition]) -> Option<Event> {
    let now = find(next, types::DELETION_BLOCKED)?;
    let known = find(last, types::DELETION_BLOCKED).is_some_and(|was| was.reason == now.reason);
    (!known).then(|| Event {
        warning: true,
        reason: types::DELETION_BLOCKED,
        action: "Delete",
        message: scrub::clean(&format!("{}: {}", now.reason, now.message)),
    })
}

/// The event of drift that came or went where it is only told: correcting it tells by itself.
pub fn drift_event(last: &[Condition], next: &[Condition], mode: DriftMode) -> Option<Event> {
    let now = find(next, types::DRIFT_DETECTED).filter(|_| mode == DriftMode::Detect)?;
    let was = find(last, types::DRIFT_DETECTED).is_some_and(|was| was.status == "True");
    let drifted = now.status == "True";
    let known = was == drifted || now.status == "Unknown";
    (!known).then(|| event(drifted, &now.reason, "Compare", &now.message))
}

/// The event of an object that goes while something of it stays in Azure.
pub fn orphaned_event(stays: &[&ResourceStatus], warning: bool, why: &str) -> Option<Event> {
    let label = |one: &&ResourceStatus| format!("{}/{}", one.kind, one.id.rsplit('/').next().unwrap_or_default());
    let list: Vec<String> = stays.iter().map(label).collect();
    (!stays.is_empty()).then(|| Event {
        warning,
        reason: "Orphaned",
        action: "Delete",
        message: scrub::list(&format!("{why}; what stays in Azure: "), &list, ""),
    })
}

fn event(warning: bool, reason: &str, action: &'static str, message: &str) -> Event {
    let word = reasons::ALL.iter().map(|(word, _)| *word).find(|word| *word == reason);
    Event { warning, reason: word.unwrap_or(reasons::PROGRESSING), action, message: scrub::clean(message) }
}
