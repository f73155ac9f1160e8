//! `DelegatedSubnet`: the network part.

mod compute_instance;
mod egress;

pub use compute_instance::*;
pub use egress::*;

use crate::{
    NumberOrText,
    azure::{Adoption, Deletion, Drift, DriftItem, LONGEST_VALUE, Management, PlanStatus, ResourceStatus, Tag},
    rules,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, transform::RecursiveTransform};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A subnet delegated to `Microsoft.ContainerInstance/containerGroups`, its virtual network and, optionally, a subnet
/// with a security group for the callers.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "acivnet.dev",
    version = "v1alpha1",
    kind = "DelegatedSubnet",
    plural = "delegatedsubnets",
    shortname = "dsub",
    category = "acivnet",
    namespaced,
    derive = "PartialEq",
    status = "DelegatedSubnetStatus",
    doc = "A subnet delegated to Azure Container Instances, with its virtual network.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters: the owner mark must fit an Azure tag"),
    printcolumn(name = "READY", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "REASON", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "SUBNET", type_ = "string", json_path = ".status.subnetLabel"),
    printcolumn(name = "PREFIX", type_ = "string", json_path = ".spec.subnet.addressPrefix"),
    printcolumn(name = "USED", type_ = "integer", json_path = ".status.capacity.used"),
    printcolumn(name = "FREE", type_ = "integer", json_path = ".status.capacity.available"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "EGRESS", type_ = "string", json_path = r#".status.conditions[?(@.type=="EgressReady")].reason"#, priority = 1),
    printcolumn(name = "LOCATION", type_ = "string", json_path = ".spec.azure.location", priority = 1),
    printcolumn(name = "MANAGEMENT", type_ = "string", json_path = ".spec.subnet.management", priority = 1),
    printcolumn(name = "MESSAGE", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, priority = 1)
)]
#[x_kube(
    validation = Rule::new("self.azure.subscriptionID == oldSelf.azure.subscriptionID && self.azure.resourceGroup == oldSelf.azure.resourceGroup && self.azure.location == oldSelf.azure.location").message("azure.subscriptionID, azure.resourceGroup and azure.location cannot change; create a new DelegatedSubnet"),
    validation = Rule::new("self.virtualNetwork.name == oldSelf.virtualNetwork.name && has(self.virtualNetwork.resourceGroup) == has(oldSelf.virtualNetwork.resourceGroup) && (!has(self.virtualNetwork.resourceGroup) || self.virtualNetwork.resourceGroup == oldSelf.virtualNetwork.resourceGroup)").message("virtualNetwork.name and virtualNetwork.resourceGroup cannot change; create a new DelegatedSubnet"),
    validation = Rule::new("self.subnet.name == oldSelf.subnet.name && self.subnet.addressPrefix == oldSelf.subnet.addressPrefix").message("subnet.name and subnet.addressPrefix cannot change; create a new DelegatedSubnet"),
    validation = Rule::new("!has(oldSelf.clientSubnet) || (has(self.clientSubnet) && self.clientSubnet.name == oldSelf.clientSubnet.name && self.clientSubnet.addressPrefix == oldSelf.clientSubnet.addressPrefix)").message("clientSubnet.name and clientSubnet.addressPrefix cannot change, and clientSubnet cannot be removed; create a new DelegatedSubnet"),
    validation = Rule::new("!has(oldSelf.clientSubnet) || !has(oldSelf.clientSubnet.computeInstance) || (has(self.clientSubnet) && has(self.clientSubnet.computeInstance) && self.clientSubnet.computeInstance.name == oldSelf.clientSubnet.computeInstance.name && self.clientSubnet.computeInstance.workspace == oldSelf.clientSubnet.computeInstance.workspace)").message("clientSubnet.computeInstance.name and .workspace cannot change, and computeInstance cannot be removed; create a new DelegatedSubnet"),
    validation = Rule::new("self.virtualNetwork.management != 'Create' || (has(self.virtualNetwork.addressPrefixes) && size(self.virtualNetwork.addressPrefixes) > 0)").message("virtualNetwork.addressPrefixes is required with virtualNetwork.management: Create"),
    validation = Rule::new("!has(self.virtualNetwork.addressPrefixes) || !isCIDR(self.subnet.addressPrefix) || self.virtualNetwork.addressPrefixes.exists(p, isCIDR(p) && cidr(p).containsCIDR(self.subnet.addressPrefix))").message("subnet.addressPrefix must lie inside one of virtualNetwork.addressPrefixes"),
    validation = Rule::new("!has(self.virtualNetwork.addressPrefixes) || !has(self.clientSubnet) || !isCIDR(self.clientSubnet.addressPrefix) || self.virtualNetwork.addressPrefixes.exists(p, isCIDR(p) && cidr(p).containsCIDR(self.clientSubnet.addressPrefix))").message("clientSubnet.addressPrefix must lie inside one of virtualNetwork.addressPrefixes"),
    validation = Rule::new("!has(self.clientSubnet) || !isCIDR(self.subnet.addressPrefix) || !isCIDR(self.clientSubnet.addressPrefix) || (!cidr(self.subnet.addressPrefix).containsCIDR(self.clientSubnet.addressPrefix) && !cidr(self.clientSubnet.addressPrefix).containsCIDR(self.subnet.addressPrefix))").message("subnet.addressPrefix and clientSubnet.addressPrefix must not overlap"),
    validation = Rule::new("!has(self.clientSubnet) || self.clientSubnet.name.lowerAscii() != self.subnet.name.lowerAscii()").message("subnet.name and clientSubnet.name must differ in more than case, which Azure ignores"),
    validation = Rule::new("[has(self.subnet.networkSecurityGroupID) ? self.subnet.networkSecurityGroupID : '', has(self.subnet.routeTableID) ? self.subnet.routeTableID : '', has(self.egress) && has(self.egress.natGateway) && has(self.egress.natGateway.id) ? self.egress.natGateway.id : ''].all(id, id == '' || id.lowerAscii().startsWith('/subscriptions/' + self.azure.subscriptionID.lowerAscii() + '/'))").message("subnet.networkSecurityGroupID, subnet.routeTableID and egress.natGateway.id must lie in azure.subscriptionID"),
    validation = Rule::new("!has(self.egress) || self.egress.type != 'NATGateway' || self.subnet.management == 'Create'").message("egress.type NATGateway needs subnet.management: Create; a referenced subnet is never changed, so use Existing or None")
)]
#[schemars(transform = RecursiveTransform(crate::crd::own_text))]
#[serde(rename_all = "camelCase")]
pub struct DelegatedSubnetSpec {
    /// Subscription, resource group, region and tags. Only the tags can change.
    pub azure: SubnetAzure,
    /// The virtual network that contains the subnet.
    pub virtual_network: VirtualNetwork,
    /// The subnet, which acivnet delegates to `Microsoft.ContainerInstance/containerGroups`.
    pub subnet: Subnet,
    /// The subnet of the callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_subnet: Option<ClientSubnet>,
    /// How container groups in the subnet reach the outside. If absent, acivnet manages nothing, and the condition
    /// `EgressReady` reports what it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
    /// What to do when somebody changes the resources in Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Whether to take over existing resources that don't carry the owner mark of this object. Defaults to `Never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// What happens in Azure when this object is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// If true, acivnet reads and reports but writes nothing to Azure. Deletion still works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// Subscription, resource group, region and tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubnetAzure {
    /// Subscription id, a GUID.
    #[serde(rename = "subscriptionID")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = rules::guid())]
    pub subscription_id: String,
    /// Resource group. It must exist.
    #[schemars(length(min = 1, max = 90))]
    #[x_kube(validation = rules::resource_group())]
    pub resource_group: String,
    /// Azure region, by its short name, such as `japaneast`.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::location())]
    pub location: String,
    /// Tags for the resources that acivnet creates for this object and that can carry tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(validation = rules::tag_characters(), validation = rules::tag_prefixes(), validation = rules::tags_differ())]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tags: Vec<Tag>,
}

/// A virtual network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNetwork {
    /// Name.
    #[schemars(length(min = 2, max = 64))]
    #[x_kube(validation = rules::network_name())]
    pub name: String,
    /// Resource group. Defaults to `azure.resourceGroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    #[x_kube(validation = rules::resource_group())]
    pub resource_group: Option<String>,
    /// Whether acivnet manages the resource or only reads it. Defaults to `Create`.
    #[serde(default)]
    pub management: Management,
    /// IPv4 prefixes, such as `10.0.0.0/16`. Required with `management: Create`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 18)))]
    #[x_kube(validation = rules::network_prefixes())]
    #[x_kube(validation = rules::not_azures_own(), validation = rules::prefixes_apart())]
    pub address_prefixes: Vec<String>,
}

/// The delegated subnet. What others configured on it in Azure (policies, service endpoints) stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("self.management == 'Create' || (!has(self.networkSecurityGroupID) && !has(self.routeTableID) && !has(self.serviceEndpoints))").message("networkSecurityGroupID, routeTableID and serviceEndpoints need management: Create; a referenced subnet is never changed"))]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Name.
    #[schemars(length(min = 1, max = 80))]
    #[x_kube(validation = rules::network_name())]
    #[x_kube(validation = rules::not_reserved())]
    pub name: String,
    /// IPv4 prefix, /29 or larger, such as `10.0.1.0/24`. Azure reserves five of its addresses.
    #[schemars(length(max = 18))]
    #[x_kube(validation = rules::subnet_prefix())]
    pub address_prefix: String,
    /// Whether acivnet manages the resource or only reads it. Defaults to `Create`.
    #[serde(default)]
    pub management: Management,
    /// Resource id of a network security group to associate with the subnet. It must exist, in the same region. If
    /// absent, the subnet keeps whatever it has. If you remove the field, the association goes.
    #[serde(default, rename = "networkSecurityGroupID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rules::network_security_group_id())]
    pub network_security_group_id: Option<String>,
    /// Resource id of a route table to associate with the subnet. It must exist, in the same region. If absent, the
    /// subnet keeps whatever it has. If you remove the field, the association goes.
    #[serde(default, rename = "routeTableID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rules::route_table_id())]
    pub route_table_id: Option<String>,
    /// Service endpoints of the subnet. Those that others added stay. If you remove one from this list, it goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::service_endpoints_differ(), merge_strategy = ListMerge::Map(vec!["service".into()]))]
    pub service_endpoints: Vec<ServiceEndpoint>,
}

/// A service that the subnet reaches over Azure's backbone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct ServiceEndpoint {
    /// Azure's name of the service, such as `Microsoft.Storage`.
    #[schemars(length(min = 11, max = 64))]
    #[x_kube(validation = rules::service_endpoint())]
    pub service: String,
}

/// The subnet of the callers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = rules::made_not_reserved())]
#[x_kube(validation = Rule::new("self.management != 'Create' || (has(self.networkSecurityGroup) && self.networkSecurityGroup.management == 'Create')").message("a subnet created here needs a security group created here: management: Create needs networkSecurityGroup.management: Create"))]
#[serde(rename_all = "camelCase")]
pub struct ClientSubnet {
    /// Name.
    #[schemars(length(min = 1, max = 80))]
    #[x_kube(validation = rules::network_name())]
    pub name: String,
    /// IPv4 prefix, /29 or larger, such as `10.0.0.0/24`.
    #[schemars(length(max = 18))]
    #[x_kube(validation = rules::subnet_prefix())]
    pub address_prefix: String,
    /// Whether acivnet manages the resource or only reads it. Defaults to `Create`.
    #[serde(default)]
    pub management: Management,
    /// The security group of this subnet, in `azure.resourceGroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_security_group: Option<NetworkSecurityGroup>,
    /// An Azure Machine Learning compute instance to call from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_instance: Option<ComputeInstance>,
}

/// A network security group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!has(self.securityRules) || self.securityRules.all(r, self.securityRules.filter(o, o.priority == r.priority && o.direction == r.direction).size() == 1)").message("two securityRules of one direction have the same priority"))]
#[x_kube(validation = rules::security_rules_differ())]
#[x_kube(validation = Rule::new("!has(self.preset) || self.preset != 'ComputeInstance' || !has(self.securityRules) || self.securityRules.all(r, r.name.lowerAscii() != 'allowazuremachinelearning' && (r.priority != 100 || r.direction != 'Inbound'))").message("preset ComputeInstance takes the rule name AllowAzureMachineLearning and the inbound priority 100"))]
#[serde(rename_all = "camelCase")]
pub struct NetworkSecurityGroup {
    /// Name.
    #[schemars(length(min = 1, max = 80))]
    #[x_kube(validation = rules::network_name())]
    pub name: String,
    /// Whether acivnet manages the resource or only reads it. Defaults to `Create`.
    #[serde(default)]
    pub management: Management,
    /// A predefined set of rules. Defaults to `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<RulePreset>,
    /// Further rules, with the fields of Azure Resource Manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub security_rules: Vec<SecurityRule>,
}

/// A predefined set of security rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RulePreset {
    /// What an Azure ML compute instance needs: inbound TCP 44224 from the service tag `AzureMachineLearning`, as rule
    /// `AllowAzureMachineLearning` with priority 100 (Azure Machine Learning, "Secure a training environment with
    /// virtual networks").
    ComputeInstance,
    /// No rules.
    #[default]
    None,
}

/// Traffic direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "Azure's own words")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// Whether to allow or deny the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "Azure's own words")]
pub enum Access {
    Allow,
    Deny,
}

/// IP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "Azure's own words")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Esp,
    Ah,
    #[serde(rename = "*")]
    Any,
}

/// A security rule, with the fields of Azure Resource Manager (Azure REST, Security Rules - Create Or Update).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityRule {
    /// Name, unique within the group.
    #[schemars(length(min = 1, max = 80))]
    #[x_kube(validation = rules::network_name())]
    pub name: String,
    /// 100 to 4096. The lowest wins. Unique per direction.
    #[schemars(range(min = 100, max = 4096))]
    pub priority: i32,
    /// Direction of the traffic.
    pub direction: Direction,
    /// Whether to allow or deny the traffic.
    pub access: Access,
    /// Protocol. `*` means any.
    pub protocol: Protocol,
    /// CIDR, service tag or `*`. Defaults to `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = rules::rule_address())]
    pub source_address_prefix: Option<String>,
    /// One port, a range such as `8000-8080`, or `*`. Defaults to `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::rule_ports())]
    pub source_port_range: Option<NumberOrText>,
    /// CIDR, service tag or `*`. Defaults to `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = rules::rule_address())]
    pub destination_address_prefix: Option<String>,
    /// One port, a range such as `8000-8080`, or `*`. Defaults to `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::rule_ports())]
    pub destination_port_range: Option<NumberOrText>,
    /// Description of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 140))]
    pub description: Option<String>,
}

/// The state that acivnet last observed, and what it must remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[schemars(transform = RecursiveTransform(crate::crd::own_text))]
#[serde(rename_all = "camelCase")]
pub struct DelegatedSubnetStatus {
    /// The generation that this status describes. -1 before acivnet has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The last generation for which nothing was left to do. From then on a difference in Azure is drift, not an open
    /// change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_generation: Option<i64>,
    /// The last value of the annotation `acivnet.dev/reconcile-requested-at` that was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub last_handled_reconcile_at: Option<String>,
    /// Resource id of the virtual network.
    #[serde(default, rename = "virtualNetworkID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = ResourceStatus::LONGEST_ID))]
    pub virtual_network_id: Option<String>,
    /// Resource id of the delegated subnet.
    #[serde(default, rename = "subnetID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = ResourceStatus::LONGEST_ID))]
    pub subnet_id: Option<String>,
    /// Virtual network and subnet, for `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_label: Option<String>,
    /// The Azure resources that belong to this object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// How many addresses the subnet has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Who holds addresses, those of this namespace first. If there are too many to list, the last entry says how many
    /// are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = Occupant::MOST))]
    pub occupants: Vec<Occupant>,
    /// Service association links that keep the subnet from being deleted. If there are too many to list, the last entry
    /// says how many are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = DelegatedSubnetStatus::MOST_LINKS), inner(length(max = LONGEST_VALUE)))]
    pub service_association_links: Vec<String>,
    /// Steps that wait for approval or for a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanStatus>,
    /// Fields in which Azure differs from the spec. If there are too many to list, the last entry says how many are
    /// left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = DriftItem::MOST))]
    pub drift: Vec<DriftItem>,
    /// Conditions. docs/reference/conditions.md lists their types and reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Fields of a later version, which this version keeps unchanged after a rollback.
    #[serde(flatten)]
    #[schemars(skip)]
    pub later: BTreeMap<String, Value>,
}

impl DelegatedSubnetStatus {
    /// Most links that are listed.
    pub const MOST_LINKS: usize = 16;
}

/// How many addresses the delegated subnet has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Capacity {
    /// Usable addresses: those of the prefix, less the five that Azure reserves.
    pub total: i64,
    /// Addresses in use.
    pub used: i64,
    /// Free addresses.
    pub available: i64,
}

/// Who holds an address of the delegated subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Occupant {
    /// Name of the AciVnetDeployment, or else of the Azure resource.
    #[schemars(length(max = LONGEST_VALUE))]
    pub name: String,
    /// Private IP address, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub address: Option<String>,
    /// Whether an AciVnetDeployment in this namespace holds the address.
    pub managed: bool,
}

impl Occupant {
    /// Most occupants that are listed.
    pub const MOST: usize = 512;
}
