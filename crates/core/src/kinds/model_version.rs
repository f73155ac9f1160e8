//! A model version of Azure Machine Learning v1. Each registration creates a new version, so a version is found by the
//! properties that we give it: owner, key (owner, content, framework, properties) and digest. Properties never change.

use crate::{
    drift::{Difference, Rule, merged},
    id::ResourceId,
    kind::{Kind, Write},
    owner::{DIGEST_PROPERTY, KEY_PROPERTY, OWNER_TAG, Owner, sha256_hex},
};
use acivnet_api::{Model, ModelFramework};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap};

/// The kind.
pub static MODEL_VERSION: Kind = Kind {
    rules: &[
        Rule::Keys("kvTags"),
        Rule::WriteOnly("properties"),
        Rule::WriteOnly("framework"),
        Rule::WriteOnly("frameworkVersion"),
        Rule::WriteOnly("mimeType"),
        Rule::WriteOnly("unpack"),
        Rule::WriteOnly("datasets"),
    ],
    write: Write::Model,
    spec_field,
    ..Kind::machine_learning("ModelVersion", "Microsoft.MachineLearningServices/workspaces/models")
};

/// A field of the body as the spec calls it.
fn spec_field(path: &str) -> (String, &'static str) {
    let name = match path.strip_prefix("kvTags.") {
        Some(tag) => format!("model.tags[{tag}]"),
        None => format!("model.{path}"),
    };
    (name, "")
}

/// The id of a version that is not registered yet.
pub fn unregistered(workspace: &ResourceId, name: &str, key: &str) -> ResourceId {
    workspace.child("models", &format!("{name}@{}", key.get(..16).unwrap_or(key)))
}

/// Key of a version: there is one version per deployment and content.
pub fn key(owner: &Owner, model: &Model, digest: &str) -> String {
    let properties =
        model.properties.iter().map(|one| format!("{}={}", one.name, one.value)).collect::<Vec<_>>().join("\n");
    let framework = framework(model);
    let parts = [&owner.key, &model.name, digest, &framework, &properties];
    sha256_hex(&parts.map(str::as_bytes))
}

/// Framework and version as one text; empty if the spec names none.
fn framework(model: &Model) -> String {
    let version = model.framework_version.as_deref().map(|version| format!("={version}")).unwrap_or_default();
    model.framework.map(|framework| format!("{}{version}", framework.as_str())).unwrap_or_default()
}

/// Body of the registration, without `url` (Azure ML v1, `POST …/models`).
pub fn body(owner: &Owner, model: &Model, digest: &str) -> Value {
    let mut properties: Map<String, Value> =
        model.properties.iter().map(|one| (one.name.clone(), one.value.clone().into())).collect();
    properties.insert(OWNER_TAG.into(), owner.key.clone().into());
    properties.insert(KEY_PROPERTY.into(), key(owner, model, digest).into());
    properties.insert(DIGEST_PROPERTY.into(), digest.into());
    let tags: Map<String, Value> = model.tags.iter().map(|one| (one.name.clone(), one.value.clone().into())).collect();
    let mut body = json!({"name": model.name, "description": model.description, "mimeType": "application/json",
        "unpack": false, "datasets": [], "kvTags": tags, "properties": properties});
    let framework = model.framework.map(ModelFramework::as_str);
    let optional = [("framework", framework), ("frameworkVersion", model.framework_version.as_deref())];
    if let Value::Object(members) = &mut body {
        members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    body
}

/// The body of a registration, without `url`, as `azureml-core` 1.61 sends it: empty members are left out.
pub fn registration(body: &Value) -> Value {
    let mut body = body.clone();
    let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !empty(value));
    }
    body
}

/// The JSON patch that removes the differences. Only tags and description can change; tags are sent whole, with those of
/// others.
pub fn patch(body: &Value, actual: &Value, differs: &[Difference], written: &[String]) -> Value {
    let touched = |root: &str| differs.iter().any(|one| one.path == root || one.path.starts_with(&format!("{root}.")));
    let tags = |body: &Value| json!({"kvTags": body.get("kvTags")});
    let tags = merged(&tags(actual), &tags(body), MODEL_VERSION.rules, written);
    let values = [("kvTags", tags.get("kvTags")), ("description", body.get("description"))];
    let touched = values.into_iter().filter(|(root, _)| touched(root));
    touched.map(|(root, value)| json!({"op": "replace", "path": format!("/{root}"), "value": value})).collect()
}

/// The version number of a body, as text.
pub fn version(body: &Value) -> String {
    body.get("version")
        .map(|version| version.as_str().map_or_else(|| version.to_string(), str::to_owned))
        .unwrap_or_default()
}

/// `name:version` of a body, which is its id in the workspace.
pub fn label(body: &Value) -> String {
    format!("{}:{}", body.get("name").and_then(Value::as_str).unwrap_or_default(), version(body))
}

/// A property of a body.
pub fn property<'b>(body: &'b Value, name: &str) -> Option<&'b str> {
    body.get("properties")?.get(name)?.as_str()
}

/// The owner of ours that the text of a version names, if it does.
pub fn owner(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Version<'a> {
        #[serde(borrow)]
        properties: BTreeMap<Cow<'a, str>, &'a RawValue>,
    }
    let version: Version<'_> = serde_json::from_str(text).ok()?;
    serde_json::from_str(version.properties.get(OWNER_TAG)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::differences;

    fn model() -> Model {
        serde_json::from_value(json!({"name": "m", "source": {"configMap": {"name": "c", "key": "model.pkl"}},
            "tags": [{"name": "area", "value": "test"}], "properties": [{"name": "p", "value": "1"}]}))
        .unwrap()
    }

    #[test]
    fn tags_and_description_are_patched_properties_never() {
        let owner = Owner::new("c", "n", "d");
        let want = body(&owner, &model(), "sha256:1");
        let mut have = want.clone();
        have["version"] = 3.into();
        have["kvTags"] = json!({"area": "other", "policy": "x", "old": "y"});
        have["properties"]["old"] = "somebody's".into();
        have["mimeType"] = "x".into();
        let written = ["area".to_owned(), "old".to_owned()];
        let found = differences(&want, &have, MODEL_VERSION.rules, &written);
        let tags = json!({"area": "test", "policy": "x"});
        let expected = json!([{"op": "replace", "path": "/kvTags", "value": tags}]);
        assert_eq!(patch(&want, &have, &found, &written), expected);
        assert_eq!(version(&have), "3");
    }

    #[test]
    fn a_framework_is_sent_when_it_is_given_and_makes_another_key() {
        let owner = Owner::new("c", "n", "d");
        let with = |framework, version: Option<&str>| Model {
            framework,
            framework_version: version.map(str::to_owned),
            ..model()
        };
        let (onnx, keras) = (Some(ModelFramework::Onnx), Some(ModelFramework::TfKeras));
        let models = [with(None, None), with(onnx, None), with(onnx, Some("1.2")), with(keras, Some("1.2"))];
        let keys: std::collections::BTreeSet<_> = models.iter().map(|model| key(&owner, model, "d")).collect();
        assert_eq!(keys.len(), 4);
        let bodies = models.map(|model| body(&owner, &model, "d"));
        assert_eq!((bodies[0].get("framework"), bodies[1].get("frameworkVersion")), (None, None));
        assert_eq!((&bodies[3]["framework"], &bodies[3]["frameworkVersion"]), (&json!("TfKeras"), &json!("1.2")));
        for framework in [ModelFramework::Custom, ModelFramework::ScikitLearn, ModelFramework::Multi] {
            assert_eq!(serde_json::to_value(framework).unwrap(), framework.as_str());
        }
    }

    #[test]
    fn the_key_tells_owners_contents_and_properties_apart() {
        let key = |owner: &str, digest, model: &Model| key(&Owner::new(owner, "n", "d"), model, digest);
        let mut other = model();
        other.properties[0].value = "2".into();
        let keys = [key("a", "1", &model()), key("b", "1", &model()), key("a", "2", &model()), key("a", "1", &other)];
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(key("a", "1", &model()), keys[0]);
    }
}
