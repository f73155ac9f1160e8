//! What to say: the parts of the report that both kinds share.

use crate::{
    blueprint::{Blueprint, Goal, Hold, Node},
    conditions::Conditions,
    drift::shown,
    failure::{Cause, Failure},
    observed::{Identity, Observed},
    owner::Says,
    plan::{Action, Done, Held, Plan, Progress, Request, Seen, Step, record_of},
    retry::Retry,
    scrub,
    subject::Pass,
};
use acivnet_api::{
    DriftItem, Origin, PlanStatus, PlannedAction, ResourceStatus,
    conditions::{reasons, types},
};
use serde_json::Value;
use std::time::Duration;

/// What to write, to say, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<S> {
    /// The whole next status.
    pub status: S,
    /// Events, on transitions only.
    pub events: Vec<Event>,
    /// When to look again.
    pub next: Next,
    /// Nothing of ours is left in Azure: the finalizer may go.
    pub release: bool,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Warning, or normal.
    pub warning: bool,
    /// One word.
    pub reason: &'static str,
    /// What was done or tried: `Create`, `Correct`, `Delete`, `Wait`…
    pub action: &'static str,
    /// For people.
    pub message: String,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// After the delay of this class.
    Retry(Retry),
    /// Nothing is going on: at the next sweep.
    Sweep(Duration),
    /// Never: the object is being released.
    Never,
}

/// The first cause that keeps the object from being as wanted, the root before its consequences.
pub fn root_cause(pass: &Pass<'_>, done: Option<&Done>) -> Option<Cause> {
    let Pass { observed, blueprint, plan, .. } = pass;
    let refused = match &observed.identity {
        Identity::Refused(failure) => Some(Cause::from(failure)),
        Identity::Unasked | Identity::Valid => None,
    };
    refused
        .or_else(|| blueprint.blocked.clone())
        .or_else(|| failures(done).next().map(|(_, failure)| Cause::from(failure)))
        .or_else(|| plan.steps.iter().find_map(refusal))
        .or_else(|| plan.steps.iter().find_map(unread))
}

fn refusal(step: &Step) -> Option<Cause> {
    match &step.action {
        Action::Hold(Held::Refused(cause)) => Some(cause.clone()),
        _ => None,
    }
}

fn unread(step: &Step) -> Option<Cause> {
    match &step.action {
        Action::Hold(Held::Unread(failure)) => Some(Cause::from(failure)),
        _ => None,
    }
}

/// Writes that failed, by place of the node.
pub fn failures(done: Option<&Done>) -> impl Iterator<Item = (usize, &Failure)> {
    done.into_iter().flat_map(|done| &done.results).filter_map(|(at, result)| result.as_ref().err().map(|failure| (*at, failure)))
}

/// Writes that Azure took, by place of the node.
pub fn successes(done: Option<&Done>) -> impl Iterator<Item = (usize, Progress)> + '_ {
    done.into_iter().flat_map(|done| &done.results).filter_map(|(at, result)| result.as_ref().ok().map(|progress| (*at, *progress)))
}

/// `status.resources`: what is written now or was recorded, with what was seen of it.
pub fn resources(pass: &Pass<'_>, recorded: &[ResourceStatus]) -> Vec<ResourceStatus> {
    let nodes = pass.blueprint.nodes.iter().zip(&pass.plan.steps);
    let mut list: Vec<ResourceStatus> = nodes.filter_map(|(node, step)| resource(pass.observed, node, step, recorded)).collect();
    let described = |one: &ResourceStatus| {
        pass.blueprint.nodes.iter().any(|node| node.kind.name == one.kind && node.id.as_str().eq_ignore_ascii_case(&one.id))
    };
    list.extend(recorded.iter().filter(|one| !described(one)).cloned());
    list
}

fn resource(observed: &Observed, node: &Node, step: &Step, recorded: &[ResourceStatus]) -> Option<ResourceStatus> {
    let record = record_of(node, recorded);
    let creates = matches!(step.action, Action::Write(_)) && step.seen == Seen::Absent;
    let keep = match (node.goal, &step.seen) {
        (_, Seen::Foreign(_)) | (Goal::Gone, Seen::Absent) => false,
        (Goal::Present, Seen::Absent | Seen::Unread(_)) => record.is_some() || creates,
        _ => true,
    };
    keep.then(|| ResourceStatus {
        kind: node.kind.name.into(),
        id: record.map_or_else(|| node.id.to_string(), |record| record.id.clone()),
        origin: origin(observed, node, record),
        state: Some(step.seen.word().into()),
        keys: keys(node, step, record),
    })
}

fn origin(observed: &Observed, node: &Node, record: Option<&ResourceStatus>) -> Option<Origin> {
    let body = observed.azure_body(node.kind, &node.id);
    match (node.hold, body.map(|body| node.mark.on(body))) {
        (Hold::Referenced, Some(_)) => Some(Origin::Referenced),
        (Hold::Owned, Some(Says::Ours)) => Some(Origin::Created),
        _ => record.and_then(|record| record.origin),
    }
}

/// Tag keys: while a write may be under way, those wanted and those written; once settled, those wanted.
fn keys(node: &Node, step: &Step, record: Option<&ResourceStatus>) -> Vec<String> {
    let wanted = ["tags", "kvTags"].into_iter().find_map(|name| node.body.get(name).and_then(Value::as_object));
    let mut keys: Vec<String> = wanted.into_iter().flat_map(|map| map.keys().cloned()).collect();
    if step.seen != Seen::Settled || node.goal == Goal::Gone {
        keys.extend(record.into_iter().flat_map(|record| record.keys.clone()));
    }
    keys.sort();
    keys.dedup();
    keys
}

/// `status.drift`: differences of what had settled.
pub fn drift_items(blueprint: &Blueprint, plan: &Plan, had_settled: bool) -> Vec<DriftItem> {
    let nodes = blueprint.nodes.iter().zip(&plan.steps).filter(|(node, _)| had_settled && node.goal == Goal::Present);
    nodes.flat_map(|(node, step)| items(node, step)).collect()
}

fn items(node: &Node, step: &Step) -> Vec<DriftItem> {
    let item = |field: &str, want: String, have: String| DriftItem { resource: node.label(), field: field.into(), want, have };
    match &step.seen {
        Seen::Absent => vec![item("", "present".into(), "absent".into())],
        _ => {
            let clean = |value: &Value| scrub::clean(&shown(value));
            step.differences().iter().map(|one| item(&one.path, clean(&one.want), clean(&one.have))).collect()
        }
    }
}

/// `status.plan`: the steps that wait for a person or a setting.
pub fn plan_status(blueprint: &Blueprint, plan: &Plan) -> Option<PlanStatus> {
    let waits = |step: &&Step| matches!(step.action, Action::Hold(Held::Approval | Held::Suspended | Held::DriftMode));
    let actions: Vec<PlannedAction> = plan.steps.iter().filter(waits).flat_map(|step| planned(blueprint, step)).collect();
    let approval = plan.steps.iter().any(|step| step.action == Action::Hold(Held::Approval));
    (!actions.is_empty()).then(|| PlanStatus { hash: plan.hash.clone().filter(|_| approval), actions })
}

fn planned(blueprint: &Blueprint, step: &Step) -> Vec<PlannedAction> {
    let Some(node) = blueprint.nodes.get(step.node) else { return Vec::new() };
    let action = match (&step.seen, step.replaces()) {
        (Seen::Absent, _) => "Create",
        (_, true) => "Replace",
        _ => "Update",
    };
    let whole = PlannedAction { action: action.into(), resource: node.label(), field: None, from: None, to: None };
    let clean = |value: &Value| Some(scrub::clean(&shown(value)));
    let fields = step.differences().iter().filter(|one| !step.replaces() || Some((node.kind.change)(&one.path)) == step.change);
    let fields: Vec<_> = fields
        .map(|one| PlannedAction { field: Some(one.path.clone()), from: clean(&one.have), to: clean(&one.want), ..whole.clone() })
        .collect();
    if fields.is_empty() { vec![whole] } else { fields }
}

/// How a cause shows: work goes on, or nothing moves without a person.
pub fn progress(conditions: &mut Conditions<'_>, cause: Option<&Cause>, stalled_after_seconds: i64) {
    let Some(cause) = cause else { return };
    let stalled = match patience(cause.reason) {
        Patience::None => true,
        Patience::Some => conditions.seconds_as(types::RECONCILING, cause.reason) >= stalled_after_seconds || conditions.seconds_as(types::STALLED, cause.reason) > 0,
        Patience::Endless => false,
    };
    let type_ = if stalled { types::STALLED } else { types::RECONCILING };
    conditions.set(type_, Some(true), cause.reason, cause.message.clone());
}

enum Patience {
    None,
    Some,
    Endless,
}

/// Roles take minutes to spread and a workspace may come in the same apply: such causes count as work for a while.
fn patience(reason: &str) -> Patience {
    use reasons as r;
    match reason {
        r::INVALID_SPEC | r::ADOPTION_REFUSED | r::SERVICE_NAME_TAKEN | r::ADDRESS_OVERLAP | r::APPROVAL_REQUIRED | r::SUSPENDED
        | r::REGION_MISMATCH | r::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP | r::VIRTUAL_NETWORK_DIFFERS
        | r::SUBNET_IN_USE_BY_OTHER | r::CONDA_FILE_INVALID | r::MODEL_UNREADABLE | r::SCORING_SCRIPT_CRASHED
        | r::IMAGE_BUILD_FAILED | r::QUOTA_EXCEEDED | r::ADDRESS_OUTSIDE_SUBNET | r::ADDRESS_NOT_ALLOWED | r::AZURE_REFUSED => Patience::None,
        r::PROGRESSING | r::CREATING | r::UPDATING | r::BUILDING | r::DELETING | r::BUSY | r::THROTTLED | r::AZURE_UNREACHABLE
        | r::WAITING_FOR_SUBNET | r::SUBNET_NOT_READY | r::REGION_CAPACITY | r::PROBE_FAILED | r::SUBNET_IN_USE
        | r::SERVICE_ASSOCIATION_LINK => Patience::Endless,
        _ => Patience::Some,
    }
}

/// `CredentialsValid`.
pub fn credentials(conditions: &mut Conditions<'_>, identity: &Identity) {
    match identity {
        Identity::Unasked => conditions.keep(types::CREDENTIALS_VALID),
        Identity::Valid => conditions.set(types::CREDENTIALS_VALID, Some(true), reasons::TOKEN_ACCEPTED, "Azure accepted the token of this namespace's identity"),
        Identity::Refused(failure) => conditions.set(types::CREDENTIALS_VALID, Some(false), failure.reason, failure.message.clone()),
    }
}

/// `DriftDetected`.
pub fn drift_condition(conditions: &mut Conditions<'_>, drift: &[DriftItem]) {
    let fields: Vec<String> = drift.iter().map(|one| format!("{} {}", one.resource, one.field).trim_end().to_owned()).collect();
    match fields.as_slice() {
        [] => conditions.set(types::DRIFT_DETECTED, Some(false), reasons::IN_SYNC, "Azure equals the spec"),
        _ => conditions.set(types::DRIFT_DETECTED, Some(true), reasons::DRIFTED, scrub::clean(&format!("Azure differs in {}", fields.join(", ")))),
    }
}

/// One event for all the writes of a pass, in the words of what was done.
pub fn write_events(pass: &Pass<'_>, done: Option<&Done>, had_settled: bool) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (at, _) in successes(done) {
        let (Some(node), Some(step)) = (pass.blueprint.nodes.get(at), pass.plan.steps.get(at)) else { continue };
        let (reason, action, what) = written(node, step, had_settled);
        match events.iter_mut().find(|event| event.reason == reason) {
            Some(event) => event.message = scrub::clean(&format!("{}, {what}", event.message)),
            None => events.push(Event { warning: reason == "Replacing", reason, action, message: scrub::clean(&what) }),
        }
    }
    events
}

fn written(node: &Node, step: &Step, had_settled: bool) -> (&'static str, &'static str, String) {
    let fields = step.differences().iter().map(|one| one.path.as_str()).collect::<Vec<_>>().join(", ");
    match (&step.action, &step.seen) {
        (Action::Write(Request::Delete { successor: Some(_), .. }), _) => {
            ("Replacing", "Replace", format!("deleting {} to create it again: {fields} can't be changed in place", node.label()))
        }
        (Action::Write(Request::Delete { .. }), Seen::Failed { .. }) if node.goal == Goal::Present => {
            ("Retrying", "Replace", format!("deleting the failed {} to create it again", node.label()))
        }
        (Action::Write(Request::Delete { .. }), _) => ("Deleting", "Delete", format!("deleting {}", node.label())),
        (_, Seen::Absent) if had_settled => ("DriftCorrected", "Correct", format!("{} was gone from Azure; creating it again", node.label())),
        (_, Seen::Absent) => ("Creating", "Create", format!("creating {}", node.label())),
        _ if had_settled => ("DriftCorrected", "Correct", format!("{} differed in {fields}; putting it back", node.label())),
        _ => ("Updating", "Update", format!("updating {}: {fields}", node.label())),
    }
}

/// When to look again, from what the pass did and met.
pub fn next(pass: &Pass<'_>, done: Option<&Done>, cause: Option<&Cause>, sweep: Duration) -> Next {
    if let Some((_, failure)) = failures(done).next() {
        return Next::Retry(failure.retry);
    }
    let running = successes(done).filter_map(|(_, progress)| match progress {
        Progress::Running(after) => after,
        Progress::Carried => None,
    });
    if let Some(after) = running.min() {
        return Next::Retry(Retry::After(after));
    }
    let moves = |step: &Step| matches!(step.action, Action::Write(_) | Action::Wait | Action::Hold(Held::Turn));
    if pass.plan.steps.iter().any(moves) || pass.blueprint.incomplete {
        return Next::Retry(Retry::Soon);
    }
    cause.map_or(Next::Sweep(sweep), |cause| Next::Retry(cause.retry))
}

/// The event of a transition of `Ready`.
pub fn ready_event(last: Option<&str>, now: &str, ready: bool, message: &str) -> Option<Event> {
    let quiet = [reasons::PROGRESSING, reasons::DELETING];
    (last != Some(now) && !quiet.contains(&now)).then(|| Event {
        warning: !ready,
        reason: reason_word(now),
        action: "Reconcile",
        message: scrub::clean(message),
    })
}

fn reason_word(reason: &str) -> &'static str {
    reasons::ALL.iter().map(|(word, _)| *word).find(|word| *word == reason).unwrap_or(reasons::PROGRESSING)
}
