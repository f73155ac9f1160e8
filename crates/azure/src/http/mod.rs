//! The one way out of the process: Azure Resource Manager, the Azure ML data plane, blob storage, sign-in and the probe.

mod public;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, uri::Scheme};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty, Full, combinators::UnsyncBoxBody};
use public::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use url::Url;

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A streaming body.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Largest answer that is read as a whole, in bytes.
pub const LARGEST_ANSWER: usize = 4 << 20;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// A body without bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is at hand.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Request extension: how long the whole request may take, instead of 60 seconds.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(pub Duration);

/// Request extension: the host is dialled directly and at public addresses only.
#[derive(Clone, Copy, Debug)]
pub struct PublicOnly;

/// Request extension: the host of an `https` URL is dialled at this address, directly, and still verified by its name.
#[derive(Clone, Debug)]
pub struct DialAt {
    /// Where.
    pub address: Ipv4Addr,
    /// The only authorities that are trusted, in PEM; the client's own when absent.
    pub authorities: Option<String>,
}

/// Request extension: it goes to a scoring endpoint, through the proxy for those where there is one.
#[derive(Clone, Copy, Debug)]
pub struct ToEndpoint;

/// Why there is no answer. The texts hold no query of a URL, where signatures are.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SendError {
    /// Nothing left the process: the request can be repeated.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Nothing left the process: the certificate of the other side is not accepted.
    #[error("the certificate is not accepted: {0}")]
    Certificate(String),
    /// It may or may not have been carried out.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// Why the body of an answer broke off. The text holds no query of a URL.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct BodyError {
    pub(crate) text: String,
    /// Whether the request's [`TimeLimit`] was over.
    pub timed_out: bool,
}

impl From<reqwest::Error> for BodyError {
    fn from(error: reqwest::Error) -> Self {
        Self { timed_out: error.is_timeout(), text: chain(&error.without_url()) }
    }
}

/// Sends a request. Redirects are not followed; the answer's body may still be on its way.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends one request, within 60 seconds or the request's [`TimeLimit`], body of the answer included.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError>;
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// It is longer than allowed.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// It broke off.
    #[error("broke off: {0}")]
    Broken(BoxError),
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// A longer body, or one that broke off.
pub async fn collect(body: Body, limit: usize) -> Result<Bytes, CollectError> {
    collect_in(body, limit, limit, std::future::ready(())).await
}

/// The same, but of a body of more than `small` bytes the rest is read only once there is room for it.
pub(crate) async fn collect_in(
    mut body: Body,
    limit: usize,
    small: usize,
    room: impl Future<Output = ()>,
) -> Result<Bytes, CollectError> {
    let (mut bytes, mut room) = (BytesMut::new(), Some(room));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(CollectError::Broken)?.into_data() else { continue };
        let length = bytes.len().saturating_add(data.len());
        if length > limit {
            return Err(CollectError::TooLong(limit));
        }
        if let Some(room) = room.take_if(|_| length > small) {
            room.await;
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// [`Http`] over real sockets: TLS with the system's roots, HTTP/1.1, no redirects.
///
/// A proxy named by `HTTPS_PROXY` is used for `https` only, and never for loopback and private addresses or for what
/// `NO_PROXY` names. `localhost` and `*.localhost` are loopback (RFC 6761, section 6.3), whatever the system says.
pub struct ReqwestHttp {
    client: reqwest::Client,
    /// For [`PublicOnly`].
    public: reqwest::Client,
    /// For [`ToEndpoint`].
    endpoints: Option<reqwest::Client>,
    /// Trusted beside the system's.
    roots: Vec<reqwest::Certificate>,
}

impl ReqwestHttp {
    /// A client that also trusts the certificates of `extra_ca`, in PEM.
    ///
    /// # Errors
    /// Certificates or proxy settings that can't be used.
    pub fn new(extra_ca: Option<&[u8]>) -> Result<Self, String> {
        let bad_ca = |error| format!("the extra certificates are not PEM: {error}");
        let roots =
            extra_ca.map(reqwest::Certificate::from_pem_bundle).transpose().map_err(bad_ca)?.unwrap_or_default();
        if extra_ca.is_some() && roots.is_empty() {
            return Err("the extra certificates hold no certificate in PEM".into());
        }
        let builder = || builder().tls_certs_merge(roots.clone());
        let client = builder().dns_resolver(Resolver);
        let client = match proxy()? {
            Some(proxy) => client.proxy(proxy),
            None => client,
        };
        let public = builder().dns_resolver(PublicResolver);
        let built = |builder: reqwest::ClientBuilder| builder.build();
        let (client, public) = (built(client).map_err(no_client)?, built(public).map_err(no_client)?);
        Ok(Self { client, public, endpoints: None, roots })
    }

    /// Sends requests [`ToEndpoint`] through an HTTP proxy. One that is spoken to by `https` is verified as Azure is.
    ///
    /// # Errors
    /// A proxy that can't be used.
    pub fn with_scoring_proxy(self, proxy: &Url) -> Result<Self, String> {
        let to = reqwest::Proxy::http(proxy.as_str()).map_err(no_client)?;
        let client = builder().dns_resolver(Resolver).tls_certs_merge(self.roots.clone()).proxy(to).build();
        Ok(Self { endpoints: Some(client.map_err(no_client)?), ..self })
    }

    /// A client for one request.
    fn dialling(&self, host: &str, at: &DialAt) -> Result<reqwest::Client, SendError> {
        let builder = builder().resolve(host, SocketAddr::from((at.address, 0)));
        let builder = match &at.authorities {
            Some(pem) => {
                let bad = |error| SendError::Certificate(format!("ca.crt is not PEM: {error}"));
                builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(bad)?)
            }
            None => builder.tls_certs_merge(self.roots.clone()),
        };
        builder.build().map_err(|error| SendError::Certificate(chain(&error)))
    }

    fn client_for(&self, request: &Request<Body>) -> Result<reqwest::Client, SendError> {
        let extensions = request.extensions();
        if let (Some(through), Some(ToEndpoint)) = (&self.endpoints, extensions.get()) {
            // a tunnel would go where the proxy finds the name, and not to the address that was checked
            return match request.uri().scheme() == Some(&Scheme::HTTP) {
                true => Ok(through.clone()),
                false => Err(SendError::NotSent("with TLS it is not asked through --scoring-proxy".into())),
            };
        }
        match (extensions.get::<DialAt>(), extensions.get::<PublicOnly>()) {
            // a name is looked up by a resolver of ours; an address would be dialled without it
            (Some(_), _) | (None, Some(PublicOnly)) if !is_name(request.uri()) => {
                Err(SendError::NotSent("a host is named by its name, not by an address".into()))
            }
            (Some(at), _) => self.dialling(request.uri().host().unwrap_or_default(), at),
            (None, Some(PublicOnly)) => Ok(self.public.clone()),
            (None, None) => Ok(self.client.clone()),
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(REQUEST_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
}

fn no_client(error: reqwest::Error) -> String {
    format!("no HTTP client can be made: {}", chain(&error))
}

fn proxy() -> Result<Option<reqwest::Proxy>, String> {
    const PRIVATE: &str =
        "localhost,.localhost,127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7";
    let named = |names: [&str; 2]| {
        names.into_iter().find_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty())
    };
    let Some(address) = named(["HTTPS_PROXY", "https_proxy"]) else { return Ok(None) };
    let direct = format!("{PRIVATE},{}", named(["NO_PROXY", "no_proxy"]).unwrap_or_default());
    let proxy = reqwest::Proxy::https(address).map_err(|_| "HTTPS_PROXY is not a URL of a proxy".to_owned())?;
    Ok(Some(proxy.no_proxy(reqwest::NoProxy::from_string(&direct))))
}

#[async_trait]
impl Http for ReqwestHttp {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let limit = request.extensions().get::<TimeLimit>().copied();
        let client = self.client_for(&request)?;
        let request = request.map(|body| reqwest::Body::wrap(Shared(Mutex::new(body))));
        let request =
            reqwest::Request::try_from(request).map_err(|error| SendError::NotSent(chain(&error.without_url())))?;
        let answer = match limit {
            Some(TimeLimit(limit)) => client.execute(limited(request, limit)).await,
            None => client.execute(request).await,
        };
        let answer = answer.map_err(outcome)?;
        Ok(Response::from(answer).map(|body| body.map_err(|error| BodyError::from(error).into()).boxed_unsync()))
    }
}

/// A body as reqwest wants it, `Sync`. Its length and its end are asked for when it is sent, not before.
struct Shared(Mutex<Body>);

impl http_body::Body for Shared {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(self.0.get_mut().unwrap_or_else(PoisonError::into_inner)).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        crate::lock(&self.0).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        crate::lock(&self.0).size_hint()
    }
}

fn limited(mut request: reqwest::Request, limit: Duration) -> reqwest::Request {
    *request.timeout_mut() = Some(limit);
    request
}

fn outcome(error: reqwest::Error) -> SendError {
    let sent = !(error.is_connect() || error.is_builder());
    let refused = certificate_error(&error);
    let text = chain(&error.without_url());
    if refused {
        return SendError::Certificate(text);
    }
    if sent { SendError::Unknown(text) } else { SendError::NotSent(text) }
}

/// Whether a certificate was refused. An I/O error hides the one that it carries from `source`.
fn certificate_error(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| match error.downcast_ref::<std::io::Error>() {
        Some(carrier) => carrier.get_ref().map(|carried| carried as &(dyn std::error::Error + 'static)),
        None => error.source(),
    });
    causes
        .into_iter()
        .any(|error| matches!(error.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_))))
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // rustls ends a sentence with the address of its manual
    text.split(": https://docs.rs").next().unwrap_or_default().to_owned()
}

struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_localhost(name.as_str()) {
                let loopback = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
                return Ok(Box::new(loopback.into_iter()) as Addrs);
            }
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Finds public addresses only.
struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = match is_localhost(name.as_str()) {
                true => Vec::new(),
                false => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            if found.is_empty() || !found.iter().all(|address| is_public(address.ip())) {
                return Err(format!("{} has an address that is not public, and is not dialled", name.as_str()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether the host is a name. Forms such as `2130706433` and `0x7f.1` are addresses (URL Standard, "host parsing").
fn is_name(uri: &http::Uri) -> bool {
    let url = url::Url::parse(&uri.to_string());
    url.is_ok_and(|url| matches!(url.host(), Some(url::Host::Domain(_))))
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reserved_names_are_loopback() {
        for (name, expected) in [
            ("localhost", true),
            ("a.blob.LOCALHOST.", true),
            ("localhost.example.org", false),
            ("notlocalhost", false),
            ("", false),
        ] {
            assert_eq!(is_localhost(name), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_not_read_to_its_end() {
        assert_eq!(collect(full("1234"), 4).await.unwrap(), "1234");
        assert!(matches!(collect(full("12345"), 4).await, Err(CollectError::TooLong(4))));
        assert_eq!(collect(empty(), 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_refused_connection_was_not_sent_and_a_closed_one_is_unknown() {
        use tokio::{io::AsyncReadExt as _, net::TcpListener};
        let http = ReqwestHttp::new(None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let request = || Request::get(format!("http://a.localhost:{port}/x?sig=secret")).body(empty()).unwrap();
        let closing = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 64]).await;
        };
        let (answer, ()) = tokio::join!(http.send(request()), closing);
        let error = answer.err().unwrap();
        assert!(matches!(&error, SendError::Unknown(_)) && !error.to_string().contains("secret"), "{error}");
        drop(listener);
        let error = http.send(request()).await.err().unwrap();
        assert!(matches!(&error, SendError::NotSent(_)) && !error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn what_must_be_public_is_not_dialled_elsewhere() {
        let http = ReqwestHttp::new(None).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for (host, why) in [
            ("a.localhost", "not public"),
            ("127.0.0.1", "not by an address"),
            ("2130706433", "not by an address"),
            ("[::1]", "not by an address"),
        ] {
            let request = Request::get(format!("http://{host}:{port}/x")).extension(PublicOnly).body(empty()).unwrap();
            let error = http.send(request).await.err().unwrap();
            assert!(matches!(&error, SendError::NotSent(text) if text.contains(why)), "{host}: {error}");
        }
        let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(accepted.is_err(), "nobody has dialled");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_says_why() {
        use tokio::{
            io::{AsyncReadExt as _, AsyncWriteExt as _},
            net::TcpListener,
        };
        let http = ReqwestHttp::new(None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for (closes, why) in [(true, "reading a body from connection: "), (false, "operation timed out")] {
            let limit = TimeLimit(Duration::from_secs(2));
            let request = Request::get(format!("http://a.localhost:{port}/x?sig=secret")).extension(limit);
            let answering = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 64]).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
                stream
            };
            let (answer, stream) = tokio::join!(http.send(request.body(empty()).unwrap()), answering);
            let stream = (!closes).then_some(stream);
            let CollectError::Broken(error) = collect(answer.unwrap().into_body(), 9).await.unwrap_err() else {
                panic!("it is not too long")
            };
            drop(stream);
            let text = error.to_string();
            assert!(text.contains(why) && !text.contains("secret"), "{text}");
            assert_eq!(error.downcast_ref::<BodyError>().unwrap().timed_out, !closes, "{text}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert!(ReqwestHttp::new(Some(b"hello")).err().unwrap().contains("no certificate"));
    }
}
