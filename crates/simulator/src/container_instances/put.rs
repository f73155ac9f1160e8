//! PUT of a group: it is created, or replaced as a whole, and its containers start anew.

use super::script::{self, Pull};
use super::{Form, KIND, Life, RESTART, TRANSITION, request};
use crate::arm::groups;
use crate::call::Call;
use crate::error::{Refusal, Response, set_header};
use crate::faults::ScriptedEnding;
use crate::network::addresses::{self, Holder};
use crate::network::virtual_networks;
use crate::operations::{self, Ending, Handle, Place, Start};
use crate::store::{Busy, Resource, key, subscription_of};
use crate::tags::Tags;
use crate::windows::{self, Deed};
use crate::world::World;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// How long provisioning takes, in seconds: two minutes in a virtual network as recorded, elsewhere less.
const PRIVATE_SECONDS: f64 = 110.0;
const PUBLIC_SECONDS: f64 = 30.0;
/// When provisioning is given up, in seconds ("Azure Container Instances states").
const TIME_OUT_SECONDS: f64 = 1_800.0;
/// What the URLs of operations say, whatever the version of the request.
const OPERATION_VERSION: &str = "2018-06-01";
/// Limit of cores in a region ("Resource availability & quota limits").
pub(super) const MOST_CORES: f64 = 100.0;

pub(super) fn put(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let parent = groups::for_write(world, id)?.id.clone();
    let document = call.json()?;
    let present = world.resource(id, KIND).cloned();
    let location = virtual_networks::location_of(&document, KIND, present.as_ref())?;
    let tags = Tags::put(&document, present.as_ref().map(|there| &there.tags))?;
    let wanted = Resource { tags, ..wanted(&parent, id, &document, location, present.as_ref()) };
    check(world, call, &wanted, present.as_ref())?;
    let region = wanted.location.clone().unwrap_or_default();
    let left = match present {
        Some(_) => None,
        None => Some(windows::container_group(world, subscription_of(id), &region, Deed::Create)?),
    };
    take_address(world, &wanted)?;
    let id = wanted.id.clone();
    world.resources.insert(wanted);
    let handle = begin(world, call, &id);
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = super::shown(world, &id, status)?;
    set_header(&mut response, "azure-asyncoperation", &handle.status_url);
    if world.life(&id).is_some_and(|life| life.form == Form::Current) {
        set_header(&mut response, "azure-asyncnotification", "Enabled");
    }
    for (header, left) in left.into_iter().flatten() {
        set_header(&mut response, header, &left.to_string());
    }
    Ok(response)
}

/// All checks except those of quotas.
fn check(world: &World, call: &Call, wanted: &Resource, present: Option<&Resource>) -> Result<(), Refusal> {
    request::check(wanted)?;
    match present {
        Some(there) => check_settled(there).and_then(|()| request::check_update(there, wanted))?,
        None => check_cores(world, wanted)?,
    }
    check_links(world, call, wanted)?;
    request::check_fqdn(world, wanted)?;
    check_scripts(world, wanted)?;
    match place(wanted) {
        Some((subnet, holder)) if addresses::seat_of(world, subnet, &holder.id).is_none() => {
            addresses::check_subnet(world, subnet, &holder)
        }
        _ => Ok(()),
    }
}

/// The subnet of a group, and the group as one that holds an address there.
fn place(group: &Resource) -> Option<(&str, Holder)> {
    let holder = Holder { id: group.id.clone(), location: group.location.clone().unwrap_or_default() };
    Some((request::subnet(group)?, holder))
}

fn wanted(parent: &str, id: &str, document: &Value, location: String, present: Option<&Resource>) -> Resource {
    let name = id.rsplit('/').next().unwrap_or_default();
    let member = |name: &&str| {
        let value = document.get(*name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    };
    Resource {
        id: present.map_or_else(|| format!("{parent}/providers/{KIND}/{name}"), |there| there.id.clone()),
        name: present.map_or_else(|| name.to_owned(), |there| there.name.clone()),
        kind: KIND,
        location: Some(location),
        tags: Tags::unchecked(document),
        members: ["identity", "zones"].iter().filter_map(member).collect::<Map<_, _>>(),
        properties: request::normalised(document),
        state: "Pending".to_owned(),
        ..Resource::default()
    }
}

/// Whether no operation on the group is under way.
///
/// # Errors
/// `409 ContainerGroupTransitioning`.
pub(super) fn check_settled(group: &Resource) -> Result<(), Refusal> {
    if group.busy.is_none() {
        return Ok(());
    }
    let message = format!("The container group '{}' is still transitioning, please retry later.", group.name);
    Err(Refusal::service(StatusCode::CONFLICT, "ContainerGroupTransitioning", message))
}

/// The caller may join the subnet and assign the identities.
fn check_links(world: &World, call: &Call, wanted: &Resource) -> Result<(), Refusal> {
    let action = call.action(KIND);
    let link = |linked: &str, id: &str| world.authorize_link(&call.caller, &action, &wanted.id, (linked, id));
    if let Some(subnet) = request::subnet(wanted) {
        link("Microsoft.Network/virtualNetworks/subnets/join/action", subnet)?;
    }
    let identities = wanted.members.get("identity").and_then(|identity| identity.get("userAssignedIdentities"));
    for id in identities.and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        link("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", id)?;
    }
    Ok(())
}

/// What scripts refuse: an image that nobody may pull, a quota that is used up.
fn check_scripts(world: &World, wanted: &Resource) -> Result<(), Refusal> {
    for container in request::containers(&wanted.properties) {
        let image = request::container_image(container);
        let script = script::of(world, &wanted.name, container);
        if script.pull == Pull::Inaccessible {
            let message = format!(
                "The image '{image}' in container group '{}' is not accessible. Please check the image and registry \
                 credential.",
                wanted.name
            );
            return Err(Refusal::bad_request("InaccessibleImage", message));
        }
        if script.quota {
            return Err(quota(wanted, 10.0, 10.0));
        }
    }
    Ok(())
}

fn check_cores(world: &World, wanted: &Resource) -> Result<(), Refusal> {
    let region = wanted.location.as_deref().unwrap_or_default();
    let used = super::cores(world, subscription_of(&wanted.id), region);
    if !world.settings.limits.container_instances || used + request::cores(wanted) <= MOST_CORES {
        return Ok(());
    }
    Err(quota(wanted, MOST_CORES, used))
}

fn quota(wanted: &Resource, limit: f64, used: f64) -> Refusal {
    let message = format!(
        "Resource type '{KIND}' container group quota 'StandardCores' exceeded in region '{}'. Limit: '{limit}', \
         Usage: '{used}' Requested: '{}'.",
        wanted.location.as_deref().unwrap_or_default(),
        request::cores(wanted)
    );
    Refusal::bad_request("ContainerGroupQuotaReached", message)
}

/// The group's place in its subnet, if it has one.
pub(super) fn take_address(world: &mut World, group: &Resource) -> Result<(), Refusal> {
    let Some((subnet, holder)) = place(group) else { return Ok(()) };
    addresses::take_address(world, subnet, &holder).map(|_| ())
}

/// Begins a new turn of a group's life and returns its number.
fn next_turn(world: &mut World, call: &Call, id: &str) -> u64 {
    let turn = world.container_instances.next_turn();
    let form = Form::of(call.api_version());
    let life = Life { turn, begun: world.now, started: None, stopped: None, form };
    world.container_instances.lives.insert(key(id), life);
    turn
}

/// Begins to provision a group that is in the store.
pub(super) fn begin(world: &mut World, call: &Call, id: &str) -> Handle {
    let turn = next_turn(world, call, id);
    let start = start(world, call, id, turn);
    let at = id.to_owned();
    let handle = operations::begin(world, start, move |world, ending| settle(world, &at, turn, ending));
    if let Some(group) = world.resources.get_mut(id) {
        group.state = "Pending".to_owned();
        group.busy = Some(Busy { operation: TRANSITION, id: handle.id.clone() });
    }
    handle
}

/// Begins to start the containers of a group anew in place; it takes so many seconds in Azure.
pub(super) fn begin_restart(world: &mut World, call: &Call, group: &Resource, seconds: f64) -> Handle {
    let turn = next_turn(world, call, &group.id);
    let start = Start {
        subscription: call.path.subscription().unwrap_or_default().to_owned(),
        place: Place::ContainerGroup { location: group.location.clone().unwrap_or_default(), group: group.id.clone() },
        api_version: OPERATION_VERSION.to_owned(),
        seconds: world.settings.seconds(TRANSITION, seconds),
        has_result: false,
        scripted: call.scripted.clone(),
    };
    let at = group.id.clone();
    let handle = operations::begin(world, start, move |world, ending| settle(world, &at, turn, ending));
    if let Some(group) = world.resources.get_mut(&group.id) {
        group.state = "Updating".to_owned();
        group.busy = Some(Busy { operation: RESTART, id: handle.id.clone() });
    }
    handle
}

/// The operation. With an image that never comes it ends when provisioning is given up, and shows `Creating` till then.
fn start(world: &mut World, call: &Call, id: &str, turn: u64) -> Start {
    let group = world.resources.get(id).cloned().unwrap_or_default();
    let usual = if request::subnet(&group).is_some() { PRIVATE_SECONDS } else { PUBLIC_SECONDS };
    let mut seconds = world.settings.seconds("CreateContainerGroup", usual);
    let mut scripted = call.scripted.clone();
    if is_stuck(world, &group) {
        let id = id.to_owned();
        world.schedule(world.scaled(seconds), move |world| set_state(world, &id, turn, "Creating"));
        seconds = TIME_OUT_SECONDS;
        scripted = scripted.or_else(|| Some(timed_out(&group)));
    }
    Start {
        subscription: call.path.subscription().unwrap_or_default().to_owned(),
        place: Place::ContainerGroup { location: group.location.unwrap_or_default(), group: group.id },
        api_version: OPERATION_VERSION.to_owned(),
        seconds,
        has_result: false,
        scripted,
    }
}

/// Whether an image of the group never comes.
pub(super) fn is_stuck(world: &World, group: &Resource) -> bool {
    let mut containers = request::containers(&group.properties).iter();
    containers.any(|container| script::of(world, &group.name, container).pull == Pull::NeverEnds)
}

/// The code is not confirmed.
fn timed_out(group: &Resource) -> ScriptedEnding {
    let message = format!("Provisioning of the container group '{}' timed out.", group.name);
    ScriptedEnding::Failed(json!({"code": "ContainerGroupProvisioningTimedOut", "message": message}))
}

fn set_state(world: &mut World, id: &str, turn: u64, state: &str) {
    if world.life(id).is_some_and(|life| life.turn == turn)
        && let Some(group) = world.resources.get_mut(id)
    {
        group.state = state.to_owned();
    }
}

/// Ends provisioning: the containers run, or the group has failed. Nothing happens if the group is in another turn by now.
pub(super) fn settle(world: &mut World, id: &str, turn: u64, ending: &Ending) {
    let now = world.now;
    let Some(life) = world.container_instances.lives.get_mut(&key(id)).filter(|life| life.turn == turn) else { return };
    let state = if *ending == Ending::Succeeded { "Succeeded" } else { "Failed" };
    life.started = (*ending == Ending::Succeeded).then_some(now);
    if let Some(group) = world.resources.get_mut(id) {
        (group.state, group.busy) = (state.to_owned(), None);
    }
}
