//! The request that proves the endpoint.

use super::FileSource;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The request that proves the endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(has(self.timeoutSeconds) ? self.timeoutSeconds : 10) < (has(self.intervalSeconds) ? self.intervalSeconds : 300)").message("timeoutSeconds must be less than intervalSeconds"))]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The body, sent as `application/json`.
    pub request: FileSource,
    /// What must come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<ProbeExpectation>,
    /// Seconds between two probes; 300 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 86400))]
    pub interval_seconds: Option<i32>,
    /// Seconds to wait for an answer; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: Option<i32>,
}

/// What must come back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeExpectation {
    /// HTTP status; 200 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status_code: Option<i32>,
}
