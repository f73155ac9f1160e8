//! Subnets: a PUT replaces the whole; there is no PATCH. They share the etag of their network.

use super::addresses::{self, CONTAINER_GROUPS};
use super::subnet_body::body;
use super::{
    child_not_found, delegations, parent_not_found, prefixes, references, service_endpoints, shown, subnet_body,
    virtual_networks, writable, writes,
};
use crate::arm::{groups, names, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::operations::Ending;
use crate::store::{Resource, parent_of, same_id};
use crate::world::World;
use http::{Method, StatusCode};
use ipnet::IpNet;
use serde_json::{Map, Value, json};
use writes::Write;

/// The type.
pub const KIND: &str = "Microsoft.Network/virtualNetworks/subnets";
/// Members of `properties` that only the service writes.
const READ_ONLY: &[&str] = &[
    "provisioningState",
    "ipConfigurations",
    "ipConfigurationProfiles",
    "privateEndpoints",
    "resourceNavigationLinks",
    "serviceAssociationLinks",
    "purpose",
];
/// Members with a fixed set of values, in Azure's spelling (API description 2024-05-01).
const POLICIES: &[(&str, &[&str])] = &[
    ("privateEndpointNetworkPolicies", &["Enabled", "Disabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"]),
    ("privateLinkServiceNetworkPolicies", &["Enabled", "Disabled"]),
];
/// Duration of a PUT and of a DELETE in Azure, in seconds.
const PUT_SECONDS: f64 = 4.0;
const DELETE_SECONDS: f64 = 10.0;

/// The subnets of a network.
///
/// # Errors
/// The 404 family, `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, network: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), network)?;
    let network = world.find(network, virtual_networks::KIND)?;
    let found = world.resources.children(&network.id, KIND).into_iter();
    paging::page(world, call, raw_path, found.map(|it| (it.id.clone(), body(world, it, &network.etag))).collect())
}

/// GET, PUT, DELETE.
///
/// # Errors
/// Those of "Subnets - Create Or Update" and "- Delete".
pub fn one(world: &mut World, call: &Call, network: &str, name: &str) -> Result<Response, Refusal> {
    let id = super::subnet_id(network, name);
    call.enter(world, KIND, &id)?;
    match call.method {
        Method::GET => {
            let network = world.find(network, virtual_networks::KIND)?;
            let subnet = world.resource(&id, KIND).ok_or_else(|| child_not_found(&id))?;
            Ok(shown(&network.etag, &body(world, subnet, &network.etag)))
        }
        Method::PUT => put(world, call, network, name),
        Method::DELETE => delete(world, call, network, &id),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, network: &str, name: &str) -> Result<Response, Refusal> {
    groups::for_write(world, network)?;
    let parent = world.resource(network, virtual_networks::KIND).cloned();
    let parent = parent.ok_or_else(|| parent_not_found("write", KIND, network))?;
    let document = call.json()?;
    let id = super::subnet_id(&parent.id, name);
    let present = world.resource(&id, KIND).cloned();
    writes::check_etag(call, &id, present.as_ref().map(|_| &parent))?;
    writes::check_free(world, network)?;
    let location = parent.location.clone().unwrap_or_default();
    let mut subnet = checked(world, call, &id, &location, &document)?;
    if let Some(there) = &present {
        check_change(world, there, &subnet)?;
    }
    let siblings: Vec<Resource> = world.resources.children(network, KIND).into_iter().cloned().collect();
    if present.is_none() && siblings.len() >= virtual_networks::MOST_SUBNETS {
        return Err(virtual_networks::too_many_subnets(&parent.id));
    }
    check_place(&subnet, &parent.id, &virtual_networks::space(&parent), &siblings)?;
    subnet.state = "Updating".to_owned();
    let id = subnet.id.clone();
    world.resources.insert(subnet);
    virtual_networks::touch(world, network);
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = answer(world, status, &parent.id, &id);
    let write = Write { lock: network, name: "PutSubnetOperation", seconds: PUT_SECONDS, has_result: false };
    let handle = writes::begin(world, call, &write, &location, move |world, ending| settle(world, &id, ending));
    writes::in_progress(world, &mut response, &handle, 3.0);
    writes::without_notification(&mut response);
    Ok(response)
}

fn answer(world: &World, status: StatusCode, network: &str, id: &str) -> Response {
    let etag = world.resources.get(network).map(|network| network.etag.clone()).unwrap_or_default();
    let body = world.resources.get(id).map_or(Value::Null, |subnet| body(world, subnet, &etag));
    json_response(status, &body)
}

fn settle(world: &mut World, id: &str, ending: &Ending) {
    if let Some(subnet) = world.resources.get_mut(id) {
        subnet.state = writes::state_after(ending).to_owned();
    }
    virtual_networks::touch(world, parent_of(id).unwrap_or_default());
}

fn delete(world: &mut World, call: &Call, network: &str, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, network)?;
    let parent = world.resource(network, virtual_networks::KIND).cloned();
    let parent = parent.ok_or_else(|| parent_not_found("delete", KIND, network))?;
    let Some(subnet) = world.resource(id, KIND).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    writes::check_etag_of_delete(world, call, id, &parent)?;
    writes::check_free(world, network)?;
    check_unused(world, &subnet)?;
    if let Some(subnet) = world.resources.get_mut(id) {
        subnet.state = "Deleting".to_owned();
    }
    virtual_networks::touch(world, network);
    let write = Write { lock: network, name: "DeleteSubnetOperation", seconds: DELETE_SECONDS, has_result: true };
    let location = parent.location.unwrap_or_default();
    let handle = writes::begin(world, call, &write, &location, move |world, ending| match ending {
        Ending::Succeeded => remove(world, &subnet.id),
        _ => settle(world, &subnet.id, ending),
    });
    let mut response = writes::accepted(world, &handle, 10.0);
    writes::without_notification(&mut response);
    Ok(response)
}

/// Removes a subnet.
pub(crate) fn remove(world: &mut World, id: &str) {
    world.resources.remove(id);
    addresses::forget(world, id);
    virtual_networks::touch(world, parent_of(id).unwrap_or_default());
}

/// A subnet in the list of a network's PUT.
pub(super) fn entry(
    world: &World,
    call: &Call,
    network: &str,
    location: &str,
    entry: &Value,
) -> Result<Resource, Refusal> {
    let name = entry.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| super::malformed("MissingName", "A subnet of the list has no name."))?;
    checked(world, call, &super::subnet_id(network, name), location, entry)
}

/// The request of a PUT, checked except for conflicts with other subnets.
fn checked(world: &World, call: &Call, id: &str, location: &str, document: &Value) -> Result<Resource, Refusal> {
    let subnet = normalised(id, document, world.resource(id, KIND));
    names::check(KIND, &subnet.name)?;
    check_prefixes(&subnet)?;
    delegations::check(&subnet)?;
    references::check(world, call, &subnet, location)?;
    service_endpoints::check(&subnet)?;
    Ok(subnet)
}

/// A subnet of the list without any check, for the admin interface.
pub(super) fn unchecked(network: &str, entry: &Value) -> Option<Resource> {
    let name = entry.get("name")?.as_str()?;
    let mut subnet = normalised(&super::subnet_id(network, name), entry, None);
    subnet.state = "Succeeded".to_owned();
    Some(subnet)
}

/// Writes a subnet without permission checks, for the admin interface.
///
/// # Errors
/// Says that the network is missing.
pub(crate) fn overwrite(world: &mut World, id: &str, document: &Value) -> Result<(), String> {
    let network = parent_of(id).unwrap_or_default();
    if world.resource(network, virtual_networks::KIND).is_none() {
        return Err(format!("virtual network {network} does not exist"));
    }
    let mut subnet = normalised(id, document, world.resource(id, KIND));
    subnet.state = "Succeeded".to_owned();
    world.resources.insert(subnet);
    virtual_networks::touch(world, network);
    Ok(())
}

/// The writable members, delegations with nothing but name and service.
fn normalised(id: &str, document: &Value, present: Option<&Resource>) -> Resource {
    let mut properties = writable(document, READ_ONLY);
    if let Some(list) = properties.get_mut("delegations").and_then(Value::as_array_mut) {
        for delegation in list.iter_mut() {
            let service = delegation.pointer("/properties/serviceName").cloned();
            *delegation = json!({"name": delegation.get("name"), "properties": {"serviceName": service}});
        }
    }
    if properties.get("addressPrefixes").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        properties.remove("addressPrefixes");
    }
    service_endpoints::normalise(&mut properties);
    policies(&mut properties);
    let id = present.map_or(id, |there| there.id.as_str());
    Resource {
        id: id.to_owned(),
        name: id.rsplit('/').next().unwrap_or_default().to_owned(),
        kind: KIND,
        members: service_endpoints::begun(&properties, present),
        properties,
        state: present.map_or_else(String::new, |there| there.state.clone()),
        ..Resource::default()
    }
}

/// Fixed words come back in Azure's spelling, as recorded of `disabled` (`python-network-…-endpoint-test-network`).
fn policies(properties: &mut Map<String, Value>) {
    for (name, words) in POLICIES {
        let given = properties.get(*name).and_then(Value::as_str).unwrap_or_default();
        if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(given)) {
            properties.insert((*name).to_owned(), json!(word));
        }
    }
}

fn prefix_texts(subnet: &Resource) -> Vec<String> {
    prefixes::texts(&subnet.properties, "addressPrefix", "addressPrefixes")
}

fn prefixes_of(subnet: &Resource) -> Vec<IpNet> {
    prefix_texts(subnet).iter().filter_map(|text| text.parse().ok()).collect()
}

fn services(subnet: &Resource) -> Vec<&str> {
    let list = subnet.properties.get("delegations").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|delegation| delegation.pointer("/properties/serviceName")?.as_str()).collect()
}

/// One of the two members, with readable prefixes. That both at once are refused is the text of Azure/azure-cli#32005,
/// whose code is not told; virtual-kubelet/azure-aci#634, which names the code of neither, saw in 2024 that
/// `addressPrefix` won. A client that sends both is wrong either way.
fn check_prefixes(subnet: &Resource) -> Result<(), Refusal> {
    let texts = prefix_texts(subnet);
    if texts.is_empty() {
        let message = format!("Address prefix string for resource {} cannot be null or empty.", subnet.id);
        return Err(Refusal::bad_request("AddressPrefixStringCannotBeNullOrEmpty", message));
    }
    if subnet.properties.contains_key("addressPrefix") && subnet.properties.contains_key("addressPrefixes") {
        let message = format!(
            "Invalid configuration on subnet {}; cannot populate both address prefix and address prefixes.",
            subnet.id
        );
        return Err(Refusal::bad_request("InvalidSubnetConfiguration", message));
    }
    prefixes::parse_all(&texts, &subnet.id).map(|_| ())
}

/// Checks that the subnet fits the address space and overlaps no other.
pub(super) fn check_place(
    subnet: &Resource,
    network: &str,
    space: &[IpNet],
    siblings: &[Resource],
) -> Result<(), Refusal> {
    let others: Vec<(String, Vec<IpNet>)> = siblings
        .iter()
        .filter(|other| !same_id(&other.id, &subnet.id))
        .map(|other| (other.name.clone(), prefixes_of(other)))
        .collect();
    let network = network.rsplit('/').next().unwrap_or_default();
    prefixes::check_subnet((&subnet.name, network), &prefixes_of(subnet), space, &others)
}

/// Refuses changes that are impossible while the subnet is used.
pub(super) fn check_change(world: &World, there: &Resource, wanted: &Resource) -> Result<(), Refusal> {
    let holders = addresses::holders(world, &there.id);
    if prefixes_of(there) != prefixes_of(wanted) && !holders.is_empty() {
        let prefix = prefix_texts(there).join(",");
        let message =
            format!("IpPrefix {prefix} on Subnet {} has active allocations and cannot be deleted.", there.name);
        return Err(Refusal::bad_request("InUsePrefixCannotBeDeleted", message));
    }
    let (before, after) = (services(there), services(wanted));
    let has = |list: &[&str]| list.iter().any(|service| service.eq_ignore_ascii_case(CONTAINER_GROUPS));
    if addresses::has_link(world, &there.id) && !has(&after) {
        let message = format!(
            "Subnet {0} requires any of the following delegation(s) [{CONTAINER_GROUPS}] to reference service \
             association link {0}/serviceAssociationLinks/acisal.",
            there.id
        );
        return Err(Refusal::bad_request("SubnetMissingRequiredDelegation", message));
    }
    if let Some(holder) = holders.first().filter(|_| before != after && !has(&after)) {
        return Err(delegation_in_use(there, &before, &after, holder));
    }
    if let Some(holder) = holders.first().filter(|_| before != after && !has(&before)) {
        return Err(delegation_in_use(there, &before, &after, holder));
    }
    Ok(())
}

fn delegation_in_use(subnet: &Resource, before: &[&str], after: &[&str], holder: &str) -> Refusal {
    let message = format!(
        "Delegations of subnet {} cannot be changed from [{}] to [{}] because it is being used by the resource \
         {holder}.",
        subnet.name,
        before.join(", "),
        after.join(", ")
    );
    Refusal::bad_request("SubnetDelegationsCannotChangeWhenSubnetUsedByResource", message)
}

/// Checks that nothing keeps the subnet from being deleted: no address, no link.
pub(super) fn check_unused(world: &World, subnet: &Resource) -> Result<(), Refusal> {
    let user = if addresses::has_link(world, &subnet.id) {
        format!("{}/serviceAssociationLinks/acisal", subnet.id)
    } else {
        match addresses::holders(world, &subnet.id).first() {
            Some(holder) => subnet_body::configuration_id(&subnet.id, holder),
            None => return Ok(()),
        }
    };
    let message = format!(
        "Subnet {} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all the resources \
         within the subnet. See aka.ms/deletesubnet.",
        subnet.name
    );
    Err(Refusal::bad_request("InUseSubnetCannotBeDeleted", message))
}
