//! The compute instance in the client subnet.

use crate::{aci_vnet_deployment::Workspace, rules};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An Azure Machine Learning compute instance in the client subnet, to call the model from. It is created once. Its
/// disk is lost with it, so acivnet deletes or replaces it only if you say so. Its user may stop it at any time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeInstance {
    /// Name, unique in the region across all subscriptions: 3 to 24 letters, digits and `-`, beginning with a letter,
    /// without `-` before trailing digits (Azure REST, Compute - Create Or Update).
    #[schemars(length(min = 3, max = 24))]
    #[x_kube(validation = rules::compute_name())]
    pub name: String,
    /// The workspace that it belongs to. It must be in the region of the network. Its resource group defaults to
    /// `azure.resourceGroup`.
    pub workspace: Workspace,
    /// VM size, such as `STANDARD_DS3_V2`.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::vm_size())]
    pub vm_size: String,
    /// The only user who can sign in.
    pub assigned_user: AssignedUser,
    /// Whether it has a public IP address. Defaults to `Disabled`. Without one the workspace needs a private endpoint.
    #[serde(default, rename = "publicIP", skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<PublicIP>,
    /// What happens to it when this object is deleted. Defaults to `Retain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<ComputeInstanceDeletion>,
    /// Whether a change may delete it and create a new one. Defaults to `Refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replace>,
}

/// A user in Microsoft Entra ID.
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

/// Whether there is a public IP address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PublicIP {
    /// There is one.
    Enabled,
    /// There is none.
    #[default]
    Disabled,
}

/// What happens to the compute instance when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ComputeInstanceDeletion {
    /// It stays, and so does what it needs: a client subnet that acivnet created is not deleted until the instance is
    /// gone.
    #[default]
    Retain,
    /// It is deleted, and its disk with it.
    Delete,
}

/// Whether a change may delete a resource and create it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Replace {
    /// Such a change is refused, and the condition names it.
    #[default]
    Refused,
    /// Such a change is made. What is on the disk is lost.
    Allowed,
}
