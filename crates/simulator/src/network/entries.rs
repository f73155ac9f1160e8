//! Children that are kept in a member of their parent and written under its lock: security rules, routes.

use super::tracked::{self, Kind};
use super::{child_not_found, parent_not_found, shown, writes};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::Resource;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use writes::Write;

/// A type of such children.
pub(crate) struct Entries {
    /// The type in Azure's spelling.
    pub name: &'static str,
    /// The member of the parent's `properties`, and the collection in paths.
    pub member: &'static str,
    /// Azure's name of a PUT.
    pub put: &'static str,
    /// Azure's name of a DELETE.
    pub delete: &'static str,
    /// `{"name","properties"}` as it is stored.
    pub normalised: fn(&Value) -> Value,
    /// Whether all children of the parent with this id can be together.
    pub check: fn(&str, &[Value]) -> Result<(), Refusal>,
    /// Adds to the stored properties what only the service writes.
    pub show: fn(&mut Map<String, Value>),
}

/// The entries of a parent.
///
/// # Errors
/// The 404 family, `403 AuthorizationFailed`, `405`.
pub(super) fn list(
    world: &World,
    call: &Call,
    raw_path: &str,
    kind: &Entries,
    parent: &str,
) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{}/read", kind.name), parent)?;
    let parent = world.find(parent, parent_kind(kind))?;
    let items =
        stored(kind, &parent.properties).iter().map(|entry| (id_of(kind, parent, entry), body(kind, parent, entry)));
    paging::page(world, call, raw_path, items.collect())
}

/// GET, PUT, DELETE of one entry.
///
/// # Errors
/// The 404 family, what the type refuses, `429 RetryableError`, `403 AuthorizationFailed`, `409 ScopeLocked`, `405`.
pub(super) fn one(
    world: &mut World,
    call: &Call,
    (parent_kind, kind): (&'static Kind, &'static Entries),
    parent: &str,
    name: &str,
) -> Result<Response, Refusal> {
    let id = format!("{parent}/{}/{name}", kind.member);
    call.enter(world, kind.name, &id)?;
    match call.method {
        Method::GET => {
            let parent = world.find(parent, parent_kind.name)?;
            let entry = find(kind, parent, name).ok_or_else(|| child_not_found(&id))?;
            Ok(shown(&parent.etag, &body(kind, parent, entry)))
        }
        Method::PUT => put(world, call, (parent_kind, kind), parent, name),
        Method::DELETE => delete(world, call, (parent_kind, kind), parent, name),
        _ => Err(wrong_verb(call)),
    }
}

fn put(
    world: &mut World,
    call: &Call,
    (parent_kind, kind): (&'static Kind, &'static Entries),
    parent: &str,
    name: &str,
) -> Result<Response, Refusal> {
    let parent = existing(world, kind, parent, "write")?;
    writes::check_free(world, &parent.id)?;
    let mut document = call.json()?;
    if let Some(object) = document.as_object_mut() {
        object.insert("name".to_owned(), json!(name));
    }
    let entry = (kind.normalised)(&document);
    let mut entries = stored(kind, &parent.properties).to_vec();
    let present = entries.iter().position(|there| is_named(there, name));
    match present.and_then(|position| entries.get_mut(position)) {
        Some(there) => *there = entry,
        None => entries.push(entry),
    }
    (kind.check)(&parent.id, &entries)?;
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    replace(world, kind, &parent.id, entries);
    let write = Write { lock: &parent.id, name: kind.put, seconds: parent_kind.put.1, has_result: false };
    let answered = tracked::begin_update(world, call, parent_kind, &write, status);
    let shown = world.resources.get(&parent.id).and_then(|parent| Some(body(kind, parent, find(kind, parent, name)?)));
    let mut response = json_response(status, &shown.unwrap_or_default());
    response.headers_mut().extend(answered.headers().clone());
    writes::without_notification(&mut response);
    Ok(response)
}

fn delete(
    world: &mut World,
    call: &Call,
    (parent_kind, kind): (&'static Kind, &'static Entries),
    parent: &str,
    name: &str,
) -> Result<Response, Refusal> {
    let parent = existing(world, kind, parent, "delete")?;
    if find(kind, &parent, name).is_none() {
        return nothing(StatusCode::NO_CONTENT);
    }
    writes::check_free(world, &parent.id)?;
    let kept = stored(kind, &parent.properties).iter().filter(|entry| !is_named(entry, name)).cloned().collect();
    replace(world, kind, &parent.id, kept);
    tracked::mark(world, &parent.id, "Updating");
    let write = Write { lock: &parent.id, name: kind.delete, seconds: parent_kind.put.1, has_result: true };
    let (location, id) = (parent.location.unwrap_or_default(), parent.id.clone());
    let settle = move |world: &mut World, ending: &_| tracked::settle(world, parent_kind, &id, ending);
    let handle = writes::begin(world, call, &write, &location, settle);
    let mut response = writes::accepted(world, &handle, 10.0);
    writes::without_notification(&mut response);
    Ok(response)
}

fn existing(world: &World, kind: &Entries, parent: &str, verb: &str) -> Result<Resource, Refusal> {
    groups::for_write(world, parent)?;
    let found = world.resource(parent, parent_kind(kind)).cloned();
    found.ok_or_else(|| parent_not_found(verb, kind.name, parent))
}

/// The type of the parent: that of the entries without its last word.
fn parent_kind(kind: &Entries) -> &'static str {
    kind.name.rsplit_once('/').map_or(kind.name, |(parent, _)| parent)
}

fn replace(world: &mut World, kind: &Entries, parent: &str, entries: Vec<Value>) {
    if let Some(parent) = world.resources.get_mut(parent) {
        parent.properties.insert(kind.member.to_owned(), Value::Array(entries));
    }
}

/// The stored entries.
pub(super) fn stored<'a>(kind: &Entries, properties: &'a Map<String, Value>) -> &'a [Value] {
    properties.get(kind.member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The entries of a request, in the form in which they are stored; none where none are given.
pub(super) fn normalise(kind: &Entries, properties: &mut Map<String, Value>) {
    let entries = stored(kind, properties).iter().map(|entry| (kind.normalised)(entry)).collect();
    properties.insert(kind.member.to_owned(), Value::Array(entries));
}

fn find<'a>(kind: &Entries, parent: &'a Resource, name: &str) -> Option<&'a Value> {
    stored(kind, &parent.properties).iter().find(|entry| is_named(entry, name))
}

/// Whether an entry has this name, in any case.
pub(super) fn is_named(entry: &Value, name: &str) -> bool {
    name_of(entry).eq_ignore_ascii_case(name)
}

/// The name of an entry.
pub(super) fn name_of(entry: &Value) -> &str {
    entry.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn id_of(kind: &Entries, parent: &Resource, entry: &Value) -> String {
    format!("{}/{}/{}", parent.id, kind.member, name_of(entry))
}

/// What GET shows of all entries.
pub(super) fn bodies(kind: &Entries, parent: &Resource) -> Value {
    stored(kind, &parent.properties).iter().map(|entry| body(kind, parent, entry)).collect()
}

fn body(kind: &Entries, parent: &Resource, entry: &Value) -> Value {
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(parent.state));
    properties.extend(entry.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    (kind.show)(&mut properties);
    json!({
        "name": name_of(entry), "id": id_of(kind, parent, entry), "etag": parent.etag, "type": kind.name,
        "properties": properties,
    })
}
