//! Client assertions: tokens of a federated issuer, such as a Kubernetes API server, instead of a secret.

use super::errors::SignInError;
use super::{Application, FederatedCredential};
use crate::identity::issuer::IssuerKeys;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous::insecure_decode, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

/// Tolerated difference of clocks, in seconds: Entra ID's own five minutes.
const LEEWAY_SECONDS: i64 = 300;

/// The claims of an assertion that matter.
#[derive(Debug, Clone, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::One(one) => one.clone(),
            Self::Many(many) => many.join(","),
        }
    }
}

/// Checks an assertion: a federated credential of the application with its issuer, subject and audience; its time; its
/// signature against the keys that the issuer publishes. Only issuers of the application's credentials are asked.
pub(super) async fn check(
    application: &Application,
    assertion: &str,
    now: Timestamp,
    issuers: &dyn IssuerKeys,
) -> Result<(), SignInError> {
    let claims = insecure_decode::<Claims>(assertion).map_err(|_| SignInError::malformed_assertion())?.claims;
    matching(application, &claims)?;
    check_time(&claims, now)?;
    let keys = issuers.keys(&claims.iss).await;
    let keys = keys.map_err(|error| SignInError::issuer_unreachable(&claims.iss, &error.to_string()))?;
    check_signature(assertion, &keys)
}

/// Issuer, then subject, then audience, each with the number Entra ID has for it.
fn matching<'a>(application: &'a Application, claims: &Claims) -> Result<&'a FederatedCredential, SignInError> {
    let known: Vec<&FederatedCredential> =
        application.federated.iter().filter(|credential| credential.issuer == claims.iss).collect();
    if known.is_empty() {
        return Err(SignInError::no_matching_credential(700_211, "issuer", &claims.iss));
    }
    let known: Vec<_> = known.into_iter().filter(|credential| credential.subject == claims.sub).collect();
    if known.is_empty() {
        return Err(SignInError::no_matching_credential(700_213, "subject", &claims.sub));
    }
    let fits = known.into_iter().find(|credential| claims.aud.contains(&credential.audience));
    fits.ok_or_else(|| SignInError::no_matching_credential(700_212, "audience", &claims.aud.text()))
}

fn check_time(claims: &Claims, now: Timestamp) -> Result<(), SignInError> {
    let instant = |seconds: f64| Timestamp::from_second(seconds as i64).unwrap_or(Timestamp::MAX);
    let (from, until) = (claims.nbf.map(instant), instant(claims.exp));
    let early = from.is_some_and(|from| now.as_second() + LEEWAY_SECONDS < from.as_second());
    if early || now.as_second() > until.as_second() + LEEWAY_SECONDS {
        return Err(SignInError::assertion_out_of_time(now, from, until));
    }
    Ok(())
}

fn check_signature(assertion: &str, keys: &JwkSet) -> Result<(), SignInError> {
    let header = decode_header(assertion).map_err(|_| SignInError::malformed_assertion())?;
    if !matches!(
        header.alg,
        Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::ES256 | Algorithm::ES384
    ) {
        return Err(SignInError::wrong_signature("The algorithm is not supported."));
    }
    let candidates: Vec<&Jwk> = match &header.kid {
        Some(kid) => keys.find(kid).into_iter().collect(),
        None => keys.keys.iter().collect(),
    };
    if candidates.is_empty() {
        return Err(SignInError::wrong_signature("The key was not found."));
    }
    let genuine = candidates.iter().any(|key| is_signed_by(assertion, header.alg, key));
    if genuine { Ok(()) } else { Err(SignInError::wrong_signature("The key was found, but the signature is wrong.")) }
}

fn is_signed_by(assertion: &str, algorithm: Algorithm, key: &Jwk) -> bool {
    DecodingKey::from_jwk(key).is_ok_and(|key| decode::<Value>(assertion, &key, &signature_only(algorithm)).is_ok())
}

/// Checks only the signature: times are checked against the simulator's clock.
pub(super) fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
