//! Managed identities, and the two ways in which a machine gets their tokens over plain HTTP: App Service
//! (`IDENTITY_ENDPOINT`, "How to use managed identities for App Service", REST endpoint reference) and the instance
//! metadata service ("How to use managed identities on a VM to acquire an access token"). All identities of the directory
//! are those of one machine.

use super::token::{self, Proof};
use super::{Caller, Directory};
use crate::call::Query;
use crate::error::{Response, json_response};
use crate::simulator::Simulator;
use crate::world::World;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

/// Path of the App Service form.
pub const APP_SERVICE: &str = "/msi/token";
/// Path of the instance metadata service.
pub const INSTANCE_METADATA: &str = "/metadata/identity/oauth2/token";
/// Life of a token in seconds: up to a day.
const LIFETIME_SECONDS: i64 = 86_399;
/// The one api-version of the App Service form that is simulated, and the oldest of the metadata service.
const APP_SERVICE_VERSION: &str = "2019-08-01";
const OLDEST_METADATA_VERSION: &str = "2018-02-01";

/// A managed identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedIdentity {
    /// Who its tokens name.
    pub principal: Caller,
    /// Id of the `Microsoft.ManagedIdentity/userAssignedIdentities`; none for the system-assigned one.
    pub resource_id: Option<String>,
}

/// The request names no identity, or an unknown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NotChosen {
    Unknown,
    Ambiguous,
}

/// Answers a request to the endpoint of managed identities.
pub(crate) fn route(simulator: &Simulator, request: &Request<Body>) -> Response {
    let query = Query::parse(request.uri().query());
    let answer = simulator.with(|world| match request.uri().path() {
        APP_SERVICE => app_service(world, request.method(), request.headers(), &query),
        INSTANCE_METADATA => instance_metadata(world, request.method(), request.headers(), &query),
        path => Err((StatusCode::NOT_FOUND, json!({"error": "not_found", "error_description": path}))),
    });
    match answer {
        Ok(body) => json_response(StatusCode::OK, &body),
        Err((status, body)) => json_response(status, &body),
    }
}

type Answer = Result<Value, (StatusCode, Value)>;

/// The texts, and all statuses except `400`, are not confirmed.
fn app_service(world: &mut World, method: &Method, headers: &HeaderMap, query: &Query) -> Answer {
    let refused =
        |status: StatusCode, message: &str| Err((status, json!({"statusCode": status.as_u16(), "message": message})));
    if *method != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "Only GET is supported.");
    }
    let header = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    if header != Some(world.directory.identity_header.expose()) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "The X-IDENTITY-HEADER is missing or is not that of IDENTITY_HEADER.",
        );
    }
    if query.get("api-version") != Some(APP_SERVICE_VERSION) {
        return refused(StatusCode::BAD_REQUEST, "The api-version must be 2019-08-01.");
    }
    let Some(resource) = query.get("resource").filter(|resource| !resource.is_empty()) else {
        return refused(StatusCode::BAD_REQUEST, "The resource is missing.");
    };
    let names = ["client_id", "object_id", "principal_id", "mi_res_id"];
    match chosen(&world.directory, query, &names, false).cloned() {
        Ok(identity) => token(world, &identity, resource).map(|mut token| {
            token.retain(&["access_token", "client_id", "expires_on", "resource", "token_type"]);
            Value::Object(token.0)
        }),
        Err(_) => refused(
            StatusCode::BAD_REQUEST,
            "No User Assigned or Delegated Managed Identity found for specified \
             ClientId/ResourceId/PrincipalId.",
        ),
    }
}

/// Errors as "Error handling" of the metadata service lists them.
fn instance_metadata(world: &mut World, method: &Method, headers: &HeaderMap, query: &Query) -> Answer {
    let refused = |status: StatusCode, description: &str| {
        Err((status, json!({"error": "invalid_request", "error_description": description})))
    };
    if *method != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "Only GET is supported.");
    }
    let is_asked_for = headers.get("metadata").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if !is_asked_for || headers.contains_key("x-forwarded-for") {
        return refused(StatusCode::BAD_REQUEST, "Required metadata header not specified");
    }
    if query.get("api-version").is_none_or(|version| version < OLDEST_METADATA_VERSION) {
        return refused(StatusCode::BAD_REQUEST, "Required query variable 'api-version' is missing or not supported");
    }
    let Some(resource) = query.get("resource").filter(|resource| !resource.is_empty()) else {
        return refused(StatusCode::BAD_REQUEST, "Required audience parameter not specified");
    };
    match chosen(&world.directory, query, &["client_id", "object_id", "msi_res_id", "mi_res_id"], true).cloned() {
        Ok(identity) => token(world, &identity, resource).map(|token| Value::Object(token.0)),
        Err(NotChosen::Unknown) => refused(StatusCode::BAD_REQUEST, "Identity not found"),
        Err(NotChosen::Ambiguous) => refused(
            StatusCode::BAD_REQUEST,
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the \
             token request",
        ),
    }
}

/// The identity that the parameters name; by default the system-assigned one, or with `or_only` the only one.
fn chosen<'a>(
    directory: &'a Directory,
    query: &Query,
    names: &[&str],
    or_only: bool,
) -> Result<&'a ManagedIdentity, NotChosen> {
    let given = names.iter().find_map(|name| query.get(name));
    let all = &directory.managed_identities;
    if let Some(given) = given {
        let is_named = |identity: &&ManagedIdentity| {
            let ids = [
                Some(&identity.principal.client_id),
                Some(&identity.principal.object_id),
                identity.resource_id.as_ref(),
            ];
            ids.into_iter().flatten().any(|id| id.eq_ignore_ascii_case(given))
        };
        return all.iter().find(is_named).ok_or(NotChosen::Unknown);
    }
    if let Some(identity) = all.iter().find(|identity| identity.resource_id.is_none()) {
        return Ok(identity);
    }
    match all.as_slice() {
        [only] if or_only => Ok(only),
        [] => Err(NotChosen::Unknown),
        _ => Err(NotChosen::Ambiguous),
    }
}

/// The members of an answer. Every value is a string, even numbers.
struct Token(serde_json::Map<String, Value>);

impl Token {
    fn retain(&mut self, names: &[&str]) {
        self.0.retain(|name, _| names.contains(&name.as_str()));
    }
}

fn token(world: &mut World, identity: &ManagedIdentity, resource: &str) -> Result<Token, (StatusCode, Value)> {
    let now = world.now.as_second();
    let signed = token::sign(world, &identity.principal, resource, LIFETIME_SECONDS, Proof::Certificate);
    let signed =
        signed.map_err(|why| (StatusCode::INTERNAL_SERVER_ERROR, json!({"error": "unknown", "message": why})))?;
    let members = [
        ("access_token", signed),
        ("client_id", identity.principal.client_id.clone()),
        ("expires_in", LIFETIME_SECONDS.to_string()),
        ("expires_on", (now + LIFETIME_SECONDS).to_string()),
        ("ext_expires_in", LIFETIME_SECONDS.to_string()),
        ("not_before", now.to_string()),
        ("resource", resource.to_owned()),
        ("token_type", "Bearer".to_owned()),
    ];
    Ok(Token(members.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect()))
}
