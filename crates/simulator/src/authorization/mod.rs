//! Role assignments and what they allow, and Microsoft.Authorization, an extension of every scope.

mod asked;
mod assignments;
mod definitions;
mod locks;
mod roles;

pub use asked::Asked;
pub use definitions::CustomRole;
pub use roles::{Right, Role, RoleAssignment};

use crate::arm::unknown_type;
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::identity::Caller;
use crate::store::is_within;
use crate::world::World;
use http::StatusCode;
use percent_encoding::percent_decode_str;

/// The part of a path between the scope and the type.
const PROVIDER: &str = "/providers/Microsoft.Authorization/";

/// Answers a request below `{scope}/providers/Microsoft.Authorization`, whatever the scope is.
///
/// # Errors
/// Whatever Azure refuses.
pub fn route(world: &mut World, call: &Call, raw_path: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let scope = scope_of(raw_path);
    match rest {
        ["roleassignments"] => assignments::list(world, call, raw_path, &scope),
        ["roleassignments", name] => assignments::one(world, call, &scope, name),
        ["roledefinitions"] => definitions::list(world, call, raw_path, &scope),
        ["roledefinitions", id] => definitions::one(world, call, &scope, id),
        ["locks"] => locks::list(world, call, raw_path, &scope),
        ["locks", name] => locks::one(world, call, &scope, name),
        _ => Err(unknown_type("microsoft.authorization", rest, call)),
    }
}

/// The scope in the spelling of the request.
fn scope_of(raw_path: &str) -> String {
    let path = percent_decode_str(raw_path).decode_utf8_lossy();
    let at = path.to_ascii_lowercase().rfind(&PROVIDER.to_ascii_lowercase()).unwrap_or_default();
    path.get(..at).unwrap_or_default().to_owned()
}

/// Checks that the group of a scope exists; the subscription was looked up before. That a resource of a group is not looked
/// for is not confirmed.
///
/// # Errors
/// `404 ResourceGroupNotFound`.
fn existing_scope(world: &World, scope: &str) -> Result<(), Refusal> {
    crate::store::group_of(scope).map_or(Ok(()), |group| world.existing_group(&group).map(|_| ()))
}

/// Where the id of something of Microsoft.Authorization begins: `{scope}/providers/Microsoft.Authorization/`.
fn id(scope: &str, collection: &str, name: &str) -> String {
    format!("{scope}{PROVIDER}{collection}/{name}")
}

impl World {
    /// Whether the caller may do `action` at `scope`. Used to filter lists, so it is not recorded.
    pub fn may(&self, caller: &Caller, action: &str, scope: &str) -> bool {
        self.giving(caller, Right::Action(action)).any(|given| is_within(scope, &given.scope))
    }

    /// Whether the caller may do `action` at `scope` or somewhere below it.
    pub fn may_somewhere(&self, caller: &Caller, action: &str, scope: &str) -> bool {
        let right = Right::Action(action);
        let near = |given: &RoleAssignment| is_within(scope, &given.scope) || is_within(&given.scope, scope);
        let roles: Vec<_> = self.giving(caller, right).filter(|given| near(given)).map(|given| &given.role).collect();
        self.asked.given(caller, right, &roles);
        !roles.is_empty()
    }

    /// Whether the caller has a right at `scope`; the result is recorded in [`World::asked`].
    pub fn has_right(&self, caller: &Caller, right: Right<'_>, scope: &str) -> bool {
        let giving = self.giving(caller, right).filter(|given| is_within(scope, &given.scope));
        let roles: Vec<_> = giving.map(|given| &given.role).collect();
        match roles.is_empty() {
            true => self.asked.refused(caller, right, scope),
            false => self.asked.given(caller, right, &roles),
        }
        !roles.is_empty()
    }

    /// Whether the caller has any role at `scope` or somewhere below it.
    pub fn has_role_within(&self, caller: &Caller, scope: &str) -> bool {
        self.roles_of(caller).any(|given| is_within(scope, &given.scope) || is_within(&given.scope, scope))
    }

    /// Checks a role.
    ///
    /// # Errors
    /// `403 AuthorizationFailed`.
    pub fn authorize(&self, caller: &Caller, action: &str, scope: &str) -> Result<(), Refusal> {
        if self.has_right(caller, Right::Action(action), scope) {
            return Ok(());
        }
        let message = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.client_id, caller.object_id
        );
        Err(Refusal::gateway(StatusCode::FORBIDDEN, "AuthorizationFailed", message))
    }

    /// Checks the right to refer to another resource while doing `action` at `scope`.
    ///
    /// # Errors
    /// `403 LinkedAuthorizationFailed`.
    pub fn authorize_link(
        &self,
        caller: &Caller,
        action: &str,
        scope: &str,
        linked: (&str, &str),
    ) -> Result<(), Refusal> {
        let (linked_action, linked_scope) = linked;
        if self.has_right(caller, Right::Action(linked_action), linked_scope) {
            return Ok(());
        }
        let message = format!(
            "The client '{}' with object id '{}' has permission to perform action '{action}' on scope '{scope}'; \
             however, it does not have permission to perform action(s) '{linked_action}' on the linked scope(s) \
             '{linked_scope}' (respectively) or the linked scope(s) are invalid.",
            caller.client_id, caller.object_id
        );
        Err(Refusal::gateway(StatusCode::FORBIDDEN, "LinkedAuthorizationFailed", message))
    }

    fn giving<'a>(&'a self, caller: &'a Caller, right: Right<'a>) -> impl Iterator<Item = &'a RoleAssignment> {
        self.roles_of(caller).filter(move |given| given.role.allows(right))
    }

    fn roles_of<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a RoleAssignment> {
        self.roles.iter().filter(|given| given.principal.eq_ignore_ascii_case(&caller.object_id))
    }
}
