//! Links to virtual networks ("Virtual Network Links - Create Or Update" …). A virtual network can be deleted while a zone
//! is linked to it; the link stays.

use super::writes::{self, check_settled, failure};
use super::zones::{self, tracked};
use super::{LINK, ZONE, check_global, conditions, invalid, shown, shown_with_etag};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::network::{parent_not_found, virtual_networks};
use crate::store::{Resource, parent_of, same_id};
use crate::tags::Tags;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// From this api-version on links have a `resolutionPolicy`.
const RESOLUTION_POLICY_SINCE: &str = "2024-06-01";

/// Links of a zone.
///
/// # Errors
/// The 404 family, `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, zone: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{LINK}/read"), zone)?;
    let zone = world.find(zone, ZONE)?;
    let found = world.resources.children(&zone.id, LINK).into_iter();
    let items = found.map(|link| (link.id.clone(), body(link, call.api_version()))).collect();
    paging::page_body(world, call, raw_path, items).map(|body| shown(StatusCode::OK, &body))
}

/// GET, PUT, PATCH (tags, registration, policy), DELETE.
///
/// # Errors
/// The 404 family, `403`, `409 ScopeLocked`, `Conflict`, `400`, `405`.
pub(super) fn one(world: &mut World, call: &Call, zone: &str, name: &str) -> Result<Response, Refusal> {
    let id = format!("{zone}/virtualNetworkLinks/{name}");
    call.enter(world, LINK, &id)?;
    match call.method {
        Method::GET => {
            let link = world.find(&id, LINK)?;
            Ok(shown_with_etag(StatusCode::OK, &link.etag, &body(link, call.api_version())))
        }
        Method::PUT => put(world, call, zone, &id),
        Method::PATCH => patch(world, call, &id),
        Method::DELETE => delete(world, call, &id),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, zone: &str, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let zone = world.resource(zone, ZONE).ok_or_else(|| parent_not_found("write", LINK, zone))?.clone();
    let document = call.json()?;
    check_global(&document, LINK)?;
    let present = world.resource(id, LINK).cloned();
    check_settled(present.as_ref())?;
    let name = id.rsplit('/').next().unwrap_or_default();
    let wanted = Resource {
        id: present
            .as_ref()
            .map_or_else(|| format!("{}/virtualNetworkLinks/{name}", zone.id), |there| there.id.clone()),
        name: present.as_ref().map_or_else(|| name.to_owned(), |there| there.name.clone()),
        kind: LINK,
        location: Some("global".to_owned()),
        tags: Tags::put(&document, present.as_ref().map(|there| &there.tags))?,
        properties: properties(&document),
        etag: new_etag(world),
        ..Resource::default()
    };
    check(world, call, &zone, &wanted, present.as_ref())?;
    check_room(world, &zone.id, &wanted, present.as_ref())?;
    let unmet = condition(call, &zone.name, name, present.as_ref()).or_else(|| conflict(world, &zone, &wanted));
    Ok(writes::upsert(world, call, "UpsertVirtualNetworkLink", wanted, unmet, |_, _| {}))
}

/// The etag of a link has its quotes in the JSON string.
fn new_etag(world: &mut World) -> String {
    format!("\"{}\"", world.ids.guid("etag"))
}

fn properties(document: &Value) -> Map<String, Value> {
    let given = |name: &str| document.pointer(&format!("/properties/{name}")).filter(|value| !value.is_null()).cloned();
    let mut properties = Map::new();
    properties.insert("registrationEnabled".to_owned(), given("registrationEnabled").unwrap_or(json!(false)));
    properties.insert("resolutionPolicy".to_owned(), given("resolutionPolicy").unwrap_or(json!("Default")));
    if let Some(network) = given("virtualNetwork") {
        properties.insert("virtualNetwork".to_owned(), network);
    }
    properties
}

fn network_of(link: &Resource) -> &str {
    link.properties.get("virtualNetwork").and_then(|network| network.get("id")?.as_str()).unwrap_or_default()
}

fn registers(link: &Resource) -> bool {
    link.properties.get("registrationEnabled") == Some(&Value::Bool(true))
}

/// What the request itself says wrong: these refusals are not confirmed.
fn check(
    world: &World,
    call: &Call,
    zone: &Resource,
    wanted: &Resource,
    present: Option<&Resource>,
) -> Result<(), Refusal> {
    let network = network_of(wanted);
    if network.is_empty() {
        return Err(invalid("The virtualNetwork of a virtual network link is missing."));
    }
    if present.is_some_and(|there| !same_id(network_of(there), network)) {
        return Err(invalid("The virtual network of a virtual network link can't be changed. Delete the link first."));
    }
    check_policy(zone, wanted)?;
    let join = (&*format!("{}/join/action", virtual_networks::KIND), network);
    world.authorize_link(&call.caller, &call.action(LINK), &wanted.id, join)?;
    if present.is_none() && world.resource(network, virtual_networks::KIND).is_none() {
        return Err(invalid(format!("The virtual network {network} does not exist.")));
    }
    Ok(())
}

/// Links of a zone, and among them those that register, are limited.
fn check_room(world: &World, zone: &str, wanted: &Resource, present: Option<&Resource>) -> Result<(), Refusal> {
    let standing = world.resources.children(zone, LINK);
    if present.is_none() {
        zones::check_room(standing.len(), zones::LINKS, "virtual network links of the zone")?;
    }
    if registers(wanted) && !present.is_some_and(registers) {
        let count = standing.into_iter().filter(|link| registers(link)).count();
        zones::check_room(count, zones::REGISTRATION_LINKS, "virtual network links with registration of the zone")?;
    }
    Ok(())
}

/// Only zones of private endpoints can redirect (not confirmed).
fn check_policy(zone: &Resource, wanted: &Resource) -> Result<(), Refusal> {
    let policy = wanted.properties.get("resolutionPolicy").and_then(Value::as_str).unwrap_or_default();
    let may_redirect = zone.name.to_ascii_lowercase().starts_with("privatelink.");
    if policy == "Default" || policy == "NxDomainRedirect" && may_redirect {
        return Ok(());
    }
    Err(invalid(format!("The resolutionPolicy '{policy}' is not possible for the zone {}.", zone.name)))
}

/// What other links forbid, told by the operation, as in Azure/azure-powershell#9537. The first text is from
/// ansible-collections/azure#813, the second from MicrosoftDocs/azure-aks-docs#212; the third is not confirmed.
fn conflict(world: &World, zone: &Resource, wanted: &Resource) -> Option<Value> {
    let network = network_of(wanted);
    let others: Vec<&Resource> = world
        .resources
        .iter()
        .filter(|other| other.kind == LINK && !same_id(&other.id, &wanted.id) && same_id(network_of(other), network))
        .collect();
    let zone_of = |link: &Resource| parent_of(&link.id).unwrap_or_default().to_owned();
    if others.iter().any(|other| same_id(&zone_of(other), &zone.id)) {
        let message = format!("Private zone '{}' is already linked to the virtual network '{network}'.", zone.name);
        return Some(failure("Conflict", message));
    }
    let has_name =
        |link: &&&Resource| zone_of(link).rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(&zone.name));
    if others.iter().any(|other| has_name(&other)) {
        let message = format!(
            "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link \
             virtual network with '{0}' and '{0}' zones.",
            zone.name
        );
        return Some(failure("BadRequest", message));
    }
    let other = others.into_iter().find(|other| registers(wanted) && registers(other))?;
    let message = format!("The virtual network '{network}' has a registration zone already: {}.", zone_of(other));
    Some(failure("Conflict", message))
}

fn condition(call: &Call, zone: &str, name: &str, present: Option<&Resource>) -> Option<Value> {
    let existing = format!("Virtual Network link {name} for the Private DNS zone {zone}");
    let modified = format!("Virtual Network link '{name}' for the Private DNS zone '{zone}'");
    let unmet = conditions::unmet(call, (&existing, &modified), present.map(|there| there.etag.as_str()));
    unmet.map(|message| failure("PreconditionFailed", message))
}

fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let document = call.json()?;
    let there = world.find(id, LINK)?.clone();
    let zone = world.find(parent_of(id).unwrap_or_default(), ZONE)?.clone();
    check_settled(Some(&there))?;
    let mut wanted = Resource { etag: new_etag(world), ..there.clone() };
    wanted.tags = there.tags.patched(&document)?;
    if let Some(given) = document.get("properties").and_then(Value::as_object) {
        let writable = ["registrationEnabled", "resolutionPolicy", "virtualNetwork"];
        let given = given.iter().filter(|(name, value)| writable.contains(&name.as_str()) && !value.is_null());
        wanted.properties.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    }
    check(world, call, &zone, &wanted, Some(&there))?;
    check_room(world, &zone.id, &wanted, Some(&there))?;
    let unmet = condition(call, &zone.name, &there.name, Some(&there)).or_else(|| conflict(world, &zone, &wanted));
    Ok(writes::upsert(world, call, "UpsertVirtualNetworkLink", wanted, unmet, |_, _| {}))
}

/// Of a link whose zone is missing as well: `204`, as recorded.
fn delete(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let Some(link) = world.resource(id, LINK).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    check_settled(Some(&link))?;
    let zone = parent_of(&link.id).and_then(|zone| zone.rsplit('/').next()).unwrap_or_default();
    let unmet = condition(call, zone, &link.name, Some(&link));
    Ok(writes::delete(world, call, "DeleteVirtualNetworkLink", &link.id, unmet))
}

/// What GET shows in this api-version.
pub(crate) fn body(link: &Resource, api_version: &str) -> Value {
    let mut properties = link.properties.clone();
    if api_version < RESOLUTION_POLICY_SINCE {
        properties.remove("resolutionPolicy");
    }
    let state = if matches!(link.state.as_str(), "Creating" | "Updating") { "InProgress" } else { "Completed" };
    properties.insert("virtualNetworkLinkState".to_owned(), json!(state));
    properties.insert("provisioningState".to_owned(), json!(link.state));
    tracked(link, LINK, Value::Object(properties))
}
