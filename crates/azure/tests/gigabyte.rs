//! A model of 1 GiB behind a URI, read for its digest and then streamed to its upload: what memory that takes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking, and say so")]

use acivnet_api::SecretKeyRef;
use acivnet_azure::{
    Azure, Body, Cloud, Connector, ConnectorConfig, Http, Identity, Keys, ModelLimits, PayloadStream, Payloads, Secret,
    SendError, SplitMix, TokioClock, full,
};
use acivnet_core::{
    blueprint::{Goal, Node, Payload, PayloadSource},
    failure::Failure,
    id::ResourceId,
    kinds::model_version::MODEL_VERSION,
    owner::Mark,
    plan::{Progress, Request as Write},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const SIZE: u64 = 1 << 30;
const PIECE: u64 = 64 << 10;
const URI: &str = "https://stml.blob.test/models/model.bin";
const WORKSPACE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";

/// An Azure whose blob is made while it is read, and that throws away what is put.
#[derive(Default)]
struct Endless {
    read: AtomicU64,
    put: AtomicU64,
    largest: AtomicU64,
}

impl Endless {
    fn blob(self: &Arc<Self>) -> Body {
        let counts = Arc::clone(self);
        let pieces = (0..SIZE / PIECE).map(move |number| {
            counts.read.fetch_add(PIECE, Ordering::Relaxed);
            Ok(http_body::Frame::data(Bytes::from(vec![number as u8; PIECE as usize])))
        });
        StreamBody::new(stream::iter(pieces)).boxed_unsync()
    }

    async fn take(&self, mut body: Body) {
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            size += frame.unwrap().into_data().map_or(0, |data| data.len() as u64);
        }
        self.put.fetch_add(size, Ordering::Relaxed);
        self.largest.fetch_max(size, Ordering::Relaxed);
    }
}

struct Outside(Arc<Endless>);

#[async_trait]
impl Http for Outside {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let (parts, body) = request.into_parts();
        let (host, path) = (parts.uri.host().unwrap().to_owned(), parts.uri.path().to_owned());
        let answer =
            |status: u16, body: Value| Response::builder().status(status).body(full(body.to_string())).unwrap();
        let blob = |body| {
            let answer = Response::builder().header("etag", "\"1\"").header("content-length", SIZE);
            answer.body(body).unwrap()
        };
        Ok(match (&parts.method, host.as_str()) {
            (&Method::HEAD, "stml.blob.test") => blob(full("")),
            (&Method::GET, "stml.blob.test") => blob(self.0.blob()),
            (&Method::PUT, "ws.blob.test") => {
                self.0.take(body).await;
                answer(201, Value::Null)
            }
            (_, "login.test") => answer(200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "t"})),
            (_, "arm.test") => {
                answer(200, json!({"properties": {"discoveryUrl": "https://discovery.ml.test/discovery"}}))
            }
            (_, "discovery.ml.test") => {
                answer(200, json!({"history": "https://h.ml.test", "modelmanagement": "https://m.ml.test"}))
            }
            (&Method::POST, "h.ml.test") => answer(
                200,
                json!({"artifactContentInformation": {"model.bin": {"contentUri": "https://ws.blob.test/c/model.bin?sig=1"}}, "errors": {}}),
            ),
            (&Method::GET, "m.ml.test") => answer(200, json!({"value": [], "nextLink": null})),
            (&Method::POST, "m.ml.test") => answer(200, json!({"id": "x"})),
            _ => panic!("{} {host}{path}", parts.method),
        })
    }
}

struct FromUri<'a>(&'a Azure);

#[async_trait]
impl Payloads for FromUri<'_> {
    fn reveal(&self, key: &SecretKeyRef) -> Result<Secret, Failure> {
        panic!("nothing here is secret: {key:?}")
    }

    async fn keep(&self, secret: &str, _: &Keys) -> Result<(), Failure> {
        panic!("no keys are kept: {secret}")
    }

    async fn open(&self, payload: &Payload) -> Result<PayloadStream, Failure> {
        let PayloadSource::Uri { uri, etag } = &payload.source else { panic!("{payload:?}") };
        self.0.model_bytes(uri, etag, &ModelLimits::default()).await
    }
}

/// Highest resident memory of this process so far, in KiB (Linux, `proc_pid_status(5)`).
fn highest() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// 1 GiB twice through a hash takes seconds; what it takes of memory is bounded by the blocks, whatever the machine.
#[tokio::test]
#[ignore = "takes a minute in a debug build; `cargo test --release -p acivnet-azure --test gigabyte -- --ignored --nocapture`"]
async fn a_gigabyte_takes_a_few_blocks_of_memory() {
    let outside = Arc::new(Endless::default());
    let connector = Connector::new(ConnectorConfig {
        cloud: Cloud::custom("https://arm.test", "https://login.test", "ml.test", "blob.test").unwrap(),
        http: Arc::new(Outside(Arc::clone(&outside))),
        clock: Arc::new(TokioClock::starting_at("2026-11-22T12:00:00Z".parse().unwrap())),
        random: Arc::new(SplitMix::new(1)),
        observer: Arc::new(()),
        scale: 1.0,
        fence: Arc::new(()),
    });
    let azure = connector.session(&Identity::client_secret("t", "c", Secret::new("s")));
    let before = highest();
    let limits = ModelLimits::default();
    let version = azure.model_version_at(URI, &limits).await.unwrap();
    let digest = azure.model_digest(URI, &version, &limits).await.unwrap();
    let after_digest = highest();
    let source = PayloadSource::Uri { uri: URI.into(), etag: version.etag.clone() };
    let (container, path) = ("c".to_owned(), "model.bin".to_owned());
    let payload = Payload { source, container, path, digest: digest.clone(), size: version.size };
    let id = ResourceId::parse(&format!("{WORKSPACE}/models/m@k")).unwrap();
    let node = Node::new(&MODEL_VERSION, id, Goal::Present, Value::Null, Mark::None);
    let body = json!({"name": "m", "properties": {"acivnet-digest": digest, "acivnet-owner": "o", "acivnet-key": "k"}});
    let write = Write::RegisterModel { body, payloads: vec![payload] };
    let permit = connector.gate().open().unwrap();
    let done = azure.carry_out(permit, &node, &write, &FromUri(&azure)).await;
    assert_eq!(done, Ok(Progress::Carried));
    let (read, largest) = (outside.read.load(Ordering::Relaxed), outside.largest.load(Ordering::Relaxed));
    assert_eq!(read, 2 * SIZE);
    assert!(outside.put.load(Ordering::Relaxed) >= SIZE && largest == 4 << 20, "blocks of {largest} bytes");
    let (digesting, uploading) = (after_digest - before, highest() - before);
    eprintln!(
        "resident memory above what the process began with: {digesting} KiB for the digest, {uploading} KiB with the upload"
    );
    assert!(uploading < 64 << 10, "{uploading} KiB for {} MiB", SIZE >> 20);
}
