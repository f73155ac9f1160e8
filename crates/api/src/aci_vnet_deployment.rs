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
    validation = Rule::new("!has(oldSelf.backend.azureMLWebService) || !has(oldSelf.backend.azureMLWebService.properties) || (has(self.backend.azureMLWebService) && has(self.backend.azureMLWebService.properties) && oldSelf.backend.azureMLWebService.properties.all(old, self.backend.azureMLWebService.properties.exists(now, now == old)))").message("backend.azureMLWebService.properties is add-only, as in Azure: none can change or go; create a new AciVnetDeployment")
)]
#[schemars(transform = RecursiveTransform(crate::crd::own_text))]
#[serde(rename_all = "camelCase")]
pub struct AciVnetDeploymentSpec {
    /// What runs the model.
    pub backend: Backend,
    /// Where its address lies. Subscription, resource group and location come from there.
    pub network: Network,
    /// Azure Machine Learning workspace.
    pub workspace: Workspace,
    /// Free text on the web service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// What only the web service has in Azure: its tags. Those of the `DelegatedSubnet` are not put on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<DeploymentAzure>,
    /// The model.
    pub model: Model,
    /// The code around the model.
    pub scoring: Scoring,
    /// The Python environment.
    pub environment: Environment,
    /// CPU and memory.
    pub resources: Resources,
    /// What a request needs; nothing when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// TLS of the scoring endpoint; plain HTTP when absent. A change restarts the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What the web service tells of its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// How the container group's data is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// A request that must be answered before `Ready`, and again at each interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// How a change is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// How drift is treated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// What is done about resources that exist and do not carry our mark; `Never` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// How deletion works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// True: look and report, write nothing to Azure. Deletion goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// What runs the model: a `type` and the member that it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Required: a default would be a promise for ever.
    #[serde(rename = "type")]
    pub type_: BackendType,
    /// With `type: AzureMLWebService`.
    #[serde(default, rename = "azureMLWebService", skip_serializing_if = "Option::is_none")]
    pub azure_ml_web_service: Option<AzureMlWebService>,
}

/// The backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BackendType {
    /// A web service of Azure Machine Learning (SDK v1 `AciWebservice`).
    AzureMLWebService,
}

/// Settings of the web service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureMlWebService {
    /// Name in the workspace; `metadata.name` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 32))]
    #[x_kube(validation = rules::service_name())]
    pub service_name: Option<String>,
    /// Properties of the web service. Azure takes new ones only: none can change or go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub properties: Vec<NamedValue>,
}

/// Where the address lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// A `DelegatedSubnet` of the same namespace.
    pub subnet_ref: SubnetRef,
}

/// Names a `DelegatedSubnet` of the same namespace.
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
    /// Resource group; the subnet's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    #[x_kube(validation = rules::resource_group())]
    pub resource_group: Option<String>,
}

/// What only the web service has in Azure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct DeploymentAzure {
    /// Tags of the web service; those of the `DelegatedSubnet` are not put on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tags: Vec<Tag>,
}

/// CPU and memory of the container. A change deletes and creates the web service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Resources {
    /// Cores, 0.05 to 31. A fraction stands in quotes or counts thousandths: `"0.5"` or `500m`. Azure counts in steps of
    /// 0.1 (rounded up).
    #[schemars(extend("maxLength" = 32))]
    #[x_kube(validation = rules::cpu())]
    pub cpu: Quantity,
    /// Memory, 100M to 240G, with its unit: `400M`, `2Gi`, a fraction in quotes: `"1.5G"`. Without a unit it counts bytes.
    /// Azure counts in 10^9 bytes, in steps of 0.1 (rounded up).
    #[schemars(extend("maxLength" = 32))]
    #[x_kube(validation = rules::memory())]
    pub memory: Quantity,
}

/// How a change is carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Whether a change that deletes and creates the web service waits for a person; `Required` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace_approval: Option<ReplaceApproval>,
}

/// Whether a destructive change waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplaceApproval {
    /// It waits for the annotation `acivnet.dev/approve-plan`.
    #[default]
    Required,
    /// It is carried out at once.
    Automatic,
}
