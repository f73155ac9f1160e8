//! References between resources of Microsoft.Network, in both directions, and the checks of them.

use super::{nat_gateways, public_addresses, route_tables, security_groups, subnets};
use crate::call::Call;
use crate::error::Refusal;
use crate::store::{Resource, same_id};
use crate::world::World;
use http::StatusCode;
use serde_json::Value;

/// The type that refers, the member in which it does (one reference or a list), the type that is referred to.
const REFERENCES: &[(&str, &str, &str)] = &[
    (subnets::KIND, "networkSecurityGroup", security_groups::KIND),
    (subnets::KIND, "routeTable", route_tables::KIND),
    (subnets::KIND, "natGateway", nat_gateways::KIND),
    (nat_gateways::KIND, "publicIpAddresses", public_addresses::KIND),
];

/// The ids in a member: `{"id"}` or a list of such.
fn ids<'a>(resource: &'a Resource, member: &str) -> impl Iterator<Item = &'a str> {
    let value = resource.properties.get(member);
    let list = value.map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice));
    list.unwrap_or_default().iter().filter_map(|one| one.get("id")?.as_str())
}

/// Referenced resources must exist, in the same region, be settled, and the caller may join them.
///
/// # Errors
/// `403 LinkedAuthorizationFailed`, `400 InvalidResourceReference` (of a NAT gateway `404 NotFound`), `429 RetryableError`.
pub(super) fn check(world: &World, call: &Call, wanted: &Resource, location: &str) -> Result<(), Refusal> {
    for (_, member, kind) in REFERENCES.iter().filter(|(from, ..)| *from == wanted.kind) {
        for id in ids(wanted, member) {
            let action = call.action(wanted.kind);
            world.authorize_link(&call.caller, &action, &wanted.id, (&format!("{kind}/join/action"), id))?;
            if wanted.kind == nat_gateways::KIND && world.resource(id, kind).is_none() {
                return Err(missing_address(id));
            }
            let found = world.resource(id, kind).filter(|found| found.location.as_deref() == Some(location));
            let found = found.ok_or_else(|| missing(&wanted.id, id))?;
            if found.state != "Succeeded" {
                return Err(unsettled(&wanted.id, found));
            }
        }
    }
    Ok(())
}

/// `404 NotFound`, with the names of group and resource in capitals, as recorded (`aso-Networking-NatGateway-2022-07`, 2).
fn missing_address(id: &str) -> Refusal {
    let is_name = |position: usize| position == 4 || position == 8;
    let shouted =
        |(position, part): (usize, &str)| if is_name(position) { part.to_ascii_uppercase() } else { part.to_owned() };
    let id: Vec<String> = id.split('/').enumerate().map(shouted).collect();
    super::child_not_found(&id.join("/"))
}

/// `400 InvalidResourceReference`.
fn missing(from: &str, id: &str) -> Refusal {
    let message = format!(
        "Resource {id} referenced by resource {from} was not found. Please make sure that the referenced resource \
         exists, and that both resources are in the same region."
    );
    Refusal::bad_request("InvalidResourceReference", message).detail("NotFound", format!("Resource {id} not found."))
}

/// `429 RetryableError` without `Retry-After`.
fn unsettled(from: &str, found: &Resource) -> Refusal {
    let message = format!(
        "Cannot proceed with operation because resource {} used by resource {from} is not in Succeeded state. \
         Resource is in {} state and the last operation that updated/is updating the resource is {}.",
        found.id,
        found.state,
        found.busy.as_ref().map_or("its last one", |busy| busy.operation)
    );
    let refusal = Refusal::service(StatusCode::TOO_MANY_REQUESTS, "RetryableError", "A retryable error occurred.");
    refusal.detail("ReferencedResourceNotProvisioned", message)
}

/// The ids of what refers to a resource, in order of id.
pub(super) fn referrers(world: &World, target: &Resource) -> Vec<String> {
    let members: Vec<_> = REFERENCES.iter().filter(|(.., kind)| *kind == target.kind).collect();
    let refers = |from: &&Resource| {
        members
            .iter()
            .any(|(kind, member, _)| from.kind == *kind && ids(from, member).any(|id| same_id(id, &target.id)))
    };
    world.resources.iter().filter(refers).map(|from| from.id.clone()).collect()
}

/// Stored form of one reference, or of a list of them: nothing but `id`.
pub(super) fn normalised(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(normalised).collect(),
        one => serde_json::json!({"id": one.get("id")}),
    }
}
