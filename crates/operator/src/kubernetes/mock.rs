//! A Kubernetes API of a few lines, for tests.

use crate::{
    ctx::{Ctx, Options, Outside},
    kubernetes::networks::Networks,
};
use acivnet_azure::{Body, Clock, Http, ModelLimits, SendError, SplitMix, TokioClock};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

/// One request as the API saw it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: Value,
}

impl Recorded {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub type Answer = Response<UnsyncBoxBody<bytes::Bytes, Infallible>>;
type Handler = dyn Fn(&Recorded) -> Answer + Send + Sync;

#[derive(Clone)]
pub struct Mock {
    handler: Arc<Handler>,
    seen: Arc<Mutex<Vec<Recorded>>>,
}

impl Mock {
    pub fn new(handler: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Self {
        Self { handler: Arc::new(handler), seen: Arc::default() }
    }

    pub fn client(&self) -> kube::Client {
        let mock = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let mock = mock.clone();
            async move {
                let (parts, body) = request.into_parts();
                let bytes = body.collect().await.unwrap().to_bytes();
                let seen = Recorded {
                    method: parts.method.to_string(),
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    body: serde_json::from_slice(&bytes).unwrap_or_default(),
                };
                mock.seen.lock().unwrap().push(seen.clone());
                Ok::<_, Infallible>((mock.handler)(&seen))
            }
        });
        kube::Client::new(crate::kubernetes::client::bounded(service), "default")
    }

    /// The requests so far, and forgets them.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Recorded::line).collect()
    }

    pub fn requests(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    pub fn ctx(&self) -> Arc<Ctx> {
        self.ctx_with(NoAzure)
    }

    pub fn ctx_with(&self, http: impl Http + 'static) -> Arc<Ctx> {
        self.ctx_in(Vec::new(), http)
    }

    /// Of an operator that works in some namespaces only.
    pub fn ctx_in(&self, namespaces: Vec<String>, http: impl Http + 'static) -> Arc<Ctx> {
        let outside = Outside {
            kube: self.client(),
            http: Arc::new(http),
            clock: Arc::new(TokioClock::starting_at("2026-11-22T12:00:00Z".parse().unwrap())) as Arc<dyn Clock>,
            random: Arc::new(SplitMix::new(1)),
        };
        let cloud =
            acivnet_azure::Cloud::custom("https://localhost", "https://localhost", "localhost", "localhost").unwrap();
        let options = Options {
            cloud,
            pace: 1.0,
            stalled_after: Duration::from_secs(900),
            cluster: "c".into(),
            models: ModelLimits::default(),
            namespaces,
        };
        let networks =
            Networks::new(vec!["10.0.0.0/8".parse().unwrap()], &["10.244.0.0/16".parse().unwrap()], String::new());
        Ctx::new(outside, options, Arc::new(networks))
    }
}

/// An Azure that is not there.
pub struct NoAzure;

#[async_trait::async_trait]
impl Http for NoAzure {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        panic!("nothing should be sent to {}", request.uri())
    }
}

pub fn answer(status: u16, body: &Value) -> Answer {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::from(body.to_string()).boxed_unsync()).unwrap()
}

/// A watch in which nothing happens.
pub fn silence() -> Answer {
    Response::new(StreamBody::new(futures::stream::pending()).boxed_unsync())
}

pub fn found(body: &Value) -> Answer {
    answer(200, body)
}

pub fn list(items: Value) -> Answer {
    found(&json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": items}))
}

pub fn refused(status: u16, reason: &str) -> Answer {
    refused_because(status, reason, "")
}

pub fn refused_because(status: u16, reason: &str, cause: &str) -> Answer {
    let details = json!({"causes": [{"reason": cause, "message": cause}]});
    answer(
        status,
        &json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": format!("it says {reason}"), "details": details}),
    )
}

type AzureHandler = dyn Fn(&str) -> (u16, Value) + Send + Sync;

/// An Azure of a few lines: sign-in always succeeds, every other request is handed on, by method and path.
#[derive(Clone)]
pub struct FakeAzure {
    handler: Arc<AzureHandler>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl FakeAzure {
    pub fn new(handler: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self { handler: Arc::new(handler), seen: Arc::default() }
    }

    /// The requests so far but sign-ins, and forgets them.
    pub fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl Http for FakeAzure {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let path = request.uri().path();
        let (status, body) = if path.ends_with("/oauth2/v2.0/token") {
            (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "t"}))
        } else {
            let line = format!("{} {path}", request.method());
            self.seen.lock().unwrap().push(line.clone());
            (self.handler)(&line)
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        // a text is what is sent, as it is
        let body = if let Value::String(text) = body { text } else { body.to_string() };
        Ok(response.body(acivnet_azure::full(body)).unwrap())
    }
}
