//! What the controller knows of a deployment.

use crate::azure::{DriftItem, LONGEST_VALUE, Origin, PlanStatus, ResourceStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::transform::RecursiveTransform;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the controller knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[schemars(transform = RecursiveTransform(crate::crd::own_text))]
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
    #[schemars(length(max = LONGEST_VALUE))]
    pub last_handled_reconcile_at: Option<String>,
    /// The last `acivnet.dev/restart-requested-at` that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub last_handled_restart_at: Option<String>,
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
    /// The Secrets whose keys and certificate are in Azure, by version: another version is compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretVersion>,
    /// Base image that is used: the spec's, else the one chosen when the deployment was made, so that an upgrade changes nothing.
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
    /// Fields in which Azure differs from the spec; of more than fit the last one tells how many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = DriftItem::MOST))]
    pub drift: Vec<DriftItem>,
    /// Conditions; see the reference of types and reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// What a later version keeps here: an earlier one that works after it, as in a rollback, leaves it as it is.
    #[serde(flatten)]
    #[schemars(skip)]
    pub later: BTreeMap<String, Value>,
}

/// Where it answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Endpoint {
    /// Where to POST.
    #[serde(default, rename = "scoringURI", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub scoring_uri: Option<String>,
    /// The OpenAPI document of the service.
    #[serde(default, rename = "swaggerURI", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub swagger_uri: Option<String>,
    /// Private addresses.
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
    /// Version that Azure assigned.
    #[schemars(length(max = LONGEST_VALUE))]
    pub version: String,
    /// `sha256:` and the hex digest of the file, or of the names and digests of a directory's files. Of a version that was
    /// registered by others it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub digest: Option<String>,
    /// Whether the version was registered for this object or is referred to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The URI that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// ETag of what was read there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub etag: Option<String>,
}

/// A Secret as it was when its content was carried to Azure. Nothing here comes from the content.
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
