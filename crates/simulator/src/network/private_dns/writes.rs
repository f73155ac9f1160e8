//! What writes of zones and links have in common: `202 {}` (of a DELETE `202`) with both URLs, and an operation that
//! does the work.

use crate::call::Call;
use crate::error::{Refusal, Response, empty_response, json_response, set_header};
use crate::faults::ScriptedEnding;
use crate::operations::{self, Ending, Place, Start};
use crate::store::{Busy, Resource, group_of};
use crate::world::World;
use http::StatusCode;
use serde_json::{Value, json};

/// Duration of a write in Azure, in seconds: recorded ones had ended at the first look after 30 s.
const WRITE_SECONDS: f64 = 20.0;

/// What the operation ends with where the write can't be done.
pub(super) fn failure(code: &str, message: impl Into<String>) -> Value {
    json!({"code": code, "message": message.into()})
}

/// Checks that no other write to the resource is in progress.
///
/// # Errors
/// `409 Conflict` (not confirmed).
pub(super) fn check_settled(present: Option<&Resource>) -> Result<(), Refusal> {
    let Some(Busy { operation, .. }) = present.and_then(|present| present.busy.as_ref()) else { return Ok(()) };
    let id = present.map(|present| present.id.as_str()).unwrap_or_default();
    let message = format!("Operation {operation} is running on {id}. Try again when it has ended.");
    Err(Refusal::service(StatusCode::CONFLICT, "Conflict", message))
}

/// Creates or updates when the operation succeeds; until then a new one shows as `Creating` (not confirmed). With a
/// failure nothing but the operation begins.
pub(super) fn upsert(
    world: &mut World,
    call: &Call,
    name: &'static str,
    wanted: Resource,
    failure: Option<Value>,
    then: impl FnOnce(&mut World, &Resource) + Send + 'static,
) -> Response {
    let id = wanted.id.clone();
    if failure.is_some() {
        return begin(world, call, name, &id, failure, |_, _| {});
    }
    let is_new = world.resources.get(&id).is_none();
    match world.resources.get_mut(&id) {
        Some(there) => there.state = "Updating".to_owned(),
        None => world.resources.insert(Resource { state: "Creating".to_owned(), ..wanted.clone() }),
    }
    begin(world, call, name, &id, None, move |world, ending| {
        if *ending == Ending::Succeeded {
            world.resources.insert(Resource { state: "Succeeded".to_owned(), busy: None, ..wanted.clone() });
            then(world, &wanted);
        } else if is_new {
            world.resources.remove_tree(&wanted.id);
        } else {
            release(world, &wanted.id);
        }
    })
}

/// Removes a resource and everything in it when the operation succeeds.
pub(super) fn delete(world: &mut World, call: &Call, name: &'static str, id: &str, failure: Option<Value>) -> Response {
    if failure.is_some() {
        return begin(world, call, name, id, failure, |_, _| {});
    }
    if let Some(there) = world.resources.get_mut(id) {
        there.state = "Deleting".to_owned();
    }
    let target = id.to_owned();
    begin(world, call, name, id, None, move |world, ending| match ending {
        Ending::Succeeded => {
            world.resources.remove_tree(&target);
        }
        _ => release(world, &target),
    })
}

/// Leaves the resource as it was.
fn release(world: &mut World, id: &str) {
    if let Some(there) = world.resources.get_mut(id) {
        there.state = "Succeeded".to_owned();
        there.busy = None;
    }
}

fn begin(
    world: &mut World,
    call: &Call,
    name: &'static str,
    id: &str,
    failure: Option<Value>,
    settle: impl FnOnce(&mut World, &Ending) + Send + 'static,
) -> Response {
    let (writes, deletes) = (failure.is_none(), name.starts_with("Delete"));
    let start = Start {
        subscription: call.path.subscription().unwrap_or_default().to_owned(),
        place: Place::PrivateDns(group_of(id).unwrap_or_default(), name),
        api_version: call.api_version().to_owned(),
        seconds: world.settings.seconds(name, WRITE_SECONDS),
        has_result: deletes,
        scripted: failure.map(ScriptedEnding::Failed).or_else(|| call.scripted.clone()),
    };
    let handle = operations::begin(world, start, settle);
    if let Some(there) = world.resources.get_mut(id).filter(|_| writes) {
        there.busy = Some(Busy { operation: name, id: handle.id.clone() });
    }
    let mut response =
        if deletes { empty_response(StatusCode::ACCEPTED) } else { json_response(StatusCode::ACCEPTED, &json!({})) };
    set_header(&mut response, "azure-asyncoperation", &handle.status_url);
    set_header(&mut response, "location", &handle.result_url);
    world.ask_to_wait(&mut response, 30.0);
    response
}
