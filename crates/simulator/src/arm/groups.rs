//! Resource groups ("Resource Groups - Create Or Update", "- Delete", "- Check Existence").

use super::filter::Filter;
use super::{nothing, paging, wrong_verb};
use crate::call::Call;
use crate::container_instances;
use crate::error::{Refusal, Response, empty_response, json_response, set_header};
use crate::machine_learning;
use crate::managed_identity;
use crate::network;
use crate::operations::{self, Ending, Place, Start};
use crate::store::{Resource, is_within};
use crate::tags::Tags;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// The type.
pub const KIND: &str = "Microsoft.Resources/resourceGroups";
/// The type as roles name it.
pub(super) const ROLE_KIND: &str = "Microsoft.Resources/subscriptions/resourceGroups";
/// Regions that the simulated Azure has.
pub const LOCATIONS: &[&str] = &[
    "australiaeast",
    "brazilsouth",
    "canadacentral",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "italynorth",
    "japaneast",
    "koreacentral",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "ukwest",
    "westcentralus",
    "westeurope",
    "westus",
    "westus2",
    "westus3",
];
/// How long deleting a group takes, in seconds; not documented, a guess for one with few resources.
const DELETE_SECONDS: f64 = 30.0;

/// The id of a group.
pub fn id(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{name}")
}

/// Creates a group, unless one of this name exists.
pub fn stand(world: &mut World, subscription: &str, name: &str, location: &str) {
    let id = id(subscription, name);
    if world.resources.get(&id).is_none() {
        world.resources.insert(Resource {
            id,
            name: name.to_owned(),
            kind: KIND,
            location: Some(location.to_owned()),
            state: "Succeeded".to_owned(),
            ..Resource::default()
        });
    }
}

/// A region name as Azure compares it: `West Europe` is `westeurope`.
pub fn location_of(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// The groups of a subscription that the caller may see.
///
/// # Errors
/// `400 InvalidFilterInQueryString`, `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, subscription: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let action = format!("{ROLE_KIND}/read");
    let scope = format!("/subscriptions/{subscription}");
    let visible = paging::visible(world, call, &action, &scope)?;
    let filter = Filter::parse(call.query.get("$filter"))?;
    let shown = |group: &&Resource| visible(&group.id) && filter.holds(group);
    let found = world.resources.children(&scope, KIND).into_iter().filter(shown);
    paging::page(world, call, raw_path, found.map(|group| (group.id.clone(), body(group))).collect())
}

/// One group: GET, HEAD, PUT, PATCH (tags), DELETE.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `409 InvalidResourceGroupLocation`, `ResourceGroupBeingDeleted`, `ScopeLocked`,
/// `400 LocationRequired`, `LocationNotAvailableForResourceGroup`, `403 AuthorizationFailed`, `405`.
pub fn one(world: &mut World, call: &Call, subscription: &str, name: &str) -> Result<Response, Refusal> {
    let id = id(subscription, name);
    call.enter(world, ROLE_KIND, &id)?;
    match call.method {
        Method::GET => Ok(json_response(StatusCode::OK, &body(world.existing_group(&id)?))),
        Method::HEAD => world.existing_group(&id).map(|_| empty_response(StatusCode::NO_CONTENT)),
        Method::PUT => put(world, call, &id, name),
        Method::PATCH => patch(world, call, &id),
        Method::DELETE => delete(world, call, &id, subscription),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, id: &str, name: &str) -> Result<Response, Refusal> {
    let document = call.json()?;
    let location = document.get("location").and_then(Value::as_str).map(location_of).ok_or_else(location_required)?;
    if !LOCATIONS.contains(&location.as_str()) {
        let message = format!(
            "The provided location '{location}' is not available for resource group. List of available regions is \
             '{}'.",
            LOCATIONS.join(",")
        );
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "LocationNotAvailableForResourceGroup", message));
    }
    let tags = Tags::put(&document, world.resources.get(id).map(|there| &there.tags))?;
    let mut status = StatusCode::OK;
    if let Some(group) = world.resources.get_mut(id) {
        check_alive(group)?;
        let there = group.location.clone().unwrap_or_default();
        if there != location {
            let message = format!(
                "Invalid resource group location '{location}'. The Resource group already exists in location '{there}'."
            );
            return Err(Refusal::gateway(StatusCode::CONFLICT, "InvalidResourceGroupLocation", message));
        }
        group.tags = tags;
    } else {
        status = StatusCode::CREATED;
        let subscription = id.split('/').nth(2).unwrap_or_default().to_owned();
        stand(world, &subscription, name, &location);
        if let Some(group) = world.resources.get_mut(id) {
            group.tags = tags;
        }
    }
    Ok(json_response(status, &body(world.existing_group(id)?)))
}

fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let document = call.json()?;
    let group = world.existing_group(id)?;
    check_alive(group)?;
    let tags = group.tags.patched(&document)?;
    if let Some(group) = world.resources.get_mut(id) {
        group.tags = tags;
    }
    Ok(json_response(StatusCode::OK, &body(world.existing_group(id)?)))
}

fn delete(world: &mut World, call: &Call, id: &str, subscription: &str) -> Result<Response, Refusal> {
    check_alive(world.existing_group(id)?)?;
    if let Some(group) = world.resources.get_mut(id) {
        group.state = "Deleting".to_owned();
    }
    let start = Start {
        subscription: subscription.to_owned(),
        place: Place::ResourceManager,
        api_version: call.api_version().to_owned(),
        seconds: world.settings.seconds("DeleteResourceGroup", DELETE_SECONDS),
        has_result: false,
        scripted: call.scripted.clone(),
    };
    let group = id.to_owned();
    let handle = operations::begin_open(world, start, move |world, ending| settle_delete(world, &group, ending));
    let mut response = nothing(StatusCode::ACCEPTED)?;
    set_header(&mut response, "location", &handle.result_url);
    world.ask_to_wait(&mut response, 15.0);
    Ok(response)
}

/// Removes the group with everything in it. What something outside the group uses stays, and so does the group.
fn settle_delete(world: &mut World, group: &str, ending: Ending) -> Ending {
    if ending != Ending::Succeeded {
        revive(world, group);
        return ending;
    }
    let blocked = network::blocked::in_group(world, group);
    let stays = |id: &str| blocked.iter().any(|(kept, _)| is_within(id, kept));
    let gone = world.resources.below(group).map(|resource| resource.id.clone()).filter(|id| !stays(id)).collect();
    remove(world, gone);
    if blocked.is_empty() {
        world.resources.remove(group);
        return ending;
    }
    revive(world, group);
    Ending::Failed(deletion_blocked(world, group, &blocked))
}

fn revive(world: &mut World, group: &str) {
    if let Some(group) = world.resources.get_mut(group) {
        group.state = "Succeeded".to_owned();
    }
}

/// As recorded (`net-Samples-Tests-Compute-CreateVirtualMachineUsingSpecializedDiskFromSnapshot`, 12).
fn deletion_blocked(world: &mut World, group: &str, blocked: &[(String, Refusal)]) -> Value {
    let short = |id: &String| id.split_once("/providers/").map_or(id.as_str(), |(_, rest)| rest).to_owned();
    let message = format!(
        "Deletion of resource group '{}' failed as resources with identifiers '{}' could not be deleted. The provisioning \
         state of the resource group will be rolled back. The tracking Id is '{}'. Please check audit logs for more \
         details.",
        group.rsplit('/').next().unwrap_or_default(),
        blocked.iter().map(|(id, _)| short(id)).collect::<Vec<_>>().join(","),
        world.ids.guid("tracking")
    );
    let detail = |(id, refusal): &(String, Refusal)| json!({"target": id, "message": json!({"error": refusal.body()}).to_string()});
    let details: Vec<Value> = blocked.iter().map(detail).collect();
    json!({"code": "ResourceGroupDeletionBlocked", "message": message, "details": details})
}

fn remove(world: &mut World, ids: Vec<String>) {
    for resource in ids.iter().filter_map(|id| world.resources.remove(id)).collect::<Vec<_>>() {
        match resource.kind {
            super::workspaces::KIND => machine_learning::workspace_removed(world, &resource.id),
            network::subnets::KIND => network::addresses::forget(world, &resource.id),
            container_instances::KIND => container_instances::removed(world, &resource),
            super::computes::KIND => super::computes::removed(world, &resource),
            managed_identity::KIND => managed_identity::removed(world, &resource),
            _ => {}
        }
    }
}

/// Checks that a group can be written to.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `409 ResourceGroupBeingDeleted`.
pub fn for_write<'a>(world: &'a World, id: &str) -> Result<&'a Resource, Refusal> {
    let group = world.existing_group(id)?;
    check_alive(group).map(|()| group)
}

fn check_alive(group: &Resource) -> Result<(), Refusal> {
    if group.state != "Deleting" {
        return Ok(());
    }
    let message =
        format!("The resource group '{}' is in deprovisioning state and cannot perform this operation.", group.name);
    Err(Refusal::gateway(StatusCode::CONFLICT, "ResourceGroupBeingDeleted", message))
}

/// `400 LocationRequired`.
pub fn location_required() -> Refusal {
    let message = "The location property is required for this definition.";
    Refusal::gateway(StatusCode::BAD_REQUEST, "LocationRequired", message)
}

pub(crate) fn body(group: &Resource) -> Value {
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(group.id));
    body.insert("name".to_owned(), json!(group.name));
    body.insert("type".to_owned(), json!(KIND));
    body.insert("location".to_owned(), json!(group.location));
    group.tags.show(&mut body);
    body.insert("properties".to_owned(), json!({"provisioningState": group.state}));
    Value::Object(body)
}
