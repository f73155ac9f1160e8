//! The steps of a deployment: build the environment's image unless it exists, submit the container group, watch it
//! start. Scripted containers follow the clock; real ones report through [`build_ended`] and [`deploy_ended`].

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::problem::Problem;
use super::state::{Container, Image, Stage, State};
use super::{artifacts, environment_builds, environments, image, operations, request, view};
use crate::containers;
use crate::error::Refusal;
use crate::faults::ScriptedEnding;
use crate::network::addresses::{self, Holder};
use crate::run::Runs;
use crate::store::subscription_of;
use crate::windows::{self, Deed};
use crate::world::World;
use http::StatusCode;

/// Azure seconds until an image is built; five minutes and more for large environments.
pub(super) const BUILD_SECONDS: f64 = 100.0;
/// Azure seconds until an existing image is found.
const LOOK_UP_SECONDS: f64 = 3.0;
/// Azure seconds from submitting a container group to its first answer.
const DEPLOY_SECONDS: f64 = 60.0;
/// How long a real container may take to answer; Azure gives up after about twenty minutes. Not scaled: a process
/// can't be sped up.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// How a step of a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It succeeded.
    Good,
    /// It failed: no image, or a container that does not start.
    Bad,
}

/// Whether a real container that was healthy still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// Key of the container group behind a service, unique in the simulator.
pub(crate) fn group_id(workspace: &str, service: &str) -> String {
    format!("{}/services/{service}", crate::store::key(workspace))
}

/// Begins to deploy the service's settings, and returns the operation's id.
pub(crate) fn begin(world: &mut World, workspace: &str, name: &str, scripted: Option<ScriptedEnding>) -> String {
    let id = operations::begin(world, workspace, name, Stage::BuildEnvironment, scripted);
    let Some(service) = world.machine_learning.service_mut(workspace, name) else { return id };
    (service.state, service.error) = (State::Transitioning, None);
    let image_request = service.image_request.clone();
    say(world, workspace, &id, "Creating Container Registry if not exists.");
    say(world, workspace, &id, "Registering the environment.");
    let environment = request::environment(world, workspace, &image_request).unwrap_or_default();
    let key = image::key(&environment);
    if let Some(own) = environment.get("name").and_then(Value::as_str).map(str::to_owned) {
        environments::register(world, workspace, &own, environment);
    }
    let (at, operation) = (workspace.to_owned(), id.clone());
    if world.machine_learning.workspace(workspace).is_some_and(|w| w.images.contains_key(&key)) {
        say(world, workspace, &id, "Use the existing image.");
        world.schedule(world.duration_of("FindImage", LOOK_UP_SECONDS), move |world| submit(world, &at, &operation));
        return id;
    }
    say(world, workspace, &id, "Building image..");
    let log = artifacts::blob_name(world, workspace, &format!("ImageLogs/{id}/build.log"));
    if let Some(operation) = world.machine_learning.operation_mut(workspace, &id) {
        operation.build_log = Some(log);
    }
    write_build_log(world, workspace, &id, "");
    if !world.machine_learning.real {
        let name = name.to_owned();
        world.schedule(world.duration_of("BuildImage", BUILD_SECONDS), move |world| {
            let (log, outcome) = containers::build(world, &name);
            write_build_log(world, &at, &operation, &log);
            build_ended(world, &at, &operation, &outcome);
        });
    }
    id
}

/// The image's build has ended: go on with the container group, or fail.
pub(crate) fn build_ended(world: &mut World, workspace: &str, operation: &str, outcome: &Outcome) {
    if environment_builds::ended(world, workspace, operation, outcome) {
        return;
    }
    let Some(name) = running(world, workspace, operation, Stage::BuildEnvironment) else { return };
    if *outcome == Outcome::Bad {
        let message = "Failed building the Environment. You can try debugging locally first. Please refer to \
                       https://aka.ms/debugimage#debug-locally for more information.";
        let problem = Problem::new(StatusCode::BAD_REQUEST, "EnvironmentBuildFailed", message);
        return fail(world, workspace, operation, "Failed", problem.flat());
    }
    let environment = world.machine_learning.service(workspace, &name).map(|service| service.image_request.clone());
    let environment = environment.and_then(|asked| request::environment(world, workspace, &asked)).unwrap_or_default();
    let label = environment.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let built = Image { environment: label, built: world.now };
    world.machine_learning.workspace_mut(workspace).images.insert(image::key(&environment), built);
    submit(world, workspace, operation);
}

/// Writes a build's log so far.
pub(crate) fn write_build_log(world: &mut World, workspace: &str, operation: &str, text: &str) {
    if environment_builds::write_log(world, workspace, operation, text) {
        return;
    }
    let Some(name) = world.machine_learning.operation_mut(workspace, operation).and_then(|o| o.build_log.clone())
    else {
        return;
    };
    let etag = format!("\"0x{}\"", world.ids.hex("blob etag", 15).to_ascii_uppercase());
    world.blobs.write(&name, text, etag, world.now);
}

/// Creates the container group: takes its address, or fails as Container Instances refuses it.
fn submit(world: &mut World, workspace: &str, operation: &str) {
    let Some(name) = running(world, workspace, operation, Stage::BuildEnvironment) else { return };
    if let Some(running) = world.machine_learning.operation_mut(workspace, operation) {
        running.stage = Stage::DeployService;
    }
    say(world, workspace, operation, "Generating deployment configuration.");
    say(world, workspace, operation, "Submitting deployment to compute.");
    let address = match containers::quota(world, &name).map_or_else(|| address(world, workspace, &name), Err) {
        Ok(address) => address,
        Err(refusal) => return fail(world, workspace, operation, "Failed", refused(&refusal)),
    };
    let Some(service) = world.machine_learning.service(workspace, &name) else { return };
    let image_request = service.image_request.clone();
    let up = service.container.as_ref().is_some_and(|container| container.up);
    let made = service.made();
    let image = image::key(&request::environment(world, workspace, &image_request).unwrap_or_default());
    if let Some(service) = world.machine_learning.service_mut(workspace, &name) {
        let (revision, runs) = (operation.to_owned(), Runs::default());
        service.container = Some(Container { revision, image, image_request, address, up, serving: false, made, runs });
    }
    say(world, workspace, operation, &format!("Checking the status of deployment {name}."));
    let (at, id) = (workspace.to_owned(), operation.to_owned());
    if world.machine_learning.real {
        world.schedule(PATIENCE, move |world| timed_out(world, &at, &id));
    } else {
        world.schedule(world.duration_of("DeployService", DEPLOY_SECONDS), move |world| {
            let outcome = containers::start(world, &name);
            deploy_ended(world, &at, &id, &outcome);
        });
    }
}

fn address(world: &mut World, workspace: &str, name: &str) -> Result<Ipv4Addr, Refusal> {
    let Some(service) = world.machine_learning.service(workspace, name) else {
        return Err(Refusal::bad_request("ServiceNotFound", format!("Service {name} was deleted meanwhile.")));
    };
    if let Some(container) = &service.container {
        return Ok(container.address);
    }
    let location = service.location.clone();
    windows::container_group(world, subscription_of(workspace), &location, Deed::Create)?;
    let Some(service) = world.machine_learning.service(workspace, name) else {
        return Err(Refusal::bad_request("ServiceNotFound", format!("Service {name} was deleted meanwhile.")));
    };
    match service.network.clone() {
        None => Ok(view::public_address(workspace, name)),
        Some(network) => {
            let holder = Holder { id: container_group_id(workspace, name), location };
            addresses::take_address(world, &network.subnet_id, &holder)
        }
    }
}

fn refused(refusal: &Refusal) -> Value {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "AciDeploymentFailed",
        format!("Aci Deployment failed with exception: {}", refusal.message),
    )
    .detail(refusal.code.clone(), refusal.message.clone())
    .flat()
}

/// Ends the start of a container group: it answers, or its container crashes again and again.
pub(crate) fn deploy_ended(world: &mut World, workspace: &str, operation: &str, outcome: &Outcome) {
    let Some(name) = running(world, workspace, operation, Stage::DeployService) else { return };
    if *outcome == Outcome::Bad {
        return fail(world, workspace, operation, "Failed", crashed(&name));
    }
    let now = world.now;
    let Some(running) = world.machine_learning.operation_mut(workspace, operation) else { return };
    match running.scripted.clone() {
        Some(ScriptedEnding::Failed(error)) => return fail(world, workspace, operation, "Failed", scripted(error)),
        Some(ScriptedEnding::Canceled(error)) => {
            return fail(world, workspace, operation, "Cancelled", scripted(error));
        }
        Some(ScriptedEnding::Lost) | None => running.end(now, "Succeeded", None),
    }
    if let Some(service) = world.machine_learning.service_mut(workspace, &name) {
        (service.state, service.error, service.updated) = (State::Healthy, None, Some(now));
        if let Some(container) = &mut service.container {
            (container.up, container.serving) = (true, true);
        }
    }
}

fn crashed(name: &str) -> Value {
    let message = "Your container application crashed. This may be caused by errors in your scoring file's init() \
                   function.";
    let hint = format!(
        "{message} 1. Please check the logs for your container instance: {name}. From the AML SDK, you can run \
         print(service.get_logs()) if you have service object to fetch the logs."
    );
    Problem::new(
        StatusCode::BAD_REQUEST,
        "AciDeploymentFailed",
        format!("Aci Deployment failed with exception: {hint}"),
    )
    .detail("CrashLoopBackOff", hint)
    .flat()
}

/// A scripted error has code, message and details; the data plane adds the status.
fn scripted(mut error: Value) -> Value {
    super::set(&mut error, "statusCode", json!(400));
    error
}

fn timed_out(world: &mut World, workspace: &str, operation: &str) {
    if running(world, workspace, operation, Stage::DeployService).is_none() {
        return;
    }
    let message = "The deployment operation polling has TimedOut. The service creation is taking longer than our \
                   normal time. We are still trying to achieve the desired state for the web service.";
    let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT, "DeploymentTimedOut", message);
    fail(world, workspace, operation, "TimedOut", problem.flat());
}

/// Ends operation and service. An existing container group stays as it is and keeps serving (the state
/// that Azure shows then is not confirmed).
fn fail(world: &mut World, workspace: &str, operation: &str, state: &'static str, error: Value) {
    let now = world.now;
    let Some(ending) = world.machine_learning.operation_mut(workspace, operation) else { return };
    ending.end(now, state, Some(error.clone()));
    let name = ending.service.clone();
    if let Some(service) = world.machine_learning.service_mut(workspace, &name) {
        service.state = if state == "TimedOut" { State::Unhealthy } else { State::Failed };
        (service.error, service.updated) = (Some(error), Some(now));
    }
}

/// Ends an operation of one step. `change` is carried out unless a script says otherwise; returns whether it was.
pub(crate) fn whole_ended(
    world: &mut World,
    workspace: &str,
    operation: &str,
    change: impl FnOnce(&mut World),
) -> bool {
    let now = world.now;
    let Some(ending) = world.machine_learning.operation_mut(workspace, operation) else { return false };
    let good = match ending.scripted.clone() {
        Some(ScriptedEnding::Failed(error)) => {
            ending.end(now, "Failed", Some(scripted(error)));
            false
        }
        Some(ScriptedEnding::Canceled(error)) => {
            ending.end(now, "Cancelled", Some(scripted(error)));
            false
        }
        Some(ScriptedEnding::Lost) | None => {
            ending.end(now, "Succeeded", None);
            true
        }
    };
    if good {
        change(world);
    }
    good
}

/// Reports what a runner sees of a healthy container.
pub(crate) fn health(world: &mut World, workspace: &str, name: &str, health: Health) {
    if world.machine_learning.workspace(workspace).is_some_and(|w| w.busy(name)) {
        return;
    }
    let Some(service) = world.machine_learning.service_mut(workspace, name) else { return };
    match (service.state, health) {
        (State::Healthy, Health::Down) => service.state = State::Unhealthy,
        (State::Unhealthy, Health::Up) => service.state = State::Healthy,
        _ => return,
    }
    if let Some(container) = &mut service.container {
        container.serving = health == Health::Up;
        container.up |= container.serving;
    }
}

/// How often its container has ended, and how the last time.
pub(crate) fn note_runs(world: &mut World, workspace: &str, name: &str, runs: Runs) {
    let service = world.machine_learning.service_mut(workspace, name);
    if let Some(container) = service.and_then(|service| service.container.as_mut()) {
        container.runs = runs;
    }
}

/// Removes a service: its address is free at once, and its operations end.
pub(crate) fn remove(world: &mut World, workspace: &str, name: &str) {
    let now = world.now;
    let state = world.machine_learning.workspace_mut(workspace);
    let Some(service) = state.services.remove(name) else { return };
    for operation in state.operations.values_mut().filter(|operation| operation.service == name) {
        let gone = Problem::not_found("ServiceNotFound", format!("Service {name} was deleted."));
        operation.end(now, "Cancelled", Some(gone.flat()));
    }
    if let (Some(network), Some(_)) = (service.network, service.container) {
        addresses::release_address(world, &network.subnet_id, &container_group_id(workspace, name));
    }
}

/// Removes the container group behind a service: its address is free, and nothing answers. What the service
/// then shows is not confirmed.
pub(crate) fn container_group_deleted(world: &mut World, workspace: &str, name: &str) {
    let Some(service) = world.machine_learning.service_mut(workspace, name) else { return };
    if service.container.take().is_none() {
        return;
    }
    if service.state == State::Healthy {
        service.state = State::Unhealthy;
    }
    if let Some(network) = service.network.clone() {
        addresses::release_address(world, &network.subnet_id, &container_group_id(workspace, name));
    }
}

/// Id of the container group, which is what holds the address.
pub(crate) fn container_group_id(workspace: &str, name: &str) -> String {
    let group = crate::store::group_of(workspace).unwrap_or_default();
    format!("{group}/providers/Microsoft.ContainerInstance/containerGroups/{}", view::group_name(workspace, name))
}

/// The service of an operation that is still at this step.
fn running(world: &mut World, workspace: &str, operation: &str, stage: Stage) -> Option<String> {
    let operation = world.machine_learning.operation_mut(workspace, operation)?;
    (operation.ended.is_none() && operation.stage == stage).then(|| operation.service.clone())
}

fn say(world: &mut World, workspace: &str, operation: &str, message: &str) {
    let now = world.now;
    if let Some(operation) = world.machine_learning.operation_mut(workspace, operation) {
        operation.say(now, message);
    }
}
