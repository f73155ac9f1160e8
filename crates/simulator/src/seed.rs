//! What exists at the start, and what is merged in later: tenants, subscriptions, groups, workspaces,
//! applications, managed identities, role assignments, scripts of containers.

use crate::arm::{groups, workspaces};
use crate::authorization::{Role, RoleAssignment};
use crate::container_instances;
use crate::identity::managed::ManagedIdentity;
use crate::identity::{Application, Caller, FederatedCredential, Secret};
use crate::settings::Change;
use crate::tags::Tags;
use crate::world::{Subscription, World};
use serde::Deserialize;

/// The document.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Seed {
    tenants: Vec<String>,
    subscriptions: Vec<SubscriptionSeed>,
    resource_groups: Vec<GroupSeed>,
    workspaces: Vec<WorkspaceSeed>,
    applications: Vec<ApplicationSeed>,
    managed_identities: Vec<ManagedIdentitySeed>,
    role_assignments: Vec<RoleSeed>,
    container_scripts: Vec<container_instances::Script>,
    page_size: Option<usize>,
    settings: Change,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SubscriptionSeed {
    subscription_id: String,
    tenant_id: String,
    #[serde(default)]
    display_name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GroupSeed {
    subscription_id: String,
    name: String,
    location: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorkspaceSeed {
    subscription_id: String,
    resource_group: String,
    name: String,
    location: String,
    #[serde(default = "default_storage_account")]
    storage_account: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApplicationSeed {
    tenant_id: String,
    client_id: String,
    object_id: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    secrets: Vec<SecretSeed>,
    #[serde(default)]
    federated_credentials: Vec<CredentialSeed>,
}

/// The system-assigned identity of the machine, or with `resourceId` a user-assigned one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ManagedIdentitySeed {
    tenant_id: String,
    client_id: String,
    object_id: String,
    resource_id: Option<String>,
}

/// Read from text, printed as nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
struct SecretSeed(Secret);

impl From<String> for SecretSeed {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CredentialSeed {
    #[serde(default)]
    name: String,
    issuer: String,
    subject: String,
    audience: String,
}

/// `role` is a built-in name, or any name together with `actions`, `dataActions` or both.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RoleFields")]
struct RoleSeed(RoleAssignment);

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleFields {
    principal_id: String,
    role: String,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
    #[serde(default)]
    data_actions: Vec<String>,
    #[serde(default)]
    not_data_actions: Vec<String>,
    scope: String,
}

impl TryFrom<RoleFields> for RoleSeed {
    type Error = String;

    fn try_from(fields: RoleFields) -> Result<Self, String> {
        let RoleFields {
            principal_id: principal,
            role: name,
            actions,
            not_actions,
            data_actions,
            not_data_actions,
            scope,
        } = fields;
        let role = match actions.is_empty() && data_actions.is_empty() {
            false => Role { actions, not_actions, data_actions, not_data_actions, ..Role::custom(&name) },
            true => Role::built_in(&name).ok_or_else(|| {
                format!("role {name:?} is not built in; give its \"actions\" or \"dataActions\" as well")
            })?,
        };
        Ok(Self(RoleAssignment::new(principal, role, scope)))
    }
}

fn default_storage_account() -> String {
    "amlstorage".to_owned()
}

impl Seed {
    /// Reads the document.
    ///
    /// # Errors
    /// Says which member is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| format!("seed document: {error}"))
    }

    /// Adds everything to a world. Entries with the same id are replaced, except that existing resources are kept.
    pub fn merge_into(self, world: &mut World) {
        world.directory.tenants.extend(self.tenants.iter().map(|tenant| tenant.to_ascii_lowercase()));
        for subscription in self.subscriptions {
            subscription.merge_into(world);
        }
        for group in self.resource_groups {
            groups::stand(world, &group.subscription_id, &group.name, &group.location);
        }
        for workspace in self.workspaces {
            let group = groups::id(&workspace.subscription_id, &workspace.resource_group);
            workspaces::stand(world, &group, &workspace.name, &workspace.location, &workspace.storage_account);
        }
        for application in self.applications {
            world.directory.put(application.into());
        }
        for identity in self.managed_identities {
            let ManagedIdentitySeed { tenant_id: tenant, client_id, object_id, resource_id } = identity;
            let principal = Caller { tenant, client_id, object_id };
            world.directory.put_managed(ManagedIdentity { principal, resource_id });
        }
        for RoleSeed(given) in self.role_assignments {
            if !world.roles.iter().any(|there| there.says_the_same(&given)) {
                world.roles.push(given);
            }
        }
        for script in self.container_scripts {
            container_instances::add_script(world, script);
        }
        world.settings.change(self.settings);
        world.page_size = self.page_size.unwrap_or(world.page_size).max(1);
    }
}

impl SubscriptionSeed {
    fn merge_into(self, world: &mut World) {
        world.directory.tenants.insert(self.tenant_id.to_ascii_lowercase());
        let subscription = Subscription {
            id: self.subscription_id.clone(),
            tenant: self.tenant_id,
            display_name: self.display_name,
            tags: Tags::default(),
        };
        world.subscriptions.insert(self.subscription_id.to_ascii_lowercase(), subscription);
    }
}

impl From<ApplicationSeed> for Application {
    fn from(seed: ApplicationSeed) -> Self {
        let federated = seed.federated_credentials.into_iter().map(|credential| FederatedCredential {
            name: credential.name,
            issuer: credential.issuer,
            subject: credential.subject,
            audience: credential.audience,
        });
        Self {
            tenant: seed.tenant_id,
            client_id: seed.client_id,
            object_id: seed.object_id,
            display_name: seed.display_name,
            secrets: seed.secrets.into_iter().map(|secret| secret.0).collect(),
            federated: federated.collect(),
        }
    }
}
