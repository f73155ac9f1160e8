//! One request and its answer against what the documents say of them.

use super::differences::{ALLOWED, Allowed, OTHER_PATHS};
use super::documents::Documents;
use super::operations::{Answer, Found, Operation, Operations};
use super::schemas::{Flaw, Schema, Schemas};
use super::unknown;
use crate::call::Query;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeSet;

/// What all documents together say.
#[derive(Debug)]
pub struct Rules {
    operations: Operations,
}

/// A request whose path is described.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Verb.
    pub method: &'a Method,
    /// Decoded query.
    pub query: &'a Query,
    /// Headers of the request.
    pub headers: &'a HeaderMap,
    /// Body of the request.
    pub body: &'a [u8],
    /// Status of the answer.
    pub status: StatusCode,
    /// Headers of the answer.
    pub answer_headers: &'a HeaderMap,
    /// Body of the answer.
    pub answer_body: &'a [u8],
}

/// What the documents say of a request before it is sent on.
#[derive(Debug, Clone, Copy)]
pub enum Matter<'a> {
    /// It is this operation; perhaps under a path that another list names.
    Described(&'a Operation, Option<&'static str>),
    /// The path is described, but not with this verb.
    OtherVerbs(&'a Operation),
    /// It is not described, for a known reason.
    Unpublished(&'static str),
    /// It is not described.
    NotCovered,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong, each with the part that it is wrong in: `query`, `request`, `answer`.
    pub flaws: Vec<(&'static str, Flaw)>,
    /// Flaws that are known differences.
    pub allowed: Vec<&'static Allowed>,
    /// Members that are not described, each with the part: `request`, `answer`.
    pub unknown: BTreeSet<(&'static str, String)>,
}

impl Rules {
    /// Reads what the documents say.
    ///
    /// # Errors
    /// Says which definition or body is not a schema.
    pub fn read(documents: &Documents) -> Result<Self, String> {
        let schemas = Schemas::translate(documents)?;
        Ok(Self { operations: Operations::read(documents, &schemas)? })
    }

    /// How many operations are described.
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// What the documents say of a request.
    pub fn matter(&self, method: &Method, path: &str, query: &Query) -> Matter<'_> {
        let other = OTHER_PATHS.iter().find(|other| other.method == method && other.sent.matches(path).is_some());
        if let Some(other) = other {
            let published = other.published.as_ref().map(|path| self.operations.described(method, path));
            return match published {
                Some(Some(operation)) => Matter::Described(operation, Some(other.reason)),
                Some(None) => Matter::NotCovered,
                None => Matter::Unpublished(other.reason),
            };
        }
        match self.operations.find(method, path, query) {
            Found::Operation(operation) => Matter::Described(operation, None),
            Found::OtherVerbs(operation) => Matter::OtherVerbs(operation),
            Found::Nothing => Matter::NotCovered,
        }
    }
}

impl Findings {
    /// Keeps a flaw, or that a known difference was met.
    fn add(&mut self, operation: &Operation, part: &'static str, flaw: Flaw) {
        match ALLOWED.iter().find(|known| known.is(&operation.id, &flaw.pointer, &flaw.keyword)) {
            Some(known) => self.allowed.push(known),
            None => self.flaws.push((part, flaw)),
        }
    }

    fn body(&mut self, operation: &Operation, part: &'static str, schema: &Schema, body: &[u8]) {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => {
                let message = format!("the body is not JSON: {error}");
                return self.add(operation, part, Flaw::new(String::new(), "type", message));
            }
        };
        schema.flaws(&body).into_iter().for_each(|flaw| self.add(operation, part, flaw));
        self.unknown.extend(unknown::members(schema, &body).into_iter().map(|pointer| (part, pointer)));
    }
}

/// The request alone. `has_own_path` says that the path is not the published one: what is a parameter of the query there
/// may be part of the path here.
pub fn request(operation: &Operation, exchange: &Exchange<'_>, has_own_path: bool, findings: &mut Findings) {
    for parameter in &operation.parameters {
        let value = match parameter.is_header {
            true => exchange.headers.get(&parameter.name).and_then(|value| value.to_str().ok()),
            false => exchange.query.get(&parameter.name),
        };
        let flaw = match value {
            None if parameter.required && !has_own_path => Some(("required", "it is required".to_owned())),
            None => None,
            Some(value) => parameter.refuses(value).map(|why| ("type", why)),
        };
        if let Some((keyword, why)) = flaw {
            let flaw = Flaw::new(format!("/{}", parameter.name), keyword, why);
            findings.add(operation, if parameter.is_header { "headers" } else { "query" }, flaw);
        }
    }
    match &operation.body {
        Some((_, false)) if exchange.body.is_empty() => {}
        Some(_) if exchange.body.is_empty() => {
            findings.add(operation, "request", Flaw::new(String::new(), "required", "there is no body".to_owned()));
        }
        Some((schema, _)) => findings.body(operation, "request", schema, exchange.body),
        None => {}
    }
}

/// The answer alone.
pub fn answer(operation: &Operation, exchange: &Exchange<'_>, findings: &mut Findings) {
    let status = exchange.status;
    let is_error = status.is_client_error() || status.is_server_error();
    let described = operation.answers.get(status.as_str());
    let described = described.or_else(|| operation.answers.get("default").filter(|_| is_error));
    match described {
        Some(described) => {
            if let Some(schema) = described.body.as_ref().filter(|_| exchange.method != Method::HEAD) {
                findings.body(operation, "answer", schema, exchange.answer_body);
            }
            for flaw in headers(operation, described, exchange) {
                findings.add(operation, "answer", flaw);
            }
        }
        // Where errors are not described at all, nothing says that this one is wrong.
        None if is_error => {}
        None => {
            let known: Vec<&str> = operation.answers.keys().map(String::as_str).collect();
            let message = format!("status {status} is not one of {}", known.join(", "));
            findings.add(operation, "answer", Flaw::new(String::new(), "status", message));
        }
    }
}

/// Headers that a long-running operation is followed with: those that are described, and the one that its end is read
/// from. One that ends with its first answer needs none.
fn headers(operation: &Operation, described: &Answer, exchange: &Exchange<'_>) -> Vec<Flaw> {
    let goes_on = exchange.status == StatusCode::ACCEPTED
        || (exchange.status == StatusCode::CREATED && !has_ended(exchange.answer_body));
    if !operation.is_long_running || !goes_on {
        return Vec::new();
    }
    let named = described.headers.iter().map(String::as_str).chain(operation.followed_by);
    let missing: BTreeSet<&str> = named.filter(|name| !exchange.answer_headers.contains_key(*name)).collect();
    let flaw = |name: &str| Flaw::new(format!("/{name}"), "headers", "the header is missing".to_owned());
    missing.into_iter().map(flaw).collect()
}

fn has_ended(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let state = body.pointer("/properties/provisioningState").and_then(Value::as_str);
    ["Succeeded", "Failed", "Canceled"].iter().any(|end| state.is_some_and(|state| state.eq_ignore_ascii_case(end)))
}
