//! What to say: the parts of the report that both kinds share.

use crate::{
    blueprint::{Goal, Node},
    conditions::{Conditions, find},
    drift::{Difference, shown},
    events::{blocked_event, orphaned_event, write_events},
    failure::{Cause, Failure},
    fit,
    observed::SignIn,
    outcome::{Event, Next, Reconcile},
    owner::{CONTENT_TAG, content_digest},
    patience::{lasted, passes_while_deleting, progress},
    plan::{Action, Held, Progress, Request, Step},
    resources::resources,
    retry::Retry,
    scrub,
    seen::{FOREIGN, Seen},
    subject::Subject,
};
use acivnet_api::{
    DeletionPolicy, DriftItem, DriftMode, Origin, PlanStatus, PlannedAction, ResourceStatus,
    conditions::{reasons, types},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;
use std::time::Duration;

/// The first cause that keeps the object from being as wanted, the root before its consequences.
pub fn root_cause(reconcile: &Reconcile<'_>) -> Option<Cause> {
    let Reconcile { observed, plan, .. } = reconcile;
    let refused = match &observed.identity {
        SignIn::Refused(failure) => Some(Cause::from(failure)),
        SignIn::Unasked | SignIn::Valid => None,
    };
    refused
        .or_else(|| plan.blocked.clone())
        .or_else(|| plan.failures().next().map(|(_, failure)| Cause::from(failure)))
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

/// `status.drift`: differences of what had settled; the last ones while not all could be read.
pub fn drift(reconcile: &Reconcile<'_>, mode: DriftMode, drifts: bool, last: &[DriftItem]) -> Vec<DriftItem> {
    let wanted = reconcile.plan.steps.iter().filter(|step| step.node.goal == Goal::Present);
    match mode {
        DriftMode::Ignore => Vec::new(),
        DriftMode::Correct | DriftMode::Detect if !compared(reconcile) => last.to_vec(),
        DriftMode::Correct | DriftMode::Detect if !drifts => Vec::new(),
        DriftMode::Correct | DriftMode::Detect => fit::drift(wanted.flat_map(items).collect()),
    }
}

/// Whether all that should stand was read.
fn compared(reconcile: &Reconcile<'_>) -> bool {
    let unread = |step: &Step| matches!(step.seen, Seen::Unread(_));
    !reconcile.plan.steps.is_empty() && !reconcile.plan.steps.iter().any(unread)
}

fn items(step: &Step) -> Vec<DriftItem> {
    let node = &step.node;
    let item = |field: &str, want: String, have: String| DriftItem {
        resource: fit::label(node.label()),
        field: fit::value(field),
        want: fit::value(want),
        have: fit::value(have),
    };
    match &step.seen {
        Seen::Absent => vec![item("", "present".into(), "absent".into())],
        _ => {
            let item = |one: &Difference| {
                item(&one.path, azure_value(&one.path, &one.want), azure_value(&one.path, &one.have))
            };
            step.differences().iter().map(item).collect()
        }
    }
}

/// A field of a node as the spec calls it, and its values as the spec writes them.
pub type SpecField = fn(&Node, &str, &Value) -> (String, String);

/// `status.plan`: the steps that wait for a person or a setting, and what is deleted to be created again.
pub fn plan_status(reconcile: &Reconcile<'_>, mode: DriftMode, field: SpecField) -> Option<PlanStatus> {
    let told = mode != DriftMode::Ignore;
    let set = reconcile.plan.holds(&Held::Suspended) || told && reconcile.plan.holds(&Held::DriftMode);
    let waits = |step: &&Step| match &step.action {
        Action::Hold(Held::Approval | Held::Suspended) => true,
        Action::Hold(Held::DriftMode) => told,
        Action::Hold(Held::Needs) => set,
        _ => step.replaces() && step.writes(),
    };
    let steps: Vec<&Step> = reconcile.plan.steps.iter().filter(waits).collect();
    let destructive = |step: &&Step| step.action == Action::Hold(Held::Approval) || step.writes();
    let hash = reconcile.plan.hash.clone().filter(|_| steps.iter().any(destructive));
    let actions: Vec<PlannedAction> = steps.iter().flat_map(|step| planned(step, field)).collect();
    (!actions.is_empty()).then(|| PlanStatus { hash, actions: fit::actions(actions) })
}

fn planned(step: &Step, field: SpecField) -> Vec<PlannedAction> {
    let node = &step.node;
    let action = match (node.goal, &step.seen, step.replaces()) {
        (Goal::Gone, ..) => "Delete",
        (_, Seen::Absent, _) => "Create",
        (.., true) => "Replace",
        _ => "Update",
    };
    let whole =
        PlannedAction { action: action.into(), resource: fit::label(node.label()), field: None, from: None, to: None };
    let differs = step.differences().iter();
    let differs = differs.filter(|one| !step.replaces() || Some(node.change(&one.path)) == step.change);
    let fields = differs.map(|one| {
        let (name, from) = field(node, &one.path, &one.have);
        let (_, to) = field(node, &one.path, &one.want);
        PlannedAction {
            field: Some(fit::value(name)),
            from: Some(fit::value(from)),
            to: Some(fit::value(to)),
            ..whole.clone()
        }
    });
    let fields: Vec<_> = fields.collect();
    if fields.is_empty() { vec![whole] } else { fields }
}

/// A field by its path in the Azure body.
pub fn azure_field(_node: &Node, path: &str, value: &Value) -> (String, String) {
    (path.to_owned(), azure_value(path, value))
}

/// The value of a field as a person reads it. The salt of a content tag is left out.
fn azure_value(path: &str, value: &Value) -> String {
    let mut text = shown(value);
    if path.strip_prefix("kvTags.") == Some(CONTENT_TAG) {
        text = content_digest(&text).to_owned();
    }
    scrub::clean(&text)
}

/// Status, reason and message of `Ready`; none when the last one stands.
pub type Ready = Option<(Option<bool>, &'static str, String)>;

/// What `Ready` says while Azure can't be seen: what was ready counts as such for a while, and is not known then. None
/// when it was not ready: the cause tells.
pub fn ready_unseen(last: &[Condition], conditions: &Conditions<'_>, cause: &Cause, patience: i64) -> Option<Ready> {
    let known = find(last, types::READY)?;
    let was_ready = known.status == "True";
    let unknown = known.status == "Unknown" && known.reason != reasons::PROGRESSING;
    let message = format!("nothing is known at the moment: {}", cause.message);
    let now = (None, cause.reason, message);
    (was_ready || unknown).then(|| (unknown || lasted(conditions, cause.reason) >= patience).then_some(now))
}

/// `Ready`, and which generation it speaks of: what is ready as it stands while a change of it is under way, waits or is refused
/// is ready for the generation that had settled, so that whoever waits for the new one waits on. Before anything settled
/// there is no other generation to speak of.
pub fn ready_of(conditions: &mut Conditions<'_>, ready: &Ready, settled: Option<i64>) {
    match ready {
        None => conditions.keep(types::READY),
        Some((met, reason, message)) => conditions.set(types::READY, *met, reason, message.clone()),
    }
    if let (true, Some(settled)) = (conditions.says(types::READY), settled) {
        conditions.speaks_of(types::READY, settled);
    }
}

/// `CredentialsValid`.
pub fn credentials(conditions: &mut Conditions<'_>, identity: &SignIn) {
    match identity {
        SignIn::Unasked => conditions.keep(types::CREDENTIALS_VALID),
        SignIn::Valid => conditions.set(
            types::CREDENTIALS_VALID,
            Some(true),
            reasons::TOKEN_ACCEPTED,
            "Azure accepted the token of this namespace's identity",
        ),
        SignIn::Refused(failure) => {
            conditions.set(types::CREDENTIALS_VALID, Some(false), failure.reason, failure.message.clone())
        }
    }
}

/// `DriftDetected`.
pub fn drift_condition(
    conditions: &mut Conditions<'_>,
    reconcile: &Reconcile<'_>,
    mode: DriftMode,
    drift: &[DriftItem],
) {
    let fields = drift.iter().map(|one| format!("{} {}", one.resource, one.field).trim_end().to_owned());
    let fields: Vec<String> = fields.collect();
    let message = if reconcile.plan.settled() { "Azure equals the spec" } else { "the spec is being carried out" };
    match mode {
        DriftMode::Ignore => {}
        _ if !compared(reconcile) => conditions.keep_or_unknown(types::DRIFT_DETECTED, "not compared yet"),
        _ if drift.is_empty() => conditions.set(types::DRIFT_DETECTED, Some(false), reasons::IN_SYNC, message),
        _ => {
            let message = scrub::list("Azure differs in ", &fields, "");
            conditions.set(types::DRIFT_DETECTED, Some(true), reasons::DRIFTED, message);
        }
    }
}

/// What is said of an object that is being deleted.
pub struct DeletionReport {
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// The events.
    pub events: Vec<Event>,
    /// When to look again.
    pub next: Next,
    /// The finalizer may go: nothing of ours is left, and that is proven.
    pub release: bool,
}

/// Conditions and events of a deletion. `going` tells what is under way when nothing holds it.
pub fn deletion_report<S: Subject>(
    subject: &S,
    reconcile: &Reconcile<'_>,
    last: &[Condition],
    mut conditions: Conditions<'_>,
    going: &str,
) -> DeletionReport {
    let after = reconcile.observed.settings.stalled_after_seconds;
    let cause = root_cause(reconcile);
    let proven = reconcile.plan.settled() && !reconcile.plan.incomplete && cause.is_none();
    conditions.set(types::READY, Some(false), reasons::DELETING, "being deleted");
    let blocks = |cause: &&Cause| {
        let known = find(last, types::DELETION_BLOCKED).is_some_and(|was| was.reason == cause.reason);
        known || !passes_while_deleting(cause.reason) || lasted(&conditions, cause.reason) >= after
    };
    let blocking = cause.as_ref().filter(blocks);
    if let Some(cause) = blocking {
        conditions.set(types::DELETION_BLOCKED, Some(true), cause.reason, cause.message.clone());
    }
    let given_up = blocking.is_some() && is_given_up(subject, reconcile.now);
    let release = proven || given_up;
    let next = if release { Next::Never } else { next(reconcile, cause.as_ref(), Duration::from_secs(60)) };
    let open = cause.unwrap_or_else(|| Cause::passing(reasons::DELETING, going));
    progress(&mut conditions, Some(&open), after);
    let conditions = conditions.build();
    let mut events = write_events(reconcile, false);
    events.extend(blocked_event(last, &conditions));
    events.extend(release.then(|| leftovers_event(subject, reconcile, given_up)).flatten());
    DeletionReport { conditions, events, next, release }
}

/// Whether something has held the deletion for so long that the object goes all the same.
fn is_given_up<S: Subject>(subject: &S, now: Timestamp) -> bool {
    let asked = subject.meta().deletion_timestamp.as_ref().map(|time| time.0);
    let after = subject.policy().deletion.and_then(|deletion| deletion.orphan_after_seconds);
    asked.zip(after).is_some_and(|(asked, after)| now.as_second() - asked.as_second() >= i64::from(after))
}

/// What an object that goes tells of what stays.
fn leftovers_event<S: Subject>(subject: &S, reconcile: &Reconcile<'_>, given_up: bool) -> Option<Event> {
    let known = resources(reconcile, subject.recorded());
    let known = || known.iter().filter(|one| one.origin != Some(Origin::Referenced));
    let anothers = |one: &&ResourceStatus| one.state.as_deref() == Some(FOREIGN);
    let adopted = |one: &&ResourceStatus| one.origin == Some(Origin::Adopted) && subject.retains_adopted();
    let all = |warning, why: &str| orphaned_event(&known().collect::<Vec<_>>(), warning, why);
    match subject.policy().deletion.and_then(|deletion| deletion.policy).unwrap_or_default() {
        _ if given_up => all(true, "deletion.orphanAfterSeconds is over"),
        DeletionPolicy::Orphan => all(false, "deletion.policy is Orphan"),
        DeletionPolicy::Delete => {
            let stays: Vec<_> = known().filter(|one| anothers(one) || adopted(one)).collect();
            let taken = stays.iter().any(anothers);
            let why = if taken { "the mark of another is on some of it" } else { "adopted resources are retained" };
            orphaned_event(&stays, taken, why)
        }
    }
}

/// When to look again, from what was done and met: first of all what failed and passes by itself, then what goes on. What
/// somebody has to act on comes last, since it keeps nothing else from going on.
pub fn next(reconcile: &Reconcile<'_>, cause: Option<&Cause>, sweep: Duration) -> Next {
    let plan = reconcile.plan;
    let soonest = |some: &dyn Fn(&Failure) -> bool| {
        let some = plan.failures().map(|(_, failure)| failure).filter(|one| some(one));
        some.map(|failure| failure.retry).min_by_key(|retry| retry.delay(u32::MAX, 0.5))
    };
    if let Some(retry) = soonest(&|one| !one.needs_somebody()) {
        return Next::Retry(retry);
    }
    if let Some(after) = plan.successes().filter_map(|(step, progress)| wait(step, progress)).min() {
        return Next::Retry(Retry::After(after));
    }
    if plan.steps.iter().any(goes_on) || plan.incomplete {
        return Next::Retry(Retry::Soon);
    }
    let refused = soonest(&Failure::needs_somebody).or(cause.map(|cause| cause.retry));
    refused.map_or(Next::Sweep(sweep), Next::Retry)
}

/// Whether it is under way, or comes next. A write that was refused is neither.
fn goes_on(step: &Step) -> bool {
    step.moves() && step.failure().is_none()
}

/// How long a write that Azure took wants to be left alone. A PUT over what had failed waits a minute at least, so that
/// what fails each time is no loop.
fn wait(step: &Step, progress: Progress) -> Option<Duration> {
    let put = matches!(step.action, Action::Write(Request::Put { .. }));
    let failed = matches!(step.seen, Seen::Failed { .. });
    let least = Some(Duration::from_secs(60)).filter(|_| put && failed);
    let asked = match progress {
        Progress::Running(after) => after,
        Progress::Carried => None,
    };
    asked.max(least)
}
