//! What is told of each request: for metrics, nothing that could hold a secret.

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
}

/// Is told of every request.
pub trait Observer: Send + Sync {
    /// A request was answered, or got no answer.
    fn answered(&self, sent: &Sent<'_>);
}

impl Observer for () {
    fn answered(&self, _: &Sent<'_>) {}
}
