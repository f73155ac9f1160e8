//! Role definitions, as far as a role is built in or stands in the seed ("Role Definitions - List", "- Get").

use super::{BUILT_IN, Role, id};
use crate::arm::{paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::subscription_of;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const KIND: &str = "Microsoft.Authorization/roleDefinitions";

/// All roles; `$filter` by `roleName eq '…'` or `type eq '…'`.
///
/// # Errors
/// `400 InvalidFilter` (code not confirmed), `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), scope)?;
    let filter = call.query.get("$filter").unwrap_or_default();
    let (member, wanted) = comparison(filter)?;
    let shown = |role: &Role| match member {
        "roleName" => role.name.eq_ignore_ascii_case(wanted),
        "type" => type_of(role).eq_ignore_ascii_case(wanted),
        _ => true,
    };
    let found = all(world).into_iter().filter(shown);
    paging::page(world, call, raw_path, found.map(|role| (role.id(), body(&role, scope))).collect())
}

/// GET.
///
/// # Errors
/// `404 RoleDefinitionDoesNotExist`, `403 AuthorizationFailed`, `405`.
pub(super) fn one(world: &World, call: &Call, scope: &str, name: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), scope)?;
    let role = find(world, name).ok_or_else(|| missing(StatusCode::NOT_FOUND, name))?;
    Ok(json_response(StatusCode::OK, &body(&role, scope)))
}

/// The role of a definition's id, or of the GUID at its end.
pub(super) fn find(world: &World, id: &str) -> Option<Role> {
    let guid = id.rsplit('/').next().unwrap_or_default();
    all(world).into_iter().find(|role| role.id().eq_ignore_ascii_case(guid))
}

/// `RoleDefinitionDoesNotExist`.
pub(super) fn missing(status: StatusCode, id: &str) -> Refusal {
    let guid = id.rsplit('/').next().unwrap_or_default().replace('-', "");
    let message = format!("The specified role definition with ID '{guid}' does not exist.");
    Refusal::gateway(status, "RoleDefinitionDoesNotExist", message)
}

/// Id of the definition of a role, as assignments name it.
pub(super) fn id_of(role: &Role, scope: &str) -> String {
    id(&format!("/subscriptions/{}", subscription_of(scope)), "roleDefinitions", &role.id())
}

fn all(world: &World) -> Vec<Role> {
    let mut roles: Vec<Role> = BUILT_IN.iter().filter_map(|(name, _)| Role::built_in(name)).collect();
    for given in &world.roles {
        if !roles.iter().any(|role| role.name == given.role.name) {
            roles.push(given.role.clone());
        }
    }
    roles
}

fn type_of(role: &Role) -> &'static str {
    if BUILT_IN.iter().any(|(name, _)| *name == role.name) { "BuiltInRole" } else { "CustomRole" }
}

fn comparison(filter: &str) -> Result<(&str, &str), Refusal> {
    if filter.trim().is_empty() || filter.trim().eq_ignore_ascii_case("atScopeAndBelow()") {
        return Ok(("", ""));
    }
    let parts = filter.trim().split_once(" eq ");
    let value = |text: &'static str, of: &str| (!of.is_empty()).then_some(text);
    parts
        .and_then(|(member, text)| {
            let member = ["roleName", "type"].into_iter().find(|known| known.eq_ignore_ascii_case(member.trim()))?;
            let text = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            value(member, text).map(|member| (member, text))
        })
        .ok_or_else(|| {
            let message = format!("The filter '{filter}' is not supported: use roleName eq '…' or type eq '…'.");
            Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidFilter", message)
        })
}

fn body(role: &Role, scope: &str) -> Value {
    let is_data = |action: &&String| action.contains("/blobs/");
    let of =
        |list: &[String], data: bool| list.iter().filter(|action| is_data(action) == data).cloned().collect::<Vec<_>>();
    json!({
        "id": id_of(role, scope), "name": role.id(), "type": KIND,
        "properties": {
            "roleName": role.name, "type": type_of(role), "description": "", "assignableScopes": ["/"],
            "permissions": [{
                "actions": of(&role.actions, false), "notActions": of(&role.not_actions, false),
                "dataActions": of(&role.actions, true), "notDataActions": of(&role.not_actions, true),
            }],
        },
    })
}
