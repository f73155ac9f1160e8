//! Tracked resources that are written as a whole, each under its own lock: network security groups, route tables, NAT
//! gateways, public IP addresses. What makes them differ is a [`Kind`].

use super::entries::{self, Entries};
use super::{head, references, shown, virtual_networks, writes};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::operations::Ending;
use crate::store::Resource;
use crate::tags::Tags;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use writes::Write;

/// A member besides `properties`, and its default, which also completes a partial value.
type Member = (&'static str, fn() -> Value);

/// A type of such resources.
pub(crate) struct Kind {
    /// The type in Azure's spelling.
    pub name: &'static str,
    /// Azure's name and usual seconds of a PUT.
    pub put: (&'static str, f64),
    /// Azure's name and usual seconds of a DELETE.
    pub delete: (&'static str, f64),
    /// `Retry-After` of a PUT in Azure, in seconds, as recorded.
    pub retry_after: f64,
    /// Members beside `properties` that clients write (`sku`, `zones`).
    pub members: &'static [Member],
    /// What is stored of a request's `properties`.
    pub normalised: fn(&Value) -> Map<String, Value>,
    /// Checks a request, except for its references.
    pub check: fn(&World, &Resource) -> Result<(), Refusal>,
    /// The refusal of a DELETE while these resources refer to it.
    pub in_use: fn(&Resource, &[String]) -> Refusal,
    /// Adds to the stored properties what only the service writes.
    pub show: fn(&World, &Resource, &mut Map<String, Value>),
    /// Adds to the store after a successful write.
    pub settled: fn(&mut Resource),
    /// Members of `properties` that [`Kind::settled`] wrote; a PUT keeps them.
    pub kept: &'static [&'static str],
    /// Children that are stored in a member.
    pub entries: Option<&'static Entries>,
}

/// All such types.
const KINDS: [&Kind; 4] = [
    &super::security_groups::GROUPS,
    &super::route_tables::TABLES,
    &super::nat_gateways::GATEWAYS,
    &super::public_addresses::ADDRESSES,
];

impl Kind {
    /// The type with this name, in any case.
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        KINDS.into_iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
    }
}

/// Answers a request about a collection, a resource or one of its entries.
///
/// # Errors
/// Whatever Azure refuses; none where the path is of another form.
pub(super) fn route(
    world: &mut World,
    call: &Call,
    raw_path: &str,
    scope: &str,
    (kind, below): (&'static Kind, &[&str]),
) -> Option<Result<Response, Refusal>> {
    let id = |name: &str| format!("{scope}/providers/{}/{name}", kind.name);
    let entries = |word: &str| kind.entries.filter(|entries| entries.member.eq_ignore_ascii_case(word));
    Some(match below {
        [] => list(world, call, raw_path, kind, scope),
        [name] => one(world, call, kind, &id(name)),
        [name, word] => entries::list(world, call, raw_path, entries(word)?, &id(name)),
        [name, word, entry] => entries::one(world, call, (kind, entries(word)?), &id(name), entry),
        _ => return None,
    })
}

fn list(world: &World, call: &Call, raw_path: &str, kind: &Kind, scope: &str) -> Result<Response, Refusal> {
    paging::resources(world, call, raw_path, (scope, kind.name), |found| body(world, kind, found))
}

fn one(world: &mut World, call: &Call, kind: &'static Kind, id: &str) -> Result<Response, Refusal> {
    call.enter(world, kind.name, id)?;
    match call.method {
        Method::GET => world.find(id, kind.name).map(|found| shown(&found.etag, &body(world, kind, found))),
        Method::PUT => put(world, call, kind, id),
        Method::PATCH => patch(world, call, kind, id),
        Method::DELETE => delete(world, call, kind, id),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, kind: &'static Kind, id: &str) -> Result<Response, Refusal> {
    let parent = groups::for_write(world, id)?.id.clone();
    let document = call.json()?;
    let present = world.resource(id, kind.name).cloned();
    let location = virtual_networks::location_of(&document, kind.name, present.as_ref())?;
    writes::check_etag(call, id, present.as_ref())?;
    writes::check_free(world, id)?;
    let name = id.rsplit('/').next().unwrap_or_default();
    let id = present.as_ref().map_or_else(|| format!("{parent}/providers/{}/{name}", kind.name), |it| it.id.clone());
    let tags = Tags::put(&document, present.as_ref().map(|there| &there.tags))?;
    let wanted = Resource { tags, ..wanted(world, kind, &id, &document, location.clone()) };
    (kind.check)(world, &wanted)?;
    references::check(world, call, &wanted, &location)?;
    let is_same = |there: &Resource| {
        there.state == "Succeeded" && there.properties == wanted.properties && there.members == wanted.members
    };
    let changes_network = !present.as_ref().is_some_and(is_same);
    world.resources.insert(wanted);
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    if !changes_network {
        let mut response = answer(world, kind, status, &id);
        writes::begin_finished(world, call, &location).put_on(&mut response, false);
        return Ok(response);
    }
    let write = Write { lock: &id, name: kind.put.0, seconds: kind.put.1, has_result: false };
    Ok(begin_update(world, call, kind, &write, status))
}

/// Begins the operation of a write to a resource (or to one of its entries) that is in the store already.
pub(super) fn begin_update(
    world: &mut World,
    call: &Call,
    kind: &'static Kind,
    write: &Write<'_>,
    status: StatusCode,
) -> Response {
    let id = write.lock.to_owned();
    mark(world, &id, "Updating");
    let mut response = answer(world, kind, status, &id);
    let location = world.resources.get(&id).and_then(|found| found.location.clone()).unwrap_or_default();
    let handle = writes::begin(world, call, write, &location, move |world, ending| settle(world, kind, &id, ending));
    writes::in_progress(world, &mut response, &handle, kind.retry_after);
    response
}

fn answer(world: &World, kind: &Kind, status: StatusCode, id: &str) -> Response {
    json_response(status, &world.resources.get(id).map_or(Value::Null, |found| body(world, kind, found)))
}

pub(super) fn settle(world: &mut World, kind: &Kind, id: &str, ending: &Ending) {
    mark(world, id, writes::state_after(ending));
    if *ending == Ending::Succeeded {
        world.resources.get_mut(id).into_iter().for_each(kind.settled);
    }
}

/// Sets the state and a new etag.
pub(super) fn mark(world: &mut World, id: &str, state: &str) {
    let etag = world.ids.weak_etag();
    if let Some(found) = world.resources.get_mut(id) {
        found.state = state.to_owned();
        found.etag = etag;
    }
}

/// What a PUT would put into the store, in `Succeeded`.
fn wanted(world: &mut World, kind: &Kind, id: &str, document: &Value, location: String) -> Resource {
    let present = world.resources.get(id).cloned();
    let member = |(name, usual): &Member| {
        let value = completed(document.get(*name), usual());
        (!value.is_null()).then(|| ((*name).to_owned(), value))
    };
    let mut properties = (kind.normalised)(document);
    for name in kind.kept {
        let there = present.as_ref().and_then(|there| there.properties.get(*name));
        properties.extend(there.map(|value| ((*name).to_owned(), value.clone())));
    }
    Resource {
        id: id.to_owned(),
        name: id.rsplit('/').next().unwrap_or_default().to_owned(),
        kind: kind.name,
        location: Some(location),
        tags: Tags::unchecked(document),
        members: kind.members.iter().filter_map(member).collect(),
        properties,
        etag: world.ids.weak_etag(),
        state: "Succeeded".to_owned(),
        guid: present.as_ref().map_or_else(|| world.ids.guid("resource"), |there| there.guid.clone()),
        busy: present.and_then(|there| there.busy),
        sequence: 0,
    }
}

/// A member as given, completed from its default: a `sku` without `tier` gets one, as recorded.
fn completed(given: Option<&Value>, usual: Value) -> Value {
    match (given, usual) {
        (Some(Value::Object(given)), Value::Object(mut whole)) => {
            whole.extend(
                given.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
            );
            Value::Object(whole)
        }
        (Some(given), usual) if given.is_null() => usual,
        (Some(given), _) => given.clone(),
        (None, usual) => usual,
    }
}

/// Writes a resource without permission checks, for the admin interface.
///
/// # Errors
/// Says which member is missing.
pub(crate) fn overwrite(world: &mut World, kind: &Kind, id: &str, document: &Value) -> Result<(), String> {
    let location = document.get("location").and_then(Value::as_str);
    let location = location.ok_or_else(|| format!("a resource of type {} needs \"location\"", kind.name))?;
    let wanted = wanted(world, kind, id, document, groups::location_of(location));
    world.resources.insert(wanted);
    world.resources.get_mut(id).into_iter().for_each(kind.settled);
    Ok(())
}

fn patch(world: &mut World, call: &Call, kind: &Kind, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let document = call.json()?;
    let found = world.find(id, kind.name)?;
    let (state, tags) = (found.state.clone(), found.tags.patched(&document)?);
    writes::check_free(world, id)?;
    if let Some(found) = world.resources.get_mut(id) {
        found.tags = tags;
    }
    mark(world, id, &state);
    Ok(writes::notified(answer(world, kind, StatusCode::OK, id)))
}

fn delete(world: &mut World, call: &Call, kind: &'static Kind, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let Some(found) = world.resource(id, kind.name).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    writes::check_etag_of_delete(world, call, id, &found)?;
    writes::check_free(world, id)?;
    let users = references::referrers(world, &found);
    if !users.is_empty() {
        return Err((kind.in_use)(&found, &users));
    }
    mark(world, id, "Deleting");
    let write = Write { lock: id, name: kind.delete.0, seconds: kind.delete.1, has_result: true };
    let location = found.location.unwrap_or_default();
    let handle = writes::begin(world, call, &write, &location, move |world, ending| match ending {
        Ending::Succeeded => drop(world.resources.remove(&found.id)),
        _ => settle(world, kind, &found.id, ending),
    });
    Ok(writes::accepted(world, &handle, 10.0))
}

/// What GET shows.
pub(crate) fn body(world: &World, kind: &Kind, found: &Resource) -> Value {
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(found.state));
    properties.insert("resourceGuid".to_owned(), json!(found.guid));
    properties.extend(found.properties.clone());
    if let Some(entries) = kind.entries {
        properties.insert(entries.member.to_owned(), entries::bodies(entries, found));
    }
    (kind.show)(world, found, &mut properties);
    let mut body = head(found);
    body.extend(found.members.clone());
    body.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(body)
}

/// Adds the member `subnets` with the subnets that refer to a resource, where there are any.
pub(super) fn show_subnets(world: &World, found: &Resource, properties: &mut Map<String, Value>) {
    let users = references::referrers(world, found);
    if !users.is_empty() {
        properties.insert("subnets".to_owned(), users.iter().map(|id| json!({"id": id})).collect());
    }
}
