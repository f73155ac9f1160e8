//! Federated credentials of a user-assigned identity, which are kept in the identity itself.

use super::{KIND, register};
use crate::arm::{nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::identity::FederatedCredential;
use crate::store::Resource;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// The member in which an identity keeps them; Azure has none of this name.
pub(super) const MEMBER: &str = "federatedIdentityCredentials";
/// Most of one identity ("Important considerations and restrictions for federated identity credentials").
const MOST: usize = 20;

/// All credentials of an identity.
///
/// # Errors
/// `404 ResourceNotFound`, `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, identity: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    call.enter(world, &kind(), identity)?;
    let identity = world.find(identity, KIND)?;
    let items =
        stored(identity).iter().map(|(name, value)| (id(identity, name), body(identity, name, value))).collect();
    paging::page(world, call, raw_path, items)
}

/// GET, PUT, DELETE.
///
/// # Errors
/// `404 ResourceNotFound`, `NotFound`; `400 BadRequest` for what Entra ID refuses; `409 Conflict` for issuer and subject of
/// another one (codes not confirmed); `403 AuthorizationFailed`; `405`.
pub(super) fn one(world: &mut World, call: &Call, identity: &str, name: &str) -> Result<Response, Refusal> {
    call.enter(world, &kind(), identity)?;
    let found = world.find(identity, KIND)?.clone();
    match call.method {
        Method::GET => {
            let (name, value) = stored(&found)
                .into_iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .ok_or_else(|| not_found(name))?;
            Ok(json_response(StatusCode::OK, &body(&found, &name, &value)))
        }
        Method::PUT => put(world, call, found, name),
        Method::DELETE => delete(world, found, name),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, mut identity: Resource, name: &str) -> Result<Response, Refusal> {
    let wanted = wanted(&call.json()?, name)?;
    let mut all = stored(&identity);
    let others = || all.iter().filter(|(known, _)| !known.eq_ignore_ascii_case(name));
    let same = |member: &str, value: &Value| value.get(member) == wanted.get(member);
    if others().any(|(_, value)| same("issuer", value) && same("subject", value)) {
        let message = "A federated identity credential with the same issuer and subject exists on this identity.";
        return Err(Refusal::service(StatusCode::CONFLICT, "Conflict", message));
    }
    let is_new = others().count() == all.len();
    if is_new && all.len() >= MOST {
        return Err(refused(format!("An identity has at most {MOST} federated identity credentials.")));
    }
    all.retain(|known, _| !known.eq_ignore_ascii_case(name));
    all.insert(name.to_owned(), wanted.clone());
    let answer = body(&identity, name, &wanted);
    keep(world, &mut identity, all);
    Ok(json_response(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &answer))
}

fn delete(world: &mut World, mut identity: Resource, name: &str) -> Result<Response, Refusal> {
    let mut all = stored(&identity);
    let before = all.len();
    all.retain(|known, _| !known.eq_ignore_ascii_case(name));
    if all.len() == before {
        return nothing(StatusCode::NO_CONTENT);
    }
    keep(world, &mut identity, all);
    nothing(StatusCode::OK)
}

fn keep(world: &mut World, identity: &mut Resource, all: Map<String, Value>) {
    identity.properties.insert(MEMBER.to_owned(), Value::Object(all));
    register(world, identity);
    world.resources.insert(identity.clone());
}

/// `issuer`, `subject` and the one audience; lengths as "Important considerations and restrictions" has them.
fn wanted(document: &Value, name: &str) -> Result<Value, Refusal> {
    let is_plain = name.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one));
    if !is_plain || !(3..=120).contains(&name.len()) || !name.starts_with(|one: char| one.is_ascii_alphanumeric()) {
        return Err(refused(format!("The name '{name}' is not 3 to 120 letters, digits, '-' and '_'.")));
    }
    let text = |member: &str| {
        let value = document.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
        value
            .filter(|value| (1..=600).contains(&value.len()))
            .ok_or_else(|| refused(format!("The property '{member}' is missing or longer than 600 characters.")))
    };
    let audiences = document.pointer("/properties/audiences").and_then(Value::as_array);
    let audience = match audiences.map(Vec::as_slice) {
        Some([Value::String(audience)]) if (1..=600).contains(&audience.len()) => audience,
        _ => return Err(refused("The property 'audiences' must hold exactly one text.".to_owned())),
    };
    Ok(json!({"issuer": text("issuer")?, "subject": text("subject")?, "audiences": [audience]}))
}

/// As Entra ID matches them.
pub(super) fn of(identity: &Resource) -> Vec<FederatedCredential> {
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let one = |(name, value): (String, Value)| FederatedCredential {
        issuer: text(&value, "/issuer"),
        subject: text(&value, "/subject"),
        audience: text(&value, "/audiences/0"),
        name,
    };
    stored(identity).into_iter().map(one).collect()
}

fn stored(identity: &Resource) -> Map<String, Value> {
    identity.properties.get(MEMBER).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn kind() -> String {
    format!("{KIND}/federatedIdentityCredentials")
}

fn id(identity: &Resource, name: &str) -> String {
    format!("{}/federatedIdentityCredentials/{name}", identity.id)
}

fn body(identity: &Resource, name: &str, value: &Value) -> Value {
    json!({"id": id(identity, name), "name": name, "type": kind(), "properties": value})
}

fn not_found(name: &str) -> Refusal {
    let message = format!("The federated identity credential '{name}' was not found.");
    Refusal::service(StatusCode::NOT_FOUND, "NotFound", message)
}

fn refused(message: String) -> Refusal {
    Refusal::bad_request("BadRequest", message)
}
