//! The resource types that the simulated API server serves.

use serde_json::{Value, json};

/// What the server knows of one resource type.
#[derive(Debug)]
pub struct ResourceType {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Plural name, as in paths.
    pub plural: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// A custom resource: status is a subresource, `metadata.generation` counts changes of the spec, an update needs a
    /// resourceVersion.
    pub custom: bool,
}

const fn builtin(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> ResourceType {
    ResourceType { group, version, plural, kind, namespaced: true, custom: false }
}

const fn custom(plural: &'static str, kind: &'static str) -> ResourceType {
    ResourceType { group: "acivnet.dev", version: "v1alpha1", plural, kind, namespaced: true, custom: true }
}

/// Namespaces.
pub static NAMESPACES: ResourceType =
    ResourceType { namespaced: false, ..builtin("", "v1", "namespaces", "Namespace") };
/// ServiceAccounts.
pub static SERVICE_ACCOUNTS: ResourceType = builtin("", "v1", "serviceaccounts", "ServiceAccount");
/// ConfigMaps.
pub static CONFIG_MAPS: ResourceType = builtin("", "v1", "configmaps", "ConfigMap");
/// Secrets.
pub static SECRETS: ResourceType = builtin("", "v1", "secrets", "Secret");
/// Events.
pub static EVENTS: ResourceType = builtin("events.k8s.io", "v1", "events", "Event");
/// Leases.
pub static LEASES: ResourceType = builtin("coordination.k8s.io", "v1", "leases", "Lease");
/// Networks of Services.
pub static SERVICE_CIDRS: ResourceType =
    ResourceType { namespaced: false, ..builtin("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR") };
/// Nodes.
pub static NODES: ResourceType = ResourceType { namespaced: false, ..builtin("", "v1", "nodes", "Node") };
/// Where Services lead.
pub static ENDPOINT_SLICES: ResourceType = builtin("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
/// The network part.
pub static DELEGATED_SUBNETS: ResourceType = custom("delegatedsubnets", "DelegatedSubnet");
/// The model part.
pub static ACI_VNET_DEPLOYMENTS: ResourceType = custom("acivnetdeployments", "AciVnetDeployment");

static ALL: [&ResourceType; 11] = [
    &NAMESPACES,
    &SERVICE_ACCOUNTS,
    &CONFIG_MAPS,
    &SECRETS,
    &EVENTS,
    &LEASES,
    &SERVICE_CIDRS,
    &NODES,
    &ENDPOINT_SLICES,
    &DELEGATED_SUBNETS,
    &ACI_VNET_DEPLOYMENTS,
];

impl ResourceType {
    /// The type behind a path's group, version and plural.
    pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|one| (one.group, one.version, one.plural) == (group, version, plural))
    }

    /// The type of an object by its `apiVersion` and `kind`.
    pub fn of(object: &Value) -> Option<&'static Self> {
        ALL.into_iter().find(|one| object["apiVersion"] == one.api_version() && object["kind"] == one.kind)
    }

    /// `group/version`, or the version alone for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `plural` or `plural.group`, as error messages name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Applies the schema's defaults.
    pub fn set_defaults(&self, object: &mut Value) {
        if self.custom && object.get("status").is_none_or(Value::is_null) {
            object["status"] = json!({"observedGeneration": -1});
        }
    }
}
