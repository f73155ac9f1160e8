//! The token endpoint: client credentials by secret or by client assertion (OAuth 2.0 client credentials flow on the
//! Microsoft identity platform).

use super::errors::SignInError;
use super::{Application, assertion, known_tenant};
use crate::call::Query;
use crate::error::{Response, json_response, set_header};
use crate::simulator::Simulator;
use crate::world::World;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};

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
    let claims = claims(world, application, audience);
    let token = world.directory.key.sign(&claims).map_err(|why| SignInError::wrong_signature(&why))?;
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

/// The claims of a version 1.0 token, which is what Resource Manager takes.
fn claims(world: &mut World, application: &Application, audience: &str) -> Value {
    let now = world.now.as_second();
    let tenant = &application.tenant;
    json!({
        "aud": audience,
        "iss": issuer(tenant),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
        "appid": application.client_id,
        "appidacr": "1",
        "idp": issuer(tenant),
        "idtyp": "app",
        "oid": application.object_id,
        "sub": application.object_id,
        "tid": tenant,
        "uti": world.ids.base64url("uti", 22),
        "ver": "1.0",
    })
}

/// `iss` of the tokens of a tenant.
pub(super) fn issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}
