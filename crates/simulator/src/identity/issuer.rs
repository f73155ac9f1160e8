//! Where the public keys of a federated issuer come from.

use super::keys::SigningKey;
use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Certificate, Client, redirect::Policy};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Why an issuer's keys could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IssuerError(pub String);

/// A source of the keys that an issuer publishes.
#[async_trait]
pub trait IssuerKeys: Send + Sync {
    /// The key set behind `{issuer}/.well-known/openid-configuration`.
    ///
    /// # Errors
    /// Says what was requested and what came back.
    async fn keys(&self, issuer: &str) -> Result<JwkSet, IssuerError>;
}

/// Fixed keys by issuer; for tests.
#[derive(Debug, Clone, Default)]
pub struct StaticIssuerKeys(pub BTreeMap<String, JwkSet>);

impl StaticIssuerKeys {
    /// Keys of one issuer with one key.
    pub fn one(issuer: &str, key: &SigningKey) -> Self {
        let keys = serde_json::from_value(key.jwks()).unwrap_or(JwkSet { keys: Vec::new() });
        Self([(issuer.to_owned(), keys)].into())
    }
}

#[async_trait]
impl IssuerKeys for StaticIssuerKeys {
    async fn keys(&self, issuer: &str) -> Result<JwkSet, IssuerError> {
        self.0.get(issuer).cloned().ok_or_else(|| IssuerError(format!("no keys are known for issuer {issuer}")))
    }
}

/// Keys over HTTPS, as OpenID Connect Discovery 1.0 describes.
#[derive(Debug, Clone)]
pub struct HttpsIssuerKeys(Client);

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl HttpsIssuerKeys {
    /// Trusts the system's roots and the certificates in `pem_bundles` (each the content of a PEM file).
    ///
    /// # Errors
    /// Says which certificate can't be read, or that no client could be created.
    pub fn new(pem_bundles: &[Vec<u8>]) -> Result<Self, IssuerError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(15))
            .https_only(true);
        for bundle in pem_bundles {
            let certificates = Certificate::from_pem_bundle(bundle)
                .map_err(|error| IssuerError(format!("issuer CA is not a PEM certificate: {error}")))?;
            for certificate in certificates {
                builder = builder.add_root_certificate(certificate);
            }
        }
        builder.build().map(Self).map_err(|error| IssuerError(format!("no HTTPS client for issuers: {error}")))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, IssuerError> {
        let refused = |why: &dyn std::error::Error| IssuerError(format!("GET {url}: {}", chain(why)));
        let response = self.0.get(url).send().await.map_err(|error| refused(&error))?;
        let response = response.error_for_status().map_err(|error| refused(&error))?;
        let body = response.bytes().await.map_err(|error| refused(&error))?;
        serde_json::from_slice(&body).map_err(|error| refused(&error))
    }
}

#[async_trait]
impl IssuerKeys for HttpsIssuerKeys {
    async fn keys(&self, issuer: &str) -> Result<JwkSet, IssuerError> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.get(&url).await?;
        if metadata.issuer != issuer {
            let told = metadata.issuer;
            return Err(IssuerError(format!("GET {url}: the document is of issuer {told}, expected {issuer}")));
        }
        self.get(&metadata.jwks_uri).await
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
