//! `{resource}/providers/Microsoft.Resources/tags/default` ("Tags - Update At Scope").

use super::wrong_verb;
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::Resource;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const SUFFIX: &str = "/providers/Microsoft.Resources/tags/default";

/// GET, PATCH (`Merge`, `Replace`, `Delete`) of the tags of a group, virtual network, NSG or workspace.
///
/// # Errors
/// `404` when the resource is missing, `400 InvalidRequestContent` for another operation, `403`, `409 ScopeLocked`.
pub fn route(world: &mut World, call: &Call, raw_path: &str) -> Result<Response, Refusal> {
    let id = raw_path.get(..raw_path.len().saturating_sub(SUFFIX.len())).unwrap_or_default();
    call.enter(world, "Microsoft.Resources/tags", id)?;
    world.existing_group(id)?;
    let missing = || crate::world::not_found(id, "Microsoft.Resources/tags");
    let tags = match call.method {
        Method::GET => None,
        Method::PATCH | Method::PUT => Some(call.json()?),
        _ => return Err(wrong_verb(call)),
    };
    let etag = world.ids.weak_etag();
    let resource = world.resources.get_mut(id).ok_or_else(missing)?;
    if let Some(document) = tags {
        let operation = if call.method == Method::PUT { "Replace" } else { text(&document, "/operation") };
        apply(resource, operation, document.pointer("/properties/tags").unwrap_or(&Value::Null))?;
        resource.etag = if resource.etag.is_empty() { String::new() } else { etag };
    }
    let body = json!({
        "id": format!("{}{SUFFIX}", resource.id), "name": "default", "type": "Microsoft.Resources/tags",
        "properties": {"tags": resource.tags},
    });
    Ok(json_response(StatusCode::OK, &body))
}

fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn apply(resource: &mut Resource, operation: &str, tags: &Value) -> Result<(), Refusal> {
    let tags = tags.as_object().cloned().unwrap_or_default();
    match operation {
        "Merge" => resource.tags.extend(tags),
        "Replace" => resource.tags = tags,
        "Delete" => resource.tags.retain(|name, value| tags.get(name) != Some(value)),
        other => {
            let message = format!("The tags operation '{other}' is invalid: use Merge, Replace or Delete.");
            return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidRequestContent", message));
        }
    }
    Ok(())
}
