//! Microsoft.ManagedIdentity: user-assigned identities with their federated credentials, which sign in as applications do
//! ("User Assigned Identities - Create Or Update", "Federated Identity Credentials - Create Or Update").

mod credentials;

use crate::arm::{groups, nothing, paging, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::identity::Application;
use crate::network::virtual_networks::location_of;
use crate::store::{Resource, subscription_of};
use crate::tags::Tags;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// The type.
pub const KIND: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
/// Lengths of a name ("Naming rules and restrictions for Azure resources").
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 3..=128;

/// Answers a request below `…/providers/Microsoft.ManagedIdentity`.
///
/// # Errors
/// Whatever Azure refuses.
pub fn route(world: &mut World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let id = |name: &str| format!("{scope}/providers/{KIND}/{name}");
    match rest {
        ["userassignedidentities"] => list(world, call, raw_path, scope),
        ["userassignedidentities", name] => one(world, call, &id(name)),
        ["userassignedidentities", name, "federatedidentitycredentials"] => {
            credentials::list(world, call, raw_path, &id(name))
        }
        ["userassignedidentities", name, "federatedidentitycredentials", credential] => {
            credentials::one(world, call, &id(name), credential)
        }
        _ => Err(unknown_type("microsoft.managedidentity", rest, call)),
    }
}

fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    paging::resources(world, call, raw_path, (scope, KIND), body)
}

fn one(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    call.enter(world, KIND, id)?;
    match call.method {
        Method::GET => world.find(id, KIND).map(|found| json_response(StatusCode::OK, &body(found))),
        Method::PUT => put(world, call, id),
        Method::PATCH => patch(world, call, id),
        Method::DELETE => match world.resource(id, KIND).map(|found| found.id.clone()) {
            Some(id) => {
                if let Some(gone) = world.resources.remove(&id) {
                    removed(world, &gone);
                }
                nothing(StatusCode::OK)
            }
            None => nothing(StatusCode::NO_CONTENT),
        },
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let group = groups::for_write(world, id)?.id.clone();
    let document = call.json()?;
    let present = world.resource(id, KIND).cloned();
    let location = location_of(&document, KIND, present.as_ref())?;
    let name = id.rsplit('/').next().unwrap_or_default();
    check_name(name)?;
    let mut resource = present.clone().unwrap_or_else(|| made(world, &group, name));
    resource.location = Some(location);
    resource.tags = Tags::put(&document, present.as_ref().map(|there| &there.tags))?;
    register(world, &resource);
    let body = body(&resource);
    world.resources.insert(resource);
    Ok(json_response(if present.is_some() { StatusCode::OK } else { StatusCode::CREATED }, &body))
}

fn made(world: &mut World, group: &str, name: &str) -> Resource {
    let subscription = subscription_of(group).to_ascii_lowercase();
    let tenant = world.subscriptions.get(&subscription).map(|found| found.tenant.clone()).unwrap_or_default();
    let (principal, client) = (world.ids.guid("managed identity"), world.ids.guid("managed identity"));
    let properties = json!({"tenantId": tenant, "principalId": principal, "clientId": client});
    Resource {
        // Azure writes `resourcegroups` in the ids of these alone (output of "az identity create" in its documentation).
        id: format!("{}/providers/{KIND}/{name}", group.replacen("/resourceGroups/", "/resourcegroups/", 1)),
        name: name.to_owned(),
        kind: KIND,
        properties: properties.as_object().cloned().unwrap_or_default(),
        state: "Succeeded".to_owned(),
        ..Resource::default()
    }
}

fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let document = call.json()?;
    let tags = world.find(id, KIND)?.tags.patched(&document)?;
    if let Some(found) = world.resources.get_mut(id) {
        found.tags = tags;
    }
    world.find(id, KIND).map(|found| json_response(StatusCode::OK, &body(found)))
}

/// With an identity its sign-in ends; its role assignments stay, without a principal.
pub fn removed(world: &mut World, gone: &Resource) {
    world.directory.remove(text(gone, "tenantId"), text(gone, "clientId"));
}

/// Updates the credentials by which an identity signs in.
fn register(world: &mut World, identity: &Resource) {
    world.directory.put(Application {
        tenant: text(identity, "tenantId").to_owned(),
        client_id: text(identity, "clientId").to_owned(),
        object_id: text(identity, "principalId").to_owned(),
        display_name: identity.name.clone(),
        secrets: Vec::new(),
        federated: credentials::of(identity),
    });
}

fn text<'a>(identity: &'a Resource, member: &str) -> &'a str {
    identity.properties.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// `400 InvalidResourceName` (text not confirmed).
fn check_name(name: &str) -> Result<(), Refusal> {
    let is_plain = name.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one));
    if is_plain && NAME_LENGTHS.contains(&name.len()) && name.starts_with(|one: char| one.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let message = format!(
        "Resource name {name} is invalid. The name must be 3 to 128 letters, digits, '-' and '_', and begin with a letter \
         or digit."
    );
    Err(Refusal::bad_request("InvalidResourceName", message))
}

/// What GET shows.
pub fn body(identity: &Resource) -> Value {
    let mut properties = identity.properties.clone();
    properties.remove(credentials::MEMBER);
    let mut body = Map::new();
    for (name, value) in [
        ("location", json!(identity.location)),
        ("tags", Value::Object(identity.tags.map())),
        ("id", json!(identity.id)),
        ("name", json!(identity.name)),
        ("type", json!(KIND)),
        ("properties", Value::Object(properties)),
    ] {
        body.insert(name.to_owned(), value);
    }
    Value::Object(body)
}
