//! PUT and DELETE. A PUT over an existing instance overwrites it, disk and all ("This call will overwrite a compute if
//! it exists. This is a nonrecoverable operation").

use super::checks::{self, invalid};
use super::{KIND, body, error_of, inner_text, note_operation, set_inner, start_of};
use crate::arm::{groups, nothing};
use crate::call::Call;
use crate::error::{Refusal, Response, empty_response, json_response};
use crate::network::addresses;
use crate::operations::{self, Ending};
use crate::store::{Busy, Resource, parent_of};
use crate::tags::Tags;
use crate::world::World;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Members that only the service writes, of the compute and of the instance in it.
const READ_ONLY: &[&str] =
    &["provisioningState", "provisioningErrors", "createdOn", "modifiedOn", "isAttachedCompute", "computeLocation"];
const INNER_READ_ONLY: &[&str] = &[
    "state",
    "connectivityEndpoints",
    "applications",
    "createdBy",
    "errors",
    "lastOperation",
    "osImageMetadata",
    "versions",
    "dataDisks",
    "dataMounts",
    "containers",
];
/// How long creation and deletion take in Azure, in seconds: a guess from what people report, some minutes.
const CREATE_SECONDS: f64 = 240.0;
const DELETE_SECONDS: f64 = 90.0;

pub(super) fn put(world: &mut World, call: &Call, workspace: &str, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let workspace = world.workspace(workspace)?.clone();
    let present = world.resource(id, KIND).cloned();
    let compute = checked(world, call, &workspace, id, present.as_ref())?;
    let (id, location) = (compute.id.clone(), compute.location.clone().unwrap_or_default());
    let before = present.as_ref().map(subnet_of).unwrap_or_default();
    let subnet = subnet_of(&compute).to_owned();
    world.resources.insert(compute);
    move_to(world, &id, before, &subnet)?;
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = json_response(status, &world.resources.get(&id).map_or(Value::Null, |it| body(world, it)));
    let start = start_of(world, call, &location, "CreateComputeInstance", CREATE_SECONDS);
    let created = id.clone();
    let handle = operations::begin(world, start, move |world, ending| settle_put(world, &created, ending));
    hold(world, &id, "CreateComputeInstance", &handle.id);
    handle.put_on(&mut response, false);
    Ok(response)
}

/// What the PUT asks for, if it may be.
fn checked(
    world: &World,
    call: &Call,
    workspace: &Resource,
    id: &str,
    present: Option<&Resource>,
) -> Result<Resource, Refusal> {
    let document = call.json()?;
    let id = present.map_or_else(|| full_id(workspace, id), |there| there.id.clone());
    let location = checks::check_location(&document, workspace)?;
    checks::check_members(&document)?;
    checks::check_name(world, &id, &location)?;
    present.map_or(Ok(()), check_settled)?;
    let tags = Tags::put(&document, present.map(|there| &there.tags))?;
    let compute = Resource { tags, ..wanted(world, call, &id, &location, &document) };
    let (before, subnet) = (present.map(subnet_of).unwrap_or_default(), subnet_of(&compute));
    let has_address = subnet.eq_ignore_ascii_case(before) && addresses::address_of(world, &id).is_some();
    if !subnet.is_empty() && !has_address {
        checks::check_subnet(world, call, &id, subnet, &location)?;
    }
    Ok(compute)
}

fn full_id(workspace: &Resource, id: &str) -> String {
    format!("{}/computes/{}", workspace.id, id.rsplit('/').next().unwrap_or_default())
}

/// Releases the instance's address in another subnet, and takes one in the new subnet.
fn move_to(world: &mut World, id: &str, before: &str, subnet: &str) -> Result<(), Refusal> {
    if !before.is_empty() && !before.eq_ignore_ascii_case(subnet) {
        addresses::release_address(world, before, id);
    }
    if subnet.is_empty() { Ok(()) } else { addresses::take_host_address(world, subnet, id).map(|_| ()) }
}

pub(super) fn subnet_of(compute: &Resource) -> &str {
    inner_text(compute, "/subnet/id")
}

/// Marks the instance as one on which an operation runs.
pub(super) fn hold(world: &mut World, id: &str, operation: &'static str, handle: &str) {
    if let Some(compute) = world.resources.get_mut(id) {
        compute.busy = Some(Busy { operation, id: handle.to_owned() });
    }
}

/// Whether no operation runs on the instance.
///
/// # Errors
/// `409 Conflict` (not confirmed).
pub(super) fn check_settled(compute: &Resource) -> Result<(), Refusal> {
    let Some(busy) = &compute.busy else { return Ok(()) };
    let message =
        format!("Operation {} is running on compute '{}'. Try again when it has ended.", busy.operation, compute.name);
    Err(Refusal::service(StatusCode::CONFLICT, "Conflict", message))
}

/// What the PUT asks for, with what the service adds.
fn wanted(world: &World, call: &Call, id: &str, location: &str, document: &Value) -> Resource {
    let mut compute = stored(id, location, document);
    let now = world.now.to_string();
    for (name, value) in [
        ("createdOn", json!(now)),
        ("modifiedOn", json!(now)),
        ("isAttachedCompute", json!(false)),
        ("computeLocation", json!(location)),
    ] {
        compute.properties.insert(name.to_owned(), value);
    }
    compute.properties.entry("disableLocalAuth").or_insert(json!(false));
    let caller = json!({
        "userName": call.caller.client_id, "userOrgId": call.caller.tenant, "userId": call.caller.object_id,
    });
    set_inner(&mut compute, "createdBy", caller);
    set_inner(&mut compute, "errors", json!([]));
    set_inner(&mut compute, "state", json!("Creating"));
    note_operation(&mut compute, world.now, "Create", "InProgress");
    compute.state = "Creating".to_owned();
    compute
}

/// The writable members with their defaults.
fn stored(id: &str, location: &str, document: &Value) -> Resource {
    let mut properties = writable(document, "/properties", READ_ONLY);
    properties.insert("properties".to_owned(), Value::Object(stored_inner(document)));
    Resource {
        id: id.to_owned(),
        name: id.rsplit('/').next().unwrap_or_default().to_owned(),
        kind: KIND,
        location: Some(location.to_owned()),
        tags: Tags::unchecked(document),
        properties,
        ..Resource::default()
    }
}

/// Those of the instance. The size comes back in upper case (not confirmed; sizes have no case).
fn stored_inner(document: &Value) -> Map<String, Value> {
    let mut inner = writable(document, "/properties/properties", INNER_READ_ONLY);
    if let Some(size) = inner.get_mut("vmSize") {
        *size = json!(size.as_str().unwrap_or_default().to_ascii_uppercase());
    }
    for (name, default) in [
        ("applicationSharingPolicy", json!("Shared")),
        ("computeInstanceAuthorizationType", json!("personal")),
        ("sshSettings", json!({"sshPublicAccess": "Disabled"})),
        ("enableNodePublicIp", json!(true)),
    ] {
        inner.entry(name).or_insert(default);
    }
    inner
}

fn writable(document: &Value, pointer: &str, read_only: &[&str]) -> Map<String, Value> {
    let mut members = document.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
    members.retain(|name, value| !read_only.contains(&name.as_str()) && !value.is_null());
    members
}

/// A failed instance keeps no address; it stands as `CreateFailed` until it is deleted.
fn settle_put(world: &mut World, id: &str, ending: &Ending) {
    let now = world.now;
    let Some(compute) = world.resources.get_mut(id) else { return };
    compute.busy = None;
    let Some(error) = error_of(ending) else {
        compute.state = "Succeeded".to_owned();
        set_inner(compute, "state", json!("Running"));
        return note_operation(compute, now, "Create", "Succeeded");
    };
    compute.state = if matches!(ending, Ending::Canceled(_)) { "Canceled" } else { "Failed" }.to_owned();
    compute.properties.insert("provisioningErrors".to_owned(), json!([{"error": error}]));
    set_inner(compute, "state", json!("CreateFailed"));
    set_inner(compute, "errors", json!([{"error": error}]));
    note_operation(compute, now, "Create", "CreateFailed");
    let subnet = subnet_of(compute).to_owned();
    addresses::release_address(world, &subnet, id);
}

pub(super) fn delete(world: &mut World, call: &Call, workspace: &str, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    world.workspace(workspace)?;
    match call.query.get("underlyingResourceAction") {
        Some("Delete") => {}
        // Only what was attached can be detached; the refusal is not confirmed.
        Some("Detach") => return Err(invalid("A compute instance can't be detached: use Delete.".to_owned())),
        _ => return Err(invalid("underlyingResourceAction must be Delete or Detach.".to_owned())),
    }
    let now = world.now;
    let Some(compute) = world.resources.get_mut(id) else { return nothing(StatusCode::NO_CONTENT) };
    check_settled(compute)?;
    let before = (compute.state.clone(), inner_text(compute, "/state").to_owned());
    compute.state = "Deleting".to_owned();
    set_inner(compute, "state", json!("Deleting"));
    note_operation(compute, now, "Delete", "InProgress");
    let (id, location) = (compute.id.clone(), compute.location.clone().unwrap_or_default());
    let mut start = start_of(world, call, &location, "DeleteComputeInstance", DELETE_SECONDS);
    start.has_result = true;
    let deleted = id.clone();
    let handle = operations::begin(world, start, move |world, ending| settle_delete(world, &deleted, &before, ending));
    hold(world, &id, "DeleteComputeInstance", &handle.id);
    let mut response = empty_response(StatusCode::ACCEPTED);
    handle.put_on(&mut response, true);
    Ok(response)
}

fn settle_delete(world: &mut World, id: &str, before: &(String, String), ending: &Ending) {
    let now = world.now;
    if *ending == Ending::Succeeded {
        if let Some(compute) = world.resources.remove(id) {
            removed(world, &compute);
        }
    } else if let Some(compute) = world.resources.get_mut(id) {
        compute.busy = None;
        compute.state.clone_from(&before.0);
        set_inner(compute, "state", json!(before.1));
        note_operation(compute, now, "Delete", "DeleteFailed");
    }
}

/// Releases what a removed instance held.
pub(crate) fn removed(world: &mut World, compute: &Resource) {
    addresses::release_address(world, subnet_of(compute), &compute.id);
}

/// Writes an instance without permission checks, for the admin interface. States that the document does not name are
/// those of a running instance.
///
/// # Errors
/// Says what is missing.
pub(crate) fn overwrite(world: &mut World, id: &str, document: &Value) -> Result<(), String> {
    let workspace = parent_of(id).unwrap_or_default();
    let workspace = world.workspace(workspace).map_err(|_| format!("workspace {workspace} does not exist"))?;
    let location = workspace.location.clone().unwrap_or_default();
    let mut compute = stored(id, &location, document);
    let given = |pointer: &str| document.pointer(pointer).cloned();
    let text =
        |pointer: &str, usual: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or(usual).to_owned();
    for name in ["createdOn", "modifiedOn", "provisioningErrors", "isAttachedCompute", "computeLocation"] {
        compute.properties.extend(given(&format!("/properties/{name}")).map(|value| (name.to_owned(), value)));
    }
    for name in ["createdBy", "errors", "lastOperation"] {
        if let Some(value) = given(&format!("/properties/properties/{name}")) {
            set_inner(&mut compute, name, value);
        }
    }
    set_inner(&mut compute, "state", json!(text("/properties/properties/state", "Running")));
    compute.state = text("/properties/provisioningState", "Succeeded");
    let before = world.resources.get(id).map(subnet_of).unwrap_or_default().to_owned();
    let subnet = subnet_of(&compute).to_owned();
    compute.busy = world.resources.get(id).and_then(|there| there.busy.clone());
    world.resources.insert(compute);
    move_to(world, id, &before, &subnet).map_err(|refusal| refusal.message)
}
