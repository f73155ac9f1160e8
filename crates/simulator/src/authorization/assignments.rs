//! Role assignments as resources ("Role Assignments - Create", "- List For Scope"; codes and texts of "Troubleshoot Azure
//! RBAC" and of what people report of them).

use super::{Role, RoleAssignment, definitions, existing_scope, id};
use crate::arm::{nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::{is_within, same_id};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const KIND: &str = "Microsoft.Authorization/roleAssignments";

/// Which assignments a `$filter` shows besides those at, above and below the scope.
enum Filter<'a> {
    All,
    AtScope,
    Principal(&'a str),
}

/// Assignments at, above and below a scope.
///
/// # Errors
/// `400 UnsupportedQuery` (code not confirmed), `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), scope)?;
    existing_scope(world, scope)?;
    let filter = Filter::parse(call.query.get("$filter").unwrap_or_default())?;
    let shown = |given: &&RoleAssignment| {
        let is_above = is_within(scope, &given.scope);
        match filter {
            Filter::All => is_above || is_within(&given.scope, scope),
            Filter::AtScope => is_above,
            Filter::Principal(principal) => {
                given.principal.eq_ignore_ascii_case(principal) && (is_above || is_within(&given.scope, scope))
            }
        }
    };
    let found = world.roles.iter().filter(shown);
    paging::page(world, call, raw_path, found.map(|given| (full_id(given), body(given))).collect())
}

/// GET, PUT, DELETE.
///
/// # Errors
/// `404 RoleAssignmentNotFound`; `409 RoleAssignmentExists`; `400 PrincipalNotFound`, `RoleDefinitionDoesNotExist`,
/// `InvalidRoleAssignmentId`, `RoleAssignmentUpdateNotPermitted`; `403 AuthorizationFailed`; `405`.
pub(super) fn one(world: &mut World, call: &Call, scope: &str, name: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, &call.action(KIND), scope)?;
    existing_scope(world, scope)?;
    let at = world.roles.iter().position(|given| given.name.eq_ignore_ascii_case(name) && same_id(&given.scope, scope));
    match call.method {
        Method::GET => {
            let found = at.and_then(|at| world.roles.get(at)).ok_or_else(|| not_found(name))?;
            Ok(json_response(StatusCode::OK, &body(found)))
        }
        Method::PUT => put(world, call, scope, name),
        Method::DELETE => match at.map(|at| world.roles.remove(at)) {
            Some(gone) => Ok(json_response(StatusCode::OK, &body(&gone))),
            None => nothing(StatusCode::NO_CONTENT),
        },
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, scope: &str, name: &str) -> Result<Response, Refusal> {
    if !is_guid(name) {
        let message = format!("The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.");
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidRoleAssignmentId", message));
    }
    let wanted = wanted(world, call, scope, name)?;
    if let Some(there) = world.roles.iter().find(|given| given.name.eq_ignore_ascii_case(name)) {
        if there.says_the_same(&wanted) {
            return Ok(json_response(StatusCode::OK, &body(there)));
        }
        let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "RoleAssignmentUpdateNotPermitted", message));
    }
    if let Some(there) = world.roles.iter().find(|given| given.says_the_same(&wanted)) {
        let message = format!(
            "The role assignment already exists. The ID of the existing role assignment is {}.",
            there.name.replace('-', "")
        );
        return Err(Refusal::gateway(StatusCode::CONFLICT, "RoleAssignmentExists", message));
    }
    let body = body(&wanted);
    world.roles.push(wanted);
    Ok(json_response(StatusCode::CREATED, &body))
}

fn wanted(world: &World, call: &Call, scope: &str, name: &str) -> Result<RoleAssignment, Refusal> {
    let document = call.json()?;
    let text = |member: &str| {
        let value = document.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            let message = format!("The request content was invalid: property '{member}' is missing.");
            Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidCreateRoleAssignmentRequest", message)
        })
    };
    let (definition, principal) = (text("roleDefinitionId")?, text("principalId")?);
    let role: Role = definitions::role(world, definition)
        .ok_or_else(|| definitions::missing(StatusCode::BAD_REQUEST, definition))?;
    if !world.directory.has_principal(principal) {
        let message = format!(
            "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are \
             creating this principal and then immediately assigning a role, this error might be related to a \
             replication delay.",
            principal.replace('-', ""),
            call.caller.tenant
        );
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "PrincipalNotFound", message));
    }
    Ok(RoleAssignment { name: name.to_owned(), principal: principal.to_owned(), role, scope: scope.to_owned() })
}

impl<'a> Filter<'a> {
    fn parse(text: &'a str) -> Result<Self, Refusal> {
        let text = text.trim();
        let quoted = |text: &'a str| text.trim().strip_prefix('\'')?.strip_suffix('\'');
        let principal = || {
            let (member, value) = text.split_once(" eq ")?;
            if member.trim().eq_ignore_ascii_case("principalId") { quoted(value) } else { None }
        };
        let assigned = || quoted(text.strip_prefix("assignedTo(")?.strip_suffix(')')?);
        match text {
            "" => Ok(Self::All),
            _ if text.eq_ignore_ascii_case("atScope()") => Ok(Self::AtScope),
            _ => principal().or_else(assigned).map(Self::Principal).ok_or_else(|| {
                let message = format!(
                    "The filter '{text}' is not supported. Supported filters are either 'atScope()' or \
                     'principalId eq '{{value}}' or assignedTo('{{value}}')'."
                );
                Refusal::gateway(StatusCode::BAD_REQUEST, "UnsupportedQuery", message)
            }),
        }
    }
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|one| one == '-' || one.is_ascii_hexdigit())
}

fn not_found(name: &str) -> Refusal {
    let message = format!("The role assignment '{name}' is not found.");
    Refusal::gateway(StatusCode::NOT_FOUND, "RoleAssignmentNotFound", message)
}

fn full_id(given: &RoleAssignment) -> String {
    id(&given.scope, "roleAssignments", &given.name)
}

/// When and by whom it was created is not kept.
fn body(given: &RoleAssignment) -> Value {
    json!({
        "properties": {
            "roleDefinitionId": definitions::id_of(&given.role, &given.scope), "principalId": given.principal,
            "principalType": "ServicePrincipal", "scope": given.scope, "condition": null, "conditionVersion": null,
            "createdBy": null, "updatedBy": null, "delegatedManagedIdentityResourceId": null, "description": null,
        },
        "id": full_id(given), "type": KIND, "name": given.name,
    })
}
