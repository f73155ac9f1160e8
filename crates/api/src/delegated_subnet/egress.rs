//! How the delegated subnet reaches the outside.

use crate::rules;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How container groups reach the outside of the virtual network, registries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EgressType {
    /// Through a NAT gateway on the delegated subnet (Azure Container Instances, "Configure a NAT gateway for static IP
    /// address for outbound traffic").
    NATGateway,
    /// By an existing route, such as a firewall behind a route table. acivnet trusts it and doesn't check it.
    Existing,
    /// Not at all, on purpose.
    None,
}

/// How the delegated subnet reaches the outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.type == 'NATGateway') == has(self.natGateway)").message("set exactly the member named by type: natGateway with type NATGateway, none with the others"))]
#[serde(rename_all = "camelCase")]
pub struct Egress {
    /// How the outside is reached.
    #[serde(rename = "type")]
    pub type_: EgressType,
    /// The NAT gateway. Required with `type: NATGateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gateway: Option<NatGateway>,
}

/// An existing NAT gateway, or one to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.id) != has(self.name)").message("set exactly one of natGateway.id, for one that exists, and natGateway.name, for one to create"))]
#[x_kube(validation = Rule::new("has(self.name) || !has(self.publicIPCount)").message("publicIPCount needs name"))]
#[serde(rename_all = "camelCase")]
pub struct NatGateway {
    /// Resource id of an existing NAT gateway in the same region. acivnet associates it with the subnet, and never
    /// changes or deletes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rules::nat_gateway_id())]
    pub id: Option<String>,
    /// Name of a NAT gateway to create in `azure.resourceGroup`, with the public IP addresses `<name>-ip1`,
    /// `<name>-ip2` and so on. They are deleted with the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 74))]
    #[x_kube(validation = rules::network_name())]
    pub name: Option<String>,
    /// Number of public IP addresses, 1 to 16. Defaults to 1. Each carries 64,512 connections at a time to one
    /// destination (Azure NAT Gateway, "Scalability").
    #[serde(default, rename = "publicIPCount", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16))]
    pub public_ip_count: Option<i32>,
}
