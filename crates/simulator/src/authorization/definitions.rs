//! Role definitions: those built in, those of the seed, and custom ones that callers make ("Role Definitions - List",
//! "- Get", "- Create Or Update", "- Delete", "Azure custom roles", "Troubleshoot Azure RBAC").

use super::roles::BUILT_IN;
use super::{Role, id};
use crate::arm::{nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::subscription_of;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const KIND: &str = "Microsoft.Authorization/roleDefinitions";
/// Most custom roles of a tenant ("Azure custom roles", limits).
const MOST: usize = 5_000;

/// A custom role that a caller made.
#[derive(Debug, Clone)]
pub struct CustomRole {
    role: Role,
    description: String,
    assignable_scopes: Vec<String>,
}

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
    let shown = |known: &CustomRole| match member {
        "roleName" => known.role.name.eq_ignore_ascii_case(wanted),
        "type" => type_of(&known.role).eq_ignore_ascii_case(wanted),
        _ => true,
    };
    let found = all(world).into_iter().filter(shown);
    paging::page(world, call, raw_path, found.map(|known| (known.role.id.clone(), body(&known, scope))).collect())
}

/// GET, PUT, DELETE.
///
/// # Errors
/// `404 RoleDefinitionDoesNotExist`; `400 InvalidRoleDefinitionBody` (code not confirmed), `RoleDefinitionHasAssignments`;
/// `409 RoleDefinitionWithSameNameExists`; `403 AuthorizationFailed`; `405`.
pub(super) fn one(world: &mut World, call: &Call, scope: &str, name: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, &call.action(KIND), scope)?;
    match call.method {
        Method::GET => {
            let known = find(world, name).ok_or_else(|| missing(StatusCode::NOT_FOUND, name))?;
            Ok(json_response(StatusCode::OK, &body(&known, scope)))
        }
        Method::PUT => put(world, call, scope, name),
        Method::DELETE => delete(world, scope, name),
        _ => Err(wrong_verb(call)),
    }
}

/// Updates existing assignments of a custom role to what it allows now.
fn put(world: &mut World, call: &Call, scope: &str, name: &str) -> Result<Response, Refusal> {
    let wanted = wanted(&call.json()?, name)?;
    for place in &wanted.assignable_scopes {
        world.authorize(&call.caller, &call.action(KIND), place)?;
    }
    let taken = |known: &CustomRole| {
        known.role.name.eq_ignore_ascii_case(&wanted.role.name) && !known.role.id.eq_ignore_ascii_case(name)
    };
    if all(world).iter().any(taken) {
        let message = "A custom role with the same name already exists in this directory. Use a different name";
        return Err(Refusal::gateway(StatusCode::CONFLICT, "RoleDefinitionWithSameNameExists", message));
    }
    let known = find(world, name);
    if known.is_none() && world.custom_roles.len() >= MOST {
        let message = format!("Role definition limit exceeded. No more role definitions can be created: {MOST}.");
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "RoleDefinitionLimitExceeded", message));
    }
    if known.is_some_and(|known| type_of(&known.role) == "BuiltInRole") {
        return Err(invalid("a built-in role can not be changed"));
    }
    for given in world.roles.iter_mut().filter(|given| given.role.id.eq_ignore_ascii_case(name)) {
        given.role = wanted.role.clone();
    }
    world.custom_roles.insert(name.to_ascii_lowercase(), wanted.clone());
    Ok(json_response(StatusCode::CREATED, &body(&wanted, scope)))
}

fn delete(world: &mut World, scope: &str, name: &str) -> Result<Response, Refusal> {
    if world.roles.iter().any(|given| given.role.id.eq_ignore_ascii_case(name)) {
        let message = "There are existing role assignments referencing role.";
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "RoleDefinitionHasAssignments", message));
    }
    match world.custom_roles.remove(&name.to_ascii_lowercase()) {
        Some(gone) => Ok(json_response(StatusCode::OK, &body(&gone, scope))),
        None => nothing(StatusCode::NO_CONTENT),
    }
}

/// Azure refuses an action that no provider has (`InvalidActionOrNotAction`). Which ones exist is not known here: only
/// the form, a namespace, a type and a verb, is checked.
fn wanted(document: &Value, id: &str) -> Result<CustomRole, Refusal> {
    let at = |member: &str| document.pointer(&format!("/properties/{member}"));
    let text = |member: &str| at(member).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = text("roleName").ok_or_else(|| invalid("roleName is missing"))?;
    let assignable_scopes = texts(at("assignableScopes"));
    if assignable_scopes.is_empty() {
        return Err(invalid("assignableScopes is empty"));
    }
    let Some([permissions]) = at("permissions").and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(invalid("permissions must have one entry"));
    };
    let role = Role {
        id: id.to_owned(),
        name,
        actions: texts(permissions.get("actions")),
        not_actions: texts(permissions.get("notActions")),
        data_actions: texts(permissions.get("dataActions")),
        not_data_actions: texts(permissions.get("notDataActions")),
    };
    let mut all = role.actions.iter().chain(&role.not_actions).chain(&role.data_actions).chain(&role.not_data_actions);
    if let Some(action) = all.find(|action| !action.contains('*') && action.split('/').count() < 3) {
        let message = format!("'{action}' does not match any of the actions supported by the providers.");
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidActionOrNotAction", message));
    }
    Ok(CustomRole { role, description: text("description").unwrap_or_default(), assignable_scopes })
}

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn invalid(why: &str) -> Refusal {
    let message = format!("The role definition is not valid: {why}.");
    Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidRoleDefinitionBody", message)
}

/// The role of a definition's id, or of the GUID at its end.
pub(super) fn find(world: &World, id: &str) -> Option<CustomRole> {
    let guid = id.rsplit('/').next().unwrap_or_default();
    all(world).into_iter().find(|known| known.role.id.eq_ignore_ascii_case(guid))
}

/// The same, for an assignment.
pub(super) fn role(world: &World, id: &str) -> Option<Role> {
    find(world, id).map(|known| known.role)
}

/// `RoleDefinitionDoesNotExist`.
pub(super) fn missing(status: StatusCode, id: &str) -> Refusal {
    let guid = id.rsplit('/').next().unwrap_or_default().replace('-', "");
    let message = format!("The specified role definition with ID '{guid}' does not exist.");
    Refusal::gateway(status, "RoleDefinitionDoesNotExist", message)
}

/// Id of the definition of a role, as assignments name it.
pub(super) fn id_of(role: &Role, scope: &str) -> String {
    id(&format!("/subscriptions/{}", subscription_of(scope)), "roleDefinitions", &role.id)
}

/// Built-in roles, custom roles, and those that are known only from the seed's assignments.
fn all(world: &World) -> Vec<CustomRole> {
    let anywhere =
        |role: Role| CustomRole { role, description: String::new(), assignable_scopes: vec!["/".to_owned()] };
    let built_in = BUILT_IN.iter().filter_map(|(name, _)| Role::built_in(name));
    let mut roles: Vec<CustomRole> = built_in.map(anywhere).chain(world.custom_roles.values().cloned()).collect();
    for given in &world.roles {
        if !roles.iter().any(|known| known.role.id.eq_ignore_ascii_case(&given.role.id)) {
            roles.push(anywhere(given.role.clone()));
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

fn body(known: &CustomRole, scope: &str) -> Value {
    let CustomRole { role, description, assignable_scopes } = known;
    json!({
        "id": id_of(role, scope), "name": role.id, "type": KIND,
        "properties": {
            "roleName": role.name, "type": type_of(role), "description": description,
            "assignableScopes": assignable_scopes,
            "permissions": [{
                "actions": role.actions, "notActions": role.not_actions,
                "dataActions": role.data_actions, "notDataActions": role.not_data_actions,
            }],
        },
    })
}
