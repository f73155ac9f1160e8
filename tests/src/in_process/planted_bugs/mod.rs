//! Planted bugs: mistakes that an operator could make, each implemented between its requests and the servers.
//!
//! A bug lives as long as the operator's process and forgets everything with it. None of this is in the shipped binary.

mod adoption;
mod azure_reads;
mod azure_writes;
mod kubernetes;
mod of_others;
mod tenants;
mod truth;

use super::{transport::Transport, wire::Lost};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header::CONTENT_TYPE};
use serde_json::Value;
use std::sync::Arc;

/// Plants a bug in an operator that starts.
pub type Plant = fn() -> Arc<dyn Bug>;

/// A mistake of an operator.
#[async_trait]
pub trait Bug: Send + Sync {
    /// Carries a request in a wrong way.
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost>;
}

/// One bug.
pub struct Planted {
    /// What the operator does wrong.
    pub bug: &'static str,
    /// The scenarios that show it, the cheapest first.
    pub scenarios: &'static [&'static str],
    /// How it is planted.
    pub plant: Plant,
}

/// All bugs.
pub fn all() -> impl Iterator<Item = &'static Planted> {
    [
        kubernetes::BUGS,
        adoption::BUGS,
        azure_reads::BUGS,
        azure_writes::BUGS,
        of_others::BUGS,
        tenants::BUGS,
        truth::BUGS,
    ]
    .into_iter()
    .flatten()
}

/// What a bug knows of a request that was sent.
#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    uri: Uri,
}

impl Asked {
    fn of(request: &Request<Bytes>) -> Self {
        Self { method: request.method().clone(), uri: request.uri().clone() }
    }

    fn is(&self, method: Method, end: &str) -> bool {
        self.method == method && self.uri.path().ends_with(end)
    }

    /// A read of Azure Resource Manager.
    fn reads_resource(&self) -> bool {
        self.method == Method::GET && self.uri.host().is_some() && self.uri.path().starts_with("/subscriptions/")
    }

    /// A write to Azure, sign-in apart.
    fn writes_azure(&self) -> bool {
        let read = [Method::GET, Method::HEAD].contains(&self.method);
        let asks = ["/token", "/listkeys"].iter().any(|end| self.uri.path().ends_with(end));
        self.uri.host().is_some() && !read && !asks
    }
}

/// A bug in what is asked.
struct Asks(fn(&mut Request<Bytes>));

/// A bug in how answers are read.
struct Reads(fn(&Asked, &mut Response<Bytes>));

/// A bug for [`Planted::plant`] in what is asked.
fn asks(change: fn(&mut Request<Bytes>)) -> Arc<dyn Bug> {
    Arc::new(Asks(change))
}

/// A bug for [`Planted::plant`] in how answers are read.
fn reads(change: fn(&Asked, &mut Response<Bytes>)) -> Arc<dyn Bug> {
    Arc::new(Reads(change))
}

#[async_trait]
impl Bug for Asks {
    async fn carry(&self, mut request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        (self.0)(&mut request);
        transport.send(request).await
    }
}

#[async_trait]
impl Bug for Reads {
    async fn carry(&self, request: Request<Bytes>, transport: &Transport) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::of(&request);
        let mut answer = transport.send(request).await?;
        (self.0)(&asked, &mut answer);
        Ok(answer)
    }
}

fn get(uri: &Uri) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri.clone();
    request
}

fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(body.to_string().into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn json(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// Changes a body of JSON; others stay.
fn edit(body: &mut Bytes, change: impl FnOnce(&mut Value)) {
    if let Ok(mut value) = serde_json::from_slice(body) {
        change(&mut value);
        *body = value.to_string().into();
    }
}

/// Calls `change` on every object in a body, the outer ones first.
fn each_object(value: &mut Value, change: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            change(members);
            members.values_mut().for_each(|member| each_object(member, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        _ => {}
    }
}

/// `Absent` in Azure Resource Manager's words.
fn not_found() -> Response<Bytes> {
    let error = serde_json::json!({"code": "ResourceNotFound", "message": "The Resource was not found."});
    answer(StatusCode::NOT_FOUND, &serde_json::json!({ "error": error }))
}
