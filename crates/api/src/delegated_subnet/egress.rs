//! How the delegated subnet reaches what lies outside.

use crate::rules;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By which way container groups reach what lies outside the virtual network, registries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EgressType {
    /// By a NAT gateway on the delegated subnet (Azure Container Instances, "Configure a NAT gateway for static IP
    /// address for outbound traffic").
    NATGateway,
    /// By a way that the network has already, such as a firewall behind a route table: trusted, not checked.
    Existing,
    /// Not at all, and that is meant.
    None,
}

/// How the delegated subnet reaches what lies outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.type == 'NATGateway') == has(self.natGateway)").message("set exactly the member named by type: natGateway with type NATGateway, none with the others"))]
#[serde(rename_all = "camelCase")]
pub struct Egress {
    /// The way.
    #[serde(rename = "type")]
    pub type_: EgressType,
    /// The NAT gateway, with `type: NATGateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gateway: Option<NatGateway>,
}

/// A NAT gateway that stands, or one to be made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.id) != has(self.name)").message("natGateway takes either id, of one that stands, or name, of one to be made"))]
#[x_kube(validation = Rule::new("has(self.name) || !has(self.publicIPCount)").message("publicIPCount goes with name"))]
#[serde(rename_all = "camelCase")]
pub struct NatGateway {
    /// Resource id of one that stands, in the same region. It is put on the subnet, and never changed or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rules::nat_gateway_id())]
    pub id: Option<String>,
    /// Name of one to be made in `azure.resourceGroup`, with its public addresses `<name>-ip1`, `<name>-ip2` and so on.
    /// They go with the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 74))]
    #[x_kube(validation = rules::network_name())]
    pub name: Option<String>,
    /// How many public addresses it has, 1 to 16; 1 when absent. Each carries 64,512 connections at a time to one
    /// destination (Azure NAT Gateway, "Scalability").
    #[serde(default, rename = "publicIPCount", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16))]
    pub public_ip_count: Option<i32>,
}
