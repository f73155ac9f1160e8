//! The simulator on its TLS port, asked by a client that reads answers only after it has sent its request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use acivnet_simulator::args::Serve;
use acivnet_simulator::run::RunnerKind;
use acivnet_simulator::server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::sync::oneshot;

/// As in the charts, but for names and certificates.
fn arguments(folder: &Path, seed: Vec<std::path::PathBuf>) -> Serve {
    Serve {
        listen: "127.0.0.1:0".parse().unwrap(),
        identity_listen: None,
        state_dir: folder.join("azure"),
        host: "localhost".to_owned(),
        blob_suffix: None,
        tls_certificate: None,
        tls_key: None,
        seed,
        issuer_ca: Vec::new(),
        time_scale: 0.01,
        runner: RunnerKind::None,
        environments_socket: None,
        request_log: None,
        specs: None,
    }
}

struct Server {
    client: reqwest::Client,
    port: u16,
    end: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<Result<(), String>>,
}

impl Server {
    async fn start(folder: &Path) -> Self {
        let seed = folder.join("seed.json");
        std::fs::write(&seed, "{}").unwrap();
        Self::start_as(folder, arguments(folder, vec![seed])).await
    }

    async fn start_as(folder: &Path, arguments: Serve) -> Self {
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(server::serve_until(arguments, async { ended.await.unwrap_or_default() }));
        let endpoint = folder.join("azure/endpoint.json");
        while !endpoint.exists() {
            assert!(!serving.is_finished(), "{:?}", serving.await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(&endpoint).unwrap()).unwrap();
        let port = told["url"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        let ca = told["ca"].as_str().map_or_else(|| folder.join("own-ca.pem"), Into::into);
        let ca = reqwest::Certificate::from_pem(&std::fs::read(ca).unwrap()).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let builder = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
        let names = ["account.blob.localhost", "azure.ops.svc", "account.blob.ops.svc"];
        let client = names.iter().fold(builder, |builder, name| builder.resolve(name, address)).build().unwrap();
        Self { client, port, end: Some(end), serving }
    }

    async fn stop(mut self) {
        let _ = self.end.take().unwrap().send(());
        self.serving.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_large_body_arrives_as_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let body = bytes::Bytes::from(vec![b'x'; 48 * 1024 * 1024]);
    for (url, status) in [
        (format!("https://account.blob.localhost:{}/c/b?comp=block&blockid=YQ%3D%3D", server.port), 403),
        (format!("https://account.blob.localhost:{}/c/b?sig=x", server.port), 400),
        (format!("https://localhost:{}/subscriptions/s/resourceGroups/g?api-version=2021-04-01", server.port), 413),
    ] {
        for turn in ["first", "second"] {
            let answer = server.client.put(&url).body(body.clone()).send().await;
            let answer = answer.unwrap_or_else(|e| panic!("{url}, {turn}: no answer: {e:?}"));
            assert_eq!(answer.status().as_u16(), status, "{url}, {turn}");
        }
    }
    server.stop().await;
}

/// A certificate for names of a cluster, by an authority whose certificate is `own-ca.pem`.
fn write_certificates(folder: &Path, arguments: &mut Serve) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["azure.ops.svc", "*.blob.ops.svc"].map(str::to_owned);
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    };
    write("own-ca.pem", authority.pem());
    arguments.tls_certificate = Some(write("tls.crt", certificate.pem()));
    arguments.tls_key = Some(write("tls.key", key.serialize_pem()));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_names_a_certificate_and_seeds_of_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let seed = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let workspace = |name: &str| {
        let place = r#""subscriptionId": "s", "resourceGroup": "g", "location": "japaneast""#;
        format!(r#"{{"workspaces": [{{"name": "{name}", {place}}}]}}"#)
    };
    let seeds = vec![seed("1.json", &workspace("w-1")), seed("2.json", &workspace("w-2"))];
    let mut arguments = arguments(folder.path(), seeds);
    (arguments.host, arguments.blob_suffix) = ("azure.ops.svc".to_owned(), Some("ops.svc".to_owned()));
    write_certificates(folder.path(), &mut arguments);
    let server = Server::start_as(folder.path(), arguments).await;
    let url = |path: &str| format!("https://azure.ops.svc:{}{path}", server.port);
    let text = async |url: String| server.client.get(url).send().await.unwrap().text().await.unwrap();
    let endpoints = text(url("/metadata/endpoints?api-version=2022-09-01")).await;
    let endpoints: serde_json::Value = serde_json::from_str(&endpoints).unwrap();
    assert_eq!(endpoints["resourceManager"], format!("https://azure.ops.svc:{}", server.port));
    assert_eq!(endpoints["suffixes"]["storage"], "ops.svc");
    let dump = text(url("/simulator/dump")).await;
    assert!(dump.contains("w-1") && dump.contains("w-2"), "both seeds stand: {dump}");
    let blob = server.client.get(format!("https://account.blob.ops.svc:{}/c/b", server.port)).send().await.unwrap();
    assert!(blob.headers().contains_key("x-ms-version"), "blob storage answers: {blob:?}");
    assert!(!folder.path().join("azure/ca.pem").exists(), "there is no own authority");
    server.stop().await;
}

/// As a client asks that has the simulator for its HTTP proxy.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_through_it_as_a_proxy_is_one_in_the_virtual_network() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let ca = reqwest::Certificate::from_pem(&std::fs::read(folder.path().join("azure/ca.pem")).unwrap()).unwrap();
    let proxy = reqwest::Proxy::all(format!("https://localhost:{}", server.port)).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).proxy(proxy).build().unwrap();
    let answer = client.post("http://10.0.1.4/score").body("[1]").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 504);
    assert_eq!(answer.text().await.unwrap(), r#"{"message":"nothing answers at 10.0.1.4"}"#);
    assert!(client.get("https://10.0.1.4/score").send().await.is_err(), "there are no tunnels");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_certificate_is_told_by_its_argument() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.json");
    std::fs::write(&seed, "{}").unwrap();
    for (wrong, named) in [("tls.crt", "--tls-certificate"), ("tls.key", "--tls-key")] {
        let mut arguments = arguments(folder.path(), vec![seed.clone()]);
        write_certificates(folder.path(), &mut arguments);
        std::fs::write(folder.path().join(wrong), "-----BEGIN CERTIFICATE-----").unwrap();
        let error = server::serve_until(arguments, std::future::pending()).await.unwrap_err();
        assert!(error.contains(named) && error.contains(wrong), "{error}");
    }
}
