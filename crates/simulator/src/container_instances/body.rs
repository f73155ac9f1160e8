//! Container groups as GET and lists show them.

use super::script::{self, Pull, Script};
use super::timeline::{self, Restart, Standing, State, time};
use super::{Form, KIND, Life, request};
use crate::ids::guid_of;
use crate::network::{addresses, public_addresses};
use crate::store::{Resource, subscription_of};
use crate::world::World;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::net::Ipv4Addr;

/// A group and what is known of it besides.
pub(super) struct Shown<'a> {
    pub group: &'a Resource,
    pub life: Option<&'a Life>,
    /// Address in the subnet or on the internet, whether or not it is told yet.
    pub address: Option<Ipv4Addr>,
}

/// What GET (`with_instance_view`) and lists show of a group.
pub(super) fn body(world: &World, group: &Resource, with_instance_view: bool) -> Value {
    let address = match request::subnet(group) {
        Some(subnet) => addresses::seat_of(world, subnet, &group.id),
        None => Some(public_addresses::number(group.sequence)),
    };
    body_of(world, &Shown { group, life: world.life(&group.id), address }, with_instance_view)
}

pub(super) fn body_of(world: &World, shown: &Shown<'_>, with_instance_view: bool) -> Value {
    let group = shown.group;
    let mut properties = group.properties.clone();
    properties.insert("provisioningState".to_owned(), json!(group.state));
    show_address(shown, &mut properties);
    if shown.life.is_none_or(|life| life.form == Form::Current) {
        show_current(&mut properties);
    }
    if with_instance_view {
        show_instance_view(world, shown, &mut properties);
    }
    let mut body = Map::new();
    for (name, text) in [("id", &group.id), ("name", &group.name), ("type", &KIND.to_owned())] {
        body.insert(name.to_owned(), json!(text));
    }
    body.insert("location".to_owned(), json!(group.location));
    group.tags.show(&mut body);
    body.extend(group.members.clone());
    if let Some(identity) = body.get_mut("identity") {
        show_identity(world, group, identity);
    }
    body.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(body)
}

/// What groups have had since some time between June 2022 and Nov. 2025 (recorded by azure-cli and
/// azure-service-operator); nothing of it can be asked for here but the time-out, which is shown as it was given.
fn show_current(properties: &mut Map<String, Value>) {
    properties.insert("isCreatedFromStandbyPool".to_owned(), json!(false));
    let is_custom = properties.contains_key("provisioningTimeoutInSeconds");
    properties.entry("provisioningTimeoutInSeconds").or_insert_with(|| json!(1_800));
    properties.insert("isCustomProvisioningTimeout".to_owned(), json!(is_custom));
    for container in properties.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(members) = container.get_mut("properties").and_then(Value::as_object_mut) {
            members.entry("configMap").or_insert_with(|| json!({"keyValuePairs": {}}));
        }
    }
}

/// What GET of one group adds: the state of the group and its containers.
fn show_instance_view(world: &World, shown: &Shown<'_>, properties: &mut Map<String, Value>) {
    let containers = request::containers(&shown.group.properties).iter();
    let views: Vec<View> = containers.map(|container| View::of(world, shown, container)).collect();
    let state = group_state(shown, &views);
    let mut view = json!({"events": [], "state": state});
    let is_begun = shown.life.is_some_and(|life| life.form == Form::Early && life.started.is_none());
    if let Some(view) = view.as_object_mut().filter(|_| is_begun && state == "Pending") {
        view.shift_remove("events");
    }
    properties.insert("instanceView".to_owned(), view);
    let containers = properties.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten();
    for (container, view) in containers.zip(views) {
        let members = container.get_mut("properties").and_then(Value::as_object_mut);
        if let (Some(view), Some(members)) = (view.shown(), members) {
            members.insert("instanceView".to_owned(), view);
        }
    }
}

/// The address is told once the group has started, and in a subnet nothing of it before; a stopped group has none.
fn show_address(shown: &Shown<'_>, properties: &mut Map<String, Value>) {
    let is_up = shown.life.is_some_and(|life| life.started.is_some() && life.stopped.is_none());
    let is_private = request::subnet(shown.group).is_some();
    // The answer to a PUT had it from 2018 to 2021 (Azure/azure-libraries-for-java, -for-net), and has it no longer.
    let is_early = shown.life.is_some_and(|life| life.form == Form::Early && life.stopped.is_none());
    let is_told = is_up || (is_early && !is_private);
    if is_private && !is_up {
        properties.remove("ipAddress");
    }
    let fqdn = request::fqdn(shown.group);
    let Some(address) = properties.get_mut("ipAddress").and_then(Value::as_object_mut) else { return };
    if let Some(ip) = shown.address.filter(|_| is_told) {
        address.insert("ip".to_owned(), json!(ip.to_string()));
    }
    if let Some(fqdn) = fqdn {
        address.insert("fqdn".to_owned(), json!(fqdn));
    }
}

/// Adds the principals behind a group's identities.
fn show_identity(world: &World, group: &Resource, identity: &mut Value) {
    let of = |what: &str, id: &str| json!(guid_of(&format!("{what} of {}", id.to_ascii_lowercase())));
    let Some(identity) = identity.as_object_mut() else { return };
    for (id, given) in identity.get_mut("userAssignedIdentities").and_then(Value::as_object_mut).into_iter().flatten() {
        *given = json!({"principalId": of("principal", id), "clientId": of("client", id)});
    }
    let sort = identity.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_system = sort.contains("SystemAssigned");
    // With a user-assigned identity alone too, as azure-mgmt-containerinstance recorded it.
    if is_system || sort.contains("UserAssigned") {
        let subscription = world.subscriptions.get(&subscription_of(&group.id).to_ascii_lowercase());
        identity.insert("tenantId".to_owned(), json!(subscription.map(|found| &found.tenant)));
    }
    if is_system {
        identity.insert("principalId".to_owned(), of("principal", &group.id));
    }
}

/// `instanceView.state` of a group.
fn group_state(shown: &Shown<'_>, views: &[View]) -> &'static str {
    match shown.life {
        Some(life) if life.stopped.is_some() => return "Stopped",
        Some(life) if life.started.is_some() => {}
        _ if shown.group.state == "Failed" => return "Failed",
        _ => return "Pending",
    }
    let code = |view: &View| match view.standing.as_ref().map(|standing| standing.now) {
        Some(State::Terminated { code, .. }) => Some(code),
        _ => None,
    };
    let codes: Option<Vec<i32>> = views.iter().map(code).collect();
    match codes {
        None => "Running",
        Some(codes) if codes.iter().all(|code| *code == 0) => "Succeeded",
        Some(_) => "Failed",
    }
}

/// A container in its present state.
pub(super) struct View {
    standing: Option<Standing>,
    script: Script,
    events: Vec<Value>,
}

impl View {
    pub fn of(world: &World, shown: &Shown<'_>, container: &Value) -> Self {
        let image = request::container_image(container);
        let script = script::of(world, &shown.group.name, container);
        let policy = shown.group.properties.get("restartPolicy").and_then(Value::as_str).unwrap_or_default();
        let standing = shown.life.and_then(|life| {
            timeline::standing(life, &script, Restart::of(policy), world.now, |seconds| world.scaled(seconds))
        });
        let events = shown.life.map(|life| events(life, &script, image, standing.as_ref())).unwrap_or_default();
        Self { standing, script, events }
    }

    /// `instanceView` of the container; none while nothing is known of it.
    fn shown(self) -> Option<Value> {
        let standing = self.standing?;
        let mut view = json!({
            "restartCount": standing.restarts, "currentState": standing.now.shown(), "events": self.events,
        });
        if let (Some(before), Some(view)) = (standing.before, view.as_object_mut()) {
            view.insert("previousState".to_owned(), before.shown());
        }
        Some(view)
    }

    /// When the container was last started, and the lines that it wrote then; none if it never was.
    pub fn log(&self, name: &str, image: &str) -> Option<(jiff::Timestamp, Vec<String>)> {
        let standing = self.standing.as_ref()?;
        let since = |state: State| match state {
            State::Running { since } | State::Terminated { since, .. } => Some(since),
            State::Waiting(_) | State::Stopped { .. } => None,
        };
        let since = since(standing.now).or_else(|| standing.before.and_then(since))?;
        let lines = self.script.log.clone().unwrap_or_else(|| vec![format!("{name} runs {image}")]);
        Some((since, lines))
    }
}

pub(super) fn event(sort: &str, name: &str, message: String, at: jiff::Timestamp, count: u32) -> Value {
    json!({
        "count": count, "firstTimestamp": time(at), "lastTimestamp": time(at), "name": name, "message": message,
        "type": sort,
    })
}

fn events(life: &Life, script: &Script, image: &str, standing: Option<&Standing>) -> Vec<Value> {
    let image = &shown_image(life.form, image);
    let mut events = vec![event("Normal", "Pulling", format!("pulling image \"{image}\""), life.begun, 1)];
    let Some(started) = life.started else {
        if script.pull == Pull::NeverEnds {
            let message = format!("Failed to pull image \"{image}\": the registry does not answer");
            events.push(event("Warning", "Failed", message, life.begun, 1));
            events.push(event("Normal", "BackOff", format!("Back-off pulling image \"{image}\""), life.begun, 1));
        }
        return events;
    };
    let starts = standing.map_or(0, |standing| standing.restarts) + 1;
    events.push(event("Normal", "Pulled", format!("Successfully pulled image \"{image}\""), started, 1));
    if life.form == Form::Early {
        events.push(event("Normal", "Created", "Created container".to_owned(), started, starts));
    }
    events.push(event("Normal", "Started", "Started container".to_owned(), started, starts));
    if matches!(standing, Some(Standing { now: State::Waiting(_), .. })) {
        events.push(event("Warning", "BackOff", "Back-off restarting failed container".to_owned(), started, starts));
    }
    for one in &script.events {
        events.push(event(&one.sort, &one.name, one.message.clone(), started, 1));
    }
    if let Some(stopped) = life.stopped {
        events.push(event("Normal", "Killing", "Killing container".to_owned(), stopped, 1));
    }
    events
}

/// An image as events name it: today by its digest, which follows from the name here.
fn shown_image(form: Form, image: &str) -> String {
    if form == Form::Early || image.contains('@') {
        return image.to_owned();
    }
    let slash = image.rfind('/').unwrap_or(0);
    let tag = image.get(slash..).and_then(|last| last.find(':')).map_or(image.len(), |at| slash + at);
    let digest: String = Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}@sha256:{digest}", image.get(..tag).unwrap_or(image))
}

/// The events of a group's containers up to their start, which an operation tells.
pub(super) fn first_events(world: &World, group: &Resource) -> Value {
    let shown = Shown { group, life: world.life(&group.id), address: None };
    let is_first = |event: &Value| {
        let name = event.get("name").and_then(Value::as_str);
        matches!(name, Some("Pulling" | "Pulled" | "Created" | "Started"))
    };
    let views = request::containers(&group.properties).iter().flat_map(|one| View::of(world, &shown, one).events);
    views.filter(is_first).collect()
}
