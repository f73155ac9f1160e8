//! The simulated Azure, without sockets.

use acivnet_azure::Clock;
use acivnet_simulator::{Config, Seed, SigningKey, Simulator, StaticIssuerKeys, run::Scripted};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// Its base URL.
pub const URL: &str = "https://localhost:8443";
/// Host and port of it.
pub const AUTHORITY: &str = "localhost:8443";

/// Azure on the operator's clock.
struct SameClock(Arc<dyn Clock>);

impl acivnet_simulator::Clock for SameClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The configuration of a simulated Azure.
pub struct Setting {
    /// What exists at the start.
    pub seed: Value,
    /// The operator's clock.
    pub clock: Arc<dyn Clock>,
    /// Azure's durations are this part of the real ones.
    pub time_scale: f64,
    /// Signs access tokens.
    pub key: Arc<SigningKey>,
    /// Who makes the tokens of ServiceAccounts.
    pub issuer: String,
    /// The key set by which these are checked.
    pub keys: Value,
}

/// A simulated Azure.
pub fn simulator(setting: Setting) -> Simulator {
    let keys = serde_json::from_value(setting.keys).expect("keys");
    let config = Config {
        base_url: URL.into(),
        time_scale: setting.time_scale,
        page_size: 100,
        seed: Seed::parse(setting.seed.to_string().as_bytes()).expect("a seed"),
        id_seed: 1,
        key: setting.key,
        runner: Arc::new(Scripted),
        issuers: Arc::new(StaticIssuerKeys([(setting.issuer, keys)].into())),
    };
    Simulator::new(config, Arc::new(SameClock(setting.clock)))
}

/// A request to the simulator's admin interface, which no wire sees. The answer's JSON, or null without one.
pub async fn admin(simulator: &Simulator, method: Method, path: &str, body: Value) -> Value {
    let uri = format!("{URL}/simulator/{path}");
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(&uri).body(axum::body::Body::from(body)).expect("a request");
    let answer = simulator.handle(request).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert!(status.is_success(), "{uri}: {status} {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap_or_default()
}

/// Everything that exists in Azure.
pub async fn dump(simulator: &Simulator) -> Value {
    admin(simulator, Method::GET, "dump", json!(null)).await
}
