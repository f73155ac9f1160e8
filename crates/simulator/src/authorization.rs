//! Role assignments and what they allow. Actions and built-in roles as "Azure built-in roles" lists them.

use crate::error::Refusal;
use crate::identity::Caller;
use crate::store::{is_within, key};
use crate::world::World;
use http::StatusCode;

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
    /// Object id.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// Subscription, group or resource.
    pub scope: String,
}

impl Role {
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
