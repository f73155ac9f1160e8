//! Carries an operator's requests: through a bug that may be planted in it, over the wire, to the server that answers.

use super::{
    api_server,
    cluster::Cluster,
    concurrent_changes::ConcurrentChanges,
    planted_bugs::Bug,
    wire::{Lost, Sent, Side, Wire},
};
use acivnet_azure::{Body, BoxError, DialAt, Http, SendError, collect};
use acivnet_simulator::{ConnectionDropped, Simulator};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header::CONTENT_LENGTH};
use http_body_util::{BodyExt as _, Full};
use std::{net::Ipv4Addr, sync::Arc};

/// Largest request that is read as a whole.
const LARGEST: usize = 64 << 20;

/// The transport of one operator process. Clones share it.
#[derive(Clone)]
pub struct Transport {
    /// The wire that every request takes.
    pub wire: Wire,
    /// Answers for Azure and for containers in its networks.
    pub azure: Simulator,
    /// Answers for Kubernetes.
    pub cluster: Arc<dyn Cluster>,
    /// Changes by others that wait for a request.
    pub concurrent_changes: ConcurrentChanges,
    /// The planted bug.
    pub bug: Option<Arc<dyn Bug>>,
}

/// The server of a request: the Kubernetes client names no host, and containers have addresses as hosts.
pub fn side(uri: &Uri) -> Side {
    match uri.host() {
        None => Side::Kubernetes,
        Some(host) if host.parse::<Ipv4Addr>().is_ok() => Side::Network,
        Some(_) => Side::Azure,
    }
}

impl Transport {
    /// Carries a request of the operator.
    ///
    /// # Errors
    /// What became of the request is unknown.
    pub async fn carry(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        match &self.bug {
            Some(bug) => bug.carry(request, self).await,
            None => self.send(request).await,
        }
    }

    /// Sends a request over the wire, without the bug.
    ///
    /// # Errors
    /// What became of the request is unknown.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let (mut parts, body) = request.into_parts();
        let side = side(&parts.uri);
        let sent = Sent::new(side, &parts.method, &parts.uri, &body);
        let carried = self.wire.take(sent.clone(), async {
            self.concurrent_changes.come_before(&sent, self).await;
            let answer = match side {
                Side::Kubernetes => whole(self.cluster.handle(Request::from_parts(parts, body)).await).await,
                Side::Azure | Side::Network => {
                    if !body.is_empty() {
                        parts.headers.insert(CONTENT_LENGTH, body.len().into());
                    }
                    let request = Request::from_parts(parts, axum::body::Body::from(body));
                    whole(self.azure.handle(request).await).await
                }
            };
            self.concurrent_changes.come_after(&sent, self).await;
            answer
        });
        let answer = carried.await?;
        match answer.extensions().get::<ConnectionDropped>() {
            Some(_) => Err(Lost),
            None => Ok(answer),
        }
    }

    /// A watch, whose answer is a stream.
    async fn watch(&self, request: Request<Bytes>) -> Result<Response<api_server::Body>, Lost> {
        let sent = Sent::new(Side::Kubernetes, request.method(), request.uri(), &[]);
        self.wire.take(sent, self.cluster.handle(request)).await
    }

    /// The operator's client of Kubernetes.
    pub fn client(&self) -> kube::Client {
        let transport = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let transport = transport.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let request = Request::from_parts(parts, body);
                if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                    return transport.watch(request).await;
                }
                transport.carry(request).await.map(|answer| answer.map(boxed))
            }
        });
        kube::Client::new(service, "default")
    }
}

#[async_trait]
impl Http for Transport {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let (mut parts, body) = request.into_parts();
        let body = collect(body, LARGEST).await.map_err(|error| SendError::NotSent(error.to_string()))?;
        if let Some(at) = parts.extensions.remove::<DialAt>() {
            parts.uri = dialled(&parts.uri, at.address);
        }
        let inside = side(&parts.uri) == Side::Network;
        let answer = self.carry(Request::from_parts(parts, body)).await;
        let answer = answer.map_err(|lost| SendError::Unknown(lost.to_string()))?;
        if inside && answer.status() == StatusCode::GATEWAY_TIMEOUT {
            return Err(SendError::NotSent("nothing answers at this address".into()));
        }
        Ok(answer.map(boxed))
    }
}

/// A URL with the address to connect to. Names and certificates are verified only where there are sockets.
pub fn dialled(uri: &Uri, address: Ipv4Addr) -> Uri {
    let (scheme, path) = (uri.scheme_str().unwrap_or("https"), uri.path());
    format!("{scheme}://{address}{path}").parse().expect("a URL")
}

fn boxed(body: Bytes) -> api_server::Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// An answer with its body read.
async fn whole<B>(answer: Response<B>) -> Response<Bytes>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(Into::into).expect("a whole body").to_bytes();
    Response::from_parts(parts, body)
}
