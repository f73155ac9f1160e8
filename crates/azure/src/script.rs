//! An [`Http`] that answers by a script, for tests.

use crate::{
    Azure, Body, Cloud, Connector, ConnectorConfig, Fence, Http, Identity, PayloadStream, Payloads, Secret, SendError,
    SplitMix, TimeLimit, TokioClock,
    arm::collect_items,
    collect,
    http::{BodyError, LARGEST_ANSWER},
};
use acivnet_core::{blueprint::Payload, failure::Failure, id::ResourceId, kind::Kind};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

/// All items of a list.
pub(crate) async fn listed(azure: &Azure, kind: &'static Kind, scope: &ResourceId) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::new();
    azure.list(kind, scope, &mut collect_items(&mut items)).await?;
    Ok(items)
}

pub(crate) const WORKSPACE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";

/// One scripted answer.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    lost: bool,
    /// The body breaks off after its bytes.
    broken: Option<BodyError>,
}

pub(crate) fn reply(status: u16, body: Value) -> Reply {
    raw(status, if body.is_null() { String::new() } else { body.to_string() })
}

pub(crate) fn raw(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into(), lost: false, broken: None }
}

/// The request arrives and its answer is lost.
pub(crate) fn lost() -> Reply {
    Reply { lost: true, ..raw(200, "") }
}

impl Reply {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn breaking(mut self, text: &str, timed_out: bool) -> Self {
        self.broken = Some(BodyError { text: text.to_owned(), timed_out });
        self
    }

    fn into_body(self) -> Body {
        let broken = self.broken.map(|error| Err(error.into()));
        StreamBody::new(stream::iter([Ok(Frame::data(self.body))].into_iter().chain(broken))).boxed_unsync()
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `VERB host/path?query`.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Its own limit.
    pub(crate) limit: Option<Duration>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers requests in the order of the script; each line of it begins as the request's line must.
#[derive(Default)]
pub(crate) struct Script {
    expected: Mutex<VecDeque<(String, Reply)>>,
    sign_ins: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
    tokens: Mutex<Vec<Seen>>,
}

impl Script {
    pub(crate) fn new<S: Into<String>>(lines: impl IntoIterator<Item = (S, Reply)>) -> Arc<Self> {
        let expected = lines.into_iter().map(|(line, reply)| (line.into(), reply)).collect();
        Arc::new(Self { expected: Mutex::new(expected), ..Self::default() })
    }

    /// Answers of the token authority, before it gives `token-1`, `token-2` and so on.
    pub(crate) fn signing_in(self: Arc<Self>, replies: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        crate::lock(&self.sign_ins).extend(replies);
        self
    }

    pub(crate) fn add(&self, line: &str, reply: Reply) {
        crate::lock(&self.expected).push_back((line.to_owned(), reply));
    }

    /// What arrived, sign-ins apart. The script must have come to its end.
    pub(crate) fn done(&self) -> Vec<Seen> {
        let rest: Vec<_> = crate::lock(&self.expected).iter().map(|(line, _)| line.clone()).collect();
        assert!(rest.is_empty(), "never asked: {rest:?}");
        crate::lock(&self.seen).clone()
    }

    pub(crate) fn sign_ins(&self) -> Vec<Seen> {
        crate::lock(&self.tokens).clone()
    }

    fn answer(&self, seen: Seen) -> Reply {
        if seen.line.contains("/oauth2/v2.0/token") {
            let mut tokens = crate::lock(&self.tokens);
            tokens.push(seen);
            let standard = reply(
                200,
                json!({"token_type": "Bearer", "expires_in": 3599, "access_token": format!("token-{}", tokens.len())}),
            );
            return crate::lock(&self.sign_ins).pop_front().unwrap_or(standard);
        }
        let (line, reply) =
            crate::lock(&self.expected).pop_front().unwrap_or_else(|| panic!("unexpected {}", seen.line));
        assert!(seen.line.starts_with(&line), "expected {line}, got {}", seen.line);
        crate::lock(&self.seen).push(seen);
        reply
    }
}

#[async_trait]
impl Http for Script {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let (parts, body) = request.into_parts();
        let body = collect(body, 4 * LARGEST_ANSWER).await.unwrap();
        let line = format!("{} {}", parts.method, parts.uri.to_string().trim_start_matches("https://"));
        let limit = parts.extensions.get::<TimeLimit>().map(|limit| limit.0);
        let reply = self.answer(Seen { line, headers: parts.headers, body, limit });
        if reply.lost {
            return Err(SendError::Unknown("connection closed".into()));
        }
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(*name, value);
        }
        Ok(response.body(reply.into_body()).unwrap())
    }
}

pub(crate) fn connector(http: Arc<dyn Http>) -> Connector {
    connector_within(http, Arc::new(()))
}

pub(crate) fn connector_within(http: Arc<dyn Http>, fence: Arc<dyn Fence>) -> Connector {
    Connector::new(ConnectorConfig {
        cloud: Cloud::custom("https://arm.test", "https://login.test", "ml.test", "blob.test").unwrap(),
        http,
        clock: Arc::new(TokioClock::starting_at("2026-11-22T12:00:00Z".parse().unwrap())),
        random: Arc::new(SplitMix::new(1)),
        observer: Arc::new(()),
        scale: 1.0,
        fence,
    })
}

pub(crate) fn identity() -> Identity {
    Identity::client_secret("tenant", "client", Secret::new("hunter22"))
}

pub(crate) fn azure(script: &Arc<Script>) -> Azure {
    connector(Arc::clone(script) as _).session(&identity())
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}

/// The two requests by which a pass finds the data plane.
pub(crate) fn discovery() -> [(String, Reply); 2] {
    let hosts = json!({"history": "https://history.ml.test", "modelmanagement": "https://models.ml.test"});
    [
        (
            format!("GET arm.test{WORKSPACE}?api-version="),
            reply(200, json!({"properties": {"discoveryUrl": "https://discovery.ml.test/discovery"}})),
        ),
        ("GET discovery.ml.test/discovery".into(), reply(200, hosts)),
    ]
}

/// Payloads in memory, cut into pieces of 1000 bytes.
pub(crate) struct Bytes1000(pub(crate) Vec<u8>);

#[async_trait]
impl Payloads for Bytes1000 {
    fn reveal(&self, key: &acivnet_api::SecretKeyRef) -> Result<crate::Secret, Failure> {
        Ok(crate::Secret::new(format!("{} of {}", key.key, key.name)))
    }

    async fn keep(&self, _: &str, _: &crate::Keys) -> Result<(), Failure> {
        Ok(())
    }

    async fn open(&self, _: &Payload) -> Result<PayloadStream, Failure> {
        let pieces: Vec<_> = self.0.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(stream::iter(pieces).boxed())
    }
}
