//! Small documents of our own, one for each rule, with a service that answers what the test says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bodies;
mod exchanges;
mod real;

use acivnet_simulator::error::{Response, json_response};
use acivnet_simulator::specs::{Checked, Checker, Documents};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use tower::Service;

pub(crate) const VERSION: &str = "2020-01-01";

/// A document of Resource Manager with these paths and definitions.
pub(crate) fn document(paths: Value, definitions: Value) -> Value {
    json!({
        "swagger": "2.0", "info": {"version": VERSION, "title": "Test"}, "host": "management.azure.com",
        "paths": paths, "definitions": definitions,
    })
}

pub(crate) fn checker(files: &[(&str, Value)]) -> Arc<Checker> {
    let files = files.iter().map(|(name, document)| ((*name).to_owned(), document.clone()));
    Arc::new(Checker::new(&Documents::new(files.collect::<BTreeMap<_, _>>())).unwrap())
}

/// A checker of one PUT of a thing at `/things/{name}`, whose body is `schema` both ways.
pub(crate) fn of_a_thing(schema: Value, definitions: Value) -> Arc<Checker> {
    let put = json!({
        "operationId": "Put",
        "parameters": [{"in": "body", "name": "body", "required": true, "schema": schema}],
        "responses": {"200": {"schema": schema}, "default": {"schema": {"$ref": "#/definitions/Error"}}},
    });
    let mut definitions = definitions;
    definitions["Error"] = json!({"type": "object", "properties": {"error": {"type": "object"}}});
    checker(&[("a.json", document(json!({"/things/{name}": {"put": put}}), definitions))])
}

pub(crate) fn request(method: &str, path: &str, body: &Value) -> Request<Body> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let builder = Request::builder().method(method).uri(format!("{path}{separator}api-version={VERSION}"));
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    builder.header("host", "localhost:8443").body(body).unwrap()
}

/// Sends a request through the layer to a service that gives `answer`.
pub(crate) async fn send(
    checker: &Arc<Checker>,
    request: Request<Body>,
    answer: impl Fn() -> Response + Clone + Send + 'static,
) {
    let inner = tower_service(answer);
    let mut service = Checked::new(inner, Some(checker.clone()));
    let Ok(_) = service.call(request).await;
}

fn tower_service(
    answer: impl Fn() -> Response + Clone + Send + 'static,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static {
    #[derive(Clone)]
    struct Fixed<F>(F);
    impl<F: Fn() -> Response> Service<Request<Body>> for Fixed<F> {
        type Response = Response;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            std::future::ready(Ok((self.0)()))
        }
    }
    Fixed(answer)
}

pub(crate) fn ok(body: Value) -> impl Fn() -> Response + Clone + Send + 'static {
    with_status(200, body)
}

pub(crate) fn with_status(status: u16, body: Value) -> impl Fn() -> Response + Clone + Send + 'static {
    move || json_response(StatusCode::from_u16(status).unwrap(), &body)
}

/// `part pointer: message` of every violation.
pub(crate) fn violations(checker: &Checker) -> Vec<String> {
    let violations = checker.ledger().violations;
    violations.iter().map(|found| format!("{} {}: {}", found.part, found.pointer, found.message)).collect()
}

/// What is found in a PUT of a thing with these bodies.
pub(crate) async fn found(checker: &Arc<Checker>, body: Value, answer: Value) -> Vec<String> {
    let fresh = Arc::new(checker.afresh());
    send(&fresh, request("PUT", "/things/a", &body), ok(answer)).await;
    violations(&fresh)
}
