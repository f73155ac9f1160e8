//! The code around the model, and the Python environment it runs in.

use super::{FileSource, FilesSource, SecretKeyRef};
use crate::rules;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The code that serves the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scoring {
    /// The scoring script. It defines `init()` and `run(data)`.
    #[x_kube(validation = Rule::new("self.configMap.key.matches('^[A-Za-z_][A-Za-z0-9_]*\\\\.py$')").message("the key must be the name of a Python module, such as score.py"))]
    pub script: FileSource,
    /// Files to put beside the script, such as modules that it imports and data that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_files: Option<FilesSource>,
    /// Environment variables of the container. The web service stores them in the clear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub environment_variables: Vec<EnvironmentVariable>,
}

/// One environment variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!self.name.startsWith('AZUREML_')").message("names that begin with AZUREML_ belong to Azure ML"))]
#[x_kube(validation = Rule::new("has(self.value) != has(self.valueFrom)").message("set exactly one of value and valueFrom"))]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentVariable {
    /// Name.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::variable_name())]
    pub name: String,
    /// Value. Put anything that looks like a number or a boolean in quotes: `"1"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
    /// Where the value comes from. The web service stores the value in the clear: anybody who can read the workspace
    /// can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
}

/// A source of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueSource {
    /// A key of a Secret. When the value changes, the container restarts.
    pub secret_key_ref: SecretKeyRef,
}

/// The Python environment that the code runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Name of the environment in the workspace. The prefixes `Microsoft` and `AzureML` are reserved by Azure.
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::asset_name())]
    #[x_kube(validation = Rule::new("!self.startsWith('Microsoft') && !self.startsWith('AzureML')").message("names that begin with Microsoft or AzureML belong to Azure ML"))]
    pub name: String,
    /// A conda environment file.
    pub conda: FileSource,
    /// Image to build the environment on. Azure ML must be able to pull it without a password. Defaults to the image in
    /// `status.baseImage`. A change builds a new image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::image())]
    pub base_image: Option<String>,
    /// Version of the serving stack that Azure ML adds to the image, such as `latest`. If absent, it adds none.
    /// Required if neither the base image nor the conda file contains one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::stack_version())]
    pub inferencing_stack_version: Option<String>,
}
