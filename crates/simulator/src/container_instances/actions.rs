//! Start, stop and restart, and the logs of containers.

use super::body::{Shown, View};
use super::put::{self, check_settled};
use super::{KIND, RESTART, TRANSITION, request, services};
use crate::arm::{groups, nothing, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response, set_header};
use crate::network::addresses;
use crate::store::{Busy, Resource, key};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// How long a group is in transition after a stop or a restart, in seconds ("at least 10 s between operations").
const TRANSITION_SECONDS: f64 = 10.0;
/// Most lines and bytes of a log, while the container runs and when it does not.
const RUNNING_BYTES: usize = 4 * 1024 * 1024;
const ENDED_BYTES: usize = 16 * 1024;
const ENDED_LINES: usize = 1_000;

/// `POST …/start`, `stop`, `restart`.
///
/// # Errors
/// The 404 family, `403`, `409 ContainerGroupTransitioning`, `ScopeLocked`, `405`; a start what a PUT may be refused for
/// in its subnet.
pub(super) fn run(world: &mut World, call: &Call, id: &str, action: &str) -> Result<Response, Refusal> {
    if call.method != Method::POST {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/{action}/action"), id)?;
    world.locks.check(&call.method, id)?;
    groups::for_write(world, id)?;
    if services::find(world, id).is_some() {
        return Err(super::not_simulated(&format!("{action} of a web service's container group")));
    }
    let group = world.container_group(id)?.clone();
    match action {
        "start" => start(world, call, &group),
        "stop" => stop(world, &group),
        _ => restart(world, call, &group),
    }
}

/// A new deployment of a stopped group: 202, else 204 (that 202 comes with the URL of an operation is not confirmed).
fn start(world: &mut World, call: &Call, group: &Resource) -> Result<Response, Refusal> {
    check_settled(group)?;
    if world.life(&group.id).is_some_and(|life| life.started.is_some() && life.stopped.is_none()) {
        return nothing(StatusCode::NO_CONTENT);
    }
    put::take_address(world, group)?;
    let handle = put::begin(world, call, &group.id);
    let mut response = nothing(StatusCode::ACCEPTED)?;
    set_header(&mut response, "azure-asyncoperation", &handle.status_url);
    Ok(response)
}

/// The containers end and the address is released; the group stays. An endless provisioning is ended by it too, and so
/// is a restart: Azure took a stop 0 to 1 s after one with 204 (recorded in Nov. 2018 by Microsoft's Java SDK and in 2021
/// by azure-mgmt-containerinstance).
fn stop(world: &mut World, group: &Resource) -> Result<Response, Refusal> {
    let is_restarting = group.busy.as_ref().is_some_and(|busy| busy.operation == RESTART);
    if !is_restarting && !put::is_stuck(world, group) {
        check_settled(group)?;
    }
    let (now, turn) = (world.now, world.container_instances.next_turn());
    let Some(life) = world.container_instances.lives.get_mut(&key(&group.id)) else {
        return nothing(StatusCode::NO_CONTENT);
    };
    if life.stopped.is_some() {
        return nothing(StatusCode::NO_CONTENT);
    }
    (life.stopped, life.turn) = (Some(now), turn);
    if is_restarting {
        life.started.get_or_insert(now);
    }
    if let Some(subnet) = request::subnet(group) {
        addresses::release_address(world, subnet, &group.id);
    }
    transition(world, &group.id, "Succeeded", |world, id| {
        if let Some(group) = world.resources.get_mut(id) {
            group.busy = None;
        }
    });
    nothing(StatusCode::NO_CONTENT)
}

/// The containers start anew in place: 204 with the URL of an operation, and `Updating` meanwhile (recorded in 2018 to
/// 2021 by the same two).
fn restart(world: &mut World, call: &Call, group: &Resource) -> Result<Response, Refusal> {
    check_settled(group)?;
    if world.life(&group.id).is_some_and(|life| life.stopped.is_some()) {
        // What Azure says is not confirmed.
        let message = format!("The container group '{}' is stopped: start it.", group.name);
        return Err(Refusal::service(StatusCode::CONFLICT, "ContainerGroupStopped", message));
    }
    let handle = put::begin_restart(world, call, group, TRANSITION_SECONDS);
    let mut response = nothing(StatusCode::NO_CONTENT)?;
    set_header(&mut response, "azure-asyncoperation", &handle.status_url);
    Ok(response)
}

/// `POST …/containers/{name}/exec` and `attach`. Azure answers 200 with the address of a web socket and a password; here
/// no process stands behind a container.
///
/// # Errors
/// What Azure refuses too (the 404 family, `403`, `405`), else `501 NotSimulated`.
pub(super) fn enter(world: &World, call: &Call, id: &str, name: &str, word: &str) -> Result<Response, Refusal> {
    if call.method != Method::POST {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/containers/{word}/action"), id)?;
    if services::find(world, id).is_none() {
        container_of(world.container_group(id)?, name)?;
    }
    let message = format!(
        "Azure would open a web socket for {word} to container '{name}'. The simulator can't: its container groups run no \
         process. What a container wrote is at …/containers/{name}/logs."
    );
    Err(Refusal::service(StatusCode::NOT_IMPLEMENTED, "NotSimulated", message))
}

/// Marks the group as in transition, and has `end` happen when that is over.
fn transition(world: &mut World, id: &str, state: &str, end: impl FnOnce(&mut World, &str) + Send + 'static) {
    let operation = world.ids.guid("operation");
    if let Some(group) = world.resources.get_mut(id) {
        group.state = state.to_owned();
        group.busy = Some(Busy { operation: TRANSITION, id: operation.clone() });
    }
    let at = id.to_owned();
    world.schedule(world.duration_of(TRANSITION, TRANSITION_SECONDS), move |world| {
        let busy = world.resources.get(&at).and_then(|group| group.busy.as_ref());
        if busy.is_some_and(|busy| busy.id == operation) {
            end(world, &at);
        }
    });
}

/// `GET …/containers/{name}/logs?tail=&timestamps=`.
///
/// # Errors
/// The 404 family, `403`, `404 ContainerNotFound`, `400 ContainerLogNotAvailable` (status not confirmed), `405`.
pub(super) fn logs(world: &World, call: &Call, id: &str, name: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/containers/logs/read"), id)?;
    if let Some(service) = services::find(world, id) {
        return services::logs(world, &service, tail(call)?);
    }
    let content = log(world, call, world.container_group(id)?, name)?;
    Ok(json_response(StatusCode::OK, &json!({"content": content})))
}

fn log(world: &World, call: &Call, group: &Resource, name: &str) -> Result<String, Refusal> {
    let container = container_of(group, name)?;
    let life = world.life(&group.id);
    let view = View::of(world, &Shown { group, life, address: None }, container);
    let (at, lines) = view.log(name, request::container_image(container)).ok_or_else(|| {
        let message = format!("The container group '{}' has no log of '{name}' yet, please retry later.", group.name);
        Refusal::bad_request("ContainerLogNotAvailable", message)
    })?;
    let is_stamped = call.query.get("timestamps").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let stamp = if is_stamped { at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string() } else { String::new() };
    let lines: Vec<String> = lines.iter().map(|line| format!("{stamp}{line}\n")).collect();
    let is_up = life.is_some_and(|life| life.stopped.is_none());
    let (most, bytes) = if is_up { (usize::MAX, RUNNING_BYTES) } else { (ENDED_LINES, ENDED_BYTES) };
    Ok(last(&lines, tail(call)?.min(most), bytes))
}

fn container_of<'a>(group: &'a Resource, name: &str) -> Result<&'a Value, Refusal> {
    let containers = request::containers(&group.properties);
    containers.iter().find(|one| request::container_name(one) == name).ok_or_else(|| {
        let message = format!("The container '{name}' is not found in container group '{}'.", group.name);
        Refusal::service(StatusCode::NOT_FOUND, "ContainerNotFound", message)
    })
}

fn tail(call: &Call) -> Result<usize, Refusal> {
    let Some(text) = call.query.get("tail") else { return Ok(usize::MAX) };
    text.parse().map_err(|_| Refusal::bad_request("InvalidParameter", format!("tail={text} is no number of lines.")))
}

/// The last lines, at most so many and so many bytes.
fn last(lines: &[String], most: usize, bytes: usize) -> String {
    let mut left = bytes;
    let fits = |line: &&String| {
        let fits = line.len() <= left;
        left = left.saturating_sub(line.len());
        fits
    };
    let mut kept: Vec<&str> = lines.iter().rev().take(most).take_while(fits).map(String::as_str).collect();
    kept.reverse();
    kept.concat()
}

/// `GET …/outboundNetworkDependenciesEndpoints`: "always empty list", says the description.
pub(super) fn outbound_endpoints(world: &World, call: &Call, id: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, &format!("{KIND}/outboundNetworkDependenciesEndpoints/read"), id)?;
    world.container_group(id)?;
    Ok(json_response(StatusCode::OK, &Value::Array(Vec::new())))
}
