//! Access tokens, checked on every call.

use super::assertion::signature_only;
use super::token::issuer;
use super::{Caller, Directory};
use crate::error::Refusal;
use crate::world::World;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, decode};
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    aud: String,
    tid: String,
    oid: String,
    appid: String,
    exp: i64,
    nbf: i64,
}

/// Tolerated difference of clocks, in seconds: Entra ID's own five minutes.
const LEEWAY_SECONDS: i64 = 300;

/// The sender of these headers, by the access token in them.
///
/// # Errors
/// `401` with `WWW-Authenticate`: `AuthenticationFailed` without a token, `InvalidAuthenticationToken`,
/// `ExpiredAuthenticationToken`.
pub fn authenticate(world: &World, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(header) = header else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return Err(refused(world, "AuthenticationFailed", message));
    };
    let Some((_, token)) = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        let message = "Authentication failed. The 'Authorization' header is provided in an invalid format.";
        return Err(refused(world, "AuthenticationFailed", message));
    };
    let claims = genuine(&world.directory, token.trim())
        .ok_or_else(|| refused(world, "InvalidAuthenticationToken", "The access token is invalid."))?;
    check_time(world, &claims)?;
    Ok(Caller { tenant: claims.tid, client_id: claims.appid, object_id: claims.oid })
}

/// The sender, if the token is for this audience, genuine and valid now.
pub fn for_audience(world: &World, headers: &HeaderMap, audience: &str) -> Option<Caller> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, token) = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
    let claims = genuine(&world.directory, token.trim())?;
    check_time(world, &claims).ok()?;
    let meant = claims.aud.trim_end_matches('/') == audience;
    meant.then_some(Caller { tenant: claims.tid, client_id: claims.appid, object_id: claims.oid })
}

fn genuine(directory: &Directory, token: &str) -> Option<Claims> {
    let key = directory.key.decoding_key()?;
    decode::<Claims>(token, &key, &signature_only(Algorithm::RS256)).ok().map(|token| token.claims)
}

fn check_time(world: &World, claims: &Claims) -> Result<(), Refusal> {
    let now = world.now.as_second();
    if claims.exp <= now {
        let at = Timestamp::from_second(claims.exp).unwrap_or(world.now);
        let message = format!(
            "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
            spelled(at),
            spelled(world.now)
        );
        return Err(refused(world, "ExpiredAuthenticationToken", &message));
    }
    if claims.nbf > now + LEEWAY_SECONDS {
        return Err(refused(world, "InvalidAuthenticationToken", "The access token is not yet valid."));
    }
    Ok(())
}

/// Whether the caller's tenant is that of the subscription.
///
/// # Errors
/// `404 SubscriptionNotFound`, `401 InvalidAuthenticationTokenTenant`.
pub fn admit(world: &World, caller: &Caller, subscription: &str) -> Result<(), Refusal> {
    let known = existing_subscription(world, subscription)?;
    if known.tenant.eq_ignore_ascii_case(&caller.tenant) {
        return Ok(());
    }
    let message = format!(
        "The access token is from the wrong issuer '{}'. It must match the tenant '{}' associated with this \
         subscription. Please use the authority (URL) 'https://login.windows.net/{}' to get the token. Note, if the \
         subscription is transferred to another tenant there is no impact to the services, but information about new \
         tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this \
         error message, please try back later.",
        issuer(&caller.tenant),
        issuer(&known.tenant),
        known.tenant
    );
    Err(refused_for(world, &known.tenant, "InvalidAuthenticationTokenTenant", &message))
}

/// The subscription with this id.
///
/// # Errors
/// `404 SubscriptionNotFound`.
pub fn existing_subscription<'a>(
    world: &'a World,
    subscription: &str,
) -> Result<&'a crate::world::Subscription, Refusal> {
    world.subscriptions.get(&subscription.to_ascii_lowercase()).ok_or_else(|| {
        let message = format!("The subscription '{subscription}' could not be found.");
        Refusal::gateway(StatusCode::NOT_FOUND, "SubscriptionNotFound", message)
    })
}

fn refused(world: &World, code: &'static str, message: &str) -> Refusal {
    refused_for(world, "common", code, message)
}

fn refused_for(world: &World, tenant: &str, code: &'static str, message: &str) -> Refusal {
    let challenge = format!(
        "Bearer authorization_uri=\"{}/{tenant}\", error=\"invalid_token\", error_description=\"{message}\"",
        world.base_url
    );
    Refusal::gateway(StatusCode::UNAUTHORIZED, code, message).header(WWW_AUTHENTICATE, &challenge)
}

/// `11/22/2026 3:04:05 PM`, as Resource Manager writes times in this text.
fn spelled(time: Timestamp) -> String {
    time.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()
}
