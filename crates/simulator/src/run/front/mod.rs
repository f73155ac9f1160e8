//! The front end that Azure puts before a service's container (`azureml-fe-aci`): it checks the key, speaks TLS, and is
//! the only way in. A task of the simulator with a socket inside the group's namespace.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures::future::BoxFuture;
use http::{Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::namespace;
use crate::error::{Response, json_response};
use crate::identity::Secret;
use crate::server::Drain;

/// The port of the scoring server behind the front end: the default of `azmlinfsrv`.
pub const INNER_PORT: u16 = 5001;
/// How long a container may take to answer ("504: the request has timed out", how-to-troubleshoot-deployment).
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a client may take for its TLS handshake, and for the head of a request.
const CLIENT_PATIENCE: Duration = Duration::from_secs(30);
/// Most connections at a time; more wait.
const MOST_CONNECTIONS: usize = 256;
/// Headers that concern only one connection (RFC 9110, section 7.6.1); hyper frames bodies anew.
const HOP_BY_HOP: &[&str] =
    &["connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// The keys and the certificate of a front end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The two keys, if one of them is required.
    pub keys: Option<[Secret; 2]>,
    /// Certificate chain and private key as PEM, if it uses TLS.
    pub tls: Option<(String, Secret)>,
}

impl Settings {
    /// Whether an `Authorization` header is accepted.
    #[must_use]
    pub fn allows(&self, header: Option<&str>) -> bool {
        let token = header.and_then(|header| header.strip_prefix("Bearer "));
        self.keys.as_ref().is_none_or(|keys| token.is_some_and(|token| keys.iter().any(|key| key.expose() == token)))
    }

    /// The only port that is open: 443 with TLS, else 80.
    #[must_use]
    pub fn port(&self) -> u16 {
        if self.tls.is_some() { 443 } else { 80 }
    }

    /// TLS with the certificate that was sent; the key may be PKCS #1, PKCS #8 or SEC 1.
    ///
    /// # Errors
    /// What is wrong with certificate or key, without either of them.
    fn acceptor(&self) -> Result<Option<TlsAcceptor>, String> {
        let Some((certificate, key)) = &self.tls else { return Ok(None) };
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|e| format!("sslCertificate is not PEM: {e}"))?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
        let key = key.map_err(|e| format!("sslKey is not a readable private key: {e}"))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| format!("TLS: {e}"))?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(|e| format!("sslCertificate and sslKey can't be used together: {e}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }
}

/// A front end that listens until it is dropped.
#[derive(Debug)]
pub struct Front {
    settings: watch::Sender<Settings>,
    task: JoinHandle<()>,
}

impl Front {
    /// Listens in the namespace and forwards requests to the server behind it.
    ///
    /// # Errors
    /// The certificate or the key can't be used, or the port is taken.
    pub async fn open(namespace: &str, settings: Settings) -> Result<Self, String> {
        let acceptor = settings.acceptor()?;
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, settings.port()));
        let listener = namespace::listen(namespace, address).await;
        let listener = listener.map_err(|e| format!("port {} in {namespace}: {e}", settings.port()))?;
        let name = namespace.to_owned();
        let dial = move || -> BoxFuture<'static, std::io::Result<TcpStream>> {
            let (name, address) = (name.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, INNER_PORT)));
            Box::pin(async move { namespace::dial(&name, address, PATIENCE).await })
        };
        Ok(Self::over(namespace, listener, acceptor, settings, Box::new(dial)))
    }

    fn over(name: &str, listener: TcpListener, acceptor: Option<TlsAcceptor>, settings: Settings, dial: Dial) -> Self {
        let (settings, receiver) = watch::channel(settings);
        let door = Door { namespace: name.to_owned(), settings: receiver, dial };
        Self { settings, task: tokio::spawn(accept(listener, acceptor, Arc::new(door))) }
    }

    /// Replaces the keys. TLS changes only with a new deployment.
    pub fn update(&self, settings: &Settings) {
        self.settings.send_if_modified(|standing| {
            let differs = standing != settings;
            standing.clone_from(settings);
            differs
        });
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What every connection needs to know.
struct Door {
    namespace: String,
    settings: watch::Receiver<Settings>,
    dial: Dial,
}

/// A connection to the server behind.
type Dial = Box<dyn Fn() -> BoxFuture<'static, std::io::Result<TcpStream>> + Send + Sync>;

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, door: Arc<Door>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // Connections end with the front.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok(permit) = room.clone().acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(e) => {
                tracing::warn!("{}: a connection could not be accepted: {e}", door.namespace);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, door) = (acceptor.clone(), door.clone());
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            match acceptor {
                None => serve(stream, door).await,
                Some(acceptor) => match tokio::time::timeout(CLIENT_PATIENCE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, door).await,
                    Ok(Err(e)) => tracing::debug!("{}: TLS handshake: {e}", door.namespace),
                    Err(_) => tracing::debug!("{}: TLS handshake: the client took too long", door.namespace),
                },
            }
            drop(permit);
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, door: Arc<Door>) {
    let name = door.namespace.clone();
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(&door, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(CLIENT_PATIENCE);
    if let Err(e) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!("{name}: connection: {e}");
    }
}

async fn answer(door: &Door, request: Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let body = Drain::of(&head.headers, body);
    let request = Request::from_parts(head, body);
    let key = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !door.settings.borrow().allows(key) {
        return unauthorized();
    }
    match tokio::time::timeout(PATIENCE, pass_on(door, request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(why)) => {
            tracing::debug!("{}: the container gave no answer: {why}", door.namespace);
            plain(StatusCode::BAD_GATEWAY, "The container does not answer.")
        }
        Err(_) => plain(StatusCode::GATEWAY_TIMEOUT, "The container took longer than a minute."),
    }
}

/// The answer to a request without a key, or with a wrong one.
pub(crate) fn unauthorized() -> Response {
    plain(StatusCode::UNAUTHORIZED, "Unauthorized")
}

fn plain(status: StatusCode, message: &str) -> Response {
    json_response(status, &json!({"message": message}))
}

/// The server's own answer, whatever it is.
async fn pass_on(door: &Door, mut request: Request<Drain>) -> Result<Response, String> {
    let stream = (door.dial)().await.map_err(|e| e.to_string())?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    for name in HOP_BY_HOP {
        request.headers_mut().remove(*name);
    }
    // In origin form, as a server wants it.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse();
    *request.uri_mut() = path.map_err(|e: http::uri::InvalidUri| e.to_string())?;
    let mut response = sender.send_request(request).await.map_err(|e| e.to_string())?;
    for name in HOP_BY_HOP {
        response.headers_mut().remove(*name);
    }
    Ok(response.map(Body::new))
}

#[cfg(test)]
mod tests;
