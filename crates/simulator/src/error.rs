//! Errors as Azure Resource Manager words them, and the small helpers that make responses.

use axum::body::Body;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Every answer of the simulator.
pub type Response = http::Response<Body>;

/// Who refused, as the header `x-ms-failure-cause` says: Resource Manager's own refusals have `gateway` (106 of 106
/// recorded ones); of a provider's, a 4xx has no such header (0 of 403), a 5xx says `service` (15 of 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Resource Manager itself: subscription, group, parent, lock, role, 404.
    Gateway,
    /// The resource provider.
    Service,
}

impl Cause {
    fn header(self, status: StatusCode) -> Option<HeaderValue> {
        match self {
            Self::Gateway => Some(HeaderValue::from_static("gateway")),
            Self::Service => status.is_server_error().then(|| HeaderValue::from_static("service")),
        }
    }
}

/// One entry of `error.details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Azure's code.
    pub code: Cow<'static, str>,
    /// Azure's text.
    pub message: String,
}

/// A request that was refused: nothing in the world has changed.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// `error.code`; empty for none.
    pub code: Cow<'static, str>,
    /// `error.message`.
    pub message: String,
    /// `error.details`.
    pub details: Vec<Detail>,
    /// Who refused.
    pub cause: Cause,
    /// Whether the body is the error itself, without `error` around it.
    pub bare: bool,
    /// Further headers, for example `Retry-After` or `WWW-Authenticate`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A refusal by Resource Manager itself.
    pub fn gateway(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(status, code, message, Cause::Gateway)
    }

    /// A refusal by the resource provider.
    pub fn service(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(status, code, message, Cause::Service)
    }

    /// `400` by the resource provider, the most usual refusal.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::service(StatusCode::BAD_REQUEST, code, message)
    }

    fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>, cause: Cause) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            cause,
            bare: false,
            headers: Vec::new(),
        }
    }

    /// Adds an entry to `error.details`.
    #[must_use]
    pub fn detail(mut self, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        self.details.push(Detail { code: code.into(), message: message.into() });
        self
    }

    /// Answers the error itself, without `error` around it.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Adds a header; a value that no header can carry is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Adds `Retry-After` in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, &seconds.to_string())
    }

    /// `{"code"?,"message","details"?}`, the content of `error`; some refusals of Azure ML have no code.
    pub fn body(&self) -> Value {
        if self.code.is_empty() {
            return json!({"message": self.message});
        }
        let mut error = json!({"code": self.code, "message": self.message});
        let has_details = !self.details.is_empty() || self.cause == Cause::Service && !self.bare;
        if let Some(object) = error.as_object_mut().filter(|_| has_details) {
            object.insert("details".to_owned(), self.details.iter().map(Detail::body).collect());
        }
        error
    }

    /// The answer in Resource Manager's form, `{"error":{…}}`, with `x-ms-failure-cause` where Azure sends it.
    pub fn into_response(self) -> Response {
        let body = self.body();
        let mut response = json_response(self.status, &if self.bare { body } else { json!({"error": body}) });
        if let Some(cause) = self.cause.header(self.status) {
            response.headers_mut().insert("x-ms-failure-cause", cause);
        }
        response.headers_mut().extend(self.headers);
        response
    }
}

impl Detail {
    fn body(&self) -> Value {
        json!({"code": self.code, "message": self.message})
    }
}

/// An answer with a JSON body.
pub fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// An answer without a body.
pub fn empty_response(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Adds a header to an answer; a value that no header can carry is left out.
pub fn set_header(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
