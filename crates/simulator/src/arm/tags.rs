//! `{resource}/providers/Microsoft.Resources/tags/default` ("Tags - Update At Scope").

use super::wrong_verb;
use crate::call::Call;
use crate::error::{Refusal, Response, empty_response, json_response};
use crate::identity::bearer::existing_subscription;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

const SUFFIX: &str = "/providers/Microsoft.Resources/tags/default";

/// GET, PUT, PATCH (`Merge`, `Replace`, `Delete`), DELETE of the tags of a subscription, group or resource.
///
/// # Errors
/// `404` when the resource is missing, `400 InvalidRequestContent` for another operation, `403`, `409 ScopeLocked`.
pub fn route(world: &mut World, call: &Call, raw_path: &str) -> Result<Response, Refusal> {
    let id = raw_path.get(..raw_path.len().saturating_sub(SUFFIX.len())).unwrap_or_default();
    call.enter(world, "Microsoft.Resources/tags", id)?;
    let changed = match call.method {
        Method::GET => None,
        Method::PATCH | Method::PUT => Some(wanted(call, &of_scope(world, id)?.1)?),
        Method::DELETE => Some(Map::new()),
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
        "properties": {"tags": tags},
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
fn of_scope(world: &World, id: &str) -> Result<(String, Map<String, Value>), Refusal> {
    if let Some(subscription) = subscription_at(id) {
        let found = existing_subscription(world, &subscription)?;
        return Ok((format!("/subscriptions/{}", found.id), found.tags.clone()));
    }
    world.existing_group(id)?;
    let missing = || crate::world::not_found(id, "Microsoft.Resources/tags");
    world.resources.get(id).map(|found| (found.id.clone(), found.tags.clone())).ok_or_else(missing)
}

fn set(world: &mut World, id: &str, tags: Map<String, Value>) {
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

fn wanted(call: &Call, present: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let document = call.json()?;
    let operation = if call.method == Method::PUT { "Replace" } else { text(&document, "/operation") };
    let tags = document.pointer("/properties/tags").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut whole = present.clone();
    match operation {
        "Merge" => whole.extend(tags),
        "Replace" => whole = tags,
        "Delete" => whole.retain(|name, value| tags.get(name) != Some(value)),
        other => {
            let message = format!("The tags operation '{other}' is invalid: use Merge, Replace or Delete.");
            return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidRequestContent", message));
        }
    }
    Ok(whole)
}

fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
