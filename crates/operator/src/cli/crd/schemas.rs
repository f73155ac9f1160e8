//! The definitions as JSON schemas, for editors and for checks without a cluster.
//!
//! Names and form are those of the catalogue that yaml-language-server and kubeconform look into
//! (<https://github.com/datreeio/CRDs-catalog>): `<group>/<kind>_<version>.json`, in which an unknown member is refused.

use super::Document;
use acivnet_api::crds;
use serde_json::{Map, Value, json};

/// One schema for each kind and version. An error says what could not be written as JSON.
pub fn schemas() -> Result<Vec<Document>, String> {
    let mut documents = Vec::new();
    for crd in crds() {
        for version in &crd.spec.versions {
            let (group, kind) = (&crd.spec.group, &crd.spec.names.kind);
            let file = format!("{group}/{}_{}.json", kind.to_lowercase(), version.name);
            let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
            let schema = serde_json::to_value(schema).map_err(|error| format!("{file}: {error}"))?;
            let schema = whole(schema, kind, &format!("{group}/{}", version.name));
            let text = serde_json::to_string_pretty(&schema).map_err(|error| format!("{file}: {error}"))?;
            documents.push(Document { file, text: text + "\n" });
        }
    }
    Ok(documents)
}

/// The schema of an object with the members that each object of Kubernetes has.
fn whole(mut schema: Value, kind: &str, api_version: &str) -> Value {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("apiVersion".into(), json!({"enum": [api_version]}));
        properties.insert("kind".into(), json!({"enum": [kind]}));
        properties.insert("metadata".into(), json!({"type": "object"}));
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.extend([json!("apiVersion"), json!("kind"), json!("metadata")]);
    }
    let mut schema = plain(schema);
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        // Metadata is the API server's to judge.
        if let Some(metadata) = members.get_mut("properties").and_then(|properties| properties.get_mut("metadata")) {
            *metadata = json!({"type": "object"});
        }
    }
    schema
}

/// Without what only the API server knows, and with its refusal of unknown members.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => object(members),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        other => other,
    }
}

fn object(mut members: Map<String, Value>) -> Value {
    if members.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        members.remove("anyOf");
        members.insert("type".into(), json!(["integer", "string"]));
    }
    let open = members.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    members.retain(|name, _| !name.starts_with("x-kubernetes-"));
    if members.remove("nullable") == Some(Value::Bool(true)) {
        or_null(&mut members);
    }
    let schema_of_an_object =
        members.get("properties").is_some_and(Value::is_object) && members.get("type") == Some(&json!("object"));
    if schema_of_an_object && !open && !members.contains_key("additionalProperties") {
        members.insert("additionalProperties".into(), Value::Bool(false));
    }
    members.into_iter().map(|(name, value)| (name, plain(value))).collect()
}

fn or_null(members: &mut Map<String, Value>) {
    match members.get_mut("type") {
        Some(Value::Array(kinds)) => kinds.push("null".into()),
        Some(kind) => *kind = json!([kind.take(), "null"]),
        None => {}
    }
    if let Some(Value::Array(words)) = members.get_mut("enum") {
        words.push(Value::Null);
    }
}
