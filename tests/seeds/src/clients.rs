//! The operator's clients of both servers, with the time limits of the real ones.

use crate::{
    leadership::{PROCESS, Process, ear},
    network::{Limits, Pool, Together, pool},
    planted_bugs::Plant,
    world::World,
};
use acivnet_azure::{Body, BoxError, DialAt, Http, SendError, TimeLimit};
use acivnet_tests::in_process::transport::dialled;
use async_trait::async_trait;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::BodyExt as _;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// The name of the simulated API server's host.
pub const KUBERNETES: &str = "kubernetes";
/// The name of the simulated Azure's host.
pub const AZURE: &str = "azure";

/// What `acivnet_operator::kubernetes::client::connect` sets.
const TO_KUBERNETES: Limits = Limits {
    connect: Duration::from_secs(10),
    read: Some(Duration::from_secs(40)),
    write: Some(Duration::from_secs(30)),
    idle: Duration::from_secs(5),
};
/// What `acivnet_azure::ReqwestHttp` sets, and reqwest where it sets nothing: the rest is the limit of the whole request.
const TO_AZURE: Limits =
    Limits { connect: Duration::from_secs(5), read: None, write: None, idle: Duration::from_secs(90) };
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// A process' client of the API server.
pub fn kubernetes(process: Process, plant: Option<Plant>, connections: Together) -> kube::Client {
    let deaf = Arc::new(|| Box::new(|_: &[u8]| {}) as _);
    let pool: Pool<kube::client::Body> = pool(KUBERNETES, deaf, TO_KUBERNETES, connections);
    let process = HeaderValue::try_from(process.to_string()).expect("visible characters");
    let send = move |mut request: Request<kube::client::Body>| {
        *request.uri_mut() = absolute(request.uri());
        request.headers_mut().insert(PROCESS, process.clone());
        pool.request(request)
    };
    let service = tower::service_fn(move |request| Plant::take(plant, send.clone(), request));
    kube::Client::new(service, "default")
}

fn absolute(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(Authority::from_static(KUBERNETES));
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).expect("a URL")
}

/// The way to Azure, and to what runs in its virtual networks.
pub struct ToAzure {
    pool: Pool<Body>,
    plant: Option<Plant>,
}

impl ToAzure {
    /// A process' way without connections yet.
    pub fn new(process: Process, world: &Arc<World>, connections: Together) -> Self {
        let here = Arc::clone(world);
        let ears = Arc::new(move || ear(&here, process));
        Self { pool: pool(AZURE, ears, TO_AZURE, connections), plant: world.plant() }
    }
}

#[async_trait]
impl Http for ToAzure {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let limit = request.extensions().get::<TimeLimit>().map_or(REQUEST_LIMIT, |limit| limit.0);
        let end = Instant::now() + limit;
        let mut request = Plant::azure(self.plant, request);
        if let Some(at) = request.extensions_mut().remove::<DialAt>() {
            *request.uri_mut() = dialled(request.uri(), at.address);
        }
        let inside = request.uri().host().is_some_and(|host| host.parse::<Ipv4Addr>().is_ok());
        let answer = match timeout_at(end, self.pool.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_connect() => return Err(SendError::NotSent(error.to_string())),
            Ok(Err(error)) => return Err(SendError::Unknown(error.to_string())),
            Err(_) => return Err(SendError::Unknown(format!("nothing within {limit:?}"))),
        };
        if inside && answer.status() == StatusCode::GATEWAY_TIMEOUT {
            return Err(SendError::NotSent("nothing answers at this address".into()));
        }
        let (parts, body) = answer.into_parts();
        let body = match timeout_at(end, body.collect()).await {
            Ok(Ok(body)) => acivnet_azure::full(body.to_bytes()),
            Ok(Err(error)) => broken(error.to_string()),
            Err(_) => broken(format!("not whole within {limit:?}")),
        };
        Ok(Response::from_parts(parts, body))
    }
}

/// A body that breaks off at once.
fn broken(why: String) -> Body {
    let error = futures::stream::once(async move { Err::<http_body::Frame<bytes::Bytes>, BoxError>(why.into()) });
    http_body_util::StreamBody::new(error).boxed_unsync()
}
