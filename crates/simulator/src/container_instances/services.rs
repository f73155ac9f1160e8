//! The groups that Azure ML makes for its web services: in the workspace's resource group, named after the service and
//! a hash of the workspace, with the front end `azureml-fe-aci` beside the model's container
//! (how-to-deploy-azure-container-instance, how-to-troubleshoot-deployment). They are container groups like others, so
//! they show in lists and can be deleted by hand. Not confirmed: their images, the front end's share of the resources,
//! and what the service shows after such a deletion.

use super::body::{Shown, body_of, event};
use super::timeline::{State, time};
use super::{Form, KIND, Life};
use crate::arm::nothing;
use crate::call::Call;
use crate::containers;
use crate::error::{Refusal, Response, json_response};
use crate::machine_learning::{self, Service};
use crate::run::Runs;
use crate::store::{Resource, is_within, same_id, subscription_of};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// A web service with a container group.
pub(super) struct OfService<'a> {
    pub workspace: &'a str,
    pub service: &'a Service,
    id: String,
}

impl OfService<'_> {
    /// Whether the group counts in this region of this subscription.
    pub fn is_in(&self, subscription: &str, region: &str) -> bool {
        subscription_of(&self.id).eq_ignore_ascii_case(subscription) && self.service.location == region
    }
}

/// All web services with a group, by workspace and name.
pub(super) fn all(world: &World) -> impl Iterator<Item = OfService<'_>> {
    named(world, None)
}

/// Those whose group can have this name, which begins with the service's.
fn named<'a>(world: &'a World, group: Option<&'a str>) -> impl Iterator<Item = OfService<'a>> {
    world.machine_learning.workspaces().flat_map(move |workspace| {
        let fits = move |service: &&Service| group.is_none_or(|group| group.starts_with(&service.name));
        let services = workspace.services.values().filter(|service| service.container.is_some()).filter(fits);
        services.map(|service| OfService {
            workspace: &workspace.id,
            service,
            id: machine_learning::container_group_id(&workspace.id, &service.name),
        })
    })
}

/// Id and body, for lists below `scope`.
pub(super) fn list(world: &World, scope: &str) -> Vec<(String, Value)> {
    let found = all(world).filter(|one| is_within(&one.id, scope));
    found.map(|one| (one.id.clone(), body(world, &one, false))).collect()
}

/// The workspace and name of the service behind a container group's id.
pub(super) fn find(world: &World, id: &str) -> Option<(String, String)> {
    let group = id.rsplit('/').next().map(str::to_ascii_lowercase);
    let found = named(world, group.as_deref()).find(|one| same_id(&one.id, id))?;
    Some((found.workspace.to_owned(), found.service.name.clone()))
}

/// GET and DELETE of such a group.
pub(super) fn one(world: &mut World, call: &Call, (workspace, name): &(String, String)) -> Result<Response, Refusal> {
    let found = all(world).find(|one| one.workspace == workspace && one.service.name == *name);
    let shown = found.map(|found| json_response(StatusCode::OK, &body(world, &found, true)));
    let Some(shown) = shown else { return nothing(StatusCode::NO_CONTENT) };
    match call.method {
        Method::GET => Ok(shown),
        Method::DELETE => {
            machine_learning::container_group_deleted(world, workspace, name);
            Ok(shown)
        }
        _ => Err(super::not_simulated("change of a web service's container group")),
    }
}

/// The last lines of the model's container, where scripts say what it wrote.
pub(super) fn logs(world: &World, (_, name): &(String, String), tail: usize) -> Result<Response, Refusal> {
    if world.machine_learning.real {
        return Err(super::not_simulated("log of a web service's container group that really runs"));
    }
    Ok(json_response(StatusCode::OK, &json!({"content": containers::log(world, name, tail)})))
}

fn body(world: &World, one: &OfService<'_>, with_instance_view: bool) -> Value {
    let service = one.service;
    let container = service.container.as_ref();
    let is_up = container.is_some_and(|container| container.up);
    let state = if is_up { "Succeeded" } else { "Pending" };
    let group = Resource {
        id: one.id.clone(),
        name: one.id.rsplit('/').next().unwrap_or_default().to_owned(),
        kind: KIND,
        location: Some(service.location.clone()),
        tags: service.tags.clone().into(),
        properties: properties(service),
        state: state.to_owned(),
        ..Resource::default()
    };
    let started = is_up.then_some(service.updated.unwrap_or(service.created));
    let life = Life { turn: 0, begun: service.created, started, stopped: None, form: Form::Current };
    let shown = Shown { group: &group, life: Some(&life), address: container.map(|container| container.address) };
    let mut body = body_of(world, &shown, with_instance_view);
    if let Some(container) = container.filter(|_| with_instance_view) {
        show_runs(&mut body, container.runs, container.serving);
    }
    body
}

/// How the model's container ended before, if it really runs. `OOMKilled` is kubelet's word (and the Docker
/// engine's) for it; that Container Instances hands it on is not confirmed.
fn show_runs(body: &mut Value, runs: Runs, is_serving: bool) {
    let Some(last) = runs.last else { return };
    let view = body.pointer_mut("/properties/containers/0/properties/instanceView").and_then(Value::as_object_mut);
    let Some(view) = view else { return };
    let detail = match last.code {
        _ if last.out_of_memory => "OOMKilled",
        0 => "Completed",
        _ => "Error",
    };
    let ended = json!({
        "state": "Terminated", "finishTime": time(last.at), "exitCode": last.code, "detailStatus": detail,
    });
    view.insert("restartCount".to_owned(), json!(runs.restarts));
    view.insert("previousState".to_owned(), ended);
    if !is_serving {
        view.insert("currentState".to_owned(), State::Waiting("CrashLoopBackOff").shown());
    }
    let events = view.get_mut("events").and_then(Value::as_array_mut);
    if let Some(events) = events {
        let count = runs.restarts + 1;
        if last.out_of_memory {
            events.push(event("Normal", "Killing", "Killing container".to_owned(), last.at, count));
        }
        events.push(event("Warning", "BackOff", "Back-off restarting failed container".to_owned(), last.at, count));
    }
}

fn properties(service: &Service) -> Map<String, Value> {
    let made = service.container.as_ref().map(|container| &container.made.ssl);
    let port = if made.unwrap_or(&service.ssl).enabled { 443 } else { 80 };
    let ports = json!([{"port": port, "protocol": "TCP"}]);
    let image = service.container.as_ref().map(|container| container.image.clone()).unwrap_or_default();
    let container = |name: &str, image: String, ports: &Value, cpu: f64, memory: f64| {
        json!({"name": name, "properties": {
            "image": image, "ports": ports, "environmentVariables": [],
            "resources": {"requests": {"cpu": cpu, "memoryInGB": memory}},
        }})
    };
    let mut properties = json!({
        "sku": "Standard", "osType": "Linux", "restartPolicy": "Always", "initContainers": [],
        "containers": [
            container(&service.name, format!("azureml/azureml_{image}"), &json!([]), service.cpu, service.memory_gb),
            container("azureml-fe-aci", "azureml/azureml-fe-aci".to_owned(), &ports, 0.1, 0.5),
        ],
        "ipAddress": {"ports": ports, "type": if service.network.is_some() { "Private" } else { "Public" }},
    });
    let Some(properties) = properties.as_object_mut() else { return Map::new() };
    if let Some(network) = &service.network {
        properties.insert("subnetIds".to_owned(), json!([{"id": network.subnet_id}]));
    }
    std::mem::take(properties)
}
