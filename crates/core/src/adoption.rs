//! What exists and was not made here: whether it is taken, and what that changes of what is wanted of it.
//!
//! That something was adopted is recorded before it is written, and where it can carry tags they say so too, so that
//! neither the loss of the one nor of the other makes it a thing of ours to delete.

use crate::{
    blueprint::{Goal, Hold, Node},
    observed::Observed,
    owner::{ADOPTED, Mark, ORIGIN_TAG, Says, tag},
    seen::{record_of, was_created},
    subject::Subject,
};
use acivnet_api::{Adoption, Origin, ResourceStatus};
use serde_json::Value;

/// A node of an object, with what stands taken as far as the object's policy goes.
pub fn adopting<S: Subject>(subject: &S, observed: &Observed, node: Node) -> Node {
    let stands = observed.azure_body(node.kind, &node.id);
    let record = record_of(&node, subject.recorded());
    let policy = if subject.deleting() { Adoption::Never } else { subject.policy().adoption };
    let known_only = node.goal == Goal::Gone || node.hold == Hold::Referenced;
    let policy = if known_only { Adoption::Never } else { policy };
    let adopted = stands.is_some_and(|body| is_adopted(&node.mark, body, record, policy, subject.policy().adoption));
    adopted_as(node, adopted, subject.retains_adopted())
}

/// The node, adopted or not: what carries tags says that it was.
pub fn adopted_as(mut node: Node, adopted: bool, retained: bool) -> Node {
    (node.adopted, node.retained) = (adopted, adopted && retained);
    for tags in ["tags", "kvTags"] {
        if let (true, Some(Value::Object(tags))) = (adopted, node.body.get_mut(tags)) {
            tags.insert(ORIGIN_TAG.into(), ADOPTED.into());
        }
    }
    node
}

fn is_adopted(mark: &Mark, body: &Value, record: Option<&ResourceStatus>, policy: Adoption, spec: Adoption) -> bool {
    let known = record.is_some_and(|record| record.origin == Some(Origin::Adopted));
    match (mark.on(body), mark) {
        (Says::Ours, Mark::Tag(_) | Mark::ServiceTag(_)) => known || says_adopted(body),
        // that it hangs on our security group does not tell who made it: without a record it is left to stay
        (Says::Ours, Mark::SecurityGroup(_)) => known || record.is_none() && spec != Adoption::Never,
        (Says::Ours, _) => known,
        (Says::Nothing, _) => known || policy != Adoption::Never && !was_created(record),
        (Says::Theirs(_), _) => policy == Adoption::Force,
    }
}

fn says_adopted(body: &Value) -> bool {
    let tags = [tag(body, ORIGIN_TAG), body.get("kvTags").and_then(|tags| tags.get(ORIGIN_TAG))];
    tags.into_iter().flatten().any(|tag| tag == ADOPTED)
}
