//! The arguments of `AciWebservice.deploy_configuration` (azureml-core 1.61) and the field for each. The reference is
//! written from this table, and tests compare it with the schema and the scenarios.

mod admission;

use super::{WEB_SERVICE, keys::SERVICE_KEYS};
use crate::{
    drift::Rule,
    kind::{Change, Kind},
};

/// An argument of the SDK.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name in the SDK.
    pub sdk: &'static str,
    /// The field for it.
    pub maps: Maps,
}

/// The field for an argument, if there is one.
#[derive(Clone, Copy, Debug)]
pub enum Maps {
    /// A field of the `AciVnetDeployment`.
    To {
        /// Path in the spec.
        field: &'static str,
        /// Path in the body that is written to Azure.
        azure: &'static str,
        /// The scenario of the interruption tests in which it is written.
        scenario: &'static str,
    },
    /// A field of the `DelegatedSubnet`, which can't change.
    Subnet {
        /// Path in the spec of the `DelegatedSubnet`.
        field: &'static str,
        /// Path in the body that is written to Azure.
        azure: &'static str,
    },
    /// No field, for this reason.
    Refused(&'static str),
}

const fn to(sdk: &'static str, field: &'static str, azure: &'static str, scenario: &'static str) -> Argument {
    Argument { sdk, maps: Maps::To { field, azure, scenario } }
}

const fn by_subnet(sdk: &'static str, field: &'static str, azure: &'static str) -> Argument {
    Argument { sdk, maps: Maps::Subnet { field, azure } }
}

const fn refused(sdk: &'static str, why: &'static str) -> Argument {
    Argument { sdk, maps: Maps::Refused(why) }
}

const CERTIFICATE: &str = "tls.secretRef";
const SECRET: &str = "auth.keys.secretRef";
const VAULT_KEY: &str = "encryption.keyVaultKey";

/// All arguments, in the SDK's order.
pub const ARGUMENTS: &[Argument] = &[
    to("cpu_cores", "resources.cpu", "containerResourceRequirements.cpu", "cpu with approval"),
    to("memory_gb", "resources.memory", "containerResourceRequirements.memoryInGB", "more memory"),
    to("tags", "azure.tags", "kvTags", "tag"),
    to("properties", "backend.azureMLWebService.properties", "properties", "telemetry"),
    to("description", "description", "description", "drift: service tags"),
    by_subnet("location", "azure.location", "location"),
    to("auth_enabled", "auth.type", "authEnabled", "keys and variables from Secrets"),
    to("ssl_enabled", "tls", "sslEnabled", "tls off"),
    to("enable_app_insights", "telemetry.applicationInsights", "appInsightsEnabled", "telemetry"),
    to("ssl_cert_pem_file", CERTIFICATE, "sslCertificate", "tls renewed"),
    to("ssl_key_pem_file", CERTIFICATE, "sslKey", "tls renewed"),
    to("ssl_cname", "tls.hostname", "cname", "tls create"),
    refused("dns_name_label", "a container group in a virtual network has no public name"),
    to("primary_key", SECRET, "primary", "keys rotated"),
    to("secondary_key", SECRET, "secondary", "keys rotated"),
    to("collect_model_data", "telemetry.dataCollection", "dataCollection", "data collection"),
    to("cmk_vault_base_url", VAULT_KEY, "encryptionProperties.vaultBaseUrl", "data collection"),
    to("cmk_key_name", VAULT_KEY, "encryptionProperties.keyName", "data collection"),
    to("cmk_key_version", VAULT_KEY, "encryptionProperties.keyVersion", "data collection"),
    by_subnet("vnet_name", "virtualNetwork.name", "vnetConfiguration.vnetName"),
    by_subnet("subnet_name", "subnet.name", "vnetConfiguration.subnetName"),
];

/// The kind whose body has a path.
fn kind(azure: &str) -> &'static Kind {
    if matches!(azure, "primary" | "secondary") { &SERVICE_KEYS } else { &WEB_SERVICE }
}

/// The cost of a change, for people.
fn change(azure: &str) -> &'static str {
    match (kind(azure).change)(azure) {
        Change::Live if azure == "properties" => "Live; add-only",
        Change::Live => "Live",
        Change::Roll => "Roll",
        Change::Replace => "Replace",
    }
}

/// How a path is compared with Azure's body, for people.
fn drift(azure: &str) -> &'static str {
    if kind(azure) == &SERVICE_KEYS {
        return "compared when the Secret changed, a probe was refused, or a reconcile is requested";
    }
    let root = azure.split('.').next().unwrap_or_default();
    let at = |path: &str| WEB_SERVICE.rules.iter().find(|rule| rule.path() == path);
    match at(azure).or_else(|| at(root)) {
        None if azure == "properties" => "ours are compared",
        None => "compared",
        Some(Rule::Loose(_)) => "compared without regard to case and spaces",
        Some(Rule::Keys(_) | Rule::Tags(_)) => "ours are compared, and those once ours",
        Some(Rule::IfAnswered(_)) => "compared when Azure answers it",
        Some(Rule::Exact(..) | Rule::Subset(..)) => "compared as a set",
        Some(Rule::Sole(..) | Rule::Among(..)) => "compared in either form",
        Some(Rule::WriteOnly(_)) => "not answered by Azure; the tag `acivnet-tls` shows what was sent",
    }
}

/// A row: field, what the API server admits, member of the request, change, drift, scenario.
fn row(argument: &Argument) -> String {
    let cells = match argument.maps {
        Maps::To { field, azure, scenario } => [
            format!("`{field}`"),
            admission::of(0, field),
            format!("`{azure}`"),
            change(azure).into(),
            drift(azure).into(),
            scenario.into(),
        ],
        Maps::Subnet { field, azure } => [
            format!("`{field}` of the `DelegatedSubnet`"),
            admission::of(1, field),
            format!("`{azure}`"),
            "never".into(),
            drift(azure).into(),
            "article create".into(),
        ],
        Maps::Refused(why) => {
            let none = "–".to_owned();
            [format!("none: {why}"), none.clone(), none.clone(), none.clone(), none.clone(), none]
        }
    };
    format!("| `{}` | {} |", argument.sdk, cells.join(" | "))
}

/// The reference, in Markdown.
pub fn reference() -> String {
    let rows: Vec<String> = ARGUMENTS.iter().map(row).collect();
    format!(
        "# The arguments of `AciWebservice.deploy_configuration`\n\n\
         What each argument of the Azure ML SDK v1 is in an `AciVnetDeployment`. Live: no container is touched. Roll: the \
         container starts anew. Replace: the web service is deleted and created, once the plan is approved. `status.drift` \
         and events name the member of the request, `status.plan` the field. Written from \
         `crates/core/src/kinds/web_service/arguments/mod.rs` by the test `generated` under `ACIVNET_BLESS=1`; do not edit.\n\n\
         | argument | field | the API server admits | in the request | change | drift | scenario in the interruption \
         tests |\n|---|---|---|---|---|---|---|\n{}\n",
        rows.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_are_told_once() {
        let names: BTreeSet<&str> = ARGUMENTS.iter().map(|one| one.sdk).collect();
        assert_eq!((names.len(), ARGUMENTS.len()), (21, 21));
    }
}
