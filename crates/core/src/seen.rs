//! What a read says about a node: whether it is ours, and whether it is as described.

use crate::{
    blueprint::{Goal, Hold, Node},
    drift::{Difference, differences},
    failure::Failure,
    id,
    kind::Phase,
    observed::{Fact, Observed},
    owner::Says,
};
use acivnet_api::{Origin, ResourceStatus};
use serde_json::Value;

/// What `status.resources` says of what is proven not to be there.
pub(crate) const ABSENT: &str = "Absent";

/// What it says of what carries another's mark.
pub(crate) const FOREIGN: &str = "Foreign";

/// What one read told about one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It could not be read: nothing is known.
    Unread(Failure),
    /// It is proven that it is not there.
    Absent,
    /// It is there and not ours; the text names whose, if its mark does.
    Foreign(Option<String>),
    /// An operation on it is running.
    Busy,
    /// The last operation on it failed.
    Failed {
        /// What Azure says of it, not yet scrubbed.
        why: String,
        /// The fields that differ besides.
        differs: Vec<Difference>,
    },
    /// It stands, and these fields differ.
    Drifted(Vec<Difference>),
    /// It stands as described.
    Settled,
}

impl Seen {
    /// The fields that differ from the node's body.
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

/// Judges what was read of a node. `recorded` is `status.resources`.
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

/// What we wrote before, as `status.resources[].keys` has it.
pub(crate) fn recorded_keys<'r>(node: &Node, recorded: &'r [ResourceStatus]) -> &'r [String] {
    record_of(node, recorded).map(|record| record.keys.as_slice()).unwrap_or_default()
}
