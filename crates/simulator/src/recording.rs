//! Complete requests, recorded on demand by tests that compare what two clients send. Unlike the request log it holds
//! bodies, keys and certificates included, but not sign-ins. It is kept in memory and read through the admin interface.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde_json::Value;

/// Longest body that is kept, in bytes.
const MOST: usize = 1 << 20;

/// One request with its body.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Verb.
    pub verb: String,
    /// Path as sent, without query; for blobs with `//account` in front.
    pub path: String,
    /// `Content-Type` of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The body in base64, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Status of the answer; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The requests with a body since recording was switched on.
#[derive(Debug, Default)]
pub struct Recording(Option<Vec<Sent>>);

impl Recording {
    /// Switches it on, empty.
    pub fn begin(&mut self) {
        self.0 = Some(Vec::new());
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What was sent.
    pub fn sent(&self) -> &[Sent] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Adds a request that was answered.
    pub fn add(&mut self, sent: Sent) {
        self.0.iter_mut().for_each(|all| all.push(sent.clone()));
    }
}

/// Copies the body of a request that may change something, unless it is too long to be kept.
pub(crate) async fn record(path: String, request: Request<Body>) -> (Request<Body>, Option<Sent>) {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let bytes = match Limited::new(body, MOST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::warn!("a request that can't be recorded was cut off: {error}");
            return (Request::from_parts(parts, Body::empty()), None);
        }
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let json = content_type.as_deref().filter(|kind| kind.contains("json"));
    let json = json.and_then(|_| serde_json::from_slice(&bytes).ok());
    let base64 = (json.is_none() && !bytes.is_empty()).then(|| STANDARD.encode(&bytes));
    let sent = Sent { verb: parts.method.to_string(), path, content_type, json, base64, status: None };
    (Request::from_parts(parts, Body::from(bytes)), Some(sent))
}
