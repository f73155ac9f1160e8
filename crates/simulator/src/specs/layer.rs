//! The layer around the simulator's service. `GET /simulator/specs` returns the findings; where nothing is checked,
//! there is no such path.

use super::check::{self, Exchange, Findings, Matter, Rules};
use super::documents::Documents;
use super::ledger::{Ledger, Violation};
use super::operations::Operation;
use super::schemas::Flaw;
use crate::call::{Path, Query};
use crate::error::{Response, json_response};
use crate::simulator::{ConnectionDropped, is_interface};
use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower::Service;

/// Path of the admin interface at which the findings are read.
const ADMIN: &str = "/simulator/specs";

/// Marks an answer, in its extensions, as a scripted fault's and not the simulator's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptedAnswer;

/// The rules of all documents, and what was found so far.
#[derive(Debug)]
pub struct Checker {
    rules: Arc<Rules>,
    /// Names of the documents, and references to what is not among them with their number of places.
    about: Value,
    ledger: Mutex<Ledger>,
}

/// A service whose exchanges are checked if there are documents.
#[derive(Debug, Clone)]
pub struct Checked<S> {
    inner: S,
    checker: Option<Arc<Checker>>,
}

impl Checker {
    /// Reads a folder of documents.
    ///
    /// # Errors
    /// Says which file can't be read or is not a description.
    pub fn read(folder: &FilePath) -> Result<Self, String> {
        Self::new(&Documents::read(folder)?)
    }

    /// Creates the layer from documents.
    ///
    /// # Errors
    /// Says why a description is invalid.
    pub fn new(documents: &Documents) -> Result<Self, String> {
        let rules = Rules::read(documents)?;
        let names: Vec<&str> = documents.iter().map(|document| document.file).collect();
        let about = json!({"documents": names, "operationsDescribed": rules.operations(), "takenAsAnything": documents.absent()});
        Ok(Self { rules: Arc::new(rules), about, ledger: Mutex::default() })
    }

    /// The same rules, with nothing found so far.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self { rules: self.rules.clone(), about: self.about.clone(), ledger: Mutex::default() }
    }

    /// What was found so far.
    pub fn ledger(&self) -> Ledger {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, act: impl FnOnce(&mut Ledger)) {
        act(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything that is known, as the admin interface shows it.
    pub fn report(&self) -> Value {
        let mut report = self.about.clone();
        if let (Some(report), Value::Object(ledger)) = (report.as_object_mut(), json!(self.ledger())) {
            report.extend(ledger);
        }
        report
    }

    fn judge(&self, asked: &Asked, matter: Matter<'_>, answer: &Answered) {
        match matter {
            Matter::Described(operation, other_path) => {
                let findings = asked.findings(operation, other_path.is_some(), answer);
                self.record(|ledger| {
                    if let Some(reason) = other_path {
                        Ledger::count(&mut ledger.differences, reason);
                    }
                    asked.enter(ledger, operation, answer, findings);
                });
            }
            Matter::OtherVerbs(operation) => self.record(|ledger| asked.unlisted_verb(ledger, operation, answer)),
            Matter::Unpublished(reason) => self.record(|ledger| Ledger::count(&mut ledger.unpublished, reason)),
            Matter::NotCovered => self.record(|ledger| Ledger::count(&mut ledger.not_covered, asked.kind())),
        }
    }
}

/// A request with its body read.
struct Asked {
    parts: Parts,
    query: Query,
    body: Bytes,
}

/// Its answer.
struct Answered {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Bytes,
    is_scripted: bool,
}

impl Asked {
    /// The type of the resource, or the first words of the path, and the api-version.
    fn kind(&self) -> String {
        let version = self.query.get("api-version").unwrap_or("no api-version");
        let path = Path::parse(self.parts.uri.path());
        let segments = path.segments();
        let words = match segments.iter().rposition(|segment| *segment == "providers") {
            Some(at) => {
                let mut words = segments.iter().skip(at + 1);
                let namespace = words.next().copied().unwrap_or_default();
                let kinds: Vec<&str> = std::iter::once(namespace).chain(words.step_by(2).copied()).collect();
                kinds.join("/")
            }
            None => segments.iter().step_by(2).copied().collect::<Vec<_>>().join("/"),
        };
        format!("{words} {version}")
    }

    fn findings(&self, operation: &Operation, has_own_path: bool, answer: &Answered) -> Findings {
        let exchange = Exchange {
            method: &self.parts.method,
            query: &self.query,
            headers: &self.parts.headers,
            body: &self.body,
            status: answer.status,
            answer_headers: &answer.headers,
            answer_body: &answer.body,
        };
        let mut findings = Findings::default();
        check::request(operation, &exchange, has_own_path, &mut findings);
        if !answer.is_scripted {
            check::answer(operation, &exchange, &mut findings);
        }
        findings
    }

    fn enter(&self, ledger: &mut Ledger, operation: &Operation, answer: &Answered, findings: Findings) {
        let Findings { flaws, allowed, unknown } = findings;
        ledger.covered += 1;
        ledger.scripted += u64::from(answer.is_scripted);
        Ledger::count(&mut ledger.operations, &operation.id);
        allowed.iter().for_each(|known| Ledger::count(&mut ledger.differences, known.reason));
        for (part, pointer) in unknown {
            Ledger::count(&mut ledger.unknown_members, format!("{} {part} {pointer}", operation.id));
        }
        let was_refused = answer.is_scripted || answer.status.as_u16() >= 400;
        let (of_answer, of_request): (Vec<_>, Vec<_>) = flaws.into_iter().partition(|(part, _)| *part == "answer");
        ledger.refused += u64::from(was_refused && !of_request.is_empty());
        let of_request = of_request.into_iter().filter(|_| !was_refused);
        for (part, flaw) in of_request.chain(of_answer) {
            ledger.violation(self.violation(operation, answer, part, flaw));
        }
    }

    /// A verb that the document does not have is to be refused; HEAD is never listed.
    fn unlisted_verb(&self, ledger: &mut Ledger, operation: &Operation, answer: &Answered) {
        Ledger::count(&mut ledger.not_covered, format!("{} {}", self.parts.method, self.kind()));
        if answer.status.as_u16() < 400 && self.parts.method != Method::HEAD && !answer.is_scripted {
            let flaw = Flaw::new(String::new(), "method", format!("no {} is described here", self.parts.method));
            ledger.violation(self.violation(operation, answer, "request", flaw));
        }
    }

    fn violation(&self, operation: &Operation, answer: &Answered, part: &'static str, flaw: Flaw) -> Violation {
        Violation {
            operation: operation.id.clone(),
            method: self.parts.method.to_string(),
            path: self.parts.uri.path().to_owned(),
            api_version: self.query.get("api-version").map(str::to_owned),
            status: answer.status.as_u16(),
            part,
            pointer: flaw.pointer,
            message: flaw.message,
            times: 1,
        }
    }
}

impl<S> Checked<S> {
    /// A service as it is, or checked.
    pub fn new(inner: S, checker: Option<Arc<Checker>>) -> Self {
        Self { inner, checker }
    }

    /// The service without checks.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S> Service<Request<Body>> for Checked<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &self.checker {
            None => Box::pin(self.inner.call(request)),
            Some(checker) => Box::pin(checked(self.inner.clone(), checker.clone(), request)),
        }
    }
}

async fn checked<S>(mut inner: S, checker: Arc<Checker>, request: Request<Body>) -> Result<Response, Infallible>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let path = request.uri().path();
    if path == ADMIN && request.method() == Method::GET {
        return Ok(json_response(StatusCode::OK, &checker.report()));
    }
    if !is_interface(&request) {
        return inner.call(request).await;
    }
    let query = Query::parse(request.uri().query());
    let matter = checker.rules.matter(request.method(), path, &query);
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        // The client disconnected: the service gets the partial request, and nobody waits for the answer.
        Err(error) => {
            let broken = Body::from_stream(futures::stream::iter([Err::<Bytes, _>(error)]));
            return inner.call(Request::from_parts(parts, broken)).await;
        }
    };
    let asked = Asked { parts: parts.clone(), query, body: body.clone() };
    let response = inner.call(Request::from_parts(parts, Body::from(body))).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let extensions = &parts.extensions;
    let is_scripted = extensions.get::<ScriptedAnswer>().is_some() || extensions.get::<ConnectionDropped>().is_some();
    let answer = Answered { status: parts.status, headers: parts.headers.clone(), body: body.clone(), is_scripted };
    checker.judge(&asked, matter, &answer);
    Ok(Response::from_parts(parts, Body::from(body)))
}
