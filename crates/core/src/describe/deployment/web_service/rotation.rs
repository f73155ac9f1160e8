//! Changes the keys of a web service one after the other, so that clients always have a valid one.

use super::{keys, standing::Standing};
use crate::{
    blueprint::{Goal, Node},
    describe::deployment::{
        probe,
        secrets::{auth_secret, fact},
        serving::Serving,
    },
    failure::Cause,
    kinds::web_service::keys::{self as service_keys, WhichKey},
    observed::{Fact, Observed},
    owner::Mark,
    questions::{AzureQuestion, Question},
};
use acivnet_api::{AciVnetDeployment, conditions::reasons};

/// The node of the keys of the web service at index `service`, if they are compared. With a probe, the primary key
/// waits until a request with the secondary one was accepted.
pub(super) fn keys_node(
    cr: &AciVnetDeployment,
    observed: &Observed,
    standing: &Standing<'_>,
    serving: &Serving<'_>,
    service: usize,
) -> Option<Node> {
    let Question::Azure(AzureQuestion::Resource(kind, id)) = keys::question(cr, observed, standing)? else {
        return None;
    };
    let secondary_is_set =
        observed.azure_body(kind, &id).is_some_and(|answer| service_keys::is_same(answer, WhichKey::Secondary));
    let blocked = if secondary_is_set { unproven(cr, observed, serving) } else { None };
    let node = Node::new(kind, id, Goal::Present, service_keys::body(), Mark::Within);
    // keys that Azure generated are stored before a replacement of the service would lose them
    let made = auth_secret(cr).is_some_and(|secret| fact(observed, secret) == Fact::Absent);
    let needs = if made { Vec::new() } else { vec![service] };
    Some(Node { needs, blocked, ..node })
}

/// Why it is not proven that a request with the secondary key is accepted.
fn unproven(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Option<Cause> {
    let question = probe::question(cr, observed, serving)?;
    let status = observed.body(&question).and_then(|answer| answer.get("status")?.as_u64());
    let (reason, what) = match status {
        Some(401) => (reasons::UNAUTHORIZED, "was refused"),
        None | Some(500..) => (reasons::PROBE_FAILED, "was not answered"),
        Some(_) => return None,
    };
    let message =
        format!("a request with the Secret's secondary key {what}; the primary key stays as it is until one succeeds");
    Some(Cause::passing(reason, message))
}
