//! The compute instance in the client subnet.

use crate::{aci_vnet_deployment::Workspace, rules};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A compute instance of Azure Machine Learning in the client subnet: the how-to's machine to call from. It is made once;
/// its disk goes with it, so nothing deletes or replaces it that was not told to. Its user may stop it at any time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeInstance {
    /// Name, unique in the region over all subscriptions: 3 to 24 letters, digits and `-`, beginning with a letter, no `-`
    /// before trailing digits (Azure REST, Compute - Create Or Update).
    #[schemars(length(min = 3, max = 24))]
    #[x_kube(validation = rules::compute_name())]
    pub name: String,
    /// The workspace that it belongs to, in the region of the network; in `azure.resourceGroup` when that says none.
    pub workspace: Workspace,
    /// Size of the machine, e.g. `STANDARD_DS3_V2`.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::vm_size())]
    pub vm_size: String,
    /// The one who can sign in.
    pub assigned_user: AssignedUser,
    /// Whether it has a public address; `Disabled` when absent. Without one the workspace needs a private endpoint.
    #[serde(default, rename = "publicIP", skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<PublicIP>,
    /// What becomes of it when the object is deleted; `Retain` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<ComputeInstanceDeletion>,
    /// Whether it may be deleted and made again for a change that needs that; `Refused` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replace>,
}

/// A user of Microsoft Entra ID.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct AssignedUser {
    /// Object id of the user, a GUID.
    #[serde(rename = "objectID")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = rules::guid())]
    pub object_id: String,
    /// Tenant of the user, a GUID.
    #[serde(rename = "tenantID")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = rules::guid())]
    pub tenant_id: String,
}

/// Whether there is a public address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PublicIP {
    /// There is one.
    Enabled,
    /// There is none.
    #[default]
    Disabled,
}

/// What becomes of the compute instance when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ComputeInstanceDeletion {
    /// It stays, and with it what holds it: the deletion of a client subnet that was made here waits.
    #[default]
    Retain,
    /// It is deleted, with its disk.
    Delete,
}

/// Whether something may be deleted and made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Replace {
    /// A change that needs that is refused by name.
    #[default]
    Refused,
    /// A change that needs that is carried out; what is on the disk is lost.
    Allowed,
}
