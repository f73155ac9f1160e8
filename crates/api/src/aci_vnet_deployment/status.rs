//! The status of a deployment.

use crate::azure::{DriftItem, LONGEST_VALUE, Origin, PlanStatus, ResourceStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::transform::RecursiveTransform;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The state that acivnet last observed, and what it must remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[schemars(transform = RecursiveTransform(crate::crd::own_text))]
#[serde(rename_all = "camelCase")]
pub struct AciVnetDeploymentStatus {
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
    /// The last value of the annotation `acivnet.dev/restart-requested-at` that was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub last_handled_restart_at: Option<String>,
    /// Where the model answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The registered model version that the spec asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelStatus>,
    /// Name and version of the model, for `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_label: Option<String>,
    /// Virtual network and subnet, for `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_label: Option<String>,
    /// Subscription, resource group and region in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<ResolvedAzure>,
    /// CPU and memory as Azure counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_resolved: Option<ResolvedResources>,
    /// The number of this content: model, script and environment together. It grows by one with each new content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Digest of the content of this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_digest: Option<String>,
    /// Versions of the Secrets whose keys and certificate Azure has. A new version is compared with Azure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretVersion>,
    /// The base image in use: that of the spec, or else the one chosen when the deployment was created, so that an
    /// upgrade of acivnet changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_image: Option<String>,
    /// Hash of the approved plan. Empty again once the plan has been carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<String>,
    /// Steps that wait for approval or for a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanStatus>,
    /// The result of the last probe. It changes only when the result does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeStatus>,
    /// Result of the last probe, for `kubectl get`: the HTTP status, or `FAILED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_summary: Option<String>,
    /// The Azure resources that belong to this object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
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

/// Where the model answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Endpoint {
    /// The URL to POST requests to.
    #[serde(default, rename = "scoringURI", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub scoring_uri: Option<String>,
    /// The URL of the service's OpenAPI document.
    #[serde(default, rename = "swaggerURI", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub swagger_uri: Option<String>,
    /// Private IP addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1), inner(length(max = LONGEST_VALUE)))]
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
    /// Version assigned by Azure.
    #[schemars(length(max = LONGEST_VALUE))]
    pub version: String,
    /// `sha256:` and the hex digest of the file, or, for a directory, of the names and digests of its files. Absent if
    /// somebody else registered the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub digest: Option<String>,
    /// Whether the version was registered for this object or is only referenced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The URL from which the model was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// ETag of the file at that URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub etag: Option<String>,
}

/// The version of a Secret that was sent to Azure. It reveals nothing about the content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// Name.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
}

/// Subscription, resource group and region in use.
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
    /// Cores, as a decimal number.
    pub cpu: String,
    /// GB (10^9 bytes), as a decimal number.
    #[serde(rename = "memoryGB")]
    pub memory_gb: String,
}

/// The last probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeStatus {
    /// `Passed` or `Failed`.
    pub result: String,
    /// HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i32>,
}
