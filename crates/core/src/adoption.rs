//! Resources that exist and were not created here: whether they are adopted, and what that changes in their nodes.
//!
//! An adoption is recorded in the status before the first write, and in a tag if the resource has tags. So the loss of
//! either record never makes an adopted resource look like one that we created and may delete.

use crate::{
    blueprint::{Goal, Hold, Node},
    observed::Observed,
    owner::{ADOPTED, Mark, ORIGIN_TAG, Says, tag},
    seen::{record_of, was_created},
    subject::Subject,
};
use acivnet_api::{Adoption, Origin, ResourceStatus};
use serde_json::Value;

/// The node, marked as adopted if the object's policy allows it and the existing resource's mark does not forbid it.
pub fn adopting<S: Subject>(subject: &S, observed: &Observed, node: Node) -> Node {
    let actual = observed.azure_body(node.kind, &node.id);
    let record = record_of(&node, subject.recorded());
    let policy = if subject.deleting() { Adoption::Never } else { subject.policy().adoption };
    let known_only = node.goal == Goal::Gone || node.hold == Hold::Referenced;
    let policy = if known_only { Adoption::Never } else { policy };
    let adopted = actual.is_some_and(|body| is_adopted(&node.mark, body, record, policy, subject.policy().adoption));
    adopted_as(node, adopted, subject.retains_adopted())
}

/// The node, marked as adopted or not. If it has tags, they say so.
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
        // our security group on it does not prove who created it: without a record it is kept
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
