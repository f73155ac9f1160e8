//! Requests to scoring endpoints through a proxy on loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, and say so")]

use acivnet_azure::{DialAt, Http as _, ReqwestHttp, SendError, ToEndpoint, collect, empty};
use http::Request;
use rcgen::{CertificateParams, KeyPair};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Answers one request with `yes`; its first line.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut read = vec![0; 4096];
    let length = stream.read(&mut read).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nyes").await.unwrap();
    stream.shutdown().await.unwrap();
    String::from_utf8_lossy(read.get(..length).unwrap()).lines().next().unwrap_or_default().to_owned()
}

async fn ask(http: &ReqwestHttp, request: Request<acivnet_azure::Body>) -> Result<String, SendError> {
    let answer = http.send(request).await?;
    Ok(String::from_utf8(collect(answer.into_body(), 100).await.unwrap().to_vec()).unwrap())
}

fn through(proxy: &str, ca: Option<&str>) -> ReqwestHttp {
    ReqwestHttp::new(ca.map(str::as_bytes)).unwrap().with_scoring_proxy(&proxy.parse().unwrap()).unwrap()
}

fn request(url: &str) -> Request<acivnet_azure::Body> {
    Request::post(url).extension(ToEndpoint).body(empty()).unwrap()
}

#[tokio::test]
async fn an_endpoint_is_named_to_the_proxy_as_it_was_checked() {
    let (listener, port) = listener().await;
    let proxy: JoinHandle<String> = tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });
    let http = through(&format!("http://localhost:{port}"), None);
    assert_eq!(ask(&http, request("http://10.0.1.4/score")).await.unwrap(), "yes");
    assert_eq!(proxy.await.unwrap(), "POST http://10.0.1.4/score HTTP/1.1");
}

#[tokio::test]
async fn a_proxy_with_tls_is_verified_by_the_extra_authorities() {
    for trusted in [true, false] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let versions = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = versions.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let (listener, port) = listener().await;
        let proxy = tokio::spawn(async move {
            let stream = listener.accept().await.unwrap().0;
            Some(answer(TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?).await)
        });
        let http = through(&format!("https://localhost:{port}"), trusted.then(|| certificate.pem()).as_deref());
        let got = ask(&http, request("http://10.0.1.4/score")).await;
        let line = trusted.then(|| "POST http://10.0.1.4/score HTTP/1.1".to_owned());
        assert_eq!((proxy.await.unwrap(), got.is_ok()), (line, trusted), "{got:?}");
        assert!(trusted || matches!(got, Err(SendError::Certificate(_))), "{got:?}");
    }
}

#[tokio::test]
async fn what_is_no_endpoint_or_has_tls_does_not_take_the_proxy() {
    let (listener, port) = listener().await;
    let (direct, direct_port) = self::listener().await;
    let http = through(&format!("http://localhost:{port}"), None);
    let answered = tokio::spawn(async move { answer(direct.accept().await.unwrap().0).await });
    let url = format!("http://localhost:{direct_port}/x");
    assert_eq!(ask(&http, Request::get(&url).body(empty()).unwrap()).await.unwrap(), "yes");
    assert_eq!(answered.await.unwrap(), "GET /x HTTP/1.1");
    let mut with_tls = request("https://churn.ml.corp/score");
    with_tls.extensions_mut().insert(DialAt { address: Ipv4Addr::LOCALHOST, authorities: None });
    let refused = ask(&http, with_tls).await.unwrap_err();
    assert!(matches!(&refused, SendError::NotSent(text) if text.contains("--scoring-proxy")), "{refused}");
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err(), "nobody has asked the proxy");
}
