//! What all writes have in common: one writer at a time, conditional requests, the operation.

use crate::call::Call;
use crate::error::{Refusal, Response, set_header};
use crate::operations::{self, Ending, Handle, Place, Start};
use crate::store::{Busy, Resource};
use crate::world::World;
use http::StatusCode;

/// A write on a virtual network (with all that is in it) or on a network security group.
pub struct Write<'a> {
    /// Id of the resource that stands for the lock.
    pub lock: &'a str,
    /// Azure's name, for example `PutSubnetOperation`.
    pub name: &'static str,
    /// Duration in Azure, in seconds.
    pub seconds: f64,
    /// Whether the operation has a result URL that answers 204 (DELETE).
    pub has_result: bool,
}

/// Checks that no other write to the resource `lock` is in progress. Azure may instead let the second write supersede
/// the first.
///
/// # Errors
/// `429 RetryableError` with `Retry-After`.
pub fn check_free(world: &World, lock: &str) -> Result<(), Refusal> {
    let Some(resource) = world.resources.get(lock) else { return Ok(()) };
    let Some(Busy { operation, id }) = &resource.busy else { return Ok(()) };
    let seconds = world.retry_after(11.0);
    let message = format!(
        "Operation {operation} ({id}) is updating resource {}. The call can be retried in {seconds} seconds.",
        resource.id
    );
    let refusal = Refusal::service(StatusCode::TOO_MANY_REQUESTS, "RetryableError", "A retryable error occurred.");
    Err(refusal.detail("RetryableErrorDueToAnotherOperation", message).retry_after(seconds))
}

/// Checks `If-Match`. The API description does not declare it, but the service honours it on PUT (used by Kubernetes'
/// cloud-provider-azure). `If-None-Match` is not honoured.
///
/// # Errors
/// `412 PreconditionFailed`.
pub fn check_etag(call: &Call, id: &str, present: Option<&Resource>) -> Result<(), Refusal> {
    let Some(wanted) = call.header("if-match") else { return Ok(()) };
    let etag = present.map_or("", |resource| resource.etag.as_str());
    if (wanted == "*" && present.is_some()) || wanted == etag {
        return Ok(());
    }
    let message = format!(
        "Etag provided in if-match header {wanted} does not match etag {etag} of resource {id} in NRP data store."
    );
    let refusal = Refusal::service(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "Precondition failed.");
    Err(refusal.detail("PreconditionFailedEtagMismatch", message))
}

/// Checks `If-Match` of a DELETE, if that is switched on. That the service honours it there is not confirmed.
///
/// # Errors
/// `412 PreconditionFailed`.
pub fn check_etag_of_delete(world: &World, call: &Call, id: &str, present: &Resource) -> Result<(), Refusal> {
    if world.settings.if_match_on_delete { check_etag(call, id, Some(present)) } else { Ok(()) }
}

/// Marks the lock as taken and begins the operation; the lock is free again right before `settle` runs.
pub fn begin(
    world: &mut World,
    call: &Call,
    write: &Write<'_>,
    location: &str,
    settle: impl FnOnce(&mut World, &Ending) + Send + 'static,
) -> Handle {
    let start = Start {
        subscription: call.path.subscription().unwrap_or_default().to_owned(),
        place: Place::Provider("Microsoft.Network", location.to_owned()),
        api_version: call.api_version().to_owned(),
        seconds: world.settings.seconds(write.name, write.seconds),
        has_result: write.has_result,
        scripted: call.scripted.clone(),
    };
    let lock = write.lock.to_owned();
    let handle = operations::begin(world, start, move |world, ending| {
        if let Some(resource) = world.resources.get_mut(&lock) {
            resource.busy = None;
        }
        settle(world, ending);
    });
    if let Some(resource) = world.resources.get_mut(write.lock) {
        resource.busy = Some(Busy { operation: write.name, id: handle.id.clone() });
    }
    handle
}

/// The operation of a write that changed nothing: it ends at once.
pub fn begin_finished(world: &mut World, call: &Call, location: &str) -> Handle {
    let start = Start {
        subscription: call.path.subscription().unwrap_or_default().to_owned(),
        place: Place::Provider("Microsoft.Network", location.to_owned()),
        api_version: call.api_version().to_owned(),
        seconds: 0.0,
        has_result: false,
        scripted: None,
    };
    operations::begin(world, start, |_, _| {})
}

/// The `provisioningState` in which an operation leaves a resource.
pub fn state_after(ending: &Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "Succeeded",
        Ending::Failed(_) | Ending::Canceled(_) => "Failed",
    }
}

/// The answer to PATCH, which begins no operation but says as if it did that there would be a notice of its end, as
/// recorded (`python-network-…-nat-test-network`, 6).
pub fn notified(mut response: Response) -> Response {
    set_header(&mut response, "azure-asyncnotification", "Enabled");
    response
}

/// Writes of children (subnets, routes, rules) do not say that there is a notice, as recorded
/// (`net-Fluent-Tests-Network-RouteTable-…`, `python-network-…-route-table-…`).
pub fn without_notification(response: &mut Response) {
    response.headers_mut().remove("azure-asyncnotification");
}

/// `202` without a body: the answer to DELETE.
pub fn accepted(world: &World, handle: &Handle, retry_after: f64) -> Response {
    let mut response = crate::error::empty_response(StatusCode::ACCEPTED);
    handle.put_on(&mut response, true);
    world.ask_to_wait(&mut response, retry_after);
    response
}

/// Adds the headers of a PUT whose work goes on.
pub fn in_progress(world: &World, response: &mut Response, handle: &Handle, retry_after: f64) {
    handle.put_on(response, false);
    world.ask_to_wait(response, retry_after);
}
