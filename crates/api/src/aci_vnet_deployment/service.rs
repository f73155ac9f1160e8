//! Further settings of a web service: authentication, TLS, telemetry, encryption.

use super::SecretRef;
use crate::rules;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests authenticate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.type == 'Key') == has(self.keys)").message("auth.keys is required with type: Key, and allowed only with it"))]
pub struct Auth {
    /// How requests authenticate. A change restarts the container.
    #[serde(rename = "type")]
    pub type_: AuthType,
    /// Where the keys are. Required with `type: Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<AuthKeys>,
}

/// How requests authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuthType {
    /// They don't.
    None,
    /// By one of two keys, as `Authorization: Bearer`.
    Key,
}

/// Where the two keys are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthKeys {
    /// A Secret with the keys `primary` and `secondary`. If it doesn't exist, Azure generates both and acivnet creates
    /// the Secret. When it changes, the new keys are sent to Azure, the secondary one first.
    pub secret_ref: SecretRef,
}

/// TLS of the scoring endpoint, `https://{hostname}/score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// A Secret of type `kubernetes.io/tls` with the keys `tls.crt` and `tls.key`. With `ca.crt` in it, the probe
    /// trusts those authorities instead of the system's. A renewed certificate is sent to Azure and restarts the
    /// container.
    pub secret_ref: SecretRef,
    /// The host name that clients use. The certificate must be valid for it. A change restarts the container.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new(r"self.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])+[a-z]([-a-z0-9]*[a-z0-9])?$')").message("tls.hostname must be a DNS name in lower case with a dot in it, such as churn.ml.corp"))]
    pub hostname: String,
}

/// Whether a feature is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Switch {
    /// On.
    Enabled,
    /// Off.
    #[default]
    Disabled,
}

/// What the web service records about its requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Telemetry {
    /// Whether to send requests and logs to the Application Insights of the workspace. Defaults to `Disabled`. A change
    /// restarts the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_insights: Option<Switch>,
    /// Whether to store inputs and predictions in the storage account of the workspace. Defaults to `Disabled`. A
    /// change deletes and creates the web service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_collection: Option<Switch>,
}

/// How the data of the container group is encrypted. A change deletes and creates the web service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// Your own key in Azure Key Vault.
    pub key_vault_key: KeyVaultKey,
}

/// A version of a key in Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct KeyVaultKey {
    /// URL of the vault, such as `https://kv.vault.azure.net`.
    #[serde(rename = "vaultBaseURL")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = rules::vault_url())]
    pub vault_base_url: String,
    /// Name of the key.
    #[schemars(length(min = 1, max = 127))]
    #[x_kube(validation = rules::vault_key_name())]
    pub name: String,
    /// Version of the key.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::vault_key_version())]
    pub version: String,
}
