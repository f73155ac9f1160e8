//! References to files of the namespace.

use crate::rules;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// One key of a ConfigMap in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
pub struct ConfigMapKey {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Key in `data` or `binaryData`. It is also the name of the file.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::key())]
    #[x_kube(validation = Rule::new("self != '.' && self != '..'").message("must be the name of a file, such as score.py; . and .. are directories"))]
    pub key: String,
}

/// A Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// One key of a Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Key in `data`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::key())]
    pub key: String,
}

/// One key of a ConfigMap in the same namespace, or all of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ConfigMapFiles {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Key in `data` or `binaryData`. It is also the name of the file. If absent, all keys become the files of one
    /// directory, which has the name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::key())]
    #[x_kube(validation = Rule::new("self != '.' && self != '..'").message("must be the name of a file, such as score.py; . and .. are directories"))]
    pub key: Option<String>,
}

impl ConfigMapFiles {
    /// The key, if the reference names one.
    pub fn file(&self) -> Option<ConfigMapKey> {
        Some(ConfigMapKey { name: self.name.clone(), key: self.key.clone()? })
    }
}

/// All keys of a ConfigMap in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ConfigMapRef {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// Files in a ConfigMap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilesSource {
    /// All keys of a ConfigMap in the same namespace.
    pub config_map: ConfigMapRef,
}

/// A file in a ConfigMap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileSource {
    /// A key of a ConfigMap in the same namespace.
    pub config_map: ConfigMapKey,
}
