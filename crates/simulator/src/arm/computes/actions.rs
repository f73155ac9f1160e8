//! `start`, `stop`, `restart`, `listKeys`, `listNodes`.

use super::writes::{check_settled, hold};
use super::{KIND, existing, inner_text, note_operation, set_inner, start_of};
use crate::arm::{groups, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, empty_response};
use crate::operations::{self, Ending};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::json;

/// A change of the power state.
struct Power {
    /// `lastOperation.operationName`.
    name: &'static str,
    /// Name of the work in the settings.
    work: &'static str,
    /// State in which it is possible, while it runs, and at the end.
    states: [&'static str; 3],
    /// `lastOperation.operationStatus` when it fails.
    failed: &'static str,
    /// Duration in Azure, in seconds; a guess.
    seconds: f64,
}

const START: Power = Power {
    name: "Start",
    work: "StartComputeInstance",
    states: ["Stopped", "Starting", "Running"],
    failed: "StartFailed",
    seconds: 120.0,
};
const STOP: Power = Power {
    name: "Stop",
    work: "StopComputeInstance",
    states: ["Running", "Stopping", "Stopped"],
    failed: "StopFailed",
    seconds: 60.0,
};
const RESTART: Power = Power {
    name: "Restart",
    work: "RestartComputeInstance",
    states: ["Running", "Restarting", "Running"],
    failed: "RestartFailed",
    seconds: 90.0,
};

/// Answers `POST …/computes/{compute}/{action}`.
///
/// # Errors
/// The 404 family, `403`, `409 ScopeLocked`, `405`; `409 Conflict` in a state in which the action is not possible (not
/// confirmed).
pub(super) fn route(world: &mut World, call: &Call, id: &str, action: &str) -> Result<Response, Refusal> {
    if call.method != Method::POST {
        return Err(wrong_verb(call));
    }
    call.enter(world, &format!("{KIND}/{action}"), id)?;
    match action {
        "start" => power(world, call, id, &START),
        "stop" => power(world, call, id, &STOP),
        "restart" => power(world, call, id, &RESTART),
        // Secrets are described for AKS, virtual machines and Databricks only, nodes for clusters ("Compute - List
        // Keys", "- List Nodes"); what an instance gets is not confirmed.
        "listkeys" | "listnodes" => {
            existing(world, id)?;
            let message = format!("The operation '{action}' is not supported for computeType 'ComputeInstance'.");
            Err(Refusal::bad_request("BadRequest", message))
        }
        _ => Err(unknown_type("microsoft.machinelearningservices", &["workspaces", "", "computes", "", action], call)),
    }
}

/// `provisioningState` stays as it is: only the instance's own state moves (not confirmed).
fn power(world: &mut World, call: &Call, id: &str, power: &'static Power) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let compute = existing(world, id)?;
    check_settled(compute)?;
    let [possible, during, _] = power.states;
    let state = inner_text(compute, "/state");
    if state != possible {
        let message = format!(
            "Compute '{}' is in state '{state}'; {} is possible in state '{possible}'.",
            compute.name, power.name
        );
        return Err(Refusal::service(StatusCode::CONFLICT, "Conflict", message));
    }
    let (id, location, now) = (compute.id.clone(), compute.location.clone().unwrap_or_default(), world.now);
    if let Some(compute) = world.resources.get_mut(&id) {
        set_inner(compute, "state", json!(during));
        note_operation(compute, now, power.name, "InProgress");
    }
    let start = start_of(world, call, &location, power.work, power.seconds);
    let target = id.clone();
    let handle = operations::begin(world, start, move |world, ending| settle(world, &target, power, ending));
    hold(world, &id, power.work, &handle.id);
    let mut response = empty_response(StatusCode::ACCEPTED);
    handle.put_on(&mut response, true);
    Ok(response)
}

/// What failed leaves the instance as it was.
fn settle(world: &mut World, id: &str, power: &Power, ending: &Ending) {
    let now = world.now;
    let Some(compute) = world.resources.get_mut(id) else { return };
    let [before, _, after] = power.states;
    let (state, status) = if *ending == Ending::Succeeded { (after, "Succeeded") } else { (before, power.failed) };
    compute.busy = None;
    set_inner(compute, "state", json!(state));
    note_operation(compute, now, power.name, status);
}
