//! The model: name, source, and what it carries in the workspace.

use super::ConfigMapKey;
use crate::azure::NamedValue;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

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
