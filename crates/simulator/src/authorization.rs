//! Role assignments and what they allow, and Microsoft.Authorization, an extension of every scope. Actions, built-in roles
//! and their ids as "Azure built-in roles" lists them.

mod assignments;
mod definitions;
mod locks;

use crate::arm::unknown_type;
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::identity::Caller;
use crate::ids::guid_of;
use crate::store::{is_within, key, same_id};
use crate::world::World;
use http::StatusCode;
use percent_encoding::percent_decode_str;

/// What a path has between the scope and the type.
const PROVIDER: &str = "/providers/Microsoft.Authorization/";

/// A role: actions with `*` as wildcard, without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Name, for example `Contributor`.
    pub name: String,
    /// What it allows.
    pub actions: Vec<String>,
    /// What is taken out of `actions` again.
    pub not_actions: Vec<String>,
}

/// A role given to a principal at a scope and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// GUID that names it.
    pub name: String,
    /// Object id.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// Subscription, group or resource.
    pub scope: String,
}

impl RoleAssignment {
    /// An assignment whose name follows from what it says.
    pub fn new(principal: String, role: Role, scope: String) -> Self {
        let name = guid_of(&format!("{}/{}/{}", key(&principal), role.name, key(&scope)));
        Self { name, principal, role, scope }
    }

    /// Whether both give the same role to the same principal at the same scope, under whatever name.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.principal.eq_ignore_ascii_case(&other.principal)
            && self.role.name == other.role.name
            && same_id(&self.scope, &other.scope)
    }
}

/// Built-in roles and the ids of their definitions.
const BUILT_IN: &[(&str, &str)] = &[
    ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    ("Network Contributor", "4d97b98b-1d4f-4787-a291-c67834d212e7"),
    ("AzureML Data Scientist", "f6c7c914-8db3-469d-8ca1-694a8f32e121"),
    ("Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"),
];

impl Role {
    /// Id of the role's definition.
    pub fn id(&self) -> String {
        let built_in = BUILT_IN.iter().find(|(name, _)| *name == self.name);
        built_in.map_or_else(|| guid_of(&self.name), |(_, id)| (*id).to_owned())
    }

    /// The built-in role of this name.
    pub fn built_in(name: &str) -> Option<Self> {
        let (actions, not_actions): (&[&str], &[&str]) = match name {
            "Owner" => (&["*"], &[]),
            "Contributor" => (
                &["*"],
                &[
                    "Microsoft.Authorization/*/Delete",
                    "Microsoft.Authorization/*/Write",
                    "Microsoft.Authorization/elevateAccess/Action",
                ],
            ),
            "Reader" => (&["*/read"], &[]),
            "Network Contributor" => (
                &[
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Network/*",
                    "Microsoft.Resources/deployments/*",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                ],
                &[],
            ),
            "AzureML Data Scientist" => (
                &[
                    "Microsoft.MachineLearningServices/workspaces/*/read",
                    "Microsoft.MachineLearningServices/workspaces/*/action",
                    "Microsoft.MachineLearningServices/workspaces/*/delete",
                    "Microsoft.MachineLearningServices/workspaces/*/write",
                ],
                &[
                    "Microsoft.MachineLearningServices/workspaces/delete",
                    "Microsoft.MachineLearningServices/workspaces/write",
                    "Microsoft.MachineLearningServices/workspaces/computes/*/write",
                    "Microsoft.MachineLearningServices/workspaces/computes/*/delete",
                ],
            ),
            "Storage Blob Data Contributor" => (
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/write",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ],
                &[],
            ),
            "Storage Blob Data Owner" => (
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/*",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ],
                &[],
            ),
            "Storage Blob Data Reader" => (
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ],
                &[],
            ),
            _ => return None,
        };
        let owned = |list: &[&str]| list.iter().map(|action| (*action).to_owned()).collect();
        Some(Self { name: name.to_owned(), actions: owned(actions), not_actions: owned(not_actions) })
    }

    fn allows(&self, action: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        named(&self.actions) && !named(&self.not_actions)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for anything; without case.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (key(pattern), key(text));
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut tail = None;
    for part in parts {
        if let Some(middle) = tail.replace(part) {
            match rest.split_once(middle) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
    }
    tail.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

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

/// Whether the group of a scope stands; the subscription was looked up before. That a resource of a group is not looked
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
    /// Whether the caller may do `action` at `scope`.
    pub fn may(&self, caller: &Caller, action: &str, scope: &str) -> bool {
        self.roles_of(caller).any(|given| is_within(scope, &given.scope) && given.role.allows(action))
    }

    /// Whether the caller may do `action` at `scope` or somewhere below it.
    pub fn may_somewhere(&self, caller: &Caller, action: &str, scope: &str) -> bool {
        self.roles_of(caller).any(|given| {
            (is_within(scope, &given.scope) || is_within(&given.scope, scope)) && given.role.allows(action)
        })
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
        if self.may(caller, action, scope) {
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
        if self.may(caller, linked_action, linked_scope) {
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

    fn roles_of<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a RoleAssignment> {
        self.roles.iter().filter(|given| given.principal.eq_ignore_ascii_case(&caller.object_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, action, fits) in [
            ("*", "Microsoft.Network/virtualNetworks/write", true),
            ("*/read", "Microsoft.Network/virtualNetworks/read", true),
            ("*/read", "Microsoft.Network/virtualNetworks/write", false),
            ("Microsoft.Network/*", "microsoft.network/virtualNetworks/subnets/join/action", true),
            ("Microsoft.Network/*/read", "Microsoft.Network/read", false),
            ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write", true),
            ("a/b", "a/b/c", false),
        ] {
            assert_eq!(matches(pattern, action), fits, "{pattern} {action}");
        }
    }

    #[test]
    fn contributor_grants_no_roles() {
        let role = Role::built_in("Contributor").unwrap();
        assert!(role.allows("Microsoft.Network/virtualNetworks/delete"));
        assert!(!role.allows("Microsoft.Authorization/roleAssignments/write"));
    }
}
