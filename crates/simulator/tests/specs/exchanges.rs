//! Which document speaks, and what is checked around the bodies.

use crate::{VERSION, checker, document, ok, request, send, violations, with_status};
use acivnet_simulator::error::{empty_response, set_header};
use acivnet_simulator::specs::{Checked, Checker, ScriptedAnswer};
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::Service;

const WORKSPACE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";

fn get(id: &str) -> Value {
    json!({"operationId": id, "responses": {"200": {}, "default": {"schema": {"$ref": "#/definitions/Error"}}}})
}

fn zones() -> Arc<Checker> {
    let mut of_type = get("OfType");
    of_type["parameters"] = json!([{"in": "path", "name": "type", "enum": ["A", "AAAA"]}]);
    let paths = json!({
        "/Zones/{zone}": {"get": get("Zone")},
        "/Zones/{zone}/{type}": {"get": of_type},
        "/Zones/{zone}/links": {"get": get("Links")},
    });
    let error = json!({"type": "object", "required": ["error"], "properties": {"error": {"type": "object"}}});
    checker(&[("zones.json", document(paths, json!({"Error": error})))])
}

#[tokio::test]
async fn the_path_and_the_version_say_which_operation_it_is() {
    let checker = zones();
    for path in ["/zones/a", "/ZONES/b/a", "/Zones/b/AAAA", "/Zones/b/Links", "/Zones/b/MX", "/Zones/b/A/c"] {
        send(&checker, request("GET", path, &Value::Null), ok(json!({}))).await;
    }
    let other = Request::get("/zones/a?api-version=2021-01-01").header("host", "localhost").body(Body::empty());
    send(&checker, other.unwrap(), ok(json!({}))).await;
    let ledger = checker.ledger();
    let operations = [("Links", 1), ("OfType", 2), ("Zone", 1)].map(|(name, times)| (name.to_owned(), times));
    assert_eq!(ledger.operations.into_iter().collect::<Vec<_>>(), operations);
    assert_eq!(ledger.covered, 4);
    let others = ["zones 2021-01-01", "zones/mx 2020-01-01", "zones/a 2020-01-01"];
    let counted: u64 = ledger.not_covered.values().sum();
    assert_eq!(counted, others.len() as u64, "{:?}", ledger.not_covered);
    assert_eq!(ledger.violations, []);
}

#[tokio::test]
async fn what_is_not_covered_is_told_by_type_and_version() {
    let checker = zones();
    let network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s";
    for path in [network, "/subscriptions/s/resourceGroups/g"] {
        send(&checker, request("GET", path, &Value::Null), ok(json!({}))).await;
    }
    let kinds = ["microsoft.network/virtualnetworks/subnets", "subscriptions/resourcegroups"];
    let expected = kinds.map(|kind| (format!("{kind} {VERSION}"), 1));
    assert_eq!(checker.ledger().not_covered.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_verb_that_is_not_described_has_to_be_refused() {
    for (verb, status, wrong) in [("PATCH", 200, true), ("PATCH", 405, false), ("HEAD", 200, false)] {
        let checker = zones();
        send(&checker, request(verb, "/zones/a", &Value::Null), with_status(status, json!({}))).await;
        assert_eq!(!violations(&checker).is_empty(), wrong, "{verb} {status}");
    }
}

#[tokio::test]
async fn statuses_and_errors() {
    for (status, body, why) in [
        (200, json!({}), None),
        (201, json!({}), Some("answer : status 201 Created is not one of 200, default")),
        (404, json!({"error": {}}), None),
        (404, json!({"code": "NotFound"}), Some("answer : \"error\" is a required property")),
        (500, json!({}), Some("answer : \"error\" is a required property")),
    ] {
        let checker = zones();
        send(&checker, request("GET", "/zones/a", &Value::Null), with_status(status, body)).await;
        assert_eq!(violations(&checker), why.into_iter().collect::<Vec<_>>(), "{status}");
    }
    let checker = zones();
    send(&checker, request("GET", "/zones/a", &Value::Null), || empty_response(StatusCode::BAD_GATEWAY)).await;
    assert!(violations(&checker)[0].contains("the body is not JSON"));
}

#[tokio::test]
async fn what_a_fault_scripts_is_not_the_simulators() {
    let checker = zones();
    send(&checker, request("GET", "/zones/a", &Value::Null), || {
        let mut response = empty_response(StatusCode::BAD_GATEWAY);
        response.extensions_mut().insert(ScriptedAnswer);
        response
    })
    .await;
    assert_eq!((violations(&checker), checker.ledger().scripted), (vec![], 1));
}

fn put(more: Value) -> Arc<Checker> {
    let mut put = json!({"operationId": "Put", "responses": {"200": {}, "201": {}, "202": {}, "default": {}}});
    put.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    checker(&[("a.json", document(json!({"/things/{name}": {"put": put}}), json!({})))])
}

#[tokio::test]
async fn parameters() {
    let checker = put(json!({"parameters": [
        {"in": "query", "name": "count", "type": "integer", "required": true},
        {"in": "query", "name": "order", "type": "string", "enum": ["Up", "Down"]},
        {"in": "query", "name": "all", "type": "boolean"},
        {"in": "header", "name": "If-Match", "type": "string", "required": true},
        {"in": "query", "name": "api-version", "type": "string", "required": true},
    ]}));
    for (query, why) in [
        ("count=1&order=up&all=False", vec![]),
        ("", vec!["query /count: it is required"]),
        ("count=x", vec!["query /count: value is not of type \"integer\""]),
        ("count=1&order=Left", vec!["query /order: value is not one of Up, Down"]),
        ("count=1&all=1", vec!["query /all: value is not of type \"boolean\""]),
    ] {
        let fresh = Arc::new(checker.afresh());
        let mut request = request("PUT", &format!("/things/a?{query}"), &Value::Null);
        request.headers_mut().insert("if-match", "x".parse().unwrap());
        send(&fresh, request, ok(json!({}))).await;
        assert_eq!(violations(&fresh), why, "{query}");
    }
    send(&checker, request("PUT", "/things/a?count=1", &Value::Null), ok(json!({}))).await;
    assert_eq!(violations(&checker), ["headers /If-Match: it is required"]);
}

#[tokio::test]
async fn a_request_that_is_refused_as_it_should_be_is_no_violation() {
    let checker =
        put(json!({"parameters": [{"in": "body", "name": "b", "required": true, "schema": {"type": "object"}}]}));
    send(&checker, request("PUT", "/things/a", &json!("text")), with_status(400, json!({}))).await;
    assert_eq!((violations(&checker), checker.ledger().refused), (vec![], 1));
    send(&checker, request("PUT", "/things/a", &json!("text")), ok(json!({}))).await;
    send(&checker, request("PUT", "/things/a", &Value::Null), ok(json!({}))).await;
    assert_eq!(violations(&checker), ["request : value is not of type \"object\"", "request : there is no body"]);
}

#[tokio::test]
async fn a_long_running_operation_can_be_followed() {
    let followed = json!({
        "x-ms-long-running-operation": true,
        "x-ms-long-running-operation-options": {"final-state-via": "azure-async-operation"},
        "responses": {"200": {}, "201": {}, "202": {"headers": {"Retry-After": {"type": "integer"}}}},
    });
    let done = json!({"properties": {"provisioningState": "Succeeded"}});
    for (status, body, missing) in [
        (200, json!({}), vec![]),
        (201, json!({}), vec!["/Azure-AsyncOperation"]),
        (201, done, vec![]),
        (202, json!({}), vec!["/Azure-AsyncOperation", "/Retry-After"]),
    ] {
        let checker = put(followed.clone());
        send(&checker, request("PUT", "/things/a", &Value::Null), with_status(status, body)).await;
        let found: Vec<_> = checker.ledger().violations.into_iter().map(|found| found.pointer).collect();
        assert_eq!(found, missing, "{status}");
    }
    let checker = put(followed);
    send(&checker, request("PUT", "/things/a", &Value::Null), || {
        let mut response = empty_response(StatusCode::ACCEPTED);
        set_header(&mut response, "azure-asyncoperation", "https://localhost/1");
        set_header(&mut response, "retry-after", "1");
        response
    })
    .await;
    assert_eq!(violations(&checker), Vec::<String>::new());
}

/// The data plane has no api-version, and the published layout of some paths is not the one that is used.
#[tokio::test]
async fn known_differences_are_counted_by_their_reason() {
    let published =
        WORKSPACE.replace("/s/", "/{s}/").replace("/g/", "/{g}/").replace("/workspaces/w", "/workspaces/{w}");
    let post = json!({
        "operationId": "Artifacts_BatchCreateEmptyArtifacts",
        "parameters": [{"in": "body", "name": "paths", "schema": {"type": "object"}}], "responses": {"200": {}},
    });
    let patch = json!({
        "operationId": "Services_Patch", "responses": {"200": {}},
        "parameters": [{"in": "body", "name": "p", "schema": {"type": "array", "items": {
            "type": "object", "properties": {"value": {"type": "object"}, "op": {"type": "string"}},
        }}}],
    });
    let paths = json!({
        (format!("/artifact/v2.0{published}/artifacts/{{origin}}/{{container}}/batch/metadata")): {"post": post},
        (format!("/modelmanagement/v1.0{published}/services/{{id}}")): {"patch": patch, "get": get("Get")},
    });
    let document = json!({"swagger": "2.0", "info": {"version": "2019"}, "paths": paths});
    let checker = checker(&[("data.json", document)]);
    let services = format!("/modelmanagement/v1.0{WORKSPACE}/services");
    for (verb, path, body) in [
        ("POST", format!("/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/c"), json!({})),
        ("PATCH", format!("{services}/a"), json!([{"op": "add", "value": "text"}])),
        ("POST", format!("{services}/validate"), json!({})),
        ("PATCH", format!("{services}/a"), json!([{"op": 1}])),
    ] {
        let request = Request::builder().method(verb).uri(path).header("host", "localhost");
        send(&checker, request.body(Body::from(body.to_string())).unwrap(), ok(json!({}))).await;
    }
    assert_eq!(violations(&checker), ["request /0/op: value is not of type \"string\""]);
    let ledger = checker.ledger();
    assert_eq!((ledger.differences.len(), ledger.unpublished.len(), ledger.covered), (2, 1, 3), "{ledger:?}");
}

#[tokio::test]
async fn bodies_pass_unchanged_and_the_report_is_read_by_http() {
    let checker = put(json!({}));
    #[derive(Clone)]
    struct Echo;
    impl Service<Request<Body>> for Echo {
        type Response = acivnet_simulator::error::Response;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: Request<Body>) -> Self::Future {
            std::future::ready(Ok(acivnet_simulator::error::Response::new(request.into_body())))
        }
    }
    let mut service = Checked::new(Echo, Some(checker));
    let Ok(answer) = service.call(request("PUT", "/things/a", &json!({"a": 1}))).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), r#"{"a":1}"#);
    let Ok(report) = service.call(Request::get("/simulator/specs").body(Body::empty()).unwrap()).await;
    let report: Value = serde_json::from_slice(&report.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!((&report["covered"], &report["violationCount"]), (&json!(1), &json!(0)));
    let mut off = Checked::new(Echo, None);
    let Ok(answer) = off.call(Request::get("/simulator/specs").body(Body::from("as it is")).unwrap()).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "as it is");
}
