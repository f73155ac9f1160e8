//! Settings that can be changed at run time: limits, `Retry-After` of operations, durations.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Which limits refuse.
    pub limits: Limits,
    /// Whether the answers about an operation say when to look again.
    pub retry_after: bool,
    /// Whether Microsoft.Network honours `If-Match` on DELETE. No source says that it does, so by default it does not.
    pub if_match_on_delete: bool,
    /// Whether a provider's 4xx has `x-ms-failure-cause: service`. None of 403 recorded ones does, so by default it does
    /// not; the Resource Manager RPC lets it.
    pub provider_failure_cause: bool,
    /// Seconds in Azure, by name of the work: Azure's names for operations of Microsoft.Network (for example
    /// `PutSubnetOperation`), `DeleteResourceGroup`, `CreateContainerGroup`, `ContainerGroupTransition`,
    /// `CreateComputeInstance` (and `Delete…`, `Start…`, `Stop…`, `Restart…`), `UpsertPrivateDnsZone`,
    /// `UpsertVirtualNetworkLink` (and `Delete…`), and of a web service `BuildImage`, `FindImage`, `DeployService` and
    /// `DeleteService`.
    pub seconds: BTreeMap<String, f64>,
}

/// Which limits refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Resource Manager's token buckets.
    pub resource_manager: bool,
    /// Microsoft.Network's windows.
    pub network: bool,
    /// Windows and quota of Azure Container Instances. Off by default: the quota is low, and is raised on request.
    pub container_instances: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits { resource_manager: true, network: true, container_instances: false };
        Self {
            limits,
            retry_after: true,
            if_match_on_delete: false,
            provider_failure_cause: false,
            seconds: BTreeMap::new(),
        }
    }
}

/// A change of settings; absent members stay as they are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Change {
    limits: LimitsChange,
    retry_after: Option<bool>,
    if_match_on_delete: Option<bool>,
    provider_failure_cause: Option<bool>,
    seconds: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct LimitsChange {
    resource_manager: Option<bool>,
    network: Option<bool>,
    container_instances: Option<bool>,
}

impl Settings {
    /// Carries out a change.
    pub fn change(&mut self, change: Change) {
        let Change { limits, retry_after, if_match_on_delete, provider_failure_cause, seconds } = change;
        let known = &mut self.limits;
        known.resource_manager = limits.resource_manager.unwrap_or(known.resource_manager);
        known.network = limits.network.unwrap_or(known.network);
        known.container_instances = limits.container_instances.unwrap_or(known.container_instances);
        self.retry_after = retry_after.unwrap_or(self.retry_after);
        self.if_match_on_delete = if_match_on_delete.unwrap_or(self.if_match_on_delete);
        self.provider_failure_cause = provider_failure_cause.unwrap_or(self.provider_failure_cause);
        self.seconds.extend(seconds);
    }

    /// How long a work takes in Azure, in seconds.
    pub fn seconds(&self, work: &str, usual: f64) -> f64 {
        self.seconds.get(work).copied().filter(|seconds| seconds.is_finite() && *seconds >= 0.0).unwrap_or(usual)
    }
}
