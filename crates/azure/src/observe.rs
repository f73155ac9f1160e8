//! What is told of each request: for metrics, nothing that could hold a secret.

use http::Method;
use std::time::Duration;

/// Which service a request went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Azure Resource Manager.
    ResourceManager,
    /// The Azure ML data plane.
    MachineLearning,
    /// Blob storage.
    Blob,
    /// The token authority.
    SignIn,
}

impl Class {
    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResourceManager => "arm",
            Self::MachineLearning => "machine_learning",
            Self::Blob => "blob",
            Self::SignIn => "sign_in",
        }
    }
}

/// What a request does, as limits tell requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// GET and HEAD.
    Read,
    /// PUT, PATCH and POST.
    Write,
    /// DELETE.
    Delete,
}

impl RequestKind {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::DELETE => Self::Delete,
            _ => Self::Write,
        }
    }

    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// One request that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent<'a> {
    /// HTTP method.
    pub verb: &'a str,
    /// Where to.
    pub class: Class,
    /// HTTP status, 0 when there was no answer.
    pub status: u16,
    /// Requests left in the narrowest budget that the answer named.
    pub remaining: Option<u64>,
    /// From sending to the end of the answer, or to its head where the rest is read as a stream.
    pub time: Duration,
}

/// A request that waited for its permit, or did not get it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waited {
    /// Where to.
    pub class: Class,
    /// What it does.
    pub kind: RequestKind,
    /// How long.
    pub time: Duration,
}

/// Is told of every request.
pub trait Observer: Send + Sync {
    /// A request was answered, or got no answer.
    fn answered(&self, sent: &Sent<'_>);

    /// A request waited before it was sent, or given up.
    fn waited(&self, waited: &Waited);

    /// Azure refused for being asked too often, and a limiter was closed: `arm`, `network` or `host`, and for what.
    fn closed(&self, scope: &'static str, kind: RequestKind);
}

impl Observer for () {
    fn answered(&self, _: &Sent<'_>) {}
    fn waited(&self, _: &Waited) {}
    fn closed(&self, _: &'static str, _: RequestKind) {}
}
