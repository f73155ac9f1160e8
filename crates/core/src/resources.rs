//! `status.resources`: the memory of what was made, written before it is made.

use crate::{
    blueprint::{Goal, Hold, Node},
    drift::elements,
    id::ResourceId,
    kinds::{
        network_security_group::NETWORK_SECURITY_GROUP,
        subnet::{self, SUBNET},
    },
    observed::{Fact, Observed},
    outcome::Reconcile,
    owner::{Mark, Says},
    plan::{Action, Held, Step},
    seen::{ABSENT, Seen, record_of},
};
use acivnet_api::{Origin, ResourceStatus};
use serde_json::Value;

/// What is written now or was recorded, with what was seen of it. What was only read, and is no longer, is forgotten.
pub fn resources(reconcile: &Reconcile<'_>, recorded: &[ResourceStatus]) -> Vec<ResourceStatus> {
    let steps = &reconcile.plan.steps;
    let described = |one: &ResourceStatus| {
        let same = |node: &Node| node.kind.name == one.kind && crate::id::same(node.id.as_str(), &one.id);
        steps.iter().any(|step| same(&step.node))
    };
    let forgotten = |one: &ResourceStatus| !steps.is_empty() && one.origin == Some(Origin::Referenced);
    let seen = steps.iter().filter_map(|step| resource(reconcile, step, record_of(&step.node, recorded)));
    // an id of our own making is never that long: what Azure answers with one is known by its mark alone
    let seen = seen.filter(|one| one.id.chars().count() <= ResourceStatus::LONGEST_ID);
    let others = recorded.iter().filter(|one| !described(one) && !forgotten(one)).cloned();
    seen.chain(others).collect()
}

fn resource(reconcile: &Reconcile<'_>, step: &Step, record: Option<&ResourceStatus>) -> Option<ResourceStatus> {
    let node = &step.node;
    let keep = match (node.goal, &step.seen) {
        _ if !node.kind.is_recorded => false,
        // another's mark may go again, and then this tells that it was ours
        (_, Seen::Foreign(_)) => record.is_some_and(is_proven),
        (Goal::Gone, Seen::Absent) => false,
        (_, Seen::Absent | Seen::Unread(_)) => record.is_some() || begins(reconcile, step),
        _ => true,
    };
    keep.then(|| ResourceStatus {
        kind: node.kind.name.into(),
        id: record.map_or_else(|| node.id.to_string(), |record| record.id.clone()),
        origin: origin(reconcile.observed, node, record),
        state: Some(state(step, record)),
        keys: keys(reconcile, step, record),
    })
}

/// Whether a read had shown that it is ours, and none since that it had gone.
fn is_proven(record: &ResourceStatus) -> bool {
    matches!(record.origin, Some(Origin::Created | Origin::Adopted)) && record.state.as_deref() != Some(ABSENT)
}

/// Whether it is made now, or later by the same plan, whose writes are all recorded before the first.
fn begins(reconcile: &Reconcile<'_>, step: &Step) -> bool {
    let follows = matches!(step.action, Action::Hold(Held::Needs | Held::Turn));
    step.writes() || follows && reconcile.plan.writes().next().is_some()
}

fn origin(observed: &Observed, node: &Node, record: Option<&ResourceStatus>) -> Option<Origin> {
    let body = observed.azure_body(node.kind, &node.id);
    let known = record.and_then(|record| record.origin);
    match (node.hold, body.map(|body| node.mark.on(body))) {
        (Hold::Referenced, Some(_)) => Some(Origin::Referenced),
        (Hold::Owned, Some(_)) if node.adopted => Some(Origin::Adopted),
        (Hold::Owned, Some(Says::Ours)) if !by_an_unread_group(observed, node) => Some(Origin::Created),
        // what was adopted and has gone is made here from now on
        (Hold::Owned, None) if known == Some(Origin::Adopted) && is_absent(observed, node) => None,
        _ => known,
    }
}

/// Whether it is known by a security group, and nobody knows at the moment whose that one is.
fn by_an_unread_group(observed: &Observed, node: &Node) -> bool {
    let Mark::SecurityGroup(id) = &node.mark else { return false };
    let group = ResourceId::parse(id).map(|id| observed.azure(&NETWORK_SECURITY_GROUP, &id));
    matches!(group, None | Some(Fact::Unread(_)))
}

/// What is proven to be gone stays known as that while it can't be read, and when others made it since.
fn state(step: &Step, record: Option<&ResourceStatus>) -> String {
    match (&step.seen, record.and_then(|record| record.state.as_deref())) {
        (Seen::Unread(_) | Seen::Foreign(_), Some(ABSENT)) => ABSENT.into(),
        (seen, _) => seen.word().into(),
    }
}

fn is_absent(observed: &Observed, node: &Node) -> bool {
    observed.azure(node.kind, &node.id) == Fact::Absent
}

/// What was written of it: tag keys, of a subnet what it is associated with, of lists shared with others what is ours, of
/// what was adopted the elements of its lists: while a write may be under way, those wanted and those written; once settled,
/// those wanted.
fn keys(reconcile: &Reconcile<'_>, step: &Step, record: Option<&ResourceStatus>) -> Vec<String> {
    let node = &step.node;
    let wanted = wanted_keys(node);
    let known = record.map(|record| record.keys.as_slice()).unwrap_or_default();
    let known = known.iter().filter(|one| !wanted.contains(one));
    let mut keys: Vec<String> = match (&step.seen, node.goal) {
        // what stands is another's: nothing of ours is written to it
        (Seen::Foreign(_), _) => record.map(|record| record.keys.clone()).unwrap_or_default(),
        (Seen::Settled, Goal::Present) => wanted,
        _ => {
            let room = ResourceStatus::MOST_KEYS.saturating_sub(wanted.len());
            let known = remembered(reconcile.observed.azure_body(node.kind, &node.id), known, room);
            wanted.iter().cloned().chain(known).collect()
        }
    };
    keys.sort();
    keys.dedup();
    // What is forgotten of a list that others share stays in Azure, which is the safe side.
    keys.truncate(ResourceStatus::MOST_KEYS);
    keys
}

/// Of the keys that may have been written before, those that are still to be taken away. Where not all fit, because spec
/// after spec was refused, those that stand come first: a key that was never taken needs no memory.
fn remembered<'k>(stands: Option<&Value>, known: impl Iterator<Item = &'k String>, room: usize) -> Vec<String> {
    let mut known: Vec<String> = known.cloned().collect();
    if let (true, Some(stands)) = (known.len() > room, stands) {
        let text = stands.to_string().to_lowercase();
        let name =
            |key: &str| Value::from(key.trim_start_matches('[').trim_end_matches(']').to_lowercase()).to_string();
        known.sort_by_cached_key(|key| !text.contains(&name(key)));
    }
    known.truncate(room);
    known
}

fn wanted_keys(node: &Node) -> Vec<String> {
    let tags = ["tags", "kvTags"].into_iter().find_map(|name| node.body.get(name).and_then(Value::as_object));
    let mut keys: Vec<String> = tags.into_iter().flat_map(|map| map.keys().cloned()).collect();
    if node.kind == &SUBNET {
        keys.extend(subnet::written(&node.body));
    }
    keys.extend(node.claims.iter().cloned());
    if node.adopted {
        keys.extend(elements(&node.body, node.kind.rules));
    }
    keys.sort();
    keys.dedup();
    keys
}
