//! The two servers behind the simulated network, and what they do wrong.

use crate::{leadership::PROCESS, network::serve, world::World};
use acivnet_simulator::ConnectionDropped;
use acivnet_tests::in_process::wire::{Sent, Side};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, Uri, header::HOST};
use serde_json::json;
use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};
use tokio::sync::Notify;

/// Requests that the API server does not answer as it should.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// Watches alone, or everything else.
    pub watches: bool,
    /// The status of the refusal; without one the request is carried out and the connection closed.
    pub status: Option<u16>,
    /// How many requests it strikes.
    pub times: u64,
}

/// How one server misbehaves.
#[derive(Default)]
pub struct Troubles {
    /// Closes every connection.
    pub resets: Arc<Notify>,
    refusals: Mutex<Vec<Refusal>>,
}

impl Troubles {
    /// Refuses requests from now on.
    pub fn refuse(&self, refusal: Refusal) {
        self.refusals.lock().unwrap().push(refusal);
    }

    /// Answers as it should again.
    pub fn end(&self) {
        self.refusals.lock().unwrap().clear();
    }

    fn strikes(&self, watch: bool) -> Option<Refusal> {
        let mut all = self.refusals.lock().unwrap();
        let found = all.iter_mut().find(|one| one.watches == watch && one.times > 0)?;
        found.times -= 1;
        Some(*found)
    }
}

/// The API server, until its host ends.
pub async fn kubernetes(world: Arc<World>) -> io::Result<()> {
    let resets = Arc::clone(&world.kubernetes.resets);
    serve(resets, move |from, request| {
        let world = Arc::clone(&world);
        async move { answer_as_kubernetes(&world, &from, request) }
    })
    .await
}

fn answer_as_kubernetes(world: &World, from: &str, request: Request<Bytes>) -> Option<Response<Body>> {
    let mut sent = Sent::new(Side::Kubernetes, request.method(), request.uri(), request.body());
    let lease = sent.target.contains("/coordination.k8s.io/");
    if lease {
        // it names the machine
        sent.body.clear();
    }
    let writer = (lease && sent.writes_kubernetes()).then(|| header(request.headers(), PROCESS).to_owned());
    let number = world.trace.request(&format!("{from} {sent}"), sent.writes_kubernetes() && !lease);
    let refusal = world.kubernetes.strikes(sent.target.contains("watch=true"));
    if let Some(Refusal { status: Some(status), .. }) = refusal {
        world.trace.fault("refusal of Kubernetes", &format!("{number} {status}"));
        return Some(refused(status));
    }
    let answer = world.bed.api().handle(request).map(Body::new);
    if let Some(process) = writer.filter(|_| answer.status().is_success()) {
        world.leads(&process);
    }
    if refusal.is_some() {
        world.trace.fault("answer lost by Kubernetes", &number.to_string());
        return None;
    }
    world.trace.note(&format!("{number:5} = {}", answer.status().as_u16()));
    Some(answer)
}

fn refused(status: u16) -> Response<Body> {
    let reason = match status {
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status, "reason": reason,
        "message": "by the seed",
    });
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Body::from(body.to_string())).expect("an answer")
}

/// Azure, until its host ends.
pub async fn azure(world: Arc<World>) -> io::Result<()> {
    let resets = Arc::clone(&world.azure.resets);
    serve(resets, move |from, request| {
        let world = Arc::clone(&world);
        async move { answer_as_azure(&world, &from, request).await }
    })
    .await
}

async fn answer_as_azure(world: &World, from: &str, request: Request<Bytes>) -> Option<Response<Body>> {
    let sent = sent_to_azure(&request);
    let number = world.trace.request(&format!("{from} {sent}"), sent.writes_azure());
    let answer = world.bed.azure.handle(request.map(Body::from)).await;
    if sent.writes_azure() {
        world.check();
    }
    if answer.extensions().get::<ConnectionDropped>().is_some() {
        world.trace.note(&format!("{number:5} closed"));
        return None;
    }
    world.trace.note(&format!("{number:5} = {}", answer.status().as_u16()));
    Some(answer)
}

fn sent_to_azure(request: &Request<Bytes>) -> Sent {
    to_azure(request.method(), header(request.headers(), HOST), &request.uri().to_string(), request.body())
}

/// A request to Azure, or to what runs in its virtual networks, by its parts on the wire.
pub fn to_azure(method: &Method, host: &str, path: &str, body: &[u8]) -> Sent {
    let name = host.split(':').next().unwrap_or_default();
    let side = if name.parse::<Ipv4Addr>().is_ok() { Side::Network } else { Side::Azure };
    let uri: Uri = format!("https://{host}{path}").parse().expect("a URL");
    Sent::new(side, method, &uri, body)
}

fn header(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
