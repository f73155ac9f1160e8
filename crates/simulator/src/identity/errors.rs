//! Sign-in errors: Entra ID's `AADSTS` numbers and texts ("Microsoft Entra authentication and authorization error
//! codes").

use crate::error::{Response, json_response, set_header};
use crate::simulator::Simulator;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

/// Why a sign-in failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInError {
    status: StatusCode,
    error: &'static str,
    code: u32,
    message: String,
}

const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

impl SignInError {
    fn new(status: StatusCode, error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self { status, error, code, message: message.into() }
    }

    /// The number after `AADSTS`.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// The tenant is not in the directory.
    pub fn unknown_tenant(tenant: &str) -> Self {
        let message = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self::new(BAD_REQUEST, "invalid_request", 90002, message)
    }

    /// The client id is not in the tenant.
    pub fn unknown_application(client_id: &str, tenant: &str) -> Self {
        let message = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new(BAD_REQUEST, "unauthorized_client", 700016, message)
    }

    /// The client secret is wrong.
    pub fn wrong_secret(client_id: &str) -> Self {
        let message = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client_id}'."
        );
        Self::new(UNAUTHORIZED, "invalid_client", 7_000_215, message)
    }

    /// Neither secret nor assertion was sent.
    pub fn no_credential() -> Self {
        let message =
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.";
        Self::new(UNAUTHORIZED, "invalid_client", 7_000_216, message)
    }

    /// A form parameter is missing.
    pub fn missing_parameter(name: &str) -> Self {
        let message = format!("The request body must contain the following parameter: '{name}'.");
        Self::new(BAD_REQUEST, "invalid_request", 900144, message)
    }

    /// A grant other than client credentials.
    pub fn unsupported_grant(grant: &str) -> Self {
        let message = format!("The app requested an unsupported grant type '{grant}'.");
        Self::new(BAD_REQUEST, "unsupported_grant_type", 70003, message)
    }

    /// The scope does not end in `/.default`.
    pub fn wrong_scope(scope: &str) -> Self {
        let message = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        Self::new(BAD_REQUEST, "invalid_scope", 1002012, message)
    }

    /// The assertion is not a JWT.
    pub fn malformed_assertion() -> Self {
        Self::new(BAD_REQUEST, "invalid_request", 50027, "JWT token is invalid or malformed.")
    }

    /// No federated credential matches the assertion's `what` (issuer, subject, audience).
    pub fn no_matching_credential(code: u32, what: &str, value: &str) -> Self {
        let message = format!(
            "No matching federated identity record found for presented assertion {what} '{value}'. Check your \
             federated identity credential Subject, Audience and Issuer against the presented assertion. \
             https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
        );
        Self::new(UNAUTHORIZED, "invalid_client", code, message)
    }

    /// The assertion is not yet valid, or has expired.
    pub fn assertion_out_of_time(now: Timestamp, from: Option<Timestamp>, until: Timestamp) -> Self {
        let from = from.unwrap_or(Timestamp::UNIX_EPOCH);
        let message = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry \
             time of assertion {}. Review the documentation at \
             https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            precise(now),
            precise(from),
            precise(until)
        );
        Self::new(UNAUTHORIZED, "invalid_client", 700024, message)
    }

    /// The signature does not match the issuer's published keys.
    pub fn wrong_signature(reason: &str) -> Self {
        let message = format!("Client assertion failed signature validation. [Reason - {reason}]");
        Self::new(UNAUTHORIZED, "invalid_client", 700027, message)
    }

    /// The issuer's metadata or keys could not be fetched.
    pub fn issuer_unreachable(issuer: &str, why: &str) -> Self {
        let message = format!("Request to External OIDC endpoint failed. Issuer: '{issuer}'. Reason: {why}");
        Self::new(BAD_REQUEST, "invalid_request", 50166, message)
    }

    /// A verb that the endpoint does not accept.
    pub fn wrong_verb(method: &Method) -> Self {
        let message = format!("Endpoint does not support the {method} verb.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", 900561, message)
    }

    /// Entra ID's answer.
    pub fn into_response(self, simulator: &Simulator) -> Response {
        let (trace, correlation, now, base) = simulator
            .with(|world| (world.ids.guid("trace"), world.ids.guid("correlation"), world.now, world.base_url.clone()));
        let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
                self.code, self.message
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{base}/error?code={}", self.code),
        });
        let mut response = json_response(self.status, &body);
        set_header(&mut response, "x-ms-request-id", &trace);
        response
    }
}

fn precise(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}
