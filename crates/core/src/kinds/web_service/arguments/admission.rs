//! What the API server admits for a field, read from the schema, for people.

use acivnet_api::crds;
use serde_json::Value;

/// The schema of `spec` of a kind: 0 is `AciVnetDeployment`, 1 is `DelegatedSubnet`.
fn spec(kind: usize) -> Value {
    let crd = crds().into_iter().nth(kind).and_then(|crd| serde_json::to_value(crd).ok()).unwrap_or_default();
    let spec = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    spec.cloned().unwrap_or_default()
}

/// What is admitted at a path of the spec.
pub(super) fn of(kind: usize, field: &str) -> String {
    let spec = spec(kind);
    let node = field.split('.').try_fold(&spec, |at, name| at.get("properties")?.get(name));
    let (root, leaf) = (field.split('.').next().unwrap_or(field), field.rsplit('.').next().unwrap_or(field));
    let of_all = messages(&spec).into_iter().filter(|text| text.starts_with(root) && text.contains(leaf));
    let own = node.map(bounds).unwrap_or_default().into_iter();
    let all: Vec<String> = own.chain(between(&spec, field)).chain(of_all).collect();
    if all.is_empty() { "–".into() } else { all.join("; ") }
}

/// Rules of the objects that contain a field, if they name the next member on the path to it.
fn between(spec: &Value, field: &str) -> Vec<String> {
    let names: Vec<&str> = field.split('.').collect();
    let member = |at: &Value, name: &str| at.get("properties")?.get(name).cloned();
    let mut found = Vec::new();
    let mut at = names.first().and_then(|name| member(spec, name));
    for name in names.iter().skip(1) {
        let rules = at.as_ref().map(messages).unwrap_or_default();
        found.extend(rules.into_iter().filter(|text| text.contains(name)));
        at = at.and_then(|at| member(&at, name));
    }
    found
}

fn bounds(schema: &Value) -> Vec<String> {
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    let choice = schema.get("enum").and_then(Value::as_array).map(|all| {
        let all: Vec<String> = all.iter().filter_map(Value::as_str).map(|one| format!("`{one}`")).collect();
        all.join(" or ")
    });
    let many = number("maxItems").map(|most| format!("at most {most}"));
    let long = number("maxLength").map(|most| format!("at most {most} characters"));
    let shape =
        schema.get("pattern").and_then(Value::as_str).map(|pattern| format!("`{}`", pattern.replace('|', "\\|")));
    let own = [choice, many, long, shape].into_iter().flatten().chain(messages(schema));
    own.chain(members(schema)).collect()
}

/// Bounds of an object's members and of a list's items.
fn members(schema: &Value) -> Vec<String> {
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let members = members.filter_map(|(name, member)| {
        let bounds = bounds(member).join(", ");
        (!bounds.is_empty()).then(|| format!("`{name}` {bounds}"))
    });
    let items = schema.get("items").map(bounds).unwrap_or_default();
    members.chain(items).collect()
}

fn messages(schema: &Value) -> Vec<String> {
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
    rules.filter_map(|rule| rule.get("message")?.as_str().map(str::to_owned)).collect()
}
