//! The token endpoint: client credentials by secret or by client assertion (OAuth 2.0 client credentials flow on the
//! Microsoft identity platform).

use super::errors::SignInError;
use super::{Application, Caller, assertion, known_tenant};
use crate::call::Query;
use crate::error::{Response, json_response, set_header};
use crate::simulator::Simulator;
use crate::world::World;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::json;

/// Life of an access token in seconds; Azure gives 60 to 90 minutes.
pub const LIFETIME_SECONDS: i64 = 3_599;
/// Largest form that is read, in bytes.
const FORM_LIMIT: usize = 256 * 1024;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Issues an access token.
pub(super) async fn issue(
    simulator: &Simulator,
    tenant: &str,
    request: Request<Body>,
) -> Result<Response, SignInError> {
    let body = Limited::new(request.into_body(), FORM_LIMIT).collect().await;
    let body = body.map_err(|_| SignInError::missing_parameter("grant_type"))?.to_bytes();
    let form = Query::parse(std::str::from_utf8(&body).ok());
    let grant = required(&form, "grant_type")?;
    if grant != "client_credentials" {
        return Err(SignInError::unsupported_grant(grant));
    }
    let client_id = required(&form, "client_id")?;
    let scope = required(&form, "scope")?;
    let (application, now) = simulator.with(|world| find(world, tenant, client_id).map(|found| (found, world.now)))?;
    let audience = scope.strip_suffix("/.default").ok_or_else(|| SignInError::wrong_scope(scope))?;
    match (form.get("client_assertion"), form.get("client_secret")) {
        (Some(token), _) => {
            if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(SignInError::missing_parameter("client_assertion_type"));
            }
            assertion::check(&application, token, now, simulator.issuers()).await?;
        }
        (None, Some(secret)) => check_secret(&application, secret)?,
        (None, None) => return Err(SignInError::no_credential()),
    }
    simulator.with(|world| answer(world, &application, audience))
}

fn required<'a>(form: &'a Query, name: &str) -> Result<&'a str, SignInError> {
    form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| SignInError::missing_parameter(name))
}

fn find(world: &World, tenant: &str, client_id: &str) -> Result<Application, SignInError> {
    known_tenant(&world.directory, tenant)?;
    let application = world.directory.application(tenant, client_id);
    application.cloned().ok_or_else(|| SignInError::unknown_application(client_id, tenant))
}

fn check_secret(application: &Application, secret: &str) -> Result<(), SignInError> {
    let fits = application.secrets.iter().any(|known| known.expose() == secret);
    if fits { Ok(()) } else { Err(SignInError::wrong_secret(&application.client_id)) }
}

fn answer(world: &mut World, application: &Application, audience: &str) -> Result<Response, SignInError> {
    let principal = Caller {
        tenant: application.tenant.clone(),
        client_id: application.client_id.clone(),
        object_id: application.object_id.clone(),
    };
    let token = sign(world, &principal, audience, LIFETIME_SECONDS, Proof::Secret);
    let token = token.map_err(|why| SignInError::wrong_signature(&why))?;
    let body = json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "ext_expires_in": LIFETIME_SECONDS,
        "access_token": token,
    });
    let mut response = json_response(StatusCode::OK, &body);
    set_header(&mut response, "cache-control", "no-store, no-cache");
    set_header(&mut response, "x-ms-request-id", &world.ids.guid("trace"));
    Ok(response)
}

/// How a client proved who it is (`appidacr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// A secret or an assertion.
    Secret,
    /// A certificate; managed identities have one.
    Certificate,
}

/// A signed version 1.0 token, the kind that Resource Manager accepts.
pub(super) fn sign(
    world: &mut World,
    principal: &Caller,
    audience: &str,
    lifetime_seconds: i64,
    proof: Proof,
) -> Result<String, String> {
    let now = world.now.as_second();
    let tenant = &principal.tenant;
    let claims = json!({
        "aud": audience,
        "iss": issuer(tenant),
        "iat": now,
        "nbf": now,
        "exp": now + lifetime_seconds,
        "appid": principal.client_id,
        "appidacr": if proof == Proof::Secret { "1" } else { "2" },
        "idp": issuer(tenant),
        "idtyp": "app",
        "oid": principal.object_id,
        "sub": principal.object_id,
        "tid": tenant,
        "uti": world.ids.base64url("uti", 22),
        "ver": "1.0",
    });
    world.directory.key.sign(&claims)
}

/// `iss` of the tokens of a tenant.
pub(super) fn issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}
