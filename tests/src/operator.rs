//! The operator, run in this process as its binary runs it: with the rights that `deploy/operator` gives, against an API
//! server and the simulated Azure.

use crate::{kube_bed::KubeBed, logs, proxy::Proxy, simulator::Simulator};
use acivnet_azure::{Body, Cloud, Http, ReqwestHttp, SendError, SplitMix, SystemClock};
use acivnet_operator::{
    cli::args::Settings,
    ctx::Outside,
    kubernetes::{client, lease},
    start,
};
use async_trait::async_trait;
use futures::FutureExt;
use http::{HeaderValue, Request, Response, Uri, header::HOST};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// All the operator's own waits are this part of the real ones.
const PACE: f64 = 0.02;

/// A running operator. Dropped without [`Operator::stop`], it ends as if it had crashed.
pub struct Operator {
    admin: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Operator {
    /// Starts one and waits until it has seen every object.
    pub async fn start(bed: &KubeBed, azure: &Simulator) -> Self {
        Self::start_with(bed.config_of("acivnet-system", "acivnet-operator").await, azure).await
    }

    /// The same, with a line to the API server that a test can cut.
    pub async fn start_through(proxy: &Proxy, bed: &KubeBed, azure: &Simulator) -> Self {
        let mut config = bed.config_of("acivnet-system", "acivnet-operator").await;
        config.cluster_url = proxy.url().parse().expect("a URL");
        Self::start_with(config, azure).await
    }

    async fn start_with(config: kube::Config, azure: &Simulator) -> Self {
        logs::keep();
        let (kube, api_server) = client::connect(config).expect("a client");
        let ca = std::fs::read(azure.ca_file()).expect("the simulator's CA");
        let http = ThroughSimulator { http: ReqwestHttp::new(Some(&ca)).expect("a client"), url: azure.url.clone() };
        let outside = Outside {
            kube,
            http: Arc::new(http),
            clock: Arc::new(SystemClock),
            random: Arc::new(SplitMix::from_system()),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let admin = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) }.boxed().shared();
        let running = tokio::spawn(start::operate(outside, api_server, settings(azure), Some(listener), stopped));
        let operator = Self { admin, stop: Some(stop), running };
        let ready =
            || async { if operator.ask("readyz").await.is_ok() { Ok(()) } else { Err("not ready".to_owned()) } };
        crate::eventually("the operator is ready", ready).await.unwrap_or_else(|why| panic!("{why}\n{}", logs::all()));
        operator
    }

    /// Ends it as SIGTERM does: requests in hand are finished.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.running).await.expect("the operator ends");
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        self.ask("metrics").await.expect("metrics")
    }

    async fn ask(&self, path: &str) -> reqwest::Result<String> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.get(format!("http://{}/{path}", self.admin)).send().await?.error_for_status()?.text().await
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn settings(azure: &Simulator) -> Settings {
    Settings {
        cloud: Cloud::custom(&azure.url, &azure.url, azure.authority(), azure.authority()).expect("a cloud"),
        azure_ca_file: None,
        admin_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        metrics_per_object: true,
        scoring_networks: vec!["10.0.0.0/8".parse().expect("a network")],
        scoring_proxy: None,
        cluster_networks: vec!["10.244.0.0/16".parse().expect("a network")],
        lease: Some(lease::LeaseSettings { namespace: "acivnet-system".into(), duration: Duration::from_secs(15) }),
        namespaces: Vec::new(),
        cluster_id: None,
        stalled_after: Duration::from_secs(1),
        pace: PACE,
        models: acivnet_azure::ModelLimits::default(),
    }
}

/// Requests for private addresses reach the simulator's containers; all others go where they say.
struct ThroughSimulator {
    http: ReqwestHttp,
    url: String,
}

#[async_trait]
impl Http for ThroughSimulator {
    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, SendError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        if host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_private()) {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let uri: Uri = format!("{}{path}", self.url).parse().expect("a URL");
            request.headers_mut().insert(HOST, HeaderValue::from_str(&host).expect("a host"));
            *request.uri_mut() = uri;
        }
        self.http.send(request).await
    }
}
