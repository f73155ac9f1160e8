//! The model: name, source, and what it carries in the workspace.

use super::ConfigMapFiles;
use crate::{NumberOrText, azure::NamedValue, rules};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The model to serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!has(self.frameworkVersion) || has(self.framework)").message("frameworkVersion needs framework"))]
#[x_kube(validation = Rule::new("!has(self.source.registered) || !(has(self.description) || has(self.framework) || has(self.tags) || has(self.properties))").message("a registered version is used as it is; set description, framework, tags and properties only for a model that is registered here"))]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Name of the model in the workspace.
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::asset_name())]
    pub name: String,
    /// Where the model comes from.
    pub source: ModelSource,
    /// Framework of the model, as in `Model.register`. A change registers a new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<ModelFramework>,
    /// Version of the framework, in quotes: `"1.5"`. A change registers a new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub framework_version: Option<String>,
    /// Description of the model version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Tags of the model version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub tags: Vec<NamedValue>,
    /// Properties of the model version. Azure can't change them, so a change registers a new version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub properties: Vec<NamedValue>,
}

/// A framework that Azure ML v1 knows (`azureml-core` 1.61, `Model.Framework`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ModelFramework {
    /// Any other framework.
    Custom,
    /// TensorFlow.
    TensorFlow,
    /// scikit-learn.
    ScikitLearn,
    /// ONNX.
    Onnx,
    /// Keras in TensorFlow.
    TfKeras,
    /// PyTorch.
    PyTorch,
    /// More than one framework.
    Multi,
}

impl ModelFramework {
    /// The name that Azure uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "Custom",
            Self::TensorFlow => "TensorFlow",
            Self::ScikitLearn => "ScikitLearn",
            Self::Onnx => "Onnx",
            Self::TfKeras => "TfKeras",
            Self::PyTorch => "PyTorch",
            Self::Multi => "Multi",
        }
    }
}

/// Where the model comes from. Set exactly one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.configMap), has(self.registered), has(self.uri)].filter(one, one).size() == 1").message("set exactly one source: configMap, registered or uri"))]
#[serde(rename_all = "camelCase")]
pub struct ModelSource {
    /// A file, or a directory of files, from a ConfigMap in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapFiles>,
    /// A version that is already registered in the workspace. acivnet never changes or deletes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<RegisteredModel>,
    /// An `https` URL of a file, named after the last part of the path. Either a blob in Azure storage, read with the
    /// Azure identity of the namespace, or a file on a host that the administrator allows (`--model-hosts`), read
    /// without an identity. A query is refused, because a signature in it would be a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 2048))]
    #[x_kube(validation = rules::model_uri())]
    pub uri: Option<String>,
}

/// A model version that is registered in the workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct RegisteredModel {
    /// The version. If absent, the newest version is looked up once and kept in `status.model`, until the spec names
    /// another model or the annotation `acivnet.dev/reconcile-requested-at` gets a new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::model_version())]
    pub version: Option<NumberOrText>,
}
