//! What went wrong, in a form that decisions can use.

use crate::retry::Retry;

/// A read or a write that did not succeed. Text in it has passed the scrubber.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// HTTP status, 0 when there was no answer.
    pub status: u16,
    /// Azure's most telling error code (a code in `details` wins over a generic outer one), or our own word.
    pub code: String,
    /// What to show a person, at most [`crate::scrub::LONGEST`] characters.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
    /// Root cause as one of [`acivnet_api::conditions::reasons`].
    pub reason: &'static str,
}

/// A root cause that decisions found by themselves, or drew from a [`Failure`].
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// One of [`acivnet_api::conditions::reasons`].
    pub reason: &'static str,
    /// What was wrong, where, and what to do.
    pub message: String,
    /// When to look again.
    pub retry: Retry,
}

impl Cause {
    /// A cause that a person has to remove.
    pub fn person(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), retry: Retry::Slowly }
    }

    /// A cause that goes by itself.
    pub fn passing(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), retry: Retry::Soon }
    }
}

impl Cause {
    /// Whether it goes only when somebody does something about it.
    pub fn needs_somebody(&self) -> bool {
        needs_somebody(self.retry)
    }
}

impl Failure {
    /// A failure that no answer of Azure explains: its status is 0, and its code our own word.
    pub fn local(code: impl Into<String>, message: impl Into<String>, retry: Retry, reason: &'static str) -> Self {
        Self { status: 0, code: code.into(), message: message.into(), retry, reason }
    }

    /// Whether it is a refusal that stands until somebody does something about it.
    pub fn needs_somebody(&self) -> bool {
        needs_somebody(self.retry)
    }
}

fn needs_somebody(retry: Retry) -> bool {
    matches!(retry, Retry::Slowly | Retry::OnSpecChange)
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Self { reason: failure.reason, message: failure.message.clone(), retry: failure.retry }
    }
}
