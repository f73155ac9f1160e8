//! Private DNS: zones, record sets and links to virtual networks, for api-versions from 2018-09-01 on.
//!
//! Sources: the API description 2020-06-01, and the recordings of Azure/azure-cli
//! (`src/azure-cli/azure/cli/command_modules/privatedns/tests/latest/recordings`), which show among others that a
//! condition on a zone or link that is not met (`If-None-Match: *`) is told by the operation, not by `412`. Records that
//! Azure registers for virtual machines are not simulated: nothing here is one.

mod conditions;
mod links;
mod record_types;
mod records;
mod writes;
mod zones;

pub(crate) use links::body as link_body;
pub(crate) use records::body as record_body;
pub(crate) use zones::body as zone_body;

use crate::arm::unknown_type;
use crate::call::Call;
use crate::error::{Refusal, Response, json_response, set_header};
use crate::operations;
use crate::store::Resource;
use crate::windows;
use crate::world::World;
use http::StatusCode;
use serde_json::Value;

/// Type of a zone.
pub const ZONE: &str = "Microsoft.Network/privateDnsZones";
/// Type of a link.
pub const LINK: &str = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";
/// api-version for the admin interface, which has none: the newest that is simulated.
pub(crate) const NEWEST: &str = "2024-06-01";

/// Whether a path below `…/providers/Microsoft.Network` is of private DNS.
pub fn is_ours(rest: &[&str]) -> bool {
    matches!(rest.first(), Some(&("privatednszones" | "privatednsoperationstatuses" | "privatednsoperationresults")))
}

/// Whether a resource is a record set.
pub fn is_record(resource: &Resource) -> bool {
    record_types::of_kind(resource.kind).is_some()
}

/// Answers a request to private DNS.
///
/// # Errors
/// Whatever Azure refuses.
pub fn route(world: &mut World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    if !world.settings.limits.network {
        return dispatch(world, call, raw_path, scope, rest);
    }
    let subscription = call.path.subscription().unwrap_or_default().to_owned();
    let left = windows::private_dns(world, &subscription, &call.method)?;
    let mut response = dispatch(world, call, raw_path, scope, rest).unwrap_or_else(Refusal::into_response);
    set_header(&mut response, "x-ms-ratelimit-remaining-subscription-resource-requests", &left.to_string());
    Ok(response)
}

fn dispatch(world: &mut World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let zone = |name: &&str| format!("{scope}/providers/{ZONE}/{name}");
    match rest {
        ["privatednsoperationstatuses", id] => {
            may_poll(world, call, scope)?;
            operations::status(world, call, raw_path, id)
        }
        ["privatednsoperationresults", id] => {
            may_poll(world, call, scope)?;
            operations::result(world, call, raw_path, id)
        }
        ["privatednszones"] => zones::list(world, call, raw_path, scope),
        ["privatednszones", name] => zones::one(world, call, &zone(name)),
        ["privatednszones", name, "virtualnetworklinks"] => links::list(world, call, raw_path, &zone(name)),
        ["privatednszones", name, "virtualnetworklinks", link] => links::one(world, call, &zone(name), link),
        ["privatednszones", name, kind] => records::list(world, call, raw_path, &zone(name), kind),
        ["privatednszones", name, kind, record] => records::one(world, call, &zone(name), kind, record),
        _ => Err(unknown_type("microsoft.network", rest, call)),
    }
}

/// The operations lie in the group: a role on the zone alone does not show them.
fn may_poll(world: &World, call: &Call, group: &str) -> Result<(), Refusal> {
    world.authorize(&call.caller, "Microsoft.Network/privateDnsOperationStatuses/read", group)
}

/// A body as this provider writes it, with escaped slashes.
fn shown(status: StatusCode, body: &Value) -> Response {
    let mut response = json_response(status, body);
    *response.body_mut() = body.to_string().replace('/', "\\/").into();
    response
}

/// [`shown`], with the etag as header.
fn shown_with_etag(status: StatusCode, etag: &str, body: &Value) -> Response {
    let mut response = shown(status, body);
    set_header(&mut response, "etag", etag);
    response
}

/// `400 BadRequest`: what is wrong with a request. Neither code nor texts are confirmed.
fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad_request("BadRequest", message)
}

/// Checks that zones and links are in no region.
///
/// # Errors
/// `400 LocationRequired`, `LocationNotAvailableForResourceType`.
fn check_global(document: &Value, kind: &str) -> Result<(), Refusal> {
    let location =
        document.get("location").and_then(Value::as_str).ok_or_else(crate::arm::groups::location_required)?;
    if location.eq_ignore_ascii_case("global") {
        return Ok(());
    }
    let message = format!(
        "The provided location '{location}' is not available for resource type '{kind}'. List of available regions for \
         the resource type is 'global'."
    );
    Err(Refusal::gateway(StatusCode::BAD_REQUEST, "LocationNotAvailableForResourceType", message))
}
