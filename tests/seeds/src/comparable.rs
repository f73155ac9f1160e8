//! The part of an end state that has to be the same whatever happened before.
//!
//! Two ways to the same wish leave different traces that can't be undone, or that count how often something was wanted:
//! model versions and what Azure ML never deletes (assets, artifacts, images, environments), generations, revisions, etags.
//! They are left out, and a model version is named by the digest of its content.

use acivnet_tests::in_process::end_state::EndState;
use regex_lite::Regex;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::OnceLock};

/// Members that count something, or derive from a count.
const COUNTED: [&str; 10] = [
    "etag",
    "generation",
    "observedGeneration",
    "settledGeneration",
    "revision",
    "revisionDigest",
    "acivnet-content",
    "moves",
    "operationId",
    "version",
];

/// The comparable part of an end state.
pub fn comparable(end: &EndState) -> EndState {
    let digests = digests(&end.azure);
    let common = |value: &Value| common(value, &digests);
    EndState {
        azure: json!({"resources": common(&end.azure["resources"]), "services": common(&end.azure["services"])}),
        kubernetes: json!({
            "delegatedsubnets": common(&end.kubernetes["delegatedsubnets"]),
            "acivnetdeployments": common(&end.kubernetes["acivnetdeployments"]),
            "secrets": common(&end.kubernetes["secrets"]),
            "serviceaccounts": common(&end.kubernetes["serviceaccounts"]),
        }),
    }
}

/// What is in which version of a model, by `name:version`.
fn digests(azure: &Value) -> BTreeMap<String, String> {
    let models = azure["models"].as_array().into_iter().flatten();
    models
        .filter_map(|model| {
            let digest = model.pointer("/properties/acivnet-digest")?.as_str()?;
            Some((model["id"].as_str()?.to_owned(), digest.to_owned()))
        })
        .collect()
}

fn common(value: &Value, digests: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !COUNTED.contains(&name.as_str()));
            let kept = kept.map(|(name, value)| match name.as_str() {
                // one that serves is not exchanged for its name
                "delegations" => (name.clone(), services(value)),
                _ => (text(name, digests), common(value, digests)),
            });
            Value::Object(kept.collect::<Map<String, Value>>())
        }
        Value::Array(items) => {
            // older versions of models stay listed as long as they stand
            let kept = items.iter().filter(|item| item["kind"] != "ModelVersion");
            Value::Array(kept.map(|item| common(item, digests)).collect())
        }
        Value::String(found) => Value::String(text(found, digests)),
        other => other.clone(),
    }
}

/// To which services a subnet is delegated.
fn services(delegations: &Value) -> Value {
    let all = delegations.as_array().into_iter().flatten();
    all.map(|one| one["properties"]["serviceName"].clone()).collect()
}

fn text(found: &str, digests: &BTreeMap<String, String>) -> String {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(r"<id \d+>|\bmymodel:\d+\b").expect("a pattern"));
    let named = |found: &regex_lite::Captures<'_>| match digests.get(&found[0]) {
        Some(digest) => format!("mymodel@{digest}"),
        None if found[0].starts_with('<') => "<id>".to_owned(),
        None => format!("{} of unknown content", &found[0]),
    };
    pattern.replace_all(found, named).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(version: &str, digest: &str) -> EndState {
        let id = format!("mymodel:{version}");
        let models = json!([{"id": id, "properties": {"acivnet-digest": digest}}]);
        EndState {
            azure: json!({"models": models, "services": [{"name": "s", "modelIds": [id]}], "resources": {}}),
            kubernetes: json!({"acivnetdeployments": {"a": {"status": {"modelLabel": id, "observedGeneration": version}}}}),
        }
    }

    #[test]
    fn versions_do_not_differ_and_contents_do() {
        let one = comparable(&end("1", "sha256:a"));
        assert_eq!(one, comparable(&end("2", "sha256:a")));
        assert_eq!(one.differences(&comparable(&end("1", "sha256:b"))).len(), 2, "the service and the status");
    }
}
