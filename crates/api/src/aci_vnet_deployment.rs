//! `AciVnetDeployment`: the model part.

use crate::azure::{Deletion, Drift, DriftItem, NamedValue, PlanStatus, ResourceStatus, Tag};
use k8s_openapi::apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::Condition};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
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
    validation = Rule::new("self.workspace.name == oldSelf.workspace.name && has(self.workspace.resourceGroup) == has(oldSelf.workspace.resourceGroup) && (!has(self.workspace.resourceGroup) || self.workspace.resourceGroup == oldSelf.workspace.resourceGroup)").message("workspace cannot change; create a new AciVnetDeployment")
)]
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
    /// Additions to what the subnet says.
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
    /// A request that must be answered before `Ready`, and again at each interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// How a change is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// How drift is treated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
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
    #[schemars(length(min = 3, max = 32), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub service_name: Option<String>,
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
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
}

/// An Azure Machine Learning workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Name.
    #[schemars(length(min = 3, max = 33), regex(pattern = r"^[a-zA-Z0-9][-\w]*$"))]
    pub name: String,
    /// Resource group; the subnet's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90), regex(pattern = r"^[-\w.()]*[-\w()]$"))]
    pub resource_group: Option<String>,
}

/// Additions to what the subnet says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct DeploymentAzure {
    /// Tags of the web service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tags: Vec<Tag>,
}

/// The model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Model {
    /// Name in the workspace.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9][a-zA-Z0-9\-._]*$"))]
    pub name: String,
    /// Where the file comes from.
    pub source: ModelSource,
    /// Free text on the model version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Tags of the model version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tags: Vec<NamedValue>,
    /// Properties of the model version; they never change, so a change makes a new version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub properties: Vec<NamedValue>,
}

/// Where the model comes from; exactly one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.configMap)").message("set exactly one source: configMap"))]
#[serde(rename_all = "camelCase")]
pub struct ModelSource {
    /// A file in a ConfigMap of the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapKey>,
}

/// One key of a ConfigMap of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
pub struct ConfigMapKey {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
    /// Key in `data` or `binaryData`; also the file's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    #[x_kube(validation = Rule::new("self != '.' && self != '..'").message("not a file name"))]
    pub key: String,
}

/// A file in a ConfigMap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileSource {
    /// A key of a ConfigMap of the same namespace.
    pub config_map: ConfigMapKey,
}

/// The code around the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scoring {
    /// The scoring script, with `init()` and `run(data)`.
    #[x_kube(validation = Rule::new("self.configMap.key.matches('^[A-Za-z_][A-Za-z0-9_]*\\\\.py$')").message("the key must be the name of a Python module, such as score.py"))]
    pub script: FileSource,
    /// Environment variables of the container. The web service stores them readable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub environment_variables: Vec<EnvironmentVariable>,
}

/// One environment variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!self.name.startsWith('AZUREML_')").message("names that begin with AZUREML_ belong to Azure ML"))]
pub struct EnvironmentVariable {
    /// Name.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: String,
    /// Value.
    #[schemars(length(max = 4096))]
    pub value: String,
}

/// The Python environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Environment {
    /// Name in the workspace; the prefixes `Microsoft` and `AzureML` are Azure's.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9][a-zA-Z0-9\-._]*$"))]
    #[x_kube(validation = Rule::new("!self.startsWith('Microsoft') && !self.startsWith('AzureML')").message("names that begin with Microsoft or AzureML belong to Azure ML"))]
    pub name: String,
    /// A conda environment file.
    pub conda: FileSource,
}

/// CPU and memory of the container. A change deletes and creates the web service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Resources {
    /// Cores, up to 31, in steps of 0.1 (rounded up).
    #[x_kube(validation = Rule::new("isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0')) && !quantity(string(self)).isGreaterThan(quantity('31'))").message("cpu must be a quantity greater than 0 and at most 31"))]
    pub cpu: Quantity,
    /// Memory, up to 240G. Azure counts in 10^9 bytes, in steps of 0.1 (rounded up).
    #[x_kube(validation = Rule::new("isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0')) && !quantity(string(self)).isGreaterThan(quantity('240G'))").message("memory must be a quantity greater than 0 and at most 240G"))]
    pub memory: Quantity,
}

/// The request that proves the endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(has(self.timeoutSeconds) ? self.timeoutSeconds : 10) < (has(self.intervalSeconds) ? self.intervalSeconds : 300)").message("timeoutSeconds must be less than intervalSeconds"))]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The body, sent as `application/json`.
    pub request: FileSource,
    /// What must come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<ProbeExpectation>,
    /// Seconds between two probes; 300 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 86400))]
    pub interval_seconds: Option<i32>,
    /// Seconds to wait for an answer; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: Option<i32>,
}

/// What must come back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeExpectation {
    /// HTTP status; 200 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status_code: Option<i32>,
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

/// What the controller knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AciVnetDeploymentStatus {
    /// The generation that this status speaks of; -1 before the controller has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The last generation for which nothing was left to do: from then on a difference is drift, not an open change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_generation: Option<i64>,
    /// The last `acivnet.dev/reconcile-requested-at` that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Where it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The model version that is wanted and registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelStatus>,
    /// Model name and version, for the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_label: Option<String>,
    /// Virtual network and subnet, for the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_label: Option<String>,
    /// Where in Azure, as resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<ResolvedAzure>,
    /// CPU and memory as Azure counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_resolved: Option<ResolvedResources>,
    /// Counts the contents that were served: model, script and environment together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Digest of the content of `revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_digest: Option<String>,
    /// Base image that was chosen when the deployment was made; kept, so that an upgrade changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_image: Option<String>,
    /// Hash of the plan whose approval was seen; empty again when it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<String>,
    /// Steps that wait for a person or a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanStatus>,
    /// The last probe; changes only when its result does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeStatus>,
    /// Result of the probe, for the table: the HTTP status, or `FAILED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_summary: Option<String>,
    /// What is known of Azure's resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// Fields in which Azure differs from the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftItem>,
    /// Conditions; see the reference of types and reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// Where it answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Endpoint {
    /// Where to POST.
    #[serde(default, rename = "scoringURI", skip_serializing_if = "Option::is_none")]
    pub scoring_uri: Option<String>,
    /// The OpenAPI document of the service.
    #[serde(default, rename = "swaggerURI", skip_serializing_if = "Option::is_none")]
    pub swagger_uri: Option<String>,
    /// Private addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// How often the address has changed.
    #[serde(default)]
    pub moves: i64,
}

/// A registered model version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct ModelStatus {
    /// Name in the workspace.
    pub name: String,
    /// Version that Azure assigned.
    pub version: String,
    /// `sha256:` and the hex digest of the file.
    pub digest: String,
}

/// Where in Azure, as resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedAzure {
    /// Subscription id.
    #[serde(rename = "subscriptionID")]
    pub subscription_id: String,
    /// Resource group of the workspace.
    pub resource_group: String,
    /// Region.
    pub location: String,
}

/// CPU and memory as Azure counts them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedResources {
    /// Cores, a decimal number.
    pub cpu: String,
    /// GB of 10^9 bytes, a decimal number.
    #[serde(rename = "memoryGB")]
    pub memory_gb: String,
}

/// The last probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeStatus {
    /// `Passed` or `Failed`.
    pub result: String,
    /// HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i32>,
}
