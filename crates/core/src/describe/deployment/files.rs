//! Files of ConfigMaps as uploads, and the causes if one is missing.

use crate::{
    blueprint::{Payload, PayloadSource},
    failure::Cause,
    observed::{Fact, Observed},
    questions::Question,
};
use acivnet_api::{ConfigMapKey, conditions::reasons};
use serde_json::Value;

/// An upload, from a fact with digest and size. The container's name comes from the content, so that a second upload
/// finds the first.
pub(super) fn payload(path: &str, source: PayloadSource, fact: &Value) -> Option<Payload> {
    let digest = fact.get("digest")?.as_str()?.to_owned();
    let (container, path) = (container(&digest), path.to_owned());
    Some(Payload { source, container, path, digest, size: fact.get("size")?.as_u64()? })
}

/// Artifact container for content with this digest.
pub(super) fn container(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    format!("acivnet-{}", hex.get(..32).unwrap_or(hex))
}

/// A file of a ConfigMap, as an upload.
pub(super) fn file(observed: &Observed, key: &ConfigMapKey, text: bool) -> Result<Payload, Cause> {
    let payload = |fact| payload(&key.key, PayloadSource::ConfigMap(key.clone()), &fact);
    match observed.fact(&Question::config_map(key.clone(), text)) {
        Fact::Present(fact) => payload(fact).ok_or_else(|| config_map_missing(key)),
        Fact::Absent => Err(config_map_missing(key)),
        Fact::Unread(failure) => Err(Cause::from(&failure)),
    }
}

/// A file is empty, and so of no use.
pub(super) fn empty(key: &ConfigMapKey, needs: &str) -> Cause {
    let message = format!("ConfigMap {} key {} is empty; {needs}", key.name, key.key);
    Cause::person(reasons::FILE_EMPTY, message)
}

/// A file that the spec names does not exist.
pub(super) fn config_map_missing(key: &ConfigMapKey) -> Cause {
    let (name, key) = (&key.name, &key.key);
    Cause::person(
        reasons::CONFIG_MAP_NOT_FOUND,
        format!("ConfigMap {name} with key {key} does not exist in this namespace; apply it, or correct the reference"),
    )
}

/// A ConfigMap of which all keys are needed does not exist.
pub(super) fn absent_map(name: &str) -> Cause {
    Cause::person(
        reasons::CONFIG_MAP_NOT_FOUND,
        format!("ConfigMap {name} does not exist in this namespace; apply it, or correct the reference"),
    )
}
