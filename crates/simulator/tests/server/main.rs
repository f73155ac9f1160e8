//! The simulator on its TLS port, asked by a client that reads answers only after it has sent its request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use acivnet_simulator::args::Serve;
use acivnet_simulator::run::RunnerKind;
use acivnet_simulator::server;
use tokio::sync::oneshot;

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
        let arguments = Serve {
            listen: "127.0.0.1:0".parse().unwrap(),
            identity_listen: None,
            state_dir: folder.join("azure"),
            host: "localhost".to_owned(),
            blob_suffix: None,
            tls_certificate: None,
            tls_key: None,
            seed: vec![seed],
            issuer_ca: Vec::new(),
            time_scale: 0.01,
            runner: RunnerKind::None,
            environments_socket: None,
            request_log: None,
            specs: None,
        };
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(server::serve_until(arguments, async { ended.await.unwrap_or_default() }));
        let endpoint = folder.join("azure/endpoint.json");
        while !endpoint.exists() {
            assert!(!serving.is_finished(), "{:?}", serving.await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(&endpoint).unwrap()).unwrap();
        let port = told["url"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(folder.join("azure/ca.pem")).unwrap()).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let builder = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
        let client = builder.resolve("account.blob.localhost", address).build().unwrap();
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
