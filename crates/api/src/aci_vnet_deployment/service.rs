//! What else a web service may be told: authentication, telemetry and the key that its data is encrypted with.

use super::SecretRef;
use crate::rules;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.type == 'Key') == has(self.keys)").message("auth.keys goes with type: Key"))]
pub struct Auth {
    /// A change restarts the container.
    #[serde(rename = "type")]
    pub type_: AuthType,
    /// With `type: Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<AuthKeys>,
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuthType {
    /// Nothing.
    None,
    /// One of two keys, as `Authorization: Bearer`.
    Key,
}

/// Where the two keys are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthKeys {
    /// A Secret with the keys `primary` and `secondary`. When it is not there, Azure makes both and it is made with them.
    /// A changed one is carried to Azure, the secondary key first.
    pub secret_ref: SecretRef,
}

/// TLS of the scoring endpoint, which is then `https://{hostname}/score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// A Secret of type `kubernetes.io/tls` with the keys `tls.crt` and `tls.key`, and optionally `ca.crt`: the authorities
    /// that the probe trusts instead of the system's. A renewed certificate is carried to Azure and restarts the container.
    pub secret_ref: SecretRef,
    /// The name that clients dial, which the certificate has to be for. A change restarts the container.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new(r"self.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])+[a-z]([-a-z0-9]*[a-z0-9])?$')").message("tls.hostname must be a DNS name in lower case with a dot in it, such as churn.ml.corp"))]
    pub hostname: String,
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Switch {
    /// It is done.
    Enabled,
    /// It is not done.
    #[default]
    Disabled,
}

/// What the web service tells of its requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Telemetry {
    /// Requests and logs in the workspace's Application Insights; `Disabled` when absent. A change restarts the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_insights: Option<Switch>,
    /// Inputs and predictions in the workspace's storage; `Disabled` when absent. A change deletes and creates the web
    /// service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_collection: Option<Switch>,
}

/// How the container group's data is encrypted. A change deletes and creates the web service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// A key of one's own.
    pub key_vault_key: KeyVaultKey,
}

/// A version of a key in Azure Key Vault; all three or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct KeyVaultKey {
    /// Address of the vault, such as `https://kv.vault.azure.net`.
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
