//! The two CRDs as they are installed.

use crate::{AciVnetDeployment, DelegatedSubnet};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSON};
use kube::CustomResourceExt;
use schemars::Schema;
use serde_json::{Value, json};

/// Both CRDs, with a default for `status` that keeps kstatus from taking a new object for a current one.
pub fn crds() -> [CustomResourceDefinition; 2] {
    [unseen_by_default(AciVnetDeployment::crd()), unseen_by_default(DelegatedSubnet::crd())]
}

fn unseen_by_default(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        let status = schema.and_then(|schema| schema.properties.as_mut()).and_then(|all| all.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(JSON(json!({"observedGeneration": -1})));
            status.nullable = None;
        }
    }
    crd
}

/// Prefers the description of an optional field to that of its enum. `schemars` writes such a field as `anyOf` the enum
/// and null, and kube's `OptionalEnum` lets everything of the enum, its description included, replace that of the
/// field.
pub(crate) fn own_text(schema: &mut Schema) {
    let Some(field) = schema.as_object_mut().filter(|field| field.contains_key("description")) else { return };
    let first = field.get_mut("anyOf").and_then(Value::as_array_mut).and_then(|all| all.first_mut());
    if let Some(Value::Object(of_type)) = first {
        of_type.remove("description");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of all optional enums, with their places.
    fn optional_enums(schema: &Value, place: &str, found: &mut Vec<(String, String)>) {
        if schema["nullable"] == true && schema["enum"].is_array() {
            found.push((place.to_owned(), schema["description"].as_str().unwrap_or_default().to_owned()));
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            optional_enums(member, &format!("{place}.{name}"), found);
        }
        if schema["items"].is_object() {
            optional_enums(&schema["items"], place, found);
        }
    }

    #[test]
    fn a_field_speaks_for_itself() {
        let mut found = Vec::new();
        for crd in crds() {
            let crd = serde_json::to_value(crd).unwrap();
            optional_enums(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "", &mut found);
        }
        let of = |place: &str| found.iter().find(|(at, _)| at == place).map(|(_, text)| text.as_str());
        for (place, words) in [
            (".spec.telemetry.applicationInsights", "Defaults to `Disabled`"),
            (".spec.clientSubnet.computeInstance.publicIP", "private endpoint"),
            (".spec.drift.mode", "Defaults to `Correct`"),
        ] {
            assert!(of(place).is_some_and(|text| text.contains(words)), "{place}: {:?}", of(place));
        }
        for text in ["Whether a feature is on.", "Whether a change may delete a resource and create it again."] {
            assert!(found.iter().all(|(_, own)| own != text), "{text} is told of a type, not of a field");
        }
    }
}
