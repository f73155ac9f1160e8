//! The simulated Azure, served over TLS in this process exactly as its binary serves it, and used over HTTP only.

use acivnet_simulator::{args::Serve, run::RunnerKind, server::serve_until};
use reqwest::{Certificate, Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// Azure's durations are this part of the real ones. `Retry-After` is in whole seconds and at least one.
const TIME_SCALE: f64 = 0.002;

/// A running simulator. Dropped, it ends.
pub struct Simulator {
    /// Where everything but blobs is.
    pub url: String,
    folder: PathBuf,
    http: Client,
    _end: oneshot::Sender<()>,
    _served: JoinHandle<()>,
}

/// One request that Azure got.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// Number from 1.
    pub seq: u64,
    /// Client id of the caller, when it had a valid token.
    pub caller: Option<String>,
    /// Verb.
    pub verb: String,
    /// Path without query; of a blob `//account/container/name`.
    pub path: String,
    /// Status of the answer; 0 when it was lost.
    pub status: u16,
    /// By which the caller's log names the request.
    #[serde(rename = "clientRequestId")]
    pub client_request_id: Option<String>,
}

impl Simulator {
    /// An Azure with nothing in it. `issuer_ca` is the certificate authority of the clusters it may trust.
    pub async fn start(issuer_ca: &Path) -> Self {
        let folder = crate::scratch();
        let seed = folder.join("seed.json");
        std::fs::write(&seed, "{}").expect("the seed is written");
        let arguments = Serve {
            identity_listen: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: folder.clone(),
            host: "localhost".to_owned(),
            blob_suffix: None,
            tls_certificate: None,
            tls_key: None,
            seed: vec![seed],
            issuer_ca: vec![issuer_ca.to_path_buf()],
            time_scale: TIME_SCALE,
            runner: RunnerKind::None,
            environments_socket: None,
            request_log: None,
            specs: None,
        };
        let (end, ended) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let ended = async { drop(ended.await) };
            serve_until(arguments, ended).await.expect("the simulator serves");
        });
        let endpoint = folder.join("endpoint.json");
        let endpoint = crate::eventually("the simulator is ready", || async {
            std::fs::read(&endpoint).map_err(|error| error.to_string())
        });
        let endpoint: Value = serde_json::from_slice(&endpoint.await.expect("the simulator starts")).expect("JSON");
        let ca = std::fs::read(folder.join("ca.pem")).expect("ca.pem");
        let http = Client::builder()
            .tls_certs_only([Certificate::from_pem(&ca).expect("PEM")])
            .no_proxy()
            .build()
            .expect("a client");
        let url = endpoint["url"].as_str().expect("a URL").to_owned();
        Self { url, folder, http, _end: end, _served: served }
    }

    /// File with the certificate authority of the simulator.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// `localhost:PORT`.
    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("https://")
    }

    async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String, String> {
        let mut request = self.http.request(method.clone(), format!("{}/simulator/{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| format!("{method} {path}: {error}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("{method} {path}: {error}"))?;
        if status.is_success() { Ok(text) } else { Err(format!("{method} {path}: {status} {text}")) }
    }

    /// Adds tenants, subscriptions, applications and so on: `PUT /simulator/seed`.
    pub async fn seed(&self, seed: &Value) {
        self.admin(Method::PUT, "seed", Some(seed)).await.expect("the seed is taken");
    }

    /// Every request after number `since`.
    pub async fn requests(&self, since: u64) -> Vec<Entry> {
        let lines = self.admin(Method::GET, &format!("requests?since={since}"), None).await.expect("the log");
        lines.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect()
    }

    /// The resource with an id, if it exists.
    pub async fn resource(&self, id: &str) -> Option<Value> {
        let text = self.admin(Method::GET, &format!("resources?id={id}"), None).await.ok()?;
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    /// Changes something like somebody in the portal.
    pub async fn patch(&self, id: &str, patch: Value) {
        self.admin(Method::PATCH, &format!("resources?id={id}"), Some(&patch)).await.expect("the edit is taken");
    }

    /// Creates something like somebody in the portal.
    pub async fn put(&self, id: &str, body: Value) {
        self.admin(Method::PUT, &format!("resources?id={id}"), Some(&body)).await.expect("the edit is taken");
    }

    /// Deletes something like somebody in the portal.
    pub async fn delete(&self, id: &str) {
        self.admin(Method::DELETE, &format!("resources?id={id}"), None).await.expect("the edit is taken");
    }

    /// Something goes wrong with the next matching request.
    pub async fn fault(&self, fault: Value) {
        self.admin(Method::POST, "faults", Some(&fault)).await.expect("the fault is taken");
    }

    /// How the container of a service behaves.
    pub async fn container(&self, service: &str, script: Value) {
        self.admin(Method::PUT, &format!("containers/{service}"), Some(&script)).await.expect("the script is taken");
    }

    /// Removes role assignments of a principal.
    pub async fn remove_roles(&self, principal: &str) {
        self.admin(Method::DELETE, &format!("roles?principalId={principal}"), None).await.expect("roles go");
    }

    /// Locks a scope, or lifts the lock with `level: None`.
    pub async fn lock(&self, scope: &str, level: Option<&str>) {
        let answer = match level {
            Some(level) => self.admin(Method::POST, "locks", Some(&json!({"scope": scope, "level": level}))).await,
            None => self.admin(Method::DELETE, &format!("locks?scope={scope}"), None).await,
        };
        answer.expect("the lock changes");
    }

    /// Everything that exists.
    pub async fn dump(&self) -> Value {
        serde_json::from_str(&self.admin(Method::GET, "dump", None).await.expect("a dump")).expect("JSON")
    }
}
