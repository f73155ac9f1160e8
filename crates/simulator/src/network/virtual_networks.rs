//! Virtual networks. A PUT replaces; what becomes of subnets that it does not mention depends on the api-version.

use super::{peerings, prefixes, shown, subnet_body, subnets, writable, writes};
use crate::arm::{groups, nothing, paging, version, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::operations::Ending;
use crate::store::{Resource, same_id};
use crate::tags::Tags;
use crate::world::World;
use http::{Method, StatusCode};
use ipnet::IpNet;
use serde_json::{Map, Value, json};
use writes::Write;

/// The type.
pub const KIND: &str = "Microsoft.Network/virtualNetworks";
/// Members of `properties` that only the service writes, and the subnets, which are resources of their own here.
const READ_ONLY: &[&str] =
    &["provisioningState", "resourceGuid", "subnets", "virtualNetworkPeerings", "flowLogs", "defaultPublicNatGateway"];
/// "Azure subscription and service limits", Networking.
pub(super) const MOST_SUBNETS: usize = 3_000;
const MOST_DNS_SERVERS: usize = 20;
/// Duration of a PUT and of a DELETE in Azure, in seconds.
const PUT_SECONDS: f64 = 4.0;
const DELETE_SECONDS: f64 = 10.0;

/// What a PUT asks for, checked.
struct Wanted {
    location: String,
    tags: Tags,
    properties: Map<String, Value>,
    subnets: Vec<Resource>,
}

/// Lists at subscription or group.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    paging::resources(world, call, raw_path, (scope, KIND), |network| body(world, network))
}

/// GET, PUT, PATCH (tags), DELETE.
///
/// # Errors
/// Those of "Virtual Networks - Create Or Update" and "- Delete".
pub fn one(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    call.enter(world, KIND, id)?;
    match call.method {
        Method::GET => world.find(id, KIND).map(|network| shown(&network.etag, &body(world, network))),
        Method::PUT => put(world, call, id),
        Method::PATCH => patch(world, call, id),
        Method::DELETE => delete(world, call, id),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let group = groups::for_write(world, id)?.id.clone();
    let document = call.json()?;
    let present = world.resource(id, KIND).cloned();
    let location = location_of(&document, KIND, present.as_ref())?;
    writes::check_etag(call, id, present.as_ref())?;
    writes::check_free(world, id)?;
    let id = present.as_ref().map_or_else(|| super::virtual_network_id(&group, name_of(id)), |there| there.id.clone());
    let wanted = wanted(world, call, &id, &document, location)?;
    let changes_network = present.as_ref().is_none_or(|there| differs(world, there, &wanted));
    let location = wanted.location.clone();
    let order: Vec<String> = wanted.subnets.iter().map(|subnet| subnet.id.clone()).collect();
    store(world, &id, wanted, changes_network);
    world.resources.put_in_order(&order);
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let answer =
        |world: &World| json_response(status, &world.resources.get(&id).map_or(Value::Null, |it| body(world, it)));
    let mut response = answer(world);
    if changes_network {
        let write = Write { lock: &id, name: "PutVirtualNetworkOperation", seconds: PUT_SECONDS, has_result: false };
        let network = id.clone();
        let handle =
            writes::begin(world, call, &write, &location, move |world, ending| settle(world, &network, ending));
        writes::in_progress(world, &mut response, &handle, 3.0);
    } else {
        writes::begin_finished(world, call, &location).put_on(&mut response, false);
    }
    Ok(response)
}

fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// The region in a PUT.
///
/// # Errors
/// `400 LocationRequired`, `LocationNotAvailableForResourceType`, `409 InvalidResourceLocation`.
pub(crate) fn location_of(document: &Value, kind: &str, present: Option<&Resource>) -> Result<String, Refusal> {
    let location = document.get("location").and_then(Value::as_str).map(groups::location_of);
    let location = location.ok_or_else(groups::location_required)?;
    if !groups::LOCATIONS.contains(&location.as_str()) {
        let message = format!(
            "The provided location '{location}' is not available for resource type '{}'. List of available regions for \
             the resource type is '{}'.",
            kind,
            groups::LOCATIONS.join(",")
        );
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "LocationNotAvailableForResourceType", message));
    }
    let there = present.and_then(|present| present.location.as_deref()).unwrap_or(&location);
    if there == location {
        return Ok(location);
    }
    let (name, id) = present.map(|present| (present.name.as_str(), present.id.as_str())).unwrap_or_default();
    let group = id.split('/').nth(4).unwrap_or_default();
    let message = format!(
        "The resource '{name}' already exists in location '{there}' in resource group '{group}'. A resource with the \
         same name cannot be created in location '{location}'. Please select a new resource name."
    );
    Err(Refusal::gateway(StatusCode::CONFLICT, "InvalidResourceLocation", message))
}

fn wanted(world: &World, call: &Call, id: &str, document: &Value, location: String) -> Result<Wanted, Refusal> {
    let properties = writable(document, READ_ONLY);
    let space = space_of(&properties, id)?;
    prefixes::check_space(&space, id)?;
    check_limits(&properties, id)?;
    let present = world.resources.children(id, subnets::KIND);
    let listed = document.pointer("/properties/subnets").and_then(Value::as_array);
    let subnets: Vec<Resource> = match listed {
        Some(entries) => {
            entries.iter().map(|entry| subnets::entry(world, call, id, &location, entry)).collect::<Result<_, _>>()?
        }
        None if version::keeps_omitted_subnets(call.api_version()) => {
            present.iter().map(|&there| there.clone()).collect()
        }
        None => Vec::new(),
    };
    if subnets.len() > MOST_SUBNETS {
        return Err(too_many_subnets(id));
    }
    for there in present {
        match subnets.iter().find(|subnet| same_id(&subnet.id, &there.id)) {
            Some(subnet) => subnets::check_change(world, there, subnet)?,
            None => subnets::check_unused(world, there)?,
        }
    }
    for subnet in &subnets {
        subnets::check_place(subnet, id, &space, &subnets)?;
    }
    let tags = Tags::put(document, world.resources.get(id).map(|there| &there.tags))?;
    Ok(Wanted { location, tags, properties, subnets })
}

/// DNS servers and the time after which flows end (the codes are not confirmed).
fn check_limits(properties: &Map<String, Value>, id: &str) -> Result<(), Refusal> {
    let servers = properties.get("dhcpOptions").and_then(|options| options.get("dnsServers")?.as_array());
    let servers = servers.map(Vec::as_slice).unwrap_or_default();
    if servers.len() > MOST_DNS_SERVERS {
        let message =
            format!("Virtual network {id} has {} DNS servers; {MOST_DNS_SERVERS} is the most.", servers.len());
        return Err(Refusal::bad_request("DnsServerCountLimitReached", message));
    }
    let is_address = |server: &&Value| server.as_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok());
    if let Some(server) = servers.iter().find(|server| !is_address(server)) {
        let message = format!("DNS server {server} of virtual network {id} is no IP address.");
        return Err(Refusal::bad_request("InvalidIPAddressFormat", message));
    }
    let minutes = properties.get("flowTimeoutInMinutes").map(|minutes| minutes.as_u64().unwrap_or_default());
    if minutes.is_some_and(|minutes| !(4..=30).contains(&minutes)) {
        let message = format!("The flowTimeoutInMinutes of virtual network {id} must be between 4 and 30.");
        return Err(Refusal::bad_request("InvalidFlowTimeout", message));
    }
    Ok(())
}

/// The refusal of one subnet more than there can be (not confirmed).
pub(super) fn too_many_subnets(network: &str) -> Refusal {
    let message = format!("Virtual network {network} cannot have more than {MOST_SUBNETS} subnets.");
    Refusal::bad_request("SubnetCountLimitReached", message)
}

/// The address space; a network without one is refused (the code is not confirmed).
fn space_of(properties: &Map<String, Value>, id: &str) -> Result<Vec<IpNet>, Refusal> {
    let texts = space_texts(properties);
    if texts.is_empty() {
        let message = format!("Virtual network {id} has no addressSpace.addressPrefixes.");
        return Err(super::malformed("AddressSpaceMissing", message));
    }
    prefixes::parse_all(&texts, id)
}

fn space_texts(properties: &Map<String, Value>) -> Vec<String> {
    let space = properties.get("addressSpace").and_then(Value::as_object);
    space.map(|space| prefixes::texts(space, "", "addressPrefixes")).unwrap_or_default()
}

/// The address space of an existing network.
pub(super) fn space(network: &Resource) -> Vec<IpNet> {
    space_texts(&network.properties).iter().filter_map(|text| text.parse().ok()).collect()
}

fn differs(world: &World, there: &Resource, wanted: &Wanted) -> bool {
    let present = world.resources.children(&there.id, subnets::KIND);
    let same = |subnet: &Resource| {
        present.iter().any(|there| same_id(&there.id, &subnet.id) && there.properties == subnet.properties)
    };
    there.state != "Succeeded"
        || there.properties != wanted.properties
        || present.len() != wanted.subnets.len()
        || !wanted.subnets.iter().all(same)
}

fn store(world: &mut World, id: &str, wanted: Wanted, changes_network: bool) {
    let present = world.resources.get(id).cloned();
    let gone: Vec<String> = world
        .resources
        .children(id, subnets::KIND)
        .into_iter()
        .filter(|there| !wanted.subnets.iter().any(|subnet| same_id(&subnet.id, &there.id)))
        .map(|there| there.id.clone())
        .collect();
    for subnet in gone {
        subnets::remove(world, &subnet);
    }
    for mut subnet in wanted.subnets {
        let state = if changes_network { "Updating" } else { "Succeeded" };
        subnet.state = state.to_owned();
        world.resources.insert(subnet);
    }
    let state = if changes_network { "Updating" } else { "Succeeded" };
    let network = Resource {
        id: id.to_owned(),
        name: present.as_ref().map_or_else(|| name_of(id).to_owned(), |there| there.name.clone()),
        kind: KIND,
        location: Some(wanted.location),
        tags: wanted.tags,
        members: Map::new(),
        properties: wanted.properties,
        etag: world.ids.weak_etag(),
        state: state.to_owned(),
        guid: present.map_or_else(|| world.ids.guid("resource"), |there| there.guid),
        busy: None,
        sequence: 0,
    };
    world.resources.insert(network);
}

fn settle(world: &mut World, id: &str, ending: &Ending) {
    let state = writes::state_after(ending);
    let subnets: Vec<String> =
        world.resources.children(id, subnets::KIND).iter().map(|subnet| subnet.id.clone()).collect();
    for id in subnets.iter().map(String::as_str).chain([id]) {
        if let Some(resource) = world.resources.get_mut(id).filter(|resource| resource.state == "Updating") {
            resource.state = state.to_owned();
        }
    }
    touch(world, id);
}

fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let document = call.json()?;
    let network = world.find(id, KIND)?;
    let (id, tags) = (network.id.clone(), network.tags.patched(&document)?);
    writes::check_free(world, &id)?;
    if let Some(network) = world.resources.get_mut(&id) {
        network.tags = tags;
    }
    touch(world, &id);
    let network = world.find(&id, KIND)?;
    Ok(writes::notified(json_response(StatusCode::OK, &body(world, network))))
}

fn delete(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let Some(network) = world.resource(id, KIND).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    writes::check_etag_of_delete(world, call, id, &network)?;
    writes::check_free(world, id)?;
    let subnets: Vec<Resource> = world.resources.children(id, subnets::KIND).into_iter().cloned().collect();
    for subnet in &subnets {
        subnets::check_unused(world, subnet)?;
    }
    for id in subnets.iter().map(|subnet| &subnet.id).chain([&network.id]) {
        if let Some(resource) = world.resources.get_mut(id) {
            resource.state = "Deleting".to_owned();
        }
    }
    touch(world, id);
    let write = Write { lock: id, name: "DeleteVirtualNetworkOperation", seconds: DELETE_SECONDS, has_result: true };
    let location = network.location.unwrap_or_default();
    let id = network.id;
    let handle = writes::begin(world, call, &write, &location, move |world, ending| settle_delete(world, &id, ending));
    Ok(writes::accepted(world, &handle, 10.0))
}

fn settle_delete(world: &mut World, id: &str, ending: &Ending) {
    if *ending == Ending::Succeeded {
        remove(world, id);
        return;
    }
    let ids: Vec<String> = world.resources.children(id, subnets::KIND).iter().map(|it| it.id.clone()).collect();
    for id in ids.iter().map(String::as_str).chain([id]) {
        if let Some(resource) = world.resources.get_mut(id) {
            resource.state = "Failed".to_owned();
        }
    }
    touch(world, id);
}

/// Removes a network and its subnets.
pub(crate) fn remove(world: &mut World, id: &str) {
    let subnets: Vec<String> = world.resources.children(id, subnets::KIND).iter().map(|it| it.id.clone()).collect();
    for subnet in subnets {
        subnets::remove(world, &subnet);
    }
    world.resources.remove_tree(id);
}

/// Gives a network, and so all its subnets, a new etag.
pub(crate) fn touch(world: &mut World, id: &str) {
    let etag = world.ids.weak_etag();
    if let Some(network) = world.resources.get_mut(id) {
        network.etag = etag;
    }
}

/// Writes a network without permission checks, in `Succeeded`, for the admin interface.
///
/// # Errors
/// Says which member is missing.
pub(crate) fn overwrite(world: &mut World, id: &str, document: &Value) -> Result<(), String> {
    let location = document.get("location").and_then(Value::as_str).ok_or("a virtual network needs \"location\"")?;
    let entries = document.pointer("/properties/subnets").and_then(Value::as_array).cloned().unwrap_or_default();
    let wanted = Wanted {
        location: groups::location_of(location),
        tags: Tags::unchecked(document),
        properties: writable(document, READ_ONLY),
        subnets: entries.iter().filter_map(|entry| subnets::unchecked(id, entry)).collect(),
    };
    let busy = world.resources.get(id).and_then(|there| there.busy.clone());
    store(world, id, wanted, false);
    if let Some(network) = world.resources.get_mut(id) {
        network.busy = busy;
    }
    Ok(())
}

/// What GET shows.
pub(crate) fn body(world: &World, network: &Resource) -> Value {
    let subnets: Vec<Value> = world
        .resources
        .children(&network.id, subnets::KIND)
        .into_iter()
        .map(|subnet| subnet_body::body(world, subnet, &network.etag))
        .collect();
    let peerings = world.resources.children(&network.id, peerings::KIND);
    let peerings: Vec<Value> = peerings.into_iter().map(|peering| peerings::body(world, peering)).collect();
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(network.state));
    properties.insert("resourceGuid".to_owned(), json!(network.guid));
    properties.extend(network.properties.clone());
    properties.insert("subnets".to_owned(), Value::Array(subnets));
    for (name, value) in [
        ("privateEndpointVNetPolicies", json!("Disabled")),
        ("virtualNetworkPeerings", Value::Array(peerings)),
        ("enableDdosProtection", json!(false)),
    ] {
        properties.entry(name).or_insert(value);
    }
    let mut body = super::head(network);
    body.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(body)
}
