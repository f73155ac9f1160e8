//! What is wrong with the values of a Secret, by key. Never a value.

use acivnet_core::secret_flaws::{Flaw, of};
use k8s_openapi::api::core::v1::Secret as KubernetesSecret;
use serde_json::{Map, Value};

/// The flaws of the keys that are asked for; none when they have none.
pub(super) fn by_key(secret: &KubernetesSecret, keys: &[&str]) -> Option<Value> {
    let flaw = |bytes: &[u8]| of(bytes).map(Flaw::name);
    let data = secret.data.iter().flatten().filter(|(key, _)| keys.contains(&key.as_str()));
    let found: Map<String, Value> =
        data.filter_map(|(key, bytes)| Some((key.clone(), flaw(&bytes.0)?.into()))).collect();
    (!found.is_empty()).then_some(Value::Object(found))
}
