//! Peerings of virtual networks ("Virtual Network Peerings - Create Or Update"; states and limits of "Create, change, or
//! delete a virtual network peering"). Packets between simulated networks are not carried.

use super::{child_not_found, parent_not_found, shown, virtual_networks, writable, writes};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::operations::Ending;
use crate::store::{Resource, parent_of, same_id};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use writes::Write;

/// The type.
pub const KIND: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
/// Members that only the service writes.
const READ_ONLY: &[&str] = &[
    "provisioningState",
    "resourceGuid",
    "peeringState",
    "peeringSyncLevel",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
];
/// Most of one network ("Azure subscription and service limits", Networking).
const MOST: usize = 500;
/// Duration of a PUT and of a DELETE in Azure, in seconds; guesses.
const PUT_SECONDS: f64 = 5.0;
const DELETE_SECONDS: f64 = 5.0;

/// Lists the peerings of a network.
///
/// # Errors
/// `404 ResourceNotFound`, `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, network: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    call.enter(world, KIND, network)?;
    let network = world.find(network, virtual_networks::KIND)?;
    let found = world.resources.children(&network.id, KIND).into_iter();
    paging::page(world, call, raw_path, found.map(|peering| (peering.id.clone(), body(world, peering))).collect())
}

/// GET, PUT, DELETE.
///
/// # Errors
/// `404 NotFound`, `ResourceNotFound`, `ParentResourceNotFound`; `400 VnetAddressSpacesOverlap`, `InvalidResourceReference`,
/// `PeeringLimitReached`; `403`; `405`; `429 RetryableError`.
pub(super) fn one(world: &mut World, call: &Call, network: &str, name: &str) -> Result<Response, Refusal> {
    let id = format!("{network}/virtualNetworkPeerings/{name}");
    call.enter(world, KIND, &id)?;
    match call.method {
        Method::GET => {
            world.find(network, virtual_networks::KIND)?;
            let peering = world.resource(&id, KIND).ok_or_else(|| child_not_found(&id))?;
            Ok(shown(&peering.etag, &body(world, peering)))
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
    let id = format!("{}/virtualNetworkPeerings/{name}", parent.id);
    let present = world.resource(&id, KIND).cloned();
    writes::check_free(world, network)?;
    let peering = wanted(world, call, &parent, &id, &document, present.as_ref())?;
    world.resources.insert(peering);
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let shown = world.resources.get(&id).map_or(Value::Null, |peering| body(world, peering));
    let mut response = json_response(status, &shown);
    let write =
        Write { lock: network, name: "PutVirtualNetworkPeeringOperation", seconds: PUT_SECONDS, has_result: false };
    let location = parent.location.unwrap_or_default();
    let handle = writes::begin(world, call, &write, &location, move |world, ending| settle(world, &id, ending));
    writes::in_progress(world, &mut response, &handle, 10.0);
    Ok(response)
}

fn wanted(
    world: &mut World,
    call: &Call,
    parent: &Resource,
    id: &str,
    document: &Value,
    present: Option<&Resource>,
) -> Result<Resource, Refusal> {
    let properties = writable(document, READ_ONLY);
    let remote = properties.get("remoteVirtualNetwork").and_then(|remote| remote.get("id")?.as_str());
    let remote =
        remote.ok_or_else(|| super::malformed("MissingRemoteVirtualNetwork", "remoteVirtualNetwork.id is missing."))?;
    let invalid = || {
        let message = format!("Resource {remote} referenced by resource {id} was not found.");
        Refusal::bad_request("InvalidResourceReference", message)
    };
    let other = world.resource(remote, virtual_networks::KIND).ok_or_else(invalid)?.clone();
    world.authorize_link(
        &call.caller,
        &format!("{KIND}/write"),
        id,
        (&format!("{}/peer/action", virtual_networks::KIND), &other.id),
    )?;
    check(world, parent, id, &other)?;
    Ok(Resource {
        id: id.to_owned(),
        name: id.rsplit('/').next().unwrap_or_default().to_owned(),
        kind: KIND,
        properties,
        etag: world.ids.weak_etag(),
        state: "Updating".to_owned(),
        guid: present.map_or_else(|| world.ids.guid("resource"), |there| there.guid.clone()),
        ..Resource::default()
    })
}

/// All codes except that of overlaps are not confirmed.
fn check(world: &World, parent: &Resource, id: &str, other: &Resource) -> Result<(), Refusal> {
    let peerings = world.resources.children(&parent.id, KIND);
    let is_another = |peering: &&&Resource| !same_id(&peering.id, id);
    if peerings.iter().filter(is_another).count() >= MOST {
        let message = format!("Virtual network {} has {MOST} peerings, which is the most.", parent.id);
        return Err(Refusal::bad_request("PeeringLimitReached", message));
    }
    if let Some(twice) = peerings.iter().filter(is_another).find(|peering| same_id(&remote_of(peering), &other.id)) {
        let message = format!("Peering {} already exists between {} and {}.", twice.id, parent.id, other.id);
        return Err(Refusal::bad_request("AnotherPeeringAlreadyReferencesRemoteVnet", message));
    }
    let (here, there) = (virtual_networks::space(parent), virtual_networks::space(other));
    let overlap =
        here.iter().find(|one| there.iter().any(|two| one.contains(&two.network()) || two.contains(&one.network())));
    if same_id(&parent.id, &other.id) || overlap.is_some() {
        let message = format!(
            "Cannot create or update peering {id}. Virtual networks {} and {} cannot be peered because their address spaces \
             overlap.",
            parent.id, other.id
        );
        return Err(Refusal::bad_request("VnetAddressSpacesOverlap", message));
    }
    Ok(())
}

fn remote_of(peering: &Resource) -> String {
    let id = peering.properties.get("remoteVirtualNetwork").and_then(|remote| remote.get("id")?.as_str());
    id.unwrap_or_default().to_owned()
}

fn settle(world: &mut World, id: &str, ending: &Ending) {
    let etag = world.ids.weak_etag();
    if let Some(peering) = world.resources.get_mut(id) {
        peering.state = writes::state_after(ending).to_owned();
        peering.etag = etag;
    }
    virtual_networks::touch(world, parent_of(id).unwrap_or_default());
}

fn delete(world: &mut World, call: &Call, network: &str, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, network)?;
    let parent = world.resource(network, virtual_networks::KIND).cloned();
    let parent = parent.ok_or_else(|| parent_not_found("delete", KIND, network))?;
    let Some(peering) = world.resource(id, KIND).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    writes::check_free(world, network)?;
    let write = Write {
        lock: network,
        name: "DeleteVirtualNetworkPeeringOperation",
        seconds: DELETE_SECONDS,
        has_result: true,
    };
    let location = parent.location.unwrap_or_default();
    let handle = writes::begin(world, call, &write, &location, move |world, ending| {
        if *ending == Ending::Succeeded {
            remove(world, &peering);
        }
    });
    Ok(writes::accepted(world, &handle, 10.0))
}

/// Removes a peering; the one in the other direction becomes `Disconnected`.
fn remove(world: &mut World, peering: &Resource) {
    world.resources.remove(&peering.id);
    let back = counterpart(world, peering).map(|found| found.id.clone());
    if let Some(back) = back.and_then(|id| world.resources.get_mut(&id)) {
        back.members.insert("left".to_owned(), json!(true));
    }
    virtual_networks::touch(world, parent_of(&peering.id).unwrap_or_default());
}

/// The peering in the other direction.
fn counterpart<'a>(world: &'a World, peering: &Resource) -> Option<&'a Resource> {
    let network = parent_of(&peering.id)?;
    let back = world.resources.children(&remote_of(peering), KIND);
    back.into_iter().find(|found| same_id(&remote_of(found), network))
}

/// `Initiated` until there is one in the other direction, `Connected` with it, `Disconnected` after it was deleted.
fn state(world: &World, peering: &Resource) -> &'static str {
    match counterpart(world, peering) {
        Some(_) => "Connected",
        None if peering.members.contains_key("left") => "Disconnected",
        None => "Initiated",
    }
}

/// What GET shows.
pub(crate) fn body(world: &World, peering: &Resource) -> Value {
    let remote = world.resources.get(&remote_of(peering));
    let space = remote.map_or_else(
        || json!({"addressPrefixes": []}),
        |remote| remote.properties.get("addressSpace").cloned().unwrap_or_default(),
    );
    let mut properties = Map::new();
    for (name, value) in [
        ("provisioningState", json!(peering.state)),
        ("resourceGuid", json!(peering.guid)),
        ("peeringState", json!(state(world, peering))),
        ("peeringSyncLevel", json!(if remote.is_some() { "FullyInSync" } else { "RemoteNotInSync" })),
        ("allowVirtualNetworkAccess", json!(true)),
        ("allowForwardedTraffic", json!(false)),
        ("allowGatewayTransit", json!(false)),
        ("useRemoteGateways", json!(false)),
        ("doNotVerifyRemoteGateways", json!(false)),
        ("remoteAddressSpace", space.clone()),
        ("remoteVirtualNetworkAddressSpace", space),
    ] {
        properties.insert(name.to_owned(), value);
    }
    properties.extend(peering.properties.clone());
    json!({
        "name": peering.name, "id": peering.id, "etag": peering.etag, "properties": properties, "type": KIND,
    })
}
