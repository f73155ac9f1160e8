//! Compute instances of a workspace ("Compute - Create Or Update", "- Delete", "- Start" …, 2024-04-01). Other kinds of
//! compute are not simulated.
//!
//! "Not confirmed" in a comment means that neither the API description nor a recorded answer says so.

mod actions;
mod checks;
mod hosts;
mod view;
mod writes;

pub(crate) use hosts::hosts;
pub(crate) use view::body;
pub(crate) use writes::{overwrite, removed};

use super::{paging, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::operations::{Ending, Place, Start};
use crate::store::Resource;
use crate::world::{World, not_found};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The type.
pub const KIND: &str = "Microsoft.MachineLearningServices/workspaces/computes";

/// Answers a request below `…/workspaces/{workspace}/computes`.
///
/// # Errors
/// Whatever Azure refuses.
pub fn route(
    world: &mut World,
    call: &Call,
    raw_path: &str,
    workspace: &str,
    rest: &[&str],
) -> Result<Response, Refusal> {
    let id = |name: &&str| format!("{workspace}/computes/{name}");
    match rest {
        [] => list(world, call, raw_path, workspace),
        [name] => one(world, call, workspace, &id(name)),
        [name, action] => actions::route(world, call, &id(name), action),
        _ => Err(unknown_type("microsoft.machinelearningservices", &["workspaces", "", "computes", "", ""], call)),
    }
}

fn list(world: &World, call: &Call, raw_path: &str, workspace: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), workspace)?;
    let workspace = world.workspace(workspace)?;
    let found = world.resources.children(&workspace.id, KIND).into_iter();
    paging::page(world, call, raw_path, found.map(|it| (it.id.clone(), body(world, it))).collect())
}

fn one(world: &mut World, call: &Call, workspace: &str, id: &str) -> Result<Response, Refusal> {
    call.enter(world, KIND, id)?;
    match call.method {
        Method::GET => existing(world, id).map(|found| json_response(StatusCode::OK, &body(world, found))),
        Method::PUT => writes::put(world, call, workspace, id),
        Method::DELETE => writes::delete(world, call, workspace, id),
        // Only the scale of a cluster can be patched ("Compute - Update"); the refusal is not confirmed.
        Method::PATCH => Err(Refusal::bad_request("BadRequest", "A compute instance has nothing that can be updated.")),
        _ => Err(wrong_verb(call)),
    }
}

/// The compute instance.
///
/// # Errors
/// `404 ResourceNotFound` by the provider for a compute of an existing workspace (its code is not confirmed), else as
/// [`World::workspace`].
fn existing<'a>(world: &'a World, id: &str) -> Result<&'a Resource, Refusal> {
    let workspace = crate::store::parent_of(id).unwrap_or_default();
    world.workspace(workspace)?;
    let missing = || Refusal { cause: crate::error::Cause::Service, ..not_found(id, KIND) };
    world.resource(id, KIND).ok_or_else(missing)
}

/// What begins an operation on a compute instance.
fn start_of(world: &World, call: &Call, location: &str, work: &str, usual: f64) -> Start {
    Start {
        subscription: call.path.subscription().unwrap_or_default().to_owned(),
        place: Place::Compute(location.to_owned()),
        api_version: call.api_version().to_owned(),
        seconds: world.settings.seconds(work, usual),
        has_result: false,
        scripted: call.scripted.clone(),
    }
}

/// Sets a member of the compute instance's own `properties`, which lie in `properties` of the compute.
fn set_inner(resource: &mut Resource, name: &str, value: Value) {
    if let Some(Value::Object(inner)) = resource.properties.get_mut("properties") {
        inner.insert(name.to_owned(), value);
    }
}

/// Notes how the last operation goes: `Create`, `Start`, `Stop`, `Restart` or `Delete`.
fn note_operation(resource: &mut Resource, now: Timestamp, name: &str, status: &str) {
    let last = json!({
        "operationName": name, "operationTime": now.to_string(), "operationStatus": status, "operationTrigger": "User",
    });
    set_inner(resource, "lastOperation", last);
}

/// A member of the inner `properties` as text.
fn inner_text<'a>(resource: &'a Resource, pointer: &str) -> &'a str {
    resource.properties.get("properties").and_then(|inner| inner.pointer(pointer)?.as_str()).unwrap_or_default()
}

/// The error of an operation that did not succeed.
fn error_of(ending: &Ending) -> Option<&Value> {
    match ending {
        Ending::Succeeded => None,
        Ending::Failed(error) | Ending::Canceled(error) => Some(error),
    }
}
