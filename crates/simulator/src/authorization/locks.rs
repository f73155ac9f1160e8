//! Management locks as resources ("Management Locks - Create Or Update By Scope", "- List By Scope").

use super::{existing_scope, id};
use crate::arm::{nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::locks::{Level, Lock};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

const KIND: &str = "Microsoft.Authorization/locks";
/// Longest notes, in characters ("Management Locks - Create Or Update": maximum of 512).
const LONGEST_NOTES: usize = 512;

/// Locks at, above and below a scope.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), scope)?;
    existing_scope(world, scope)?;
    let items = world.locks.about(scope).map(|lock| (id(&lock.scope, "locks", &lock.name), body(lock))).collect();
    paging::page(world, call, raw_path, items)
}

/// GET, PUT, DELETE. A lock does not prevent its own removal by a caller who may write locks.
///
/// # Errors
/// `404 LockNotFound` (code not confirmed), `400 InvalidLockLevel` (code not confirmed), `403 AuthorizationFailed`, `405`.
pub(super) fn one(world: &mut World, call: &Call, scope: &str, name: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, &call.action(KIND), scope)?;
    existing_scope(world, scope)?;
    match call.method {
        Method::GET => {
            let found = world.locks.get(scope, name).ok_or_else(|| not_found(name))?;
            Ok(json_response(StatusCode::OK, &body(found)))
        }
        Method::PUT => {
            let lock = wanted(call, scope, name)?;
            let before = world.locks.set(lock.clone());
            let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
            Ok(json_response(status, &body(&lock)))
        }
        Method::DELETE => match world.locks.remove(scope, name) {
            Some(_) => nothing(StatusCode::OK),
            None => nothing(StatusCode::NO_CONTENT),
        },
        _ => Err(wrong_verb(call)),
    }
}

fn wanted(call: &Call, scope: &str, name: &str) -> Result<Lock, Refusal> {
    let document = call.json()?;
    let text = |member: &str| document.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
    let level = match text("level") {
        Some("CanNotDelete") => Level::CanNotDelete,
        Some("ReadOnly") => Level::ReadOnly,
        other => {
            let message = format!(
                "The lock level '{}' is not valid: it must be CanNotDelete or ReadOnly.",
                other.unwrap_or_default()
            );
            return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidLockLevel", message));
        }
    };
    let notes = text("notes").map(str::to_owned);
    if notes.as_ref().is_some_and(|notes| notes.chars().count() > LONGEST_NOTES) {
        let message = format!("The notes of lock '{name}' are longer than {LONGEST_NOTES} characters.");
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidLockNotes", message));
    }
    Ok(Lock { scope: scope.to_owned(), name: name.to_owned(), level, notes })
}

fn not_found(name: &str) -> Refusal {
    Refusal::gateway(StatusCode::NOT_FOUND, "LockNotFound", format!("The lock '{name}' could not be found."))
}

fn body(lock: &Lock) -> Value {
    let mut properties = Map::new();
    properties.insert("level".to_owned(), json!(lock.level));
    if let Some(notes) = &lock.notes {
        properties.insert("notes".to_owned(), json!(notes));
    }
    json!({"properties": properties, "id": id(&lock.scope, "locks", &lock.name), "type": KIND, "name": lock.name})
}
