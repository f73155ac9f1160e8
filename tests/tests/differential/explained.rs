//! The differences between what the SDK sends and what the operator sends that are meant, each with its reason.

use super::normal::Difference;

/// One meant difference.
pub struct Explained {
    /// What the request ends with.
    request: &'static str,
    /// The place in it; `*` stands for the rest of the pointer.
    at: &'static str,
    /// Why.
    pub reason: &'static str,
}

const fn explained(request: &'static str, at: &'static str, reason: &'static str) -> Explained {
    Explained { request, at, reason }
}

/// All of them.
pub const EXPLAINED: &[Explained] = &[
    explained("/assets", "/body/properties*", "an upload is found again by its digest, so that none is made twice"),
    explained("/models", "/body/properties*", "a version is found again by owner, key and digest: registration has no key"),
    explained("/services", "/body/kvTags*", "the owner mark, and what runs"),
];

impl Explained {
    /// Whether it is this difference.
    pub fn is(&self, request: &str, difference: &Difference) -> bool {
        let at = match self.at.strip_suffix('*') {
            Some(beginning) => difference.at.starts_with(beginning),
            None => difference.at == self.at,
        };
        request.ends_with(self.request) && at
    }

    /// As a line.
    pub fn line(&self) -> String {
        format!("{} {}: {}", self.request, self.at, self.reason)
    }
}
