//! Errors of the Azure ML data plane: flat for model management, wrapped in `error` for artifacts and environments.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::error::{Refusal, Response, json_response};

/// A request to the data plane that was refused.
#[derive(Debug, Clone)]
pub struct Problem {
    /// HTTP status, repeated in the body.
    pub status: StatusCode,
    /// Azure's code.
    pub code: Cow<'static, str>,
    /// Azure's text.
    pub message: String,
    /// Code and text of each detail.
    pub details: Vec<(Cow<'static, str>, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A refusal without details.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), details: Vec::new(), headers: Vec::new() }
    }

    /// `400 BadRequest` with the cause as its detail, the form in which model management refuses a body.
    pub fn invalid(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", "The request is invalid").detail(code, message)
    }

    /// `409 Conflict` with the cause as its detail.
    pub fn conflict(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", "Conflict").detail(code, message)
    }

    /// `404`; clients take "not found" from `statusCode` in the body.
    pub fn not_found(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        self.details.push((code.into(), message.into()));
        self
    }

    /// The flat form, which is also the `error` of a failed operation or service.
    pub fn flat(&self) -> Value {
        let mut body = json!({"code": self.code, "statusCode": self.status.as_u16(), "message": self.message});
        if let (false, Some(body)) = (self.details.is_empty(), body.as_object_mut()) {
            let detail = |(code, message): &(_, _)| json!({"code": code, "message": message, "target": null});
            body.insert("details".into(), self.details.iter().map(detail).collect());
        }
        body
    }

    /// The answer of model management (assets, models, services, operations).
    pub fn into_flat_response(self, request_id: &str) -> Response {
        let mut body = self.flat();
        if let Some(body) = body.as_object_mut() {
            body.insert("correlation".into(), json!({"RequestId": request_id}));
        }
        let mut response = json_response(self.status, &body);
        response.headers_mut().extend(self.headers);
        response
    }

    /// The answer of artifacts and environments.
    pub fn into_wrapped_response(self, request_id: &str, time: &str) -> Response {
        let inner = json!({"code": self.code, "innerError": null});
        let body = json!({
            "error": {"code": "UserError", "message": self.message, "target": null, "details": [], "innerError": inner},
            "correlation": {"operation": null, "request": request_id},
            "environment": "simulator", "location": null, "time": time,
        });
        let mut response = json_response(self.status, &body);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// Roles, tokens and missing workspaces are checked as in Resource Manager; only the form differs. The form of a 403 is
/// not confirmed.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = if refusal.status == StatusCode::UNAUTHORIZED {
            Self::new(refusal.status, "Unauthorized", "Unauthorized")
                .detail("EmptyOrInvalidToken", format!("Invalid Authorization header. {}", refusal.message))
        } else {
            Self::new(refusal.status, refusal.code, refusal.message)
        };
        problem.details.extend(refusal.details.into_iter().map(|detail| (detail.code, detail.message)));
        problem.headers = refusal.headers;
        problem
    }
}
