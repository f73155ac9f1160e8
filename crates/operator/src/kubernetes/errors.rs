//! What went wrong with the Kubernetes API, in words.

use acivnet_api::conditions::reasons;
use acivnet_core::{failure::Failure, retry::Retry, scrub};
use http_body_util::LengthLimitError;
use kube::Error;

/// HTTP status of a refusal, 0 when there was no answer.
pub fn status(error: &Error) -> u16 {
    match error {
        Error::Api(status) => status.code,
        _ => 0,
    }
}

/// Whether an answer was longer than `client::LONGEST_LIST`.
pub fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}

/// Whether the namespace is being deleted: nothing can be created in it any more.
pub fn terminating(error: &Error) -> bool {
    let Error::Api(status) = error else { return false };
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
        || status.message.contains("because it is being terminated")
}

/// A read or a write of `what` that did not succeed.
pub fn failure(what: &str, error: &Error) -> Failure {
    let status = status(error);
    let (retry, reason, advice) = match status {
        403 => (Retry::Slowly, reasons::FORBIDDEN, "; the operator's role lacks this right"),
        _ => (Retry::Backoff, reasons::PROGRESSING, ""),
    };
    Failure {
        status,
        code: "Kubernetes".into(),
        message: scrub::clean(&format!("{what}: {}{advice}", text(error))),
        retry,
        reason,
    }
}

/// The API server's own message, without the form around it.
pub fn text(error: &Error) -> String {
    match error {
        Error::Api(status) => format!("{} {}", status.code, status.message),
        other => other.to_string(),
    }
}
