//! `{resource}/providers/Microsoft.Resources/tags/default` ("Tags - Update At Scope").

use super::wrong_verb;
use crate::call::Call;
use crate::error::{Refusal, Response, empty_response, json_response};
use crate::identity::bearer::existing_subscription;
use crate::tags::Tags;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

const SUFFIX: &str = "/providers/Microsoft.Resources/tags/default";

/// GET, PUT, PATCH (`Merge`, `Replace`, `Delete`), DELETE of the tags of a subscription, group or resource.
///
/// # Errors
/// `404` when the resource is missing, `400 InvalidRequestContent` for another operation, those of [`Tags::read`], `403`,
/// `409 ScopeLocked`.
pub fn route(world: &mut World, call: &Call, raw_path: &str) -> Result<Response, Refusal> {
    let id = raw_path.get(..raw_path.len().saturating_sub(SUFFIX.len())).unwrap_or_default();
    call.enter(world, "Microsoft.Resources/tags", id)?;
    let changed = match call.method {
        Method::GET => None,
        Method::PATCH | Method::PUT => Some(wanted(call, &of_scope(world, id)?.1)?),
        Method::DELETE => Some(Tags::from(Map::new())),
        _ => return Err(wrong_verb(call)),
    };
    if let Some(tags) = changed {
        set(world, id, tags);
    }
    if call.method == Method::DELETE {
        return Ok(empty_response(StatusCode::OK));
    }
    let (id, tags) = of_scope(world, id)?;
    let body = json!({
        "id": format!("{id}{SUFFIX}"), "name": "default", "type": "Microsoft.Resources/tags",
        "properties": {"tags": tags.map()},
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// The GUID of a scope that is a subscription.
fn subscription_at(id: &str) -> Option<String> {
    let mut parts = id.trim_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(subscription), None) => Some(subscription.to_ascii_lowercase()),
        _ => None,
    }
}

/// Id and tags of what is at a scope.
fn of_scope(world: &World, id: &str) -> Result<(String, Tags), Refusal> {
    if let Some(subscription) = subscription_at(id) {
        let found = existing_subscription(world, &subscription)?;
        return Ok((format!("/subscriptions/{}", found.id), found.tags.clone()));
    }
    world.existing_group(id)?;
    let missing = || crate::world::not_found(id, "Microsoft.Resources/tags");
    world.resources.get(id).map(|found| (found.id.clone(), found.tags.clone())).ok_or_else(missing)
}

fn set(world: &mut World, id: &str, tags: Tags) {
    if let Some(subscription) = subscription_at(id) {
        if let Some(found) = world.subscriptions.get_mut(&subscription) {
            found.tags = tags;
        }
        return;
    }
    let etag = world.ids.weak_etag();
    if let Some(found) = world.resources.get_mut(id) {
        found.tags = tags;
        // Only the etags of Microsoft.Network are weak; what those of private DNS do here is not confirmed.
        if found.etag.starts_with("W/") {
            found.etag = etag;
        }
    }
}

fn wanted(call: &Call, present: &Tags) -> Result<Tags, Refusal> {
    let document = call.json()?;
    let operation = if call.method == Method::PUT { "Replace" } else { text(&document, "/operation") };
    let given = document.pointer("/properties/tags");
    match operation {
        "Merge" => present.merged(Tags::read(given)?.unwrap_or_default()),
        "Replace" => Tags::put(&json!({"tags": given.unwrap_or(&json!({}))}), Some(present)),
        "Delete" => Ok(present.without(&Tags::read(given)?.unwrap_or_default())),
        other => {
            let message = format!("The tags operation '{other}' is invalid: use Merge, Replace or Delete.");
            Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidRequestContent", message))
        }
    }
}

fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
