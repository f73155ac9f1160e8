//! The request that proves the endpoint.

use super::{ConfigMapKey, FileSource};
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// JSON that the answer must contain: an object may have further members, an array must have as many items, numbers may
    /// differ by the tolerance. An answer of more than 64 KiB, or with NaN, is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_contains: Option<JsonContains>,
    /// Regular expression (RE2, without classes of Unicode) that must match somewhere in the answer, of which the first 16
    /// KiB are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("''.matches(self) in [true, false]").message("must be a regular expression (RE2)"))]
    pub body_matches: Option<String>,
}

/// JSON that an answer must contain: set exactly one of `value` and `configMap`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct JsonContains {
    /// Any JSON but null, of at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_json")]
    pub value: Option<Value>,
    /// A file with JSON, of at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapKey>,
    /// By how much numbers may differ, absolutely or as a part of the expected number, whichever allows more: a number or
    /// its text, such as "1e-6", from 0 to 1; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_json")]
    pub tolerance: Option<Value>,
}

/// JSON of any form, with the text of the field.
fn any_json(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}
