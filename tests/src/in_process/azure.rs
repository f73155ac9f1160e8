//! The simulated Azure behind the operator's `Http`, without sockets. Requests to addresses inside virtual networks go
//! the same way.

use super::wire::{Sent, Side, Wire};
use acivnet_azure::{Body, BoxError, Clock, Http, SendError, collect};
use acivnet_simulator::{Config, ConnectionDropped, Seed, SigningKey, Simulator, StaticIssuerKeys, run::Scripted};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

/// Where it says it is.
pub const URL: &str = "https://localhost:8443";
/// Host and port of it.
pub const AUTHORITY: &str = "localhost:8443";

/// Largest request that is read as a whole.
const LARGEST: usize = 64 << 20;

/// Azure on the operator's clock.
struct SameClock(Arc<dyn Clock>);

impl acivnet_simulator::Clock for SameClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A simulated Azure with `seed`, which trusts the tokens that `key` signs for `issuer`.
pub fn simulator(seed: &Value, clock: Arc<dyn Clock>, issuer: &str, key: &Arc<SigningKey>) -> Simulator {
    let keys = serde_json::from_value(key.jwks()).expect("keys");
    let config = Config {
        base_url: URL.into(),
        time_scale: 1.0,
        page_size: 100,
        seed: Seed::parse(seed.to_string().as_bytes()).expect("a seed"),
        id_seed: 1,
        key: Arc::clone(key),
        runner: Arc::new(Scripted),
        issuers: Arc::new(StaticIssuerKeys([(issuer.to_owned(), keys)].into())),
    };
    Simulator::new(config, Arc::new(SameClock(clock)))
}

/// The way to it.
pub struct ToAzure {
    /// The wire that every request takes.
    pub wire: Wire,
    /// Who answers.
    pub simulator: Simulator,
    /// Who comes in between.
    pub intruders: Intruders,
}

/// Somebody who puts a resource into Azure right before a request is carried out.
pub struct Intruder {
    /// Before which request.
    pub before: fn(&Sent) -> bool,
    /// Id of the resource.
    pub id: String,
    /// Its body.
    pub body: Value,
}

/// Those who wait for their requests. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Intruders(Arc<Mutex<Vec<Intruder>>>);

impl Intruders {
    /// One more.
    pub fn add(&self, intruder: Intruder) {
        self.0.lock().unwrap().push(intruder);
    }

    async fn come_before(&self, sent: &Sent, simulator: &Simulator) {
        let come: Vec<Intruder> = self.0.lock().unwrap().extract_if(.., |one| (one.before)(sent)).collect();
        for Intruder { id, body, .. } in come {
            admin(simulator, Method::PUT, &format!("resources?id={id}"), body).await;
        }
    }
}

#[async_trait]
impl Http for ToAzure {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let (mut parts, body) = request.into_parts();
        let body = collect(body, LARGEST).await.map_err(|error| SendError::NotSent(error.to_string()))?;
        if !body.is_empty() {
            parts.headers.entry(CONTENT_LENGTH).or_insert(body.len().into());
        }
        let inside = parts.uri.host().is_some_and(|host| host.parse::<Ipv4Addr>().is_ok());
        let side = if inside { Side::Network } else { Side::Azure };
        let sent = Sent::new(side, &parts.method, &parts.uri, &body);
        self.wire.plant(&mut parts);
        let request = Request::from_parts(parts, axum::body::Body::from(body));
        let carry = async {
            self.intruders.come_before(&sent, &self.simulator).await;
            self.simulator.handle(request).await
        };
        let answer = self.wire.take(sent.clone(), carry).await;
        let answer = answer.map_err(|lost| SendError::Unknown(lost.to_string()))?;
        if answer.extensions().get::<ConnectionDropped>().is_some() {
            return Err(SendError::Unknown("the connection was closed".into()));
        }
        if inside && answer.status() == StatusCode::GATEWAY_TIMEOUT {
            return Err(SendError::NotSent("nobody answers at this address".into()));
        }
        Ok(answer.map(|body| body.map_err(|error| Box::new(error) as BoxError).boxed_unsync()))
    }
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

/// Everything that stands in Azure.
pub async fn dump(simulator: &Simulator) -> Value {
    admin(simulator, Method::GET, "dump", json!(null)).await
}
