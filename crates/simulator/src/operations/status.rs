//! Answers requests to operation URLs.

use super::{Ending, Handle, Operation, Place, poll_pause, status_body};
use crate::call::Call;
use crate::container_instances;
use crate::error::{Refusal, Response, empty_response, json_response, set_header};
use crate::world::World;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

/// `GET …/operations/{id}`: 200 with the status, whatever it is; private DNS answers 202 as long as it runs.
///
/// # Errors
/// `404 OperationNotFound` for an unknown operation (code not confirmed), `403` for a URL that was not given out.
pub fn status(world: &mut World, call: &Call, raw_path: &str, id: &str) -> Result<Response, Refusal> {
    check_signature(world, call, raw_path)?;
    let operation = poll(world, id)?;
    let (is_over, pause) = (operation.ending.is_some(), poll_pause(operation));
    let mut body = status_body(operation.ending.as_ref());
    let group = match &operation.place {
        Place::ContainerGroup { group, .. } => Some(group),
        _ => None,
    };
    if let Some(group) = group {
        tell_of_group(world, &mut body, group, operation.began);
    }
    let mut response = json_response(StatusCode::OK, &body);
    if !is_over && matches!(operation.place, Place::PrivateDns(..)) {
        *response.status_mut() = StatusCode::ACCEPTED;
        repeat(&mut response, &operation.handle);
    }
    if !is_over && group.is_none() {
        world.ask_to_wait(&mut response, pause);
    }
    count(world, id);
    Ok(response)
}

/// Adds both URLs again.
fn repeat(response: &mut Response, handle: &Handle) {
    set_header(response, "azure-asyncoperation", &handle.status_url);
    set_header(response, "location", &handle.result_url);
}

/// What Container Instances adds, as recorded: the group, the start, the containers' events, and `Pending`.
fn tell_of_group(world: &World, body: &mut Value, group: &str, began: Timestamp) {
    let Some(body) = body.as_object_mut() else { return };
    if body.get("status").is_some_and(|status| status == "InProgress") {
        body.insert("status".to_owned(), json!("Pending"));
    }
    body.insert("id".to_owned(), json!(group));
    body.insert("startTime".to_owned(), json!(began.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()));
    let is_over = body.get("status").is_some_and(|status| status == "Succeeded");
    let events = if is_over { container_instances::first_events(world, group) } else { json!([]) };
    body.insert("properties".to_owned(), json!({"events": events}));
}

/// `GET …/computeOperationsStatus/{id}`: the status, or with `type=location` the result.
///
/// # Errors
/// As [`status`] and [`result`].
pub fn status_or_result(world: &mut World, call: &Call, raw_path: &str, id: &str) -> Result<Response, Refusal> {
    match call.query.get("type") {
        Some("location") => result(world, call, raw_path, id),
        _ => status(world, call, raw_path, id),
    }
}

/// `GET …/operationResults/{id}`: 202 while it runs, 204 at the end (200 for a PUT, and `200 {}` of private DNS, as
/// recorded); a failure is an error status.
///
/// # Errors
/// As [`status`]; besides `409` with the error of an operation that failed (recorded of a resource group only).
pub fn result(world: &mut World, call: &Call, raw_path: &str, id: &str) -> Result<Response, Refusal> {
    check_signature(world, call, raw_path)?;
    let operation = poll(world, id)?;
    let response = match &operation.ending {
        Some(Ending::Succeeded) if operation.has_result => Ok(result_of(operation)),
        Some(Ending::Succeeded) => Ok(empty_response(StatusCode::OK)),
        Some(Ending::Failed(error)) if operation.place == Place::ResourceManager => {
            Ok(json_response(StatusCode::CONFLICT, &in_capitals(error)))
        }
        Some(Ending::Failed(error) | Ending::Canceled(error)) => Err(refusal_of(error)),
        None => {
            let mut response = empty_response(StatusCode::ACCEPTED);
            world.ask_to_wait(&mut response, poll_pause(operation));
            set_header(&mut response, "location", &own_url(world, call, raw_path));
            Ok(response)
        }
    };
    count(world, id);
    response
}

/// The end of a DELETE. Microsoft.Network repeats its URLs and calls the empty body JSON
/// (`net-Fluent-Tests-Network-RouteTable-…`).
fn result_of(operation: &Operation) -> Response {
    match operation.place {
        Place::PrivateDns(..) => json_response(StatusCode::OK, &json!({})),
        Place::Provider("Microsoft.Network", _) => {
            let mut response = empty_response(StatusCode::NO_CONTENT);
            set_header(&mut response, "content-type", "application/json; charset=utf-8");
            repeat(&mut response, &operation.handle);
            response
        }
        _ => empty_response(StatusCode::NO_CONTENT),
    }
}

/// An error as Resource Manager tells it of a group that could not be deleted, with names in capitals
/// (`net-Samples-Tests-Compute-CreateVirtualMachineUsingSpecializedDiskFromSnapshot`, 12).
fn in_capitals(error: &Value) -> Value {
    let detail = |detail: &Value| {
        json!({
            "Code": null, "Target": detail.get("target"), "Message": detail.get("message"), "Details": null,
            "AdditionalInfo": null,
        })
    };
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    json!({"Error": {
        "Code": error.get("code"), "Target": null, "Message": error.get("message"),
        "Details": details.map(detail).collect::<Vec<_>>(), "AdditionalInfo": null,
    }})
}

fn check_signature(world: &World, call: &Call, raw_path: &str) -> Result<(), Refusal> {
    if world.operations.signer.is_genuine(raw_path, |name| call.query.get(name)) {
        return Ok(());
    }
    // What Azure answers to a URL that was shortened or re-encoded is not documented.
    let message = "The signature of the operation URL is not valid. Use the URL byte for byte as it was given out.";
    Err(Refusal::gateway(StatusCode::FORBIDDEN, "InvalidOperationUrlSignature", message))
}

fn poll<'a>(world: &'a World, id: &str) -> Result<&'a Operation, Refusal> {
    let known = world.operations.by_id.get(id).filter(|operation| !operation.lost);
    known.ok_or_else(|| {
        let message = format!("Operation {id} was not found.");
        Refusal::service(StatusCode::NOT_FOUND, "OperationNotFound", message)
    })
}

fn count(world: &mut World, id: &str) {
    if let Some(operation) = world.operations.by_id.get_mut(id) {
        operation.polls = operation.polls.saturating_add(1);
    }
}

fn refusal_of(error: &Value) -> Refusal {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Refusal::service(StatusCode::CONFLICT, text("code"), text("message"))
}

/// The URL of this request, built again from its parts (the parameters need no encoding).
fn own_url(world: &World, call: &Call, raw_path: &str) -> String {
    let query: Vec<String> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}{raw_path}?{}", world.base_url, query.join("&"))
}
