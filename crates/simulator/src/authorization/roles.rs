//! Roles, built-in or custom, and their assignments. Actions, built-in roles and their ids as "Azure built-in roles"
//! lists them.

use crate::ids::guid_of;
use crate::store::{key, same_id};

/// A role: actions with `*` as wildcard, without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// GUID of its definition.
    pub id: String,
    /// Name, for example `Contributor`.
    pub name: String,
    /// What it allows with resources.
    pub actions: Vec<String>,
    /// Exceptions from `actions`.
    pub not_actions: Vec<String>,
    /// What it allows with the data in them.
    pub data_actions: Vec<String>,
    /// Exceptions from `data_actions`.
    pub not_data_actions: Vec<String>,
}

/// A right that a role grants or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right<'a> {
    /// With a resource.
    Action(&'a str),
    /// With the data in it.
    Data(&'a str),
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
    /// An assignment whose name is derived from its content.
    pub fn new(principal: String, role: Role, scope: String) -> Self {
        let name = guid_of(&format!("{}/{}/{}", key(&principal), role.name, key(&scope)));
        Self { name, principal, role, scope }
    }

    /// Whether both assign the same role to the same principal at the same scope, whatever their names.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.principal.eq_ignore_ascii_case(&other.principal)
            && self.role.id.eq_ignore_ascii_case(&other.role.id)
            && same_id(&self.scope, &other.scope)
    }
}

/// Built-in roles and the ids of their definitions.
pub(super) const BUILT_IN: &[(&str, &str)] = &[
    ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    ("Network Contributor", "4d97b98b-1d4f-4787-a291-c67834d212e7"),
    ("AzureML Data Scientist", "f6c7c914-8db3-469d-8ca1-694a8f32e121"),
    ("Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"),
];

impl Role {
    /// A role that is not built in; the id of its definition is derived from its name.
    pub fn custom(name: &str) -> Self {
        Self { id: guid_of(name), name: name.to_owned(), ..Self::default() }
    }

    /// The built-in role of this name.
    pub fn built_in(name: &str) -> Option<Self> {
        let (actions, not_actions, data_actions): (&[&str], &[&str], &[&str]) = match name {
            "Owner" => (&["*"], &[], &[]),
            "Contributor" => (
                &["*"],
                &[
                    "Microsoft.Authorization/*/Delete",
                    "Microsoft.Authorization/*/Write",
                    "Microsoft.Authorization/elevateAccess/Action",
                ],
                &[],
            ),
            "Reader" => (&["*/read"], &[], &[]),
            "Network Contributor" => (
                &[
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Network/*",
                    "Microsoft.Resources/deployments/*",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                ],
                &[],
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
                &[],
            ),
            "Storage Blob Data Contributor" => (
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/write",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ],
                &[],
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
                ],
            ),
            "Storage Blob Data Owner" => (
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/*",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ],
                &[],
                &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
            ),
            "Storage Blob Data Reader" => (
                &[
                    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ],
                &[],
                &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
            ),
            _ => return None,
        };
        let owned = |list: &[&str]| list.iter().map(|action| (*action).to_owned()).collect();
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        Some(Self {
            id: built_in.map_or_else(|| guid_of(name), |(_, id)| (*id).to_owned()),
            name: name.to_owned(),
            actions: owned(actions),
            not_actions: owned(not_actions),
            data_actions: owned(data_actions),
            not_data_actions: Vec::new(),
        })
    }

    /// Whether the role gives a right.
    pub fn allows(&self, right: Right<'_>) -> bool {
        let (action, given, taken) = match right {
            Right::Action(action) => (action, &self.actions, &self.not_actions),
            Right::Data(action) => (action, &self.data_actions, &self.not_data_actions),
        };
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        named(given) && !named(taken)
    }
}

/// Whether `text` matches `pattern`, in which `*` matches anything; case is ignored.
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
    fn data_take_data_actions() {
        let read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        let gives = |name, right| Role::built_in(name).unwrap().allows(right);
        assert!(gives("Storage Blob Data Reader", Right::Data(read)));
        assert!(!gives("Storage Blob Data Reader", Right::Action(read)));
        assert!(gives("Owner", Right::Action(read)) && !gives("Owner", Right::Data(read)));
    }

    #[test]
    fn contributor_grants_no_roles() {
        let role = Role::built_in("Contributor").unwrap();
        assert!(role.allows(Right::Action("Microsoft.Network/virtualNetworks/delete")));
        assert!(!role.allows(Right::Action("Microsoft.Authorization/roleAssignments/write")));
    }
}
