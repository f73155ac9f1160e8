//! `AciVnetDeployment`: the model part.

mod files;
mod model;
mod probe;
mod scoring;
mod service;
mod status;

pub use files::*;
pub use model::*;
pub use probe::*;
pub use scoring::*;
pub use service::*;
pub use status::*;

use crate::{
    azure::{Adoption, Deletion, Drift, NamedValue, Tag},
    rules,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, transform::RecursiveTransform};
use serde::{Deserialize, Serialize};

/// A model that answers at a private address of a delegated subnet.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "acivnet.dev",
    version = "v1alpha1",
    kind = "AciVnetDeployment",
    plural = "acivnetdeployments",
    shortname = "acivd",
    category = "acivnet",
    namespaced,
    derive = "PartialEq",
    status = "AciVnetDeploymentStatus",
    doc = "A machine-learning model on Azure Container Instances inside a virtual network.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters: the owner mark must fit an Azure tag"),
    validation = Rule::new("has(self.spec.backend.azureMLWebService) && has(self.spec.backend.azureMLWebService.serviceName) || self.metadata.name.matches('^[a-z]([-a-z0-9]{1,30}[a-z0-9])$')").message("metadata.name is the name of the web service: 3 to 32 lower-case letters, digits and '-', beginning with a letter and not ending with '-'; or set backend.azureMLWebService.serviceName"),
    printcolumn(name = "READY", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "REASON", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.endpoint.scoringURI"),
    printcolumn(name = "MODEL", type_ = "string", json_path = ".status.modelLabel"),
    printcolumn(name = "REV", type_ = "integer", json_path = ".status.revision"),
    printcolumn(name = "PROBE", type_ = "string", json_path = ".status.probeSummary"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "IP", type_ = "string", json_path = ".status.endpoint.addresses[0]", priority = 1),
    printcolumn(name = "MOVES", type_ = "integer", json_path = ".status.endpoint.moves", priority = 1),
    printcolumn(name = "BACKEND", type_ = "string", json_path = ".spec.backend.type", priority = 1),
    printcolumn(name = "SUBNET", type_ = "string", json_path = ".status.subnetLabel", priority = 1),
    printcolumn(name = "MESSAGE", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, priority = 1)
)]
#[x_kube(
    validation = Rule::new("self.backend.type == oldSelf.backend.type").message("backend.type cannot change; create a new AciVnetDeployment"),
    validation = Rule::new("has(self.backend.azureMLWebService) && has(self.backend.azureMLWebService.serviceName) ? (has(oldSelf.backend.azureMLWebService) && has(oldSelf.backend.azureMLWebService.serviceName) && self.backend.azureMLWebService.serviceName == oldSelf.backend.azureMLWebService.serviceName) : !(has(oldSelf.backend.azureMLWebService) && has(oldSelf.backend.azureMLWebService.serviceName))").message("backend.azureMLWebService.serviceName cannot change; create a new AciVnetDeployment"),
    validation = Rule::new("self.workspace.name == oldSelf.workspace.name && has(self.workspace.resourceGroup) == has(oldSelf.workspace.resourceGroup) && (!has(self.workspace.resourceGroup) || self.workspace.resourceGroup == oldSelf.workspace.resourceGroup)").message("workspace cannot change; create a new AciVnetDeployment"),
    validation = Rule::new("!has(oldSelf.backend.azureMLWebService) || !has(oldSelf.backend.azureMLWebService.properties) || (has(self.backend.azureMLWebService) && has(self.backend.azureMLWebService.properties) && oldSelf.backend.azureMLWebService.properties.all(old, self.backend.azureMLWebService.properties.exists(now, now == old)))").message("backend.azureMLWebService.properties is add-only, as in Azure: none can be changed or removed; create a new AciVnetDeployment")
)]
#[schemars(transform = RecursiveTransform(crate::crd::own_text))]
#[serde(rename_all = "camelCase")]
pub struct AciVnetDeploymentSpec {
    /// What runs the model. Its type can't change.
    pub backend: Backend,
    /// The subnet in which the model gets its address. Subscription, resource group and location come from it.
    pub network: Network,
    /// The Azure Machine Learning workspace. It can't change.
    pub workspace: Workspace,
    /// Description of the web service in Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Azure settings of the web service. It doesn't inherit the tags of the `DelegatedSubnet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<DeploymentAzure>,
    /// The model to serve.
    pub model: Model,
    /// The code that serves the model.
    pub scoring: Scoring,
    /// The Python environment that the code runs in.
    pub environment: Environment,
    /// CPU and memory of the container. A change deletes and creates the web service.
    pub resources: Resources,
    /// How requests authenticate. If absent, they don't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// TLS of the scoring endpoint. If absent, it serves plain HTTP. A change restarts the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What the web service records about its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// How the data of the container group is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// A sample request. The endpoint must answer it before the object is `Ready`, and again at every interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// How changes are rolled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
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

/// What runs the model: a type, and the settings of that type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// The type of backend. There is no default.
    #[serde(rename = "type")]
    pub type_: BackendType,
    /// Settings for `type: AzureMLWebService`.
    #[serde(default, rename = "azureMLWebService", skip_serializing_if = "Option::is_none")]
    pub azure_ml_web_service: Option<AzureMlWebService>,
}

/// A type of backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BackendType {
    /// A web service of Azure Machine Learning on Azure Container Instances (SDK v1 `AciWebservice`).
    AzureMLWebService,
}

/// Settings of the Azure Machine Learning web service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureMlWebService {
    /// Name of the web service in the workspace. Defaults to `metadata.name`. It can't change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 32))]
    #[x_kube(validation = rules::service_name())]
    pub service_name: Option<String>,
    /// Properties of the web service. You can add properties; Azure can't change or remove them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub properties: Vec<NamedValue>,
}

/// The network in which the model gets its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The `DelegatedSubnet` to use, in the same namespace.
    pub subnet_ref: SubnetRef,
}

/// A reference to a `DelegatedSubnet` in the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct SubnetRef {
    /// Name.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// An Azure Machine Learning workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Name.
    #[schemars(length(min = 3, max = 33))]
    #[x_kube(validation = rules::workspace_name())]
    pub name: String,
    /// Resource group of the workspace. Defaults to that of the subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    #[x_kube(validation = rules::resource_group())]
    pub resource_group: Option<String>,
}

/// Azure settings of the web service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct DeploymentAzure {
    /// Tags of the web service. It doesn't inherit those of the `DelegatedSubnet`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tags: Vec<Tag>,
}

/// CPU and memory of the container. A change deletes and creates the web service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Resources {
    /// Cores, 0.05 to 31. Write fractions in quotes or in thousandths: `"0.5"` or `500m`. Rounded up to the next 0.1,
    /// the step in which Azure counts.
    #[schemars(extend("maxLength" = 32))]
    #[x_kube(validation = rules::cpu())]
    pub cpu: Quantity,
    /// Memory, 100M to 240G, with a unit: `400M`, `2Gi`, or a fraction in quotes: `"1.5G"`. Without a unit it counts
    /// bytes. Rounded up to the next 0.1 GB (10^9 bytes), the step in which Azure counts.
    #[schemars(extend("maxLength" = 32))]
    #[x_kube(validation = rules::memory())]
    pub memory: Quantity,
}

/// How changes are rolled out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Whether a change that deletes and creates the web service waits for approval. Defaults to `Required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace_approval: Option<ReplaceApproval>,
}

/// Whether a destructive change waits for approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplaceApproval {
    /// It waits for the annotation `acivnet.dev/approve-plan`.
    #[default]
    Required,
    /// It is made at once.
    Automatic,
}
