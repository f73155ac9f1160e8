//! A server with TLS on loopback, dialled by its address and verified by its name.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, and say so")]

use acivnet_azure::{DialAt, Http as _, ReqwestHttp, SendError, collect, empty};
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
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

type Authority = CertifiedIssuer<'static, KeyPair>;

const NAME: &str = "churn.ml.corp";

/// What a server shows, and what vouches for it.
struct Identity {
    chain: Vec<rcgen::Certificate>,
    key: KeyPair,
}

fn leaf() -> CertificateParams {
    CertificateParams::new(vec![NAME.to_owned()]).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut wanted = CertificateParams::new(Vec::new()).unwrap();
    wanted.distinguished_name.push(rcgen::DnType::CommonName, name);
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wanted
}

fn root(name: &str) -> Authority {
    Authority::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap()
}

/// A certificate with an intermediate authority between it and the root.
fn below(root: &Authority, wanted: &CertificateParams) -> Identity {
    let between = Authority::signed_by(authority("between"), KeyPair::generate().unwrap(), root).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = wanted.signed_by(&key, &between).unwrap();
    Identity { chain: vec![certificate, between.as_ref().clone()], key }
}

fn self_signed(wanted: &CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity { chain: vec![wanted.self_signed(&key).unwrap()], key }
}

/// Answers one request with `yes`, if the caller gets as far.
async fn serve(identity: &Identity) -> (u16, JoinHandle<()>) {
    let chain = identity.chain.iter().map(|one| one.der().clone()).collect();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let versions = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = versions.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let asked = stream.read(&mut [0; 4096]).await.unwrap();
        assert!(asked > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nyes").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    (port, served)
}

/// What a caller that dials loopback for the name and trusts these authorities gets.
async fn asked(identity: &Identity, authorities: Option<String>) -> Result<String, SendError> {
    let (port, served) = serve(identity).await;
    let at = DialAt { address: Ipv4Addr::LOCALHOST, authorities };
    let request = Request::get(format!("https://{NAME}:{port}/score")).extension(at).body(empty()).unwrap();
    let answer = ReqwestHttp::new(None).unwrap().send(request).await;
    let text = match answer {
        Ok(answer) => Ok(String::from_utf8(collect(answer.into_body(), 100).await.unwrap().to_vec()).unwrap()),
        Err(error) => Err(error),
    };
    served.await.unwrap();
    text
}

#[tokio::test]
async fn a_chain_up_to_the_only_trusted_authority_is_accepted() {
    let root = root("root");
    let answer = asked(&below(&root, &leaf()), Some(root.as_ref().pem())).await;
    assert_eq!(answer, Ok("yes".to_owned()));
}

#[tokio::test]
async fn a_certificate_that_vouches_for_itself_is_accepted_when_it_is_what_is_trusted() {
    let own = self_signed(&leaf());
    let pem = own.chain.first().unwrap().pem();
    assert_eq!(asked(&own, Some(pem)).await, Ok("yes".to_owned()));
}

#[tokio::test]
async fn other_names_authorities_times_and_broken_chains_are_refused() {
    let (root, other) = (root("root"), self::root("other"));
    let trusted = || Some(root.as_ref().pem());
    let elsewhere = CertificateParams::new(vec!["other.ml.corp".to_owned()]).unwrap();
    let mut ended = leaf();
    (ended.not_before, ended.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut broken = below(&root, &leaf());
    broken.chain.truncate(1);
    for (what, identity, trusted, why) in [
        ("another name", below(&root, &elsewhere), trusted(), "not valid for name"),
        ("another authority", below(&other, &leaf()), trusted(), "UnknownIssuer"),
        ("an authority that the system does not know", below(&root, &leaf()), None, "UnknownIssuer"),
        ("an ended one", below(&root, &ended), trusted(), "expired"),
        ("a chain with a gap", broken, trusted(), "UnknownIssuer"),
    ] {
        match asked(&identity, trusted).await {
            Err(SendError::Certificate(text)) => assert!(text.contains(why), "{what}: {text}"),
            answer => panic!("{what}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn authorities_that_are_no_certificates_are_told_of() {
    let at = DialAt { address: Ipv4Addr::LOCALHOST, authorities: Some("-----BEGIN CERTIFICATE-----\n!".into()) };
    let request = Request::get(format!("https://{NAME}:1/score")).extension(at).body(empty()).unwrap();
    let error = ReqwestHttp::new(None).unwrap().send(request).await.err().unwrap();
    assert!(matches!(&error, SendError::Certificate(_)), "{error}");
}

#[tokio::test]
async fn a_host_that_is_an_address_in_whatever_form_is_not_dialled() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"] {
        // nothing listens at the address that is to be dialled
        let at = DialAt { address: Ipv4Addr::new(127, 0, 0, 2), authorities: None };
        let request = Request::get(format!("https://{host}:{port}/score")).extension(at).body(empty()).unwrap();
        let error = ReqwestHttp::new(None).unwrap().send(request).await.err().unwrap();
        assert!(matches!(&error, SendError::NotSent(text) if text.contains("not by an address")), "{host}: {error}");
    }
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err(), "nobody has dialled");
}
