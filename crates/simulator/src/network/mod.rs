//! Microsoft.Network: virtual networks, subnets, network security groups, route tables, NAT gateways, public IP
//! addresses. Behaviour as recorded traffic and the API descriptions show it.

pub mod addresses;
pub mod association_links;
pub(crate) mod blocked;
pub(crate) mod delegations;
mod effective;
pub(crate) mod entries;
pub mod nat_gateways;
pub(crate) mod peerings;
pub mod prefixes;
pub mod private_dns;
pub mod public_addresses;
pub(crate) mod references;
mod regional;
pub mod route_tables;
pub mod security_groups;
pub mod security_rules;
pub(crate) mod service_endpoints;
pub(crate) mod subnet_body;
pub mod subnets;
pub(crate) mod tracked;
pub mod usage;
pub mod virtual_networks;
pub mod writes;

use crate::arm::{unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Cause, Refusal, Response, json_response, set_header};
use crate::store::Resource;
use crate::windows;
use crate::world::World;
use addresses::Occupancy;
pub(crate) use effective::filters;
use http::header::HeaderName;
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tracked::Kind;

/// The first api-version of which answers were recorded with `x-ms-arm-service-request-id`.
const IDENTIFIED_SINCE: &str = "2018-06-01";

/// Microsoft.Network's state besides resources: who has which address in a subnet.
#[derive(Debug, Default)]
pub struct Network {
    /// By folded id of the subnet.
    pub(crate) occupancy: BTreeMap<String, Occupancy>,
}

/// The id of a virtual network in a group.
pub fn virtual_network_id(group: &str, name: &str) -> String {
    format!("{group}/providers/{}/{name}", virtual_networks::KIND)
}

/// The id of a subnet.
pub fn subnet_id(virtual_network: &str, name: &str) -> String {
    format!("{virtual_network}/subnets/{name}")
}

/// Answers a request below `…/providers/Microsoft.Network`.
///
/// # Errors
/// Whatever Azure refuses.
pub fn route(world: &mut World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    if !world.settings.limits.network {
        return dispatch(world, call, raw_path, scope, rest);
    }
    let (subscription, region) =
        (call.path.subscription().unwrap_or_default().to_owned(), region(world, call, scope, rest));
    let left = windows::network(world, &subscription, &region, &call.method)?;
    let mut response = dispatch(world, call, raw_path, scope, rest).unwrap_or_else(Refusal::into_response);
    windows::tell(&mut response, left);
    Ok(response)
}

/// An answer with Microsoft.Network's own id of the request, which all have but those of Resource Manager itself; a list of
/// a whole subscription, which Resource Manager collects from the regions, names it in another header. Recorded from
/// api-version 2018-06-01 on, and never before; whether that is the version or the year is not known.
pub(crate) fn identified(
    world: &mut World,
    call: &Call,
    (scope, rest): (&str, &[&str]),
    answer: Result<Response, Refusal>,
) -> Result<Response, Refusal> {
    if call.api_version() < IDENTIFIED_SINCE {
        return answer;
    }
    let is_collected = rest.len() == 1 && !scope.to_ascii_lowercase().contains("/resourcegroups/");
    let name = if is_collected { "x-ms-original-request-ids" } else { "x-ms-arm-service-request-id" };
    let id = world.ids.guid("service request");
    match answer {
        Ok(mut response) if response.headers().get("x-ms-failure-cause").is_none_or(|cause| cause != "gateway") => {
            set_header(&mut response, name, &id);
            Ok(response)
        }
        Err(refusal) if refusal.cause == Cause::Service => Err(refusal.header(HeaderName::from_static(name), &id)),
        answer => answer,
    }
}

/// The region of the resource that a request is about; of a list that of its resource group, if it has one.
fn region(world: &World, call: &Call, scope: &str, rest: &[&str]) -> String {
    let id = |name: &&str| format!("{scope}/providers/Microsoft.Network/{}/{name}", rest.first().unwrap_or(&""));
    let known = |id: &str| world.resources.get(id).and_then(|resource| resource.location.clone());
    let wanted = || serde_json::from_slice::<Value>(&call.body).ok()?.get("location")?.as_str().map(str::to_owned);
    let region = rest.get(1).map(id).and_then(|id| known(&id)).or_else(wanted).or_else(|| known(scope));
    region.unwrap_or_default().replace(' ', "").to_ascii_lowercase()
}

fn dispatch(world: &mut World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let unknown = || unknown_type("microsoft.network", rest, call);
    match rest {
        ["locations", _, "availabledelegations"] => regional::delegations(world, call, raw_path, scope),
        ["locations", _, "virtualnetworkavailableendpointservices"] => {
            regional::endpoint_services(world, call, raw_path, scope)
        }
        ["virtualnetworks"] => virtual_networks::list(world, call, raw_path, scope),
        ["virtualnetworks", network, below @ ..] => {
            let id = format!("{scope}/providers/{}/{network}", virtual_networks::KIND);
            below_network(world, call, raw_path, &id, below)
        }
        [collection, below @ ..] => {
            let kind = Kind::of(&format!("Microsoft.Network/{collection}")).ok_or_else(unknown)?;
            tracked::route(world, call, raw_path, scope, (kind, below)).unwrap_or_else(|| Err(unknown()))
        }
        [] => Err(unknown()),
    }
}

fn below_network(
    world: &mut World,
    call: &Call,
    raw_path: &str,
    network: &str,
    below: &[&str],
) -> Result<Response, Refusal> {
    match below {
        [] => virtual_networks::one(world, call, network),
        ["subnets"] => subnets::list(world, call, raw_path, network),
        ["subnets", subnet] => subnets::one(world, call, network, subnet),
        ["subnets", subnet, "providers", "microsoft.containerinstance", "serviceassociationlinks", link] => {
            association_links::route(world, call, &subnet_id(network, subnet), link)
        }
        ["virtualnetworkpeerings"] => peerings::list(world, call, raw_path, network),
        ["virtualnetworkpeerings", name] => peerings::one(world, call, network, name),
        ["usages"] if call.method == Method::GET => usage::usages(world, call, network),
        ["checkipaddressavailability"] if call.method == Method::GET => usage::availability(world, call, network),
        ["usages" | "checkipaddressavailability"] => Err(wrong_verb(call)),
        _ => Err(unknown_type("microsoft.network", &["virtualNetworks", "", below.first().unwrap_or(&"")], call)),
    }
}

/// A resource's body with its etag as header, as GET sends it.
fn shown(etag: &str, body: &Value) -> Response {
    let mut response = json_response(StatusCode::OK, body);
    set_header(&mut response, "etag", etag);
    response
}

/// `404 NotFound` by the provider itself, for children of an existing resource.
fn child_not_found(id: &str) -> Refusal {
    Refusal::service(StatusCode::NOT_FOUND, "NotFound", format!("Resource {id} not found."))
}

/// `404 ParentResourceNotFound`.
fn parent_not_found(verb: &str, kind: &str, parent: &str) -> Refusal {
    let kind = kind.split_once('/').map_or(kind, |(_, kind)| kind);
    let message = format!(
        "Failed to perform '{verb}' on resource(s) of type '{kind}', because the parent resource '{parent}' could not \
         be found."
    );
    Refusal::gateway(StatusCode::NOT_FOUND, "ParentResourceNotFound", message)
}

/// `properties` of a request without the members that only the service writes.
fn writable(document: &Value, read_only: &[&str]) -> Map<String, Value> {
    let mut properties = document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.retain(|name, value| !read_only.contains(&name.as_str()) && !value.is_null());
    properties
}

/// `400 InvalidRequestFormat` with the reason as a detail.
fn malformed(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::bad_request("InvalidRequestFormat", "Cannot parse the request.").detail(code, message)
}

/// Members that every tracked resource begins with: `name, id, etag, type, location, tags`.
fn head(resource: &Resource) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, text) in
        [("name", &resource.name), ("id", &resource.id), ("etag", &resource.etag), ("type", &resource.kind.to_owned())]
    {
        body.insert(name.to_owned(), Value::String(text.clone()));
    }
    if let Some(location) = &resource.location {
        body.insert("location".to_owned(), Value::String(location.clone()));
    }
    resource.tags.show(&mut body);
    body
}
