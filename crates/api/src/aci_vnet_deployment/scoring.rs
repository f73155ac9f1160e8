//! The code around the model, and the Python environment it runs in.

use super::{FileSource, FilesSource, SecretKeyRef};
use crate::rules;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The code around the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scoring {
    /// The scoring script, with `init()` and `run(data)`.
    #[x_kube(validation = Rule::new("self.configMap.key.matches('^[A-Za-z_][A-Za-z0-9_]*\\\\.py$')").message("the key must be the name of a Python module, such as score.py"))]
    pub script: FileSource,
    /// Files beside the script, in its directory: modules that it imports, data that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_files: Option<FilesSource>,
    /// Environment variables of the container. The web service stores them readable.
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
    /// Value. What looks like a number or like `true` stands in quotes: `"1"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
    /// Where the value comes from. The web service stores it readable for whoever may read the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueSource {
    /// A key of a Secret; a changed Secret rolls the container.
    pub secret_key_ref: SecretKeyRef,
}

/// The Python environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Name in the workspace; the prefixes `Microsoft` and `AzureML` are Azure's.
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::asset_name())]
    #[x_kube(validation = Rule::new("!self.startsWith('Microsoft') && !self.startsWith('AzureML')").message("names that begin with Microsoft or AzureML belong to Azure ML"))]
    pub name: String,
    /// A conda environment file.
    pub conda: FileSource,
    /// Image that the environment is built on; Azure ML must be able to pull it without a password. When absent, the one in
    /// `status.baseImage`. A change makes a new image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::image())]
    pub base_image: Option<String>,
    /// Version of the serving stack that Azure ML adds to the image, such as `latest`; none when absent. Needed with a base
    /// image and a conda file that bring none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::stack_version())]
    pub inferencing_stack_version: Option<String>,
}
