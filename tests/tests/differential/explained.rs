//! The differences between what the SDK sends and what the operator sends that are meant, each with its reason.

use super::normal::Difference;

/// One meant difference.
pub struct Explained {
    /// What the request ends with.
    request: &'static str,
    /// The place in it; `*` stands for the rest of the pointer.
    at: &'static str,
    /// What the SDK sends, if only that is meant.
    sdk: Option<&'static str>,
    /// What the operator sends, if only that is meant.
    operator: Option<&'static str>,
    /// Why.
    reason: &'static str,
}

/// Whatever either sends.
const fn any(request: &'static str, at: &'static str, reason: &'static str) -> Explained {
    Explained { request, at, sdk: None, operator: None, reason }
}

/// What the SDK leaves out.
const fn said(request: &'static str, at: &'static str, operator: &'static str, reason: &'static str) -> Explained {
    Explained { request, at, sdk: Some("absent"), operator: Some(operator), reason }
}

const STATED: &str = "stated, where the SDK leaves out what is Azure's default";

/// All of them. The driver, too, is each side's own; `tools/differential/drivers.py` compares what it does.
pub const EXPLAINED: &[Explained] = &[
    any("/assets", "/body/properties*", "an upload is found again by its digest, so that none is made twice"),
    any("/models", "/body/properties*", "a version is found again by owner, key and digest: registration has no key"),
    any("/services", "/body/kvTags*", "the owner mark, and what runs"),
    said("/services", "/body/authEnabled", "false", STATED),
    said("/services", "/body/appInsightsEnabled", "false", STATED),
];

/// The configurations without a custom resource, and why.
pub const WITHOUT_A_FIELD: &[(&str, &str)] =
    &[("public_name", "Azure refuses it: a container group in a virtual network has no public name")];

impl Explained {
    /// Whether it is this difference.
    pub fn is(&self, request: &str, difference: &Difference) -> bool {
        let at = match self.at.strip_suffix('*') {
            Some(beginning) => difference.at.starts_with(beginning),
            None => difference.at == self.at,
        };
        let fits = |meant: Option<&str>, sent: &str| meant.is_none_or(|meant| meant == sent);
        request.ends_with(self.request)
            && at
            && fits(self.sdk, &difference.sdk)
            && fits(self.operator, &difference.operator)
    }

    /// As a line.
    pub fn line(&self) -> String {
        format!("{} {}: {}", self.request, self.at, self.reason)
    }
}
