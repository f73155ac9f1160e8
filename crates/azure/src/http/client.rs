//! [`Http`] by reqwest.

use super::{
    Body, BodyError, BoxError, DialAt, Http, PublicOnly, SendError, TimeLimit, ToEndpoint,
    resolve::{PublicResolver, Resolver, is_name},
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use url::Url;

/// Long enough for a connection whose first packets are lost: they are sent again after 1 and 3 s (RFC 6298).
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Of a request without a [`TimeLimit`]. Azure does what takes longer as an asynchronous operation.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

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

impl From<reqwest::Error> for BodyError {
    fn from(error: reqwest::Error) -> Self {
        Self { timed_out: error.is_timeout(), text: chain(&error.without_url()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CollectError, collect, empty};
    use super::*;

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
