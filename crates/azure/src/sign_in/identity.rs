//! Who asks Azure: the identity of a namespace, and how it proves itself.

use acivnet_api::conditions::reasons;
use acivnet_core::{failure::Failure, owner::sha256_hex, retry::Retry};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::sync::Arc;

/// A secret value. It can't be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A token by which a workload proves itself, and what a federated credential has to say for it to be accepted.
pub struct Assertion {
    /// The signed token.
    pub token: Secret,
    /// Its claim `iss`.
    pub issuer: String,
    /// Its claim `sub`.
    pub subject: String,
    /// Its claim `aud`.
    pub audience: String,
}

impl Assertion {
    /// Reads the claims of a signed JSON Web Token. The signature is for Azure to check.
    ///
    /// # Errors
    /// What was given is not such a token.
    pub fn from_jwt(token: Secret) -> Result<Self, Failure> {
        let unreadable = || {
            let message = "the token that the API server issued is not a JSON Web Token";
            Failure::local("AssertionUnreadable", message, Retry::Slowly, reasons::CREDENTIALS_REFUSED)
        };
        let claims = claims(token.expose()).ok_or_else(unreadable)?;
        let text = |name: &str| match claims.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => other.and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        Ok(Self { issuer: text("iss"), subject: text("sub"), audience: text("aud"), token })
    }
}

fn claims(token: &str) -> Option<Value> {
    let payload = token.trim().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok().filter(Value::is_object)
}

/// Gives assertions of one workload.
#[async_trait]
pub trait AssertionSource: Send + Sync {
    /// Who proves itself, e.g. `system:serviceaccount:ml:acivnet/{uid}`. Part of every cache key: who merely names
    /// another's client id must not get what the other's proof obtained.
    fn holder(&self) -> String;

    /// An assertion that is valid now.
    ///
    /// # Errors
    /// Whatever keeps the source from it; passed on unchanged.
    async fn assertion(&self) -> Result<Assertion, Failure>;
}

#[derive(Clone)]
pub(crate) enum Proof {
    Secret(Secret),
    Federated(Arc<dyn AssertionSource>),
}

/// An application in Microsoft Entra ID and how it proves itself.
#[derive(Clone)]
pub struct Identity {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
}

impl Identity {
    /// An application with a client secret.
    pub fn client_secret(tenant: impl Into<String>, client_id: impl Into<String>, secret: Secret) -> Self {
        Self { tenant: tenant.into(), client_id: client_id.into(), proof: Proof::Secret(secret) }
    }

    /// An application with a federated credential.
    pub fn federated(
        tenant: impl Into<String>,
        client_id: impl Into<String>,
        source: Arc<dyn AssertionSource>,
    ) -> Self {
        Self { tenant: tenant.into(), client_id: client_id.into(), proof: Proof::Federated(source) }
    }

    /// What caches are keyed with.
    pub fn key(&self) -> IdentityKey {
        let proof = match &self.proof {
            Proof::Secret(secret) => sha256_hex(&[b"secret", secret.expose().as_bytes()]),
            Proof::Federated(source) => sha256_hex(&[b"federated", source.holder().as_bytes()]),
        };
        IdentityKey { tenant: self.tenant.to_ascii_lowercase(), client_id: self.client_id.to_ascii_lowercase(), proof }
    }

    /// The principal that Azure counts requests of, whatever it proves itself by.
    pub(crate) fn caller(&self) -> Caller {
        Caller { tenant: self.tenant.to_ascii_lowercase(), client_id: self.client_id.to_ascii_lowercase() }
    }

    /// Values that must not show in any text.
    pub(crate) fn secrets(&self) -> Vec<String> {
        match &self.proof {
            Proof::Secret(secret) => vec![secret.expose().to_owned()],
            Proof::Federated(_) => Vec::new(),
        }
    }
}

/// The principal that Azure counts requests of, lower-cased.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Caller {
    tenant: String,
    client_id: String,
}

/// Tells identities apart: tenant, client id, and a hash of the proof.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    tenant: String,
    client_id: String,
    proof: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn the_claims_that_a_credential_must_match_are_read() {
        let read = Assertion::from_jwt(jwt(
            r#"{"iss":"https://k","sub":"system:serviceaccount:ml:acivnet","aud":["api://AzureADTokenExchange"]}"#,
        ))
        .ok()
        .unwrap();
        assert_eq!(
            [read.issuer, read.subject, read.audience],
            ["https://k", "system:serviceaccount:ml:acivnet", "api://AzureADTokenExchange"]
        );
        for token in ["", "a.b", "a.b.c", "e30.W10.x"] {
            assert_eq!(Assertion::from_jwt(Secret::new(token)).err().unwrap().code, "AssertionUnreadable", "{token}");
        }
    }

    #[test]
    fn the_same_client_id_with_another_proof_is_another_identity() {
        let key = |secret: &str| Identity::client_secret("T", "c", Secret::new(secret)).key();
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
        assert!(!format!("{:?}", key("hunter22")).contains("hunter22"));
    }
}
