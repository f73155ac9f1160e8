//! THE decision: what to do about every node, in the order of the list.

use crate::{
    blueprint::{Blueprint, Goal, Hold, Node},
    drift::Difference,
    failure::{Cause, Failure},
    id::ResourceId,
    kind::{Change, OnFailure, Plane},
    observed::Observed,
    owner::sha256_hex,
    refusal::{adoption_refused, not_as_referenced},
    request::{etag, write},
    seen::{Seen, look},
};
use acivnet_api::ResourceStatus;
use std::time::Duration;

pub use crate::request::{Request, Successor, digest, digest_with_keys};

/// Why a node is left as it is although it is not where it should be.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// It could not be read.
    Unread(Failure),
    /// Something it needs is not where it should be yet.
    Needs,
    /// Another write in the same virtual network comes first.
    Turn,
    /// It must not be written, for this cause.
    Refused(Cause),
    /// It broke, and trying again with the same content is not due.
    Broken(String),
    /// It drifted, and the drift mode says not to correct.
    DriftMode,
    /// `suspend: true`.
    Suspended,
    /// It would be deleted and created, and nobody has approved that.
    Approval,
}

/// What to do about one node.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this to Azure.
    Write(Request),
    /// Look again soon: an operation is running.
    Wait,
    /// Leave it as it is, for this reason.
    Hold(Held),
    /// It is where it should be.
    Keep,
}

/// How far a write got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Azure answered that it is carried out.
    Carried,
    /// Azure answered that the work goes on; it said when to look, if it did.
    Running(Option<Duration>),
}

/// The decision on one node and, once that was carried out, what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is about.
    pub node: Node,
    /// What was seen of it.
    pub seen: Seen,
    /// What to do.
    pub action: Action,
    /// The most costly change among the differences, if it is about a change of what stands.
    pub change: Option<Change>,
    /// What Azure answered to the write. None before it is sent, and where nothing is written.
    pub result: Option<Result<Progress, Failure>>,
}

impl Step {
    /// The differences that the step is about.
    pub fn differences(&self) -> &[Difference] {
        self.seen.differences()
    }

    /// Whether carrying it out deletes and creates what runs.
    pub fn replaces(&self) -> bool {
        self.change == Some(Change::Replace) && matches!(self.seen, Seen::Drifted(_))
    }

    /// The write, if it is one.
    pub fn request(&self) -> Option<&Request> {
        match &self.action {
            Action::Write(request) => Some(request),
            Action::Wait | Action::Hold(_) | Action::Keep => None,
        }
    }

    /// Whether it writes.
    pub fn writes(&self) -> bool {
        self.request().is_some()
    }

    /// How far the write got, if Azure took it.
    pub fn progress(&self) -> Option<Progress> {
        self.result.as_ref()?.as_ref().ok().copied()
    }

    /// Why the write failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.result.as_ref()?.as_ref().err()
    }

    /// Whether it is under way, or comes next: what merely waits for others does not count.
    pub fn moves(&self) -> bool {
        matches!(self.action, Action::Write(_) | Action::Wait | Action::Hold(Held::Turn))
    }

    /// Why it stays undone until somebody does something about it, if so: it was refused just now or in an earlier
    /// reconcile, or is not tried at all.
    pub fn refusal(&self) -> Option<Cause> {
        let cause = match (self.failure(), &self.action) {
            (Some(failure), _) => Some(Cause::from(failure)),
            (None, Action::Hold(Held::Refused(cause))) => Some(cause.clone()),
            (None, _) => None,
        };
        cause.filter(Cause::needs_somebody)
    }

    /// Whether it is held because Azure refused it in an earlier reconcile.
    pub fn was_refused(&self, observed: &Observed) -> bool {
        let refused = |cause: &Cause| observed.refusals.iter().any(|one| one.cause == *cause);
        matches!(&self.action, Action::Hold(Held::Refused(cause)) if refused(cause))
    }
}

/// The decision on all nodes: all that act and the report know of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// One step for each node of the blueprint, in its order.
    pub steps: Vec<Step>,
    /// Hash of the destructive steps, if there are any: 12 hex digits.
    pub hash: Option<String>,
    /// Why nothing at all may be written, if so.
    pub blocked: Option<Cause>,
    /// A read without which not everything could be described failed, or is still to be asked.
    pub incomplete: bool,
}

impl Plan {
    /// The steps that write, with what they write.
    pub fn writes(&self) -> impl Iterator<Item = (&Step, &Request)> {
        self.steps.iter().filter_map(|step| Some((step, step.request()?)))
    }

    /// How many writes to Resource Manager are left: those that are due, and those that wait for others.
    pub fn writes_to_come(&self) -> u32 {
        let to_come = |step: &&Step| {
            step.node.kind.plane == Plane::Arm
                && (step.writes() || matches!(step.action, Action::Hold(Held::Needs | Held::Turn)))
        };
        self.steps.iter().filter(to_come).map(|_| 1).sum()
    }

    /// The writes that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&Step, &Failure)> {
        self.steps.iter().filter_map(|step| Some((step, step.failure()?)))
    }

    /// The writes that Azure took, and how far they got.
    pub fn successes(&self) -> impl Iterator<Item = (&Step, Progress)> {
        self.steps.iter().filter_map(|step| Some((step, step.progress()?)))
    }

    /// Whether something is under way, or comes next: what merely waits for others does not count.
    pub fn moves(&self) -> bool {
        self.steps.iter().any(Step::moves)
    }

    /// Whether a step is held like this.
    pub fn holds(&self, held: &Held) -> bool {
        self.steps.iter().any(|step| matches!(&step.action, Action::Hold(one) if one == held))
    }

    /// Whether every node is where it should be.
    pub fn settled(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Keep)
    }
}

/// What the plan may do, from the spec and the status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// `suspend: true`, and the object stays.
    pub suspended: bool,
    /// This generation had settled before, so that a difference is drift, and drift is not to be corrected.
    pub leave_drift: bool,
    /// Replacing waits for its hash to be among these. `None`: nothing waits.
    pub approval: Option<Vec<String>>,
    /// Uid and generation, for the hash.
    pub identity: String,
}

/// Decides what to do about every node of a blueprint. `recorded` is `status.resources`.
///
/// # Guarantees
///
/// - Pure: the same arguments give the same plan.
/// - One step per node, in the order of the blueprint, which is the order of the writes.
/// - A node that has reached its own goal is kept.
/// - A step writes only when everything its node needs has reached its own goal.
/// - Never written: what could not be read, what is referenced, and what is neither ours nor adopted.
/// - Nothing is written where the blueprint is blocked, the object suspended, its drift to be left, or a replacement not
///   approved, and nothing that Azure refused a while ago and that is not due again.
/// - At most one write per virtual network, and none while a step waits for an operation there.
///
/// # Assumptions
///
/// - `needs` name places in the blueprint's list; a node that needs a place outside of it never writes.
/// - Kind and id tell the nodes of a blueprint apart.
/// - `observed` holds what was read for this object; a question that was not asked counts as unread.
///
/// # Errors
///
/// None. What keeps a node from its goal is in its step: [`Held`] says why.
pub fn plan(blueprint: Blueprint, observed: &Observed, recorded: &[ResourceStatus], limits: &Limits) -> Plan {
    let Blueprint { nodes, blocked, incomplete } = blueprint;
    let mut steps = without_limits(nodes, observed, recorded);
    let hash = destructive_hash(&steps, observed, &limits.identity);
    for step in &mut steps {
        limit(step, blocked.as_ref(), limits, hash.as_deref());
        hold_refused(step, observed);
    }
    one_writer_per_network(&mut steps);
    Plan { steps, hash, blocked, incomplete }
}

/// One step for each node, before anything but its needs holds it. Only here `needs` are looked up.
fn without_limits(nodes: Vec<Node>, observed: &Observed, recorded: &[ResourceStatus]) -> Vec<Step> {
    let judged = nodes.into_iter().map(|node| (look(&node, observed, recorded), node));
    let judged: Vec<(Seen, Node)> = judged.collect();
    let reached: Vec<bool> = judged.iter().map(|(seen, node)| satisfied(node, seen)).collect();
    let clear = |node: &Node| node.needs.iter().all(|at| reached.get(*at) == Some(&true));
    judged.into_iter().map(|(seen, node)| step(clear(&node), node, seen, observed, recorded)).collect()
}

fn satisfied(node: &Node, seen: &Seen) -> bool {
    match (node.goal, seen) {
        (Goal::Present, Seen::Settled) | (Goal::Gone, Seen::Absent | Seen::Foreign(_)) => true,
        (Goal::Gone, _) => node.hold == Hold::Referenced || node.retained,
        (Goal::Present, _) => false,
    }
}

fn step(clear: bool, node: Node, seen: Seen, observed: &Observed, recorded: &[ResourceStatus]) -> Step {
    let change = match seen {
        Seen::Drifted(_) | Seen::Failed { .. } => seen.differences().iter().map(|one| node.change(&one.path)).max(),
        _ => None,
    };
    let action = match (node.goal, node.hold) {
        (Goal::Present, Hold::Owned) => {
            present(&node, &seen, clear, change, || write(&node, &seen, change, observed, recorded))
        }
        (Goal::Present, Hold::Referenced) => referenced(&node, &seen),
        (Goal::Gone, Hold::Owned) if node.retained => Action::Keep,
        (Goal::Gone, Hold::Owned) => gone(&node, &seen, clear, observed),
        (Goal::Gone, Hold::Referenced) => Action::Keep,
    };
    Step { node, seen, action, change, result: None }
}

fn present(
    node: &Node,
    seen: &Seen,
    clear: bool,
    change: Option<Change>,
    request: impl FnOnce() -> Option<Request>,
) -> Action {
    match (seen, clear) {
        (Seen::Unread(failure), _) => Action::Hold(Held::Unread(failure.clone())),
        (Seen::Busy, _) => Action::Wait,
        (Seen::Settled, _) => Action::Keep,
        (Seen::Foreign(_) | Seen::Failed { .. } | Seen::Drifted(_), _) if node.unfit.is_some() => refused(&node.unfit),
        (Seen::Foreign(owner), _) => Action::Hold(Held::Refused(adoption_refused(node, owner.as_deref()))),
        (Seen::Absent | Seen::Failed { .. } | Seen::Drifted(_), _) if node.blocked.is_some() => refused(&node.blocked),
        (Seen::Failed { why, .. }, _)
            if node.kind.on_failure == OnFailure::Hold && (node.retained || change.is_none() && !node.retry_due) =>
        {
            Action::Hold(Held::Broken(why.clone()))
        }
        (Seen::Absent | Seen::Failed { .. } | Seen::Drifted(_), false) => Action::Hold(Held::Needs),
        (Seen::Absent | Seen::Failed { .. } | Seen::Drifted(_), true) => {
            request().map_or(Action::Hold(Held::Needs), Action::Write)
        }
    }
}

fn refused(cause: &Option<Cause>) -> Action {
    cause.clone().map_or(Action::Keep, |cause| Action::Hold(Held::Refused(cause)))
}

fn referenced(node: &Node, seen: &Seen) -> Action {
    match seen {
        Seen::Unread(failure) => Action::Hold(Held::Unread(failure.clone())),
        Seen::Busy => Action::Wait,
        Seen::Settled => Action::Keep,
        Seen::Absent | Seen::Foreign(_) | Seen::Failed { .. } | Seen::Drifted(_) => {
            let known = node.unfit.clone().or_else(|| node.blocked.clone());
            Action::Hold(Held::Refused(known.unwrap_or_else(|| not_as_referenced(node, seen))))
        }
    }
}

fn gone(node: &Node, seen: &Seen, clear: bool, observed: &Observed) -> Action {
    match (seen, clear) {
        (Seen::Unread(failure), _) => Action::Hold(Held::Unread(failure.clone())),
        (Seen::Absent | Seen::Foreign(_), _) => Action::Keep,
        (Seen::Busy, _) => Action::Wait,
        (Seen::Failed { .. } | Seen::Drifted(_) | Seen::Settled, _) if node.blocked.is_some() => refused(&node.blocked),
        (Seen::Failed { .. } | Seen::Drifted(_) | Seen::Settled, false) => Action::Hold(Held::Needs),
        (Seen::Failed { .. } | Seen::Drifted(_) | Seen::Settled, true) => {
            let if_match = observed.azure_body(node.kind, &node.id).and_then(etag);
            Action::Write(Request::Delete { if_match, successor: None })
        }
    }
}

/// Covers who asks, what would be deleted (by its time of creation, so that an approval does not outlive it) and why.
fn destructive_hash(steps: &[Step], observed: &Observed, identity: &str) -> Option<String> {
    let replaced = steps.iter().filter(|step| step.replaces());
    let lines: Vec<String> = replaced.flat_map(|step| destructive_lines(step, observed)).collect();
    let hash = sha256_hex(&[identity.as_bytes(), lines.join("\n").as_bytes()]);
    (!lines.is_empty()).then(|| hash.get(..12).unwrap_or_default().to_owned())
}

fn destructive_lines(step: &Step, observed: &Observed) -> Vec<String> {
    let node = &step.node;
    let created = observed.azure_body(node.kind, &node.id).and_then(|body| body.get("createdTime")?.as_str());
    let created = created.unwrap_or_default();
    let costly = step.differences().iter().filter(|one| node.change(&one.path) == Change::Replace);
    costly.map(|one| format!("{} {created} {} {}", node.id.folded(), one.path, one.want)).collect()
}

/// Turns a write into a hold where blueprint, suspend, drift mode or approval say so; the report still sees it.
fn limit(step: &mut Step, blocked: Option<&Cause>, limits: &Limits, hash: Option<&str>) {
    if !step.writes() {
        return;
    }
    let approved = |hashes: &Vec<String>| hash.is_some_and(|hash| hashes.iter().any(|one| one == hash));
    let held = if let Some(cause) = blocked {
        Held::Refused(cause.clone())
    } else if limits.suspended {
        Held::Suspended
    } else if limits.leave_drift {
        Held::DriftMode
    } else if step.replaces() && limits.approval.as_ref().is_some_and(|hashes| !approved(hashes)) {
        Held::Approval
    } else {
        return;
    };
    step.action = Action::Hold(held);
}

/// A write that Azure refused a while ago is not repeated yet; all others go on.
fn hold_refused(step: &mut Step, observed: &Observed) {
    let (Some(request), false) = (step.request(), observed.refusals.is_empty()) else { return };
    let write = digest_with_keys(&step.node, request, observed);
    if let Some(refusal) = observed.refusals.iter().find(|one| one.write == write) {
        step.action = Action::Hold(Held::Refused(refusal.cause.clone()));
    }
}

/// Azure serialises writes in one virtual network: the first goes, and none while one runs.
fn one_writer_per_network(steps: &mut [Step]) {
    let waits = steps.iter().filter(|step| step.action == Action::Wait);
    let mut taken: Vec<ResourceId> = waits.filter_map(|step| step.node.network()).collect();
    for step in steps.iter_mut().filter(|step| step.writes()) {
        match step.node.network() {
            Some(id) if taken.contains(&id) => step.action = Action::Hold(Held::Turn),
            Some(id) => taken.push(id),
            None => {}
        }
    }
}
