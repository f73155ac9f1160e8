//! A Kubernetes API server in a few hundred lines, as a service for [`kube::Client`].
//!
//! What it keeps to: resourceVersion and conflicts, generation, status as a subresource, finalizers and deletion
//! timestamps, namespaces that are being deleted, lists and watches, metadata-only answers, tokens of ServiceAccounts,
//! refusals as `metav1.Status`. What it knows nothing of: schemas beyond their defaults, CEL, RBAC, admission,
//! server-side apply; a real API server is asked for these. Ids and versions are counted, so that the same requests give
//! the same bytes.

mod problem;
mod request;
pub mod resources;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tokens;
mod watch;

use acivnet_azure::{BoxError, Clock};
use acivnet_simulator::SigningKey;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE, request::Parts};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use problem::Problem;
use request::{Call, Subresource};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use store::{Deletion, Key, Part, Store};
use tokio::sync::Notify;

/// A body of an answer; that of a watch goes on.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The server. Clones share one store.
#[derive(Clone)]
pub struct ApiServer(Arc<Shared>);

struct Shared {
    store: Mutex<Store>,
    /// Tells those who watch of a write, in the order in which they came.
    written: Notify,
    clock: Arc<dyn Clock>,
    /// Signs the tokens of ServiceAccounts.
    key: Arc<SigningKey>,
}

impl ApiServer {
    /// An empty server.
    pub fn new(clock: Arc<dyn Clock>, key: Arc<SigningKey>) -> Self {
        Self(Arc::new(Shared { store: Mutex::default(), written: Notify::new(), clock, key }))
    }

    /// Reads or changes the store, past all requests: what a user, an administrator or another controller does.
    pub fn with<T>(&self, act: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.0.store.lock().unwrap();
        let before = store.version();
        let answer = act(&mut store);
        if store.version() != before {
            self.0.written.notify_waiters();
        }
        answer
    }

    /// Creates an object, or replaces the existing one.
    pub fn apply(&self, object: &Value) -> Value {
        let resource = resources::ResourceType::of(object).expect("a type that the server serves");
        let meta = &object["metadata"];
        let key = Key::new(resource, meta["namespace"].as_str().unwrap_or_default(), store::name(object));
        let now = self.0.clock.now();
        let applied = self.with(|store| match store.get(&key).is_ok() {
            false => store.create(&key, object.clone(), now),
            true => store.patch(&key, Part::Main, |stands| {
                let members = object
                    .as_object()
                    .expect("an object")
                    .iter()
                    .filter(|(name, _)| *name != "metadata" && *name != "status");
                members.for_each(|(name, value)| stands[name] = value.clone());
                for kept in ["annotations", "labels"] {
                    stands["metadata"][kept] = object["metadata"][kept].clone();
                }
                Ok(())
            }),
        });
        applied.unwrap_or_else(|problem| panic!("{}", problem.body()))
    }

    /// Deletes an object as `kubectl delete` does.
    pub fn delete(&self, key: &Key) {
        let now = self.0.clock.now();
        self.with(|store| store.delete(key, now)).unwrap_or_else(|problem| panic!("{}", problem.body()));
    }

    /// Answers one request. The answer of a watch has a body that goes on.
    pub fn handle(&self, request: Request<Bytes>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        self.answer(&parts, &body).unwrap_or_else(|problem| json_response(problem.code, &problem.body()))
    }

    fn answer(&self, parts: &Parts, body: &Bytes) -> Result<Response<Body>, Problem> {
        let call = Call::parse(parts)?;
        if call.watch {
            return watch::start(self, &call);
        }
        let now = self.0.clock.now();
        let (status, answer) = match (&parts.method, &call.name, call.subresource) {
            (&Method::GET, None, None) => (StatusCode::OK, self.list(&call)?),
            (&Method::GET, Some(_), None | Some(Subresource::Status)) => {
                (StatusCode::OK, self.with(|store| store.get(&call.key()).cloned())?)
            }
            (&Method::POST, None, None) => (StatusCode::CREATED, self.create(&call, json(body)?)?),
            (&Method::POST, Some(_), Some(Subresource::Token)) => {
                (StatusCode::CREATED, tokens::request(self, &call.key(), json(body)?, now)?)
            }
            (&Method::PUT, Some(_), None | Some(Subresource::Status)) => {
                let next = json(body)?;
                (StatusCode::OK, self.with(|store| store.update(&call.key(), call.part(), next))?)
            }
            (&Method::PATCH, Some(_), None | Some(Subresource::Status)) => {
                let patch = request::Patch::parse(parts, body)?;
                (
                    StatusCode::OK,
                    self.with(|store| store.patch(&call.key(), call.part(), |object| patch.apply(object)))?,
                )
            }
            (&Method::DELETE, Some(name), None) => {
                let answer = match self.with(|store| store.delete(&call.key(), now))? {
                    Deletion::Done(last) => problem::deleted(call.resource, name, &last["metadata"]["uid"]),
                    Deletion::Waits(object) => object,
                };
                return Ok(json_response(StatusCode::OK, &answer));
            }
            _ => return Err(Problem::method_not_allowed()),
        };
        Ok(json_response(status, &call.shown(answer)))
    }

    fn list(&self, call: &Call) -> Result<Value, Problem> {
        self.with(|store| {
            let objects = store.list(call.resource, &call.namespace).filter(|object| call.selects(object));
            // items carry no type, as a real server's
            let items: Vec<Value> = objects
                .cloned()
                .map(|object| if call.metadata_only { call.partial(object) } else { untyped(object) })
                .collect();
            let (api_version, kind) = match call.metadata_only {
                true => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
                false => (call.resource.api_version(), format!("{}List", call.resource.kind)),
            };
            let metadata = json!({"resourceVersion": store.version().to_string()});
            Ok(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "items": items}))
        })
    }

    fn create(&self, call: &Call, object: Value) -> Result<Value, Problem> {
        let name = store::name(&object).to_owned();
        let key = Key::new(call.resource, &call.namespace, &name);
        if name.is_empty() {
            return Err(Problem::invalid(&key, "metadata.name: Required value: name or generateName is required"));
        }
        let now = self.0.clock.now();
        self.with(|store| store.create(&key, object, now))
    }
}

fn untyped(mut object: Value) -> Value {
    object.as_object_mut().expect("an object").retain(|name, _| name != "apiVersion" && name != "kind");
    object
}

fn json(body: &Bytes) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body is no JSON: {error}")))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
