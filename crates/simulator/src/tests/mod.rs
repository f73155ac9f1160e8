//! Requests over the service on a clock that stands still until it is moved.

mod admin;
mod arm;
mod computes;
mod container_groups;
mod determinism;
mod faults;
mod filters;
mod identities;
mod identity;
mod limits;
mod managed_identity;
mod names_and_tags;
mod private_dns;
mod recorded;
mod resource_manager;
mod security_groups;
mod subnets;
mod tracked;
mod virtual_networks;

use crate::clock::ManualClock;
use crate::identity::issuer::StaticIssuerKeys;
use crate::identity::keys::SigningKey;
use crate::seed::Seed;
use crate::simulator::{Config, ConnectionDropped, Simulator};
use crate::specs::{Checked, Checker};
use axum::body::Body;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tower::Service;

pub(crate) const TENANT: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const OTHER_TENANT: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const SUBSCRIPTION: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const ISSUER: &str = "https://cluster.example/issuer";
pub(crate) const OWNER: &str = "44444444-4444-4444-8444-444444444444";
pub(crate) const READER: &str = "55555555-5555-4555-8555-555555555555";
pub(crate) const STRANGER: &str = "66666666-6666-4666-8666-666666666666";
pub(crate) const SECRET: &str = "s3cr3t~value";
/// Of Microsoft.Network, and of everything that does not look at it.
pub(crate) const VERSION: &str = "2024-01-01";

/// The version of a type that Microsoft's descriptions at hand are of.
fn version(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    if path.contains("microsoft.containerinstance") { "2023-05-01" } else { VERSION }
}

pub(crate) static KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate().unwrap()));
pub(crate) static CLUSTER_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().unwrap());

/// What is checked in all these tests, where Microsoft's descriptions are at hand.
pub(crate) static SPECS: LazyLock<Option<Checker>> = LazyLock::new(|| {
    let folder = std::env::var_os("ACIVNET_AZURE_SPECS");
    if folder.is_none() {
        println!("not checked against Microsoft's specs: set ACIVNET_AZURE_SPECS");
    }
    folder.map(|folder| Checker::read(folder.as_ref()).unwrap())
});

/// A simulator with one subscription, a group `ml` in westeurope with workspace `ws`, an application that owns the
/// subscription, one that reads the group `ml`, and one of another tenant.
pub(crate) struct Bed {
    pub simulator: Simulator,
    pub specs: Option<Arc<Checker>>,
    pub clock: Arc<ManualClock>,
    pub token: String,
}

/// An answer with its body read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
    pub dropped: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> &str {
        self.body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn detail(&self) -> &str {
        self.body.pointer("/error/details/0/code").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body.pointer("/error/message").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn state(&self) -> &str {
        self.body.pointer("/properties/provisioningState").and_then(Value::as_str).unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self
    }
}

pub(crate) fn seed() -> Value {
    let federated = json!([{
        "name": "acivnet", "issuer": ISSUER, "subject": "system:serviceaccount:ml:acivnet",
        "audience": "api://AzureADTokenExchange",
    }]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/ml");
    json!({
        "tenants": [TENANT, OTHER_TENANT],
        "subscriptions": [{"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "Machine learning"}],
        "resourceGroups": [{"subscriptionId": SUBSCRIPTION, "name": "ml", "location": "westeurope"}],
        "workspaces": [{"subscriptionId": SUBSCRIPTION, "resourceGroup": "ml", "name": "ws", "location": "westeurope"}],
        "applications": [
            {"tenantId": TENANT, "clientId": OWNER, "objectId": "oid-owner", "secrets": [SECRET], "federatedCredentials": federated},
            {"tenantId": TENANT, "clientId": READER, "objectId": "oid-reader", "secrets": [SECRET]},
            {"tenantId": OTHER_TENANT, "clientId": STRANGER, "objectId": "oid-stranger", "secrets": [SECRET]},
        ],
        "roleAssignments": [
            {"principalId": "oid-owner", "role": "Contributor", "scope": format!("/subscriptions/{SUBSCRIPTION}")},
            {"principalId": "oid-reader", "role": "Reader", "scope": group},
            {"principalId": "oid-stranger", "role": "Owner", "scope": "/"},
        ],
    })
}

impl Bed {
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T15:00:00Z".parse::<Timestamp>().unwrap()));
        let seed = Seed::parse(seed().to_string().as_bytes()).unwrap();
        let issuers = Arc::new(StaticIssuerKeys::one(ISSUER, &CLUSTER_KEY));
        let config = Config::scripted(seed, KEY.clone(), issuers);
        let specs = SPECS.as_ref().map(|specs| Arc::new(specs.afresh()));
        let simulator = Simulator::new(config, clock.clone());
        let mut bed = Self { simulator, specs, clock, token: String::new() };
        bed.token = bed.token_of(TENANT, OWNER).await;
        bed
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let response = Checked::new(self.simulator.clone(), self.specs.clone()).call(request).await.unwrap();
        if let Some(specs) = &self.specs {
            assert_eq!(specs.ledger().violations, [], "of Microsoft's specs");
        }
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            dropped: parts.extensions.get::<ConnectionDropped>().is_some(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> http::request::Builder {
        let mut path = path.trim_start_matches("https://localhost:8443").to_owned();
        if !path.to_ascii_lowercase().contains("api-version=") && !path.starts_with("/simulator") {
            let separator = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{separator}api-version={}", version(&path));
        }
        let builder = Request::builder().method(method).uri(path).header("host", "localhost:8443");
        if token.is_empty() { builder } else { builder.header("authorization", format!("Bearer {token}")) }
    }

    pub async fn send_as(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let builder = self.request(method, path, token);
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.raw(builder.body(body).unwrap()).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send_as(&self.token, method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Value::Null).await
    }

    pub async fn put_if_match(&self, path: &str, etag: &str, body: Value) -> Answer {
        let builder = self.request(Method::PUT, path, &self.token).header("if-match", etag);
        self.raw(builder.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn delete_if_match(&self, path: &str, etag: &str) -> Answer {
        let builder = self.request(Method::DELETE, path, &self.token).header("if-match", etag);
        self.raw(builder.body(Body::empty()).unwrap()).await
    }

    /// A PUT and the time that it takes.
    pub async fn stands(&self, path: &str, body: Value) -> Answer {
        let answer = self.put(path, body).await;
        assert!(answer.status < 300, "{} {}", path, answer.text);
        self.wait(20);
        self.get(path).await
    }

    pub async fn sign_in(&self, tenant: &str, form: &[(&str, &str)]) -> Answer {
        let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("/{tenant}/oauth2/v2.0/token"))
            .header("host", "localhost:8443")
            .header("content-type", "application/x-www-form-urlencoded");
        self.raw(request.body(Body::from(form)).unwrap()).await
    }

    pub async fn token_of(&self, tenant: &str, client: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", SECRET),
            ("scope", "https://management.azure.com/.default"),
        ];
        let answer = self.sign_in(tenant, &form).await;
        answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
    }

    /// A container group of the data plane in the subnet `aci`.
    pub fn hold(&self, holder: &str) -> std::net::Ipv4Addr {
        use crate::network::addresses::{Holder, take_address};
        let holder = Holder { id: holder.to_owned(), location: "westeurope".to_owned() };
        self.simulator.with(|world| take_address(world, &subnet("aci"), &holder)).unwrap()
    }

    pub fn release(&self, holder: &str) {
        use crate::network::addresses::release_address;
        self.simulator.with(|world| release_address(world, &subnet("aci"), holder));
    }
}

pub(crate) fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/ml")
}

pub(crate) fn vnet() -> String {
    format!("{}/providers/Microsoft.Network/virtualNetworks/v", group())
}

pub(crate) fn subnet(name: &str) -> String {
    format!("{}/subnets/{name}", vnet())
}

pub(crate) fn nsg() -> String {
    format!("{}/providers/Microsoft.Network/networkSecurityGroups/n", group())
}

pub(crate) fn vnet_body() -> Value {
    json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}})
}

pub(crate) fn aci_body(prefix: &str) -> Value {
    json!({"properties": {"addressPrefix": prefix, "delegations": [
        {"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}},
    ]}})
}
