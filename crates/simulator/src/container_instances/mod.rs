//! Microsoft.ContainerInstance: container groups as resources, with containers that follow scripts ("Container Groups -
//! Create Or Update", "- Start", "Containers - List Logs", "Location - List Usage"). What recorded traffic and the
//! documentation say of them is in the comments; codes that neither shows are called not confirmed.
//!
//! A container's state is not stored: it follows from when the group was started, from the script and from the time
//! (`timeline`). Groups that Azure ML makes for its web services show among the others (`services`).

mod actions;
mod body;
mod command;
mod locations;
mod put;
mod request;
mod script;
mod services;
mod timeline;

pub use script::Script;

use crate::arm::{groups, nothing, paging, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::network::addresses;
use crate::store::{Resource, key, subscription_of};
use crate::windows::{self, Deed};
use crate::world::{World, not_found};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// The type.
pub const KIND: &str = "Microsoft.ContainerInstance/containerGroups";
/// The namespace in paths.
const NAMESPACE: &str = "microsoft.containerinstance";
/// Azure's word for an operation on a container group that is under way.
const TRANSITION: &str = "ContainerGroupTransition";
/// A restart that is under way (the word is ours).
const RESTART: &str = "ContainerGroupRestart";
/// The first api-version from which groups are shown as they were recorded in Nov. 2025.
const CURRENT_FORM: &str = "2021-10-01";

/// What is known of container groups besides their resources.
#[derive(Debug, Default)]
pub struct ContainerInstances {
    /// By folded id.
    lives: BTreeMap<String, Life>,
    scripts: Vec<Script>,
    /// How many turns there were.
    turns: u64,
}

/// Where a container group is in its life.
#[derive(Debug, Clone)]
struct Life {
    /// Which PUT, start or restart it is: what was scheduled for an earlier one no longer counts.
    turn: u64,
    /// When the last PUT, start or restart came.
    begun: Timestamp,
    /// When its containers were started; none before, and while it is stopped.
    started: Option<Timestamp>,
    /// When it was stopped.
    stopped: Option<Timestamp>,
    /// In which form it is shown.
    form: Form,
}

/// How a group is shown. With 2021-10-01 it was recorded in Nov. 2025 (azure-service-operator); all recordings of older
/// versions are from 2018 to 2021, so that what those are answered today is not known: as they were then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Early,
    Current,
}

impl Form {
    /// Versions are dates, so that their order is that of the texts.
    fn of(version: &str) -> Self {
        if version < CURRENT_FORM { Self::Early } else { Self::Current }
    }
}

/// Answers a request below `…/providers/Microsoft.ContainerInstance`.
///
/// # Errors
/// Whatever Azure refuses.
pub fn route(world: &mut World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let id = |name: &str| format!("{scope}/providers/{KIND}/{name}");
    match rest {
        ["containergroups"] => list(world, call, raw_path, scope),
        ["containergroups", name] => one(world, call, &id(name)),
        ["containergroups", name, action @ ("start" | "stop" | "restart")] => {
            actions::run(world, call, &id(name), action)
        }
        ["containergroups", name, "outboundnetworkdependenciesendpoints"] => {
            actions::outbound_endpoints(world, call, &id(name))
        }
        ["containergroups", name, "containers", container, "logs"] => actions::logs(world, call, &id(name), container),
        ["containergroups", name, "containers", container, word @ ("exec" | "attach")] => {
            actions::enter(world, call, &id(name), container, word)
        }
        ["locations", location, list] => locations::route(world, call, scope, location, list),
        _ => Err(unknown_type(NAMESPACE, rest, call)),
    }
}

/// What Azure has and the simulator has not.
fn not_simulated(what: &str) -> Refusal {
    let message = format!("The simulator has no '{what}' here.");
    Refusal::service(StatusCode::NOT_IMPLEMENTED, "NotSimulated", message)
}

/// Groups at subscription or resource group, without `instanceView` (Azure/azure-rest-api-specs#21280).
fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let action = format!("{KIND}/read");
    let visible = paging::visible(world, call, &action, scope)?;
    if scope.to_ascii_lowercase().contains("/resourcegroups/") {
        world.existing_group(scope)?;
    }
    let own = world.resources.children(scope, KIND).into_iter();
    let own = own.map(|group| (group.id.clone(), body::body(world, group, false)));
    let found = own.chain(services::list(world, scope)).filter(|(id, _)| visible(id));
    paging::page(world, call, raw_path, found.collect())
}

fn one(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    call.enter(world, KIND, id)?;
    if let Some(service) = services::find(world, id) {
        return services::one(world, call, &service);
    }
    match call.method {
        Method::GET => shown(world, id, StatusCode::OK),
        Method::PUT => put::put(world, call, id),
        Method::PATCH => patch(world, call, id),
        Method::DELETE => delete(world, id),
        _ => Err(wrong_verb(call)),
    }
}

fn shown(world: &World, id: &str, status: StatusCode) -> Result<Response, Refusal> {
    world.find(id, KIND).map(|group| json_response(status, &body::body(world, group, true)))
}

/// Tags only, at once.
fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let document = call.json()?;
    let tags = world.find(id, KIND)?.tags.patched(&document)?;
    if let Some(group) = world.resources.get_mut(id) {
        group.tags = tags;
    }
    shown(world, id, StatusCode::OK)
}

/// 200 with the group that was; it is gone at once, whatever it was at.
fn delete(world: &mut World, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let Some(group) = world.resource(id, KIND).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    let region = group.location.clone().unwrap_or_default();
    windows::container_group(world, subscription_of(id), &region, Deed::Delete)?;
    let answer = json_response(StatusCode::OK, &body::body(world, &group, true));
    world.resources.remove(id);
    removed(world, &group);
    Ok(answer)
}

/// Forgets a group that is no longer among the resources, and releases its address.
pub(crate) fn removed(world: &mut World, group: &Resource) {
    world.container_instances.lives.remove(&key(&group.id));
    if let Some(subnet) = request::subnet(group) {
        addresses::release_address(world, subnet, &group.id);
    }
}

/// What GET shows of a group; for the admin interface.
pub(crate) fn shown_body(world: &World, group: &Resource) -> Value {
    body::body(world, group, true)
}

/// The number of a subscription's groups in a region, including those of web services.
pub(crate) fn standing(world: &World, subscription: &str, region: &str) -> usize {
    own(world, subscription, region).count() + world.machine_learning.container_groups(subscription, region)
}

/// How many cores the groups of a subscription in a region have.
fn cores(world: &World, subscription: &str, region: &str) -> f64 {
    let of_services = services::all(world).filter(|one| one.is_in(subscription, region)).map(|one| one.service.cpu);
    own(world, subscription, region).map(request::cores).sum::<f64>() + of_services.sum::<f64>()
}

fn own<'a>(world: &'a World, subscription: &'a str, region: &'a str) -> impl Iterator<Item = &'a Resource> {
    let groups = world.resources.children(&format!("/subscriptions/{subscription}"), KIND);
    groups.into_iter().filter(move |group| group.location.as_deref() == Some(region))
}

/// Adds a script, which takes precedence over earlier ones.
pub(crate) fn add_script(world: &mut World, script: Script) {
    world.container_instances.scripts.push(script);
}

/// Forgets all scripts.
pub(crate) fn clear_scripts(world: &mut World) {
    world.container_instances.scripts.clear();
}

/// The events of the images and of the start, for the operation that brought a group.
pub(crate) fn first_events(world: &World, id: &str) -> Value {
    world.resource(id, KIND).map_or_else(|| Value::Array(Vec::new()), |group| body::first_events(world, group))
}

impl ContainerInstances {
    fn next_turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }
}

impl World {
    fn life(&self, id: &str) -> Option<&Life> {
        self.container_instances.lives.get(&key(id))
    }

    /// The group that a caller acts on.
    fn container_group(&self, id: &str) -> Result<&Resource, Refusal> {
        self.existing_group(id)?;
        self.resource(id, KIND).ok_or_else(|| not_found(id, KIND))
    }
}
