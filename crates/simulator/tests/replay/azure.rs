//! The simulator that a recording is played to: empty but for one subscription and its owner, on a clock that stands still.

use acivnet_simulator::run::Scripted;
use acivnet_simulator::{Config, ManualClock, SigningKey, Simulator, StaticIssuerKeys};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The subscription and the tenant to which the recordings were cleaned.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
const CLIENT: &str = "00000000-0000-0000-0000-00000000000c";
const BASE: &str = "https://localhost:8443";
/// How often the clock is moved before an operation counts as one that does not end.
const MOST_STEPS: u32 = 2_000;

static KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate().unwrap()));

pub struct Azure {
    simulator: Simulator,
    clock: Arc<ManualClock>,
    token: String,
}

pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
}

fn seed() -> Value {
    json!({
        "tenants": [TENANT],
        "subscriptions": [{"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "replay"}],
        "applications": [{"tenantId": TENANT, "clientId": CLIENT, "objectId": "owner", "secrets": ["secret"]}],
        "roleAssignments": [{"principalId": "owner", "role": "Owner", "scope": format!("/subscriptions/{SUBSCRIPTION}")}],
        "settings": {"limits": {"resourceManager": false}},
    })
}

impl Azure {
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap()));
        let config = Config {
            base_url: BASE.into(),
            time_scale: 1.0,
            page_size: 1_000,
            seed: serde_json::from_value(seed()).unwrap(),
            id_seed: 1,
            key: KEY.clone(),
            runner: Arc::new(Scripted),
            issuers: Arc::new(StaticIssuerKeys(BTreeMap::new())),
        };
        let mut azure = Self { simulator: Simulator::new(config, clock.clone()), clock, token: String::new() };
        azure.token = azure.sign_in().await;
        azure
    }

    async fn sign_in(&self) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret=secret&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
        );
        let request = Request::post(format!("/{TENANT}/oauth2/v2.0/token"))
            .header("host", "localhost:8443")
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = self.answer(request.body(Body::from(form)).unwrap()).await;
        answer.body.unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn send(
        &self,
        method: &str,
        url: &str,
        body: Option<&Value>,
        conditions: &BTreeMap<String, String>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(url.trim_start_matches(BASE).replace(' ', "%20"))
            .header("host", "localhost:8443")
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in conditions {
            request = request.header(name, value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.answer(request.body(body).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.simulator.handle(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            body: serde_json::from_slice(&bytes).ok(),
        }
    }

    /// Lets time pass until no operation runs any more.
    pub fn settle(&self) {
        for _ in 0..MOST_STEPS {
            if self.simulator.with(|world| world.operations.running()) == 0 {
                return;
            }
            self.clock.advance(Duration::from_secs(1));
        }
        panic!("an operation has not ended in {MOST_STEPS} seconds");
    }
}
