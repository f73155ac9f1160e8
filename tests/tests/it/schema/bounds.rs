//! Every bound of the schema refuses what lies beyond it. The bounds are read from the definitions, so that a new one
//! is tried without a new test; the examples together must set every field.

use super::create;
use acivnet_tests::{
    examples::{self, Object},
    kube_bed::KubeBed,
    run,
};
use serde_json::{Value, json};

/// One thing that the schema forbids: where, and an example that does it.
struct Breach {
    what: String,
    example: Object,
}

#[test]
fn subnet() {
    let full = examples::full_subnet();
    let by_id = full.clone().with("/spec/egress/natGateway", json!({"id": examples::network_id("natGateways/hub")}));
    run(every_bound_refuses("delegatedsubnets", &[full, by_id]));
}

#[test]
fn deployment() {
    let from_secret = json!([examples::from_secret()]);
    let from_secret = examples::full_deployment().with("/spec/scoring/environmentVariables", from_secret);
    let full = [examples::full_deployments().as_slice(), &[from_secret]].concat();
    run(every_bound_refuses("acivnetdeployments", &full));
}

/// `full` are examples that set every field; where two exclude each other it takes two.
async fn every_bound_refuses(plural: &str, full: &[Object]) {
    let bed = KubeBed::shared().await;
    let namespace = bed.namespace("bounds").await;
    for one in full {
        assert_eq!(create(bed, &namespace, one).await, Ok(()), "an example that sets every field");
    }
    let spec = spec_schema(plural);
    let mut breaches = Vec::new();
    walk(&spec, "/spec", full, &mut breaches);
    assert!(breaches.len() > 40, "{} bounds were found", breaches.len());
    let mut wrong = Vec::new();
    for Breach { what, example } in breaches {
        let (path, _) = what.split_once(' ').expect("path and keyword");
        let field = field_path(path);
        match create(bed, &namespace, &example).await {
            Err(message) if message.contains(&field) => {}
            answer => wrong.push(format!("{what}: {answer:?}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "bounds that do not hold, or whose refusal does not name the field:\n{}",
        wrong.join("\n")
    );
}

fn spec_schema(plural: &str) -> Value {
    let crds = acivnet_api::crds();
    let crd = crds.iter().find(|crd| crd.spec.names.plural == plural).expect("a definition");
    let crd = serde_json::to_value(crd).expect("JSON");
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").expect("a schema of spec").clone()
}

/// `/spec/azure/tags/0/name` as the API server writes it: `spec.azure.tags[0].name`.
fn field_path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(at) => path.push_str(&format!("[{at}]")),
            Err(_) if path.is_empty() => path.push_str(part),
            Err(_) => path.push_str(&format!(".{part}")),
        }
    }
    path
}

fn walk(schema: &Value, at: &str, all: &[Object], breaches: &mut Vec<Breach>) {
    let sets = all.iter().find_map(|full| Some((full, full.0.pointer(at)?)));
    let (full, stands) = sets.unwrap_or_else(|| panic!("no full example sets {at}"));
    let mut add =
        |place: &str, what: &str, example: Object| breaches.push(Breach { what: format!("{place} {what}"), example });
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64).map(|number| number as i64);
    let length = |keyword: &str| number(keyword).map(|number| usize::try_from(number).expect("a length"));
    if let Some(longest) = length("maxLength") {
        add(at, "maxLength", full.clone().with(at, "a".repeat(longest + 1)));
    }
    if let Some(shortest) = length("minLength") {
        add(at, "minLength", full.clone().with(at, "a".repeat(shortest - 1)));
    }
    if schema.get("pattern").is_some() {
        let odd = "é!".repeat(length("minLength").unwrap_or(1).div_ceil(2));
        add(at, "pattern", full.clone().with(at, odd));
    }
    if schema.get("enum").is_some() {
        add(at, "enum", full.clone().with(at, "Nonsense"));
    }
    if let Some(least) = number("minimum") {
        add(at, "minimum", full.clone().with(at, least - 1));
    }
    if let Some(most) = number("maximum") {
        add(at, "maximum", full.clone().with(at, most + 1));
    }
    if let Some(most) = length("maxItems") {
        add(at, "maxItems", full.clone().with(at, many(&stands[0], most + 1)));
    }
    if schema.get("x-kubernetes-list-type").and_then(Value::as_str) == Some("map") {
        let twice = json!([stands[0], stands[0]]);
        add(&format!("{at}/1"), "duplicate key", full.clone().with(at, twice));
    }
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let place = format!("{at}/{}", required.as_str().expect("a name"));
        add(&place, "required", full.clone().without(&place));
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(property, &format!("{at}/{name}"), all, breaches);
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{at}/0"), all, breaches);
    }
}

/// Items with different names, or different texts.
fn many(item: &Value, count: usize) -> Value {
    let numbered = |at: usize| match item {
        Value::Object(item) if item.contains_key("service") => {
            json!({"service": format!("Microsoft.N{}", "a".repeat(at))})
        }
        Value::Object(_) => Object(item.clone()).with("/name", format!("n{at}")).0,
        _ => json!(format!("10.{at}.0.0/16")),
    };
    (0..count).map(numbered).collect()
}
