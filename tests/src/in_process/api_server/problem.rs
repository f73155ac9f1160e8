//! Refusals as `metav1.Status`.

use super::{resources::ResourceType, store::Key};
use http::StatusCode;
use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// HTTP status.
    pub code: StatusCode,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Problem {
    fn new(code: StatusCode, reason: &'static str, message: String) -> Self {
        Self { code, reason, message, details: Value::Null }
    }

    fn about(code: StatusCode, reason: &'static str, key: &Key, message: &str) -> Self {
        let message = format!("{} \"{}\" {message}", key.resource.qualified(), key.name);
        let details = json!({"name": key.name, "group": key.resource.group, "kind": key.resource.plural});
        Self { details, ..Self::new(code, reason, message) }
    }

    pub(super) fn not_found(key: &Key) -> Self {
        Self::about(StatusCode::NOT_FOUND, "NotFound", key, "not found")
    }

    pub(super) fn already_exists(key: &Key) -> Self {
        Self::about(StatusCode::CONFLICT, "AlreadyExists", key, "already exists")
    }

    pub(super) fn conflict(key: &Key) -> Self {
        let message = "could not be updated: the object has been modified; please apply your changes to the latest version and try again";
        Self::about(StatusCode::CONFLICT, "Conflict", key, message)
    }

    pub(super) fn invalid(key: &Key, what: &str) -> Self {
        Self::about(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", key, &format!("is invalid: {what}"))
    }

    /// Nothing is created in a namespace that is being deleted.
    pub(super) fn terminating(key: &Key) -> Self {
        let namespace = &key.namespace;
        let why = format!(
            "is forbidden: unable to create new content in namespace {namespace} because it is being terminated"
        );
        let mut problem = Self::about(StatusCode::FORBIDDEN, "Forbidden", key, &why);
        problem.details["causes"] = json!([{
            "reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace",
        }]);
        problem
    }

    pub(super) fn bad_request(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource".into())
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource".into(),
        )
    }

    pub(super) fn media_type(found: &str) -> Self {
        let message = format!("the body of the request was in an unknown format: {found}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// The version to watch from is forgotten.
    pub(super) fn expired(version: u64, oldest: u64) -> Self {
        Self::new(StatusCode::GONE, "Expired", format!("too old resource version: {version} ({oldest})"))
    }

    /// The `Status` object.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code.as_u16(),
        });
        if !self.details.is_null() {
            body["details"] = self.details.clone();
        }
        body
    }
}

/// The `Status` that answers a deletion that is done.
pub(super) fn deleted(resource: &ResourceType, name: &str, uid: &Value) -> Value {
    let details = json!({"name": name, "group": resource.group, "kind": resource.plural, "uid": uid});
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
