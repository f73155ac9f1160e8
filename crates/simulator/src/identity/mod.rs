//! Sign-in: tenants, applications, and the endpoints of the authority `https://localhost:PORT/{tenant}`.

pub mod assertion;
pub mod bearer;
pub mod errors;
pub mod issuer;
pub mod keys;
pub mod managed;
pub mod token;

use crate::error::{Response, json_response};
use crate::simulator::Simulator;
use axum::body::Body;
use errors::SignInError;
use http::{Method, Request, StatusCode};
use keys::SigningKey;
use managed::ManagedIdentity;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A secret that prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A federated identity credential: whose tokens sign an application in. Matching is case-sensitive, as in Entra ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// Name.
    pub name: String,
    /// Issuer URL, exactly as in the token's `iss`.
    pub issuer: String,
    /// `sub` of the token.
    pub subject: String,
    /// One of the token's `aud`.
    pub audience: String,
}

/// An application with its service principal.
#[derive(Debug, Clone)]
pub struct Application {
    /// Tenant GUID.
    pub tenant: String,
    /// Client id.
    pub client_id: String,
    /// Object id of the service principal, to which roles are assigned.
    pub object_id: String,
    /// Name shown to people.
    pub display_name: String,
    /// Client secrets that are valid.
    pub secrets: Vec<Secret>,
    /// The issuers and subjects whose tokens sign it in.
    pub federated: Vec<FederatedCredential>,
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Tenant GUID.
    pub tenant: String,
    /// Client id of the application.
    pub client_id: String,
    /// Object id of its service principal.
    pub object_id: String,
}

/// Tenants, applications, and the key that signs tokens.
#[derive(Debug)]
pub struct Directory {
    /// Signs access tokens.
    pub key: Arc<SigningKey>,
    /// Tenant GUIDs in lower case.
    pub tenants: BTreeSet<String>,
    /// Managed identities of the machine that the identity endpoint is on.
    pub managed_identities: Vec<ManagedIdentity>,
    /// The value of `IDENTITY_HEADER` that clients of that endpoint have to send; new for each world.
    pub identity_header: Secret,
    applications: Vec<Application>,
}

impl Directory {
    /// An empty directory.
    pub fn new(key: Arc<SigningKey>) -> Self {
        Self {
            key,
            tenants: BTreeSet::new(),
            managed_identities: Vec::new(),
            identity_header: Secret::new(""),
            applications: Vec::new(),
        }
    }

    /// Adds a managed identity, replacing one with the same client id.
    pub fn put_managed(&mut self, identity: ManagedIdentity) {
        self.tenants.insert(identity.principal.tenant.to_ascii_lowercase());
        let same = |old: &ManagedIdentity| old.principal.client_id.eq_ignore_ascii_case(&identity.principal.client_id);
        self.managed_identities.retain(|old| !same(old));
        self.managed_identities.push(identity);
    }

    /// Adds an application, replacing one with the same tenant and client id.
    pub fn put(&mut self, application: Application) {
        self.tenants.insert(application.tenant.to_ascii_lowercase());
        self.applications.retain(|old| !is_same(old, &application.tenant, &application.client_id));
        self.applications.push(application);
    }

    /// Removes an application.
    pub fn remove(&mut self, tenant: &str, client_id: &str) {
        self.applications.retain(|old| !is_same(old, tenant, client_id));
    }

    /// Whether a role can be assigned to this object id.
    pub fn has_principal(&self, object_id: &str) -> bool {
        let applications = self.applications.iter().map(|application| &application.object_id);
        let identities = self.managed_identities.iter().map(|identity| &identity.principal.object_id);
        applications.chain(identities).any(|known| known.eq_ignore_ascii_case(object_id))
    }

    /// The application with this client id in a tenant.
    pub fn application(&self, tenant: &str, client_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| is_same(application, tenant, client_id))
    }
}

fn is_same(application: &Application, tenant: &str, client_id: &str) -> bool {
    application.tenant.eq_ignore_ascii_case(tenant) && application.client_id.eq_ignore_ascii_case(client_id)
}

/// A request to the authority, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// `/{tenant}/oauth2/v2.0/token`.
    Token(&'a str),
    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    Metadata(&'a str),
    /// `/{tenant}/discovery/v2.0/keys`.
    Keys(&'a str),
}

impl<'a> Endpoint<'a> {
    /// Parses a path; none if it is not the authority's.
    pub fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (tenant, rest) = (parts.next()?, parts.next()?);
        match rest {
            "oauth2/v2.0/token" => Some(Self::Token(tenant)),
            "v2.0/.well-known/openid-configuration" => Some(Self::Metadata(tenant)),
            "discovery/v2.0/keys" => Some(Self::Keys(tenant)),
            _ => None,
        }
    }
}

/// Answers a request to the authority.
pub async fn route(simulator: &Simulator, endpoint: Endpoint<'_>, request: Request<Body>) -> Response {
    let allowed = if matches!(endpoint, Endpoint::Token(_)) { Method::POST } else { Method::GET };
    if *request.method() != allowed {
        return SignInError::wrong_verb(request.method()).into_response(simulator);
    }
    let answer = match endpoint {
        Endpoint::Token(tenant) => token::issue(simulator, tenant, request).await,
        Endpoint::Metadata(tenant) => metadata(simulator, tenant),
        Endpoint::Keys(_) => {
            let keys = simulator.with(|world| world.directory.key.jwks());
            Ok(json_response(StatusCode::OK, &keys))
        }
    };
    answer.unwrap_or_else(|error| error.into_response(simulator))
}

fn metadata(simulator: &Simulator, tenant: &str) -> Result<Response, SignInError> {
    let base = simulator.with(|world| {
        known_tenant(&world.directory, tenant)?;
        Ok(world.base_url.clone())
    })?;
    let authority = format!("{base}/{tenant}");
    let document = json!({
        "token_endpoint": format!("{authority}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{authority}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{authority}/v2.0"),
        "authorization_endpoint": format!("{authority}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{authority}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{authority}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "oid", "ver"],
        "tenant_region_scope": "EU",
    });
    Ok(json_response(StatusCode::OK, &document))
}

/// Whether the tenant is in the directory.
fn known_tenant(directory: &Directory, tenant: &str) -> Result<(), SignInError> {
    if directory.tenants.contains(&tenant.to_ascii_lowercase()) {
        return Ok(());
    }
    Err(SignInError::unknown_tenant(tenant))
}
