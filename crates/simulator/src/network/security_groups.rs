//! Network security groups. A PUT replaces all rules.

use super::{head, security_rules, shown, subnets, virtual_networks, writable, writes};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::operations::Ending;
use crate::store::{Resource, same_id};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use writes::Write;

/// The type.
pub const KIND: &str = "Microsoft.Network/networkSecurityGroups";
/// Members of `properties` that only the service writes.
const READ_ONLY: &[&str] =
    &["provisioningState", "resourceGuid", "defaultSecurityRules", "subnets", "networkInterfaces", "flowLogs"];
/// Duration of a PUT and of a DELETE in Azure, in seconds.
pub(super) const PUT_SECONDS: f64 = 2.0;
const DELETE_SECONDS: f64 = 3.0;

/// Lists at subscription or group.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let action = format!("{KIND}/read");
    let visible = paging::visible(world, call, &action, scope)?;
    if scope.to_ascii_lowercase().contains("/resourcegroups/") {
        world.existing_group(scope)?;
    }
    let found = world.resources.children(scope, KIND).into_iter().filter(|group| visible(&group.id));
    paging::page(world, call, raw_path, found.map(|group| (group.id.clone(), body(world, group))).collect())
}

/// GET, PUT, PATCH (tags), DELETE.
///
/// # Errors
/// Those of "Network Security Groups - Create Or Update" and "- Delete".
pub fn one(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    call.enter(world, KIND, id)?;
    match call.method {
        Method::GET => world.find(id, KIND).map(|group| shown(&group.etag, &body(world, group))),
        Method::PUT => put(world, call, id),
        Method::PATCH => patch(world, call, id),
        Method::DELETE => delete(world, call, id),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let parent = groups::for_write(world, id)?.id.clone();
    let document = call.json()?;
    let present = world.resource(id, KIND).cloned();
    let location = virtual_networks::location_of(&document, present.as_ref())?;
    writes::check_etag(call, id, present.as_ref())?;
    writes::check_free(world, id)?;
    let name = id.rsplit('/').next().unwrap_or_default();
    let id = present.as_ref().map_or_else(|| format!("{parent}/providers/{KIND}/{name}"), |there| there.id.clone());
    let properties = normalised(&document);
    security_rules::check_all(&id, rules_in(&properties))?;
    let is_same = |there: &Resource| there.state == "Succeeded" && there.properties == properties;
    let changes_network = !present.as_ref().is_some_and(is_same);
    store(world, &id, &document, location.clone(), properties);
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    if !changes_network {
        let mut response = answer(world, status, &id);
        writes::begin_finished(world, call, &location).put_on(&mut response, false);
        return Ok(response);
    }
    let write = Write { lock: &id, name: "PutNetworkSecurityGroupOperation", seconds: PUT_SECONDS, has_result: false };
    Ok(begin_update(world, call, &write, status))
}

/// Begins the operation of a write to the group (or to one of its rules) that is in the store already.
pub(super) fn begin_update(world: &mut World, call: &Call, write: &Write<'_>, status: StatusCode) -> Response {
    let id = write.lock.to_owned();
    mark(world, &id, "Updating");
    let mut response = answer(world, status, &id);
    let location = world.resources.get(&id).and_then(|group| group.location.clone()).unwrap_or_default();
    let handle = writes::begin(world, call, write, &location, move |world, ending| settle(world, &id, ending));
    writes::in_progress(world, &mut response, &handle, 1.0);
    response
}

fn answer(world: &World, status: StatusCode, id: &str) -> Response {
    json_response(status, &world.resources.get(id).map_or(Value::Null, |group| body(world, group)))
}

pub(super) fn settle(world: &mut World, id: &str, ending: &Ending) {
    mark(world, id, writes::state_after(ending));
}

/// Sets the state and a new etag.
pub(super) fn mark(world: &mut World, id: &str, state: &str) {
    let etag = world.ids.weak_etag();
    if let Some(group) = world.resources.get_mut(id) {
        group.state = state.to_owned();
        group.etag = etag;
    }
}

/// Writable members, rules with nothing but name and writable properties; no rules where none are given.
fn normalised(document: &Value) -> Map<String, Value> {
    let mut properties = writable(document, READ_ONLY);
    let rules = properties.get("securityRules").and_then(Value::as_array).cloned().unwrap_or_default();
    let rules: Vec<Value> = rules.iter().map(security_rules::normalised).collect();
    properties.insert("securityRules".to_owned(), Value::Array(rules));
    properties
}

/// The stored rules.
pub(super) fn rules_in(properties: &Map<String, Value>) -> &[Value] {
    properties.get("securityRules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn store(world: &mut World, id: &str, document: &Value, location: String, properties: Map<String, Value>) {
    let present = world.resources.get(id).cloned();
    let group = Resource {
        id: id.to_owned(),
        name: id.rsplit('/').next().unwrap_or_default().to_owned(),
        kind: KIND,
        location: Some(location),
        tags: document.get("tags").and_then(Value::as_object).cloned().unwrap_or_default(),
        properties,
        etag: world.ids.weak_etag(),
        state: "Succeeded".to_owned(),
        guid: present.as_ref().map_or_else(|| world.ids.guid("resource"), |there| there.guid.clone()),
        busy: present.and_then(|there| there.busy),
        sequence: 0,
    };
    world.resources.insert(group);
}

/// Puts a group in without the rules for callers; for the admin interface.
///
/// # Errors
/// Says which member is missing.
pub(crate) fn overwrite(world: &mut World, id: &str, document: &Value) -> Result<(), String> {
    let location = document.get("location").and_then(Value::as_str);
    let location = location.ok_or("a network security group needs \"location\"")?;
    store(world, id, document, groups::location_of(location), normalised(document));
    Ok(())
}

fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let document = call.json()?;
    let state = world.find(id, KIND)?.state.clone();
    writes::check_free(world, id)?;
    if let (Some(tags), Some(group)) = (document.get("tags"), world.resources.get_mut(id)) {
        group.tags = tags.as_object().cloned().unwrap_or_default();
    }
    mark(world, id, &state);
    Ok(answer(world, StatusCode::OK, id))
}

fn delete(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let Some(group) = world.resource(id, KIND).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    writes::check_etag_of_delete(world, call, id, &group)?;
    writes::check_free(world, id)?;
    let users = associated(world, &group.id);
    if !users.is_empty() {
        let message = format!(
            "Network security group {} cannot be deleted because it is in use by the following resources: {}. In order \
             to delete the Network security group, remove the association with the resource(s). To learn how to do \
             this, see aka.ms/deletensg.",
            group.id,
            users.join(", ")
        );
        return Err(Refusal::bad_request("InUseNetworkSecurityGroupCannotBeDeleted", message));
    }
    mark(world, id, "Deleting");
    let write =
        Write { lock: id, name: "DeleteNetworkSecurityGroupOperation", seconds: DELETE_SECONDS, has_result: true };
    let location = group.location.unwrap_or_default();
    let handle = writes::begin(world, call, &write, &location, move |world, ending| match ending {
        Ending::Succeeded => drop(world.resources.remove(&group.id)),
        _ => settle(world, &group.id, ending),
    });
    Ok(writes::accepted(world, &handle, 1.0))
}

/// The subnets that refer to a group.
fn associated(world: &World, id: &str) -> Vec<String> {
    let refers = |subnet: &&Resource| {
        let reference = subnet.properties.get("networkSecurityGroup").and_then(|reference| reference.get("id"));
        subnet.kind == subnets::KIND && reference.and_then(Value::as_str).is_some_and(|other| same_id(other, id))
    };
    world.resources.iter().filter(refers).map(|subnet| subnet.id.clone()).collect()
}

/// What GET shows.
pub(crate) fn body(world: &World, group: &Resource) -> Value {
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(group.state));
    properties.insert("resourceGuid".to_owned(), json!(group.guid));
    properties.extend(group.properties.clone());
    let rules: Vec<Value> = rules_in(&group.properties).iter().map(|rule| security_rules::body(group, rule)).collect();
    properties.insert("securityRules".to_owned(), Value::Array(rules));
    properties.insert("defaultSecurityRules".to_owned(), security_rules::defaults(group));
    let users = associated(world, &group.id);
    if !users.is_empty() {
        properties.insert("subnets".to_owned(), users.iter().map(|id| json!({"id": id})).collect());
    }
    let mut body = head(group);
    body.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(body)
}
