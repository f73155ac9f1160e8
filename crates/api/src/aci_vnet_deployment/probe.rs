//! The sample request.

use super::{ConfigMapKey, FileSource};
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A sample request that the endpoint must answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(has(self.timeoutSeconds) ? self.timeoutSeconds : 10) < (has(self.intervalSeconds) ? self.intervalSeconds : 300)").message("timeoutSeconds must be less than intervalSeconds"))]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The request body, sent as `application/json`.
    pub request: FileSource,
    /// The answer that counts as success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<ProbeExpectation>,
    /// Seconds between two probes. Defaults to 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 86400))]
    pub interval_seconds: Option<i32>,
    /// Seconds to wait for an answer. Defaults to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: Option<i32>,
}

/// The answer that counts as success.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeExpectation {
    /// HTTP status. Defaults to 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status_code: Option<i32>,
    /// JSON that the answer must contain. Objects may have further members, arrays must have the same length, and
    /// numbers may differ by the tolerance. An answer larger than 64 KiB, or one with NaN, fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_contains: Option<JsonContains>,
    /// A regular expression (RE2, without Unicode classes) that must match somewhere in the first 16 KiB of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("''.matches(self) in [true, false]").message("must be a regular expression (RE2)"))]
    pub body_matches: Option<String>,
}

/// JSON that the answer must contain. Set exactly one of `value` and `configMap`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct JsonContains {
    /// Any JSON value except null, at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_json")]
    pub value: Option<Value>,
    /// A file that contains JSON, at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapKey>,
    /// How far numbers may differ: absolutely, or relative to the expected number, whichever allows more. A number from
    /// 0 to 1, or its text, such as "1e-6". Defaults to 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_json")]
    pub tolerance: Option<Value>,
}

/// Any JSON; the description is that of the field.
fn any_json(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}
