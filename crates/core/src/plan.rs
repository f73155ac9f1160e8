//! THE decision: what to do about every node, in the order of the list.

use crate::{
    blueprint::{Blueprint, Goal, Hold, Node},
    drift::{Difference, differences},
    failure::{Cause, Failure},
    id,
    kind::{Adoptable, Change, OnFailure, Phase},
    observed::{Fact, Observed},
    owner::{Says, sha256_hex},
    request::{etag, recorded_keys, write},
    scrub,
};
use acivnet_api::{Origin, ResourceStatus, conditions::reasons};
use serde_json::Value;

pub use crate::request::{Request, Successor, digest, digest_with_keys};

/// What one read told about one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Nothing is known.
    Unread(Failure),
    /// It is proven that it is not there.
    Absent,
    /// It is there and not ours; the text names whose, if its mark does.
    Foreign(Option<String>),
    /// An operation on it is running.
    Busy,
    /// The last operation on it failed.
    Failed {
        /// Azure's words: the state, and the reason where it is known.
        why: String,
        /// What differs besides.
        differs: Vec<Difference>,
    },
    /// It stands and differs.
    Drifted(Vec<Difference>),
    /// It stands as described.
    Settled,
}

impl Seen {
    /// What differs.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Drifted(differs) | Self::Failed { differs, .. } => differs,
            Self::Unread(_) | Self::Absent | Self::Foreign(_) | Self::Busy | Self::Settled => &[],
        }
    }

    /// The word for `status.resources[].state`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unread(_) => "Unread",
            Self::Absent => ABSENT,
            Self::Foreign(_) => FOREIGN,
            Self::Busy => "Busy",
            Self::Failed { .. } => "Failed",
            Self::Drifted(_) => "Drifted",
            Self::Settled => "Settled",
        }
    }
}

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
    /// Write.
    Write(Request),
    /// Look again soon: an operation is running.
    Wait,
    /// Leave it.
    Hold(Held),
    /// It is where it should be.
    Keep,
}

/// The decision on one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Place of the node.
    pub node: usize,
    /// What was seen of it.
    pub seen: Seen,
    /// What to do.
    pub action: Action,
    /// The most costly change among the differences, if it is about a change of what stands.
    pub change: Option<Change>,
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

    /// Whether it writes.
    pub fn writes(&self) -> bool {
        matches!(self.action, Action::Write(_))
    }

    /// Whether it is under way, or comes next: what merely waits for others does not count.
    pub fn moves(&self) -> bool {
        matches!(self.action, Action::Write(_) | Action::Wait | Action::Hold(Held::Turn))
    }

    /// Why it stays undone until somebody does something about it, if so: it was refused in this pass, as `done` tells, or
    /// in an earlier one, or is not tried at all.
    pub fn refusal(&self, done: Option<&Done>) -> Option<Cause> {
        let failed = done.into_iter().flat_map(|done| &done.results).find(|(at, _)| *at == self.node);
        let cause = match (&self.action, failed) {
            (_, Some((_, Err(failure)))) => Some(Cause::from(failure)),
            (Action::Hold(Held::Refused(cause)), _) => Some(cause.clone()),
            _ => None,
        };
        cause.filter(Cause::needs_somebody)
    }
}

/// The decision on all nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// One step for each node, in the same order.
    pub steps: Vec<Step>,
    /// Hash of the destructive steps, if there are any.
    pub hash: Option<String>,
}

impl Plan {
    /// The steps that write.
    pub fn writes(&self) -> impl Iterator<Item = (usize, &Request)> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Write(request) => Some((step.node, request)),
            _ => None,
        })
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

/// Decides. `recorded` is `status.resources`.
pub fn plan(blueprint: &Blueprint, observed: &Observed, recorded: &[ResourceStatus], limits: &Limits) -> Plan {
    let seen: Vec<Seen> = blueprint.nodes.iter().map(|node| look(node, observed, recorded)).collect();
    let there = |at: &usize| match (blueprint.nodes.get(*at), seen.get(*at)) {
        (Some(node), Some(seen)) => satisfied(node, seen),
        _ => false,
    };
    let mut steps: Vec<Step> = blueprint
        .nodes
        .iter()
        .zip(&seen)
        .enumerate()
        .map(|(at, (node, seen))| step(at, node, seen, node.needs.iter().all(there), observed, recorded))
        .collect();
    let hash = destructive_hash(&steps, &blueprint.nodes, observed, &limits.identity);
    for step in &mut steps {
        limit(step, blueprint, limits, hash.as_deref());
        hold_refused(step, &blueprint.nodes, observed);
    }
    one_writer_per_network(&mut steps, &blueprint.nodes);
    Plan { steps, hash }
}

fn satisfied(node: &Node, seen: &Seen) -> bool {
    match (node.goal, seen) {
        (Goal::Present, Seen::Settled) | (Goal::Gone, Seen::Absent | Seen::Foreign(_)) => true,
        (Goal::Gone, _) => node.hold == Hold::Referenced || node.retained,
        (Goal::Present, _) => false,
    }
}

/// What was read of a node, judged.
pub fn look(node: &Node, observed: &Observed, recorded: &[ResourceStatus]) -> Seen {
    match observed.azure(node.kind, &node.id) {
        Fact::Unread(failure) => Seen::Unread(failure),
        Fact::Absent => Seen::Absent,
        Fact::Present(body) => judge(node, &body, observed, recorded),
    }
}

fn judge(node: &Node, body: &Value, observed: &Observed, recorded: &[ResourceStatus]) -> Seen {
    if node.hold == Hold::Owned && !is_ours(node, body, recorded) {
        return match node.mark.on(body) {
            Says::Theirs(owner) => Seen::Foreign(Some(owner)),
            Says::Ours | Says::Nothing => Seen::Foreign(None),
        };
    }
    let differs = match node.goal {
        Goal::Present => differences_of(node, body, recorded),
        Goal::Gone => Vec::new(),
    };
    match (node.kind.phase)(body) {
        Phase::Busy => Seen::Busy,
        Phase::Failed(_) if (node.kind.still_runs)(body) && !differs.is_empty() => Seen::Drifted(differs),
        Phase::Failed(state) => Seen::Failed { why: with_reason(state, node, observed), differs },
        Phase::Settled if differs.is_empty() => Seen::Settled,
        Phase::Settled => Seen::Drifted(differs),
    }
}

/// A failed state, and Azure's reason where it is known.
fn with_reason(state: String, node: &Node, observed: &Observed) -> String {
    match observed.failure_reason(&node.id) {
        Some(cause) => format!("{state}: {}", cause.message),
        None => state,
    }
}

/// Whether what stands is ours: its mark names us, or it has none and a read had shown our mark on it before, or it is
/// adopted.
pub fn is_ours(node: &Node, body: &Value, recorded: &[ResourceStatus]) -> bool {
    match node.mark.on(body) {
        Says::Ours => true,
        Says::Theirs(_) => node.adopted,
        Says::Nothing => node.adopted || was_created(record_of(node, recorded)),
    }
}

/// What `status.resources` says of what is proven not to be there.
pub(crate) const ABSENT: &str = "Absent";

/// What it says of what carries another's mark.
pub(crate) const FOREIGN: &str = "Foreign";

/// Whether a read had shown our mark of creation, and none had shown since that it was gone: what stands then without our
/// mark was made by others.
pub(crate) fn was_created(record: Option<&ResourceStatus>) -> bool {
    record.is_some_and(|one| one.origin == Some(Origin::Created) && one.state.as_deref() != Some(ABSENT))
}

fn differences_of(node: &Node, body: &Value, recorded: &[ResourceStatus]) -> Vec<Difference> {
    differences(&node.body, &(node.kind.normalise)(body), &node.rules(), recorded_keys(node, recorded))
}

/// The record of a node in `status.resources`.
pub fn record_of<'r>(node: &Node, recorded: &'r [ResourceStatus]) -> Option<&'r ResourceStatus> {
    recorded.iter().find(|record| record.kind == node.kind.name && id::same(&record.id, node.id.as_str()))
}

fn step(at: usize, node: &Node, seen: &Seen, clear: bool, observed: &Observed, recorded: &[ResourceStatus]) -> Step {
    let change = match seen {
        Seen::Drifted(_) | Seen::Failed { .. } => seen.differences().iter().map(|one| node.change(&one.path)).max(),
        _ => None,
    };
    let action = match (node.goal, node.hold) {
        (Goal::Present, Hold::Owned) => {
            present(node, seen, clear, change, || write(node, seen, change, observed, recorded))
        }
        (Goal::Present, Hold::Referenced) => referenced(node, seen),
        (Goal::Gone, Hold::Owned) if node.retained => Action::Keep,
        (Goal::Gone, Hold::Owned) => gone(node, seen, clear, observed),
        (Goal::Gone, Hold::Referenced) => Action::Keep,
    };
    Step { node: at, seen: seen.clone(), action, change }
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

/// Why what is referenced can't serve as it stands. Nothing is written to it, so people have to.
fn not_as_referenced(node: &Node, seen: &Seen) -> Cause {
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

/// Covers who asks, what would be deleted (by its time of creation, so that an approval does not outlive it) and why.
fn destructive_hash(steps: &[Step], nodes: &[Node], observed: &Observed, identity: &str) -> Option<String> {
    let replaced = steps.iter().filter(|step| step.replaces()).filter_map(|step| Some((step, nodes.get(step.node)?)));
    let lines: Vec<String> = replaced.flat_map(|(step, node)| destructive_lines(step, node, observed)).collect();
    let hash = sha256_hex(&[identity.as_bytes(), lines.join("\n").as_bytes()]);
    (!lines.is_empty()).then(|| hash.get(..12).unwrap_or_default().to_owned())
}

fn destructive_lines(step: &Step, node: &Node, observed: &Observed) -> Vec<String> {
    let created = observed.azure_body(node.kind, &node.id).and_then(|body| body.get("createdTime")?.as_str());
    let created = created.unwrap_or_default();
    let costly = step.differences().iter().filter(|one| node.change(&one.path) == Change::Replace);
    costly.map(|one| format!("{} {created} {} {}", node.id.folded(), one.path, one.want)).collect()
}

/// Turns a step into a hold where blueprint, suspend, drift mode or approval say so; the report still sees it.
fn limit(step: &mut Step, blueprint: &Blueprint, limits: &Limits, hash: Option<&str>) {
    if !matches!(step.action, Action::Write(_)) {
        return;
    }
    let approved = |hashes: &Vec<String>| hash.is_some_and(|hash| hashes.iter().any(|one| one == hash));
    let held = if let Some(cause) = &blueprint.blocked {
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
fn hold_refused(step: &mut Step, nodes: &[Node], observed: &Observed) {
    let (Action::Write(request), Some(node)) = (&step.action, nodes.get(step.node)) else { return };
    if observed.refusals.is_empty() {
        return;
    }
    let write = digest_with_keys(node, request, observed);
    if let Some(refusal) = observed.refusals.iter().find(|one| one.write == write) {
        step.action = Action::Hold(Held::Refused(refusal.cause.clone()));
    }
}

/// Azure serialises writes in one virtual network: the first goes, and none while one runs.
fn one_writer_per_network(steps: &mut [Step], nodes: &[Node]) {
    let mut taken: Vec<_> = steps
        .iter()
        .filter(|step| step.action == Action::Wait)
        .filter_map(|step| nodes.get(step.node).and_then(Node::network))
        .collect();
    for step in steps.iter_mut().filter(|step| matches!(step.action, Action::Write(_))) {
        match nodes.get(step.node).and_then(Node::network) {
            Some(id) if taken.contains(&id) => step.action = Action::Hold(Held::Turn),
            Some(id) => taken.push(id),
            None => {}
        }
    }
}

/// What became of the writes of one pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// By place of the node.
    pub results: Vec<(usize, Result<Progress, Failure>)>,
}

/// How far a write got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Azure answered that it is carried out.
    Carried,
    /// Azure answered that the work goes on; it said when to look, if it did.
    Running(Option<std::time::Duration>),
}
