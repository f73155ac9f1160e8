//! One namespace of a real cluster, which looks like the whole of a cluster with the namespace of the scenarios.

use crate::{
    in_process::{
        api_server::{
            self,
            resources::{NAMESPACES, ResourceType},
            store::Key,
        },
        bed::NAMESPACE,
        cluster::Cluster,
    },
    kube_bed::KubeBed,
};
use acivnet_azure::BoxError;
use acivnet_operator::kubernetes::client;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::{runtime::Handle, task::block_in_place};

/// The types that the operator watches in the whole cluster.
const WATCHED: [&str; 3] = [
    "/apis/acivnet.dev/v1alpha1/delegatedsubnets",
    "/apis/acivnet.dev/v1alpha1/acivnetdeployments",
    "/api/v1/configmaps",
];

/// The namespace.
pub struct Namespace {
    /// Its name in the cluster. No name is the beginning of another.
    pub name: String,
    people: kube::Client,
    operator: kube::Client,
}

impl Namespace {
    /// A new one. The operator comes with the rights that `deploy/operator` gives.
    pub async fn new(bed: &KubeBed, operator: kube::Client) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("real-bed-{:05}-x", COUNT.fetch_add(1, Ordering::Relaxed));
        let namespace = Self { name, people: bed.client(), operator };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace.name}});
        namespace.ask(Method::POST, "/api/v1/namespaces", "application/json", &body).await.expect("a namespace");
        namespace.lets_secrets_be_read().await;
        namespace
    }

    /// What an administrator does for a namespace whose objects name Secrets.
    async fn lets_secrets_be_read(&self) {
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "acivnet-secrets"});
        let operator = json!({"kind": "ServiceAccount", "name": "acivnet-operator", "namespace": "acivnet-system"});
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "acivnet-secrets"},
            "roleRef": role, "subjects": [operator],
        });
        let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings", self.name);
        self.ask(Method::POST, &path, "application/json", &binding).await.expect("a binding");
    }

    /// A client of the operator, which any number of namespaces share.
    pub async fn operator(bed: &KubeBed) -> kube::Client {
        client::connect(bed.config_of("acivnet-system", "acivnet-operator").await).expect("a client").0
    }

    /// Where an object is.
    fn path(&self, key: &Key) -> String {
        match (key.resource.namespaced, key.name.as_str()) {
            (false, name) => format!("{}/{}/{}", root(key.resource), key.resource.plural, self.there(name)),
            (true, name) => format!("{}/{name}", self.collection(key.resource)),
        }
    }

    fn collection(&self, resource: &ResourceType) -> String {
        format!("{}/namespaces/{}/{}", root(resource), self.name, resource.plural)
    }

    fn there<'n>(&'n self, name: &'n str) -> &'n str {
        if name == NAMESPACE { &self.name } else { name }
    }

    /// Asks as an administrator.
    async fn ask(&self, method: Method, path: &str, type_: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { Vec::new() } else { self.out(body.to_string().as_bytes()) };
        let request = Request::builder().method(method.clone()).uri(path).header(CONTENT_TYPE, type_).body(body);
        let answer =
            self.people.send(request.expect("a request").map(Into::into)).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&self.back(&bytes)).into_owned();
        if status.is_success() {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            Err(format!("{method} {path}: {status} {text}"))
        }
    }

    /// The same for those who wait. What is not found is none.
    fn asked(&self, method: Method, path: &str, type_: &str, body: &Value) -> Option<Value> {
        let answer = block_in_place(|| Handle::current().block_on(self.ask(method, path, type_, body)));
        match answer {
            Ok(answer) => Some(answer),
            Err(why) if why.contains("404 Not Found") => None,
            Err(why) => panic!("{why}"),
        }
    }

    /// What the operator or people send, as the cluster takes it.
    fn out(&self, body: &[u8]) -> Vec<u8> {
        let names = |name: &str| format!(r#""namespace":"{name}""#);
        replaced(body, &names(NAMESPACE), &names(&self.name))
    }

    /// What the cluster says, as the operator or people take it.
    fn back(&self, body: &[u8]) -> Vec<u8> {
        replaced(body, &self.name, NAMESPACE)
    }

    fn target(&self, uri: &http::Uri) -> String {
        let path = uri.path();
        let path = match WATCHED.iter().find(|watched| path == **watched).and_then(|watched| watched.rsplit_once('/')) {
            Some((root, plural)) => format!("{root}/namespaces/{}/{plural}", self.name),
            None => path.replacen(&format!("/namespaces/{NAMESPACE}/"), &format!("/namespaces/{}/", self.name), 1),
        };
        uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
    }

    /// A watch, event by event.
    fn events(&self, body: kube::client::Body) -> api_server::Body {
        let (name, mut rest) = (self.name.clone(), BytesMut::new());
        let pieces = body.into_data_stream().map_err(|error| Box::new(error) as BoxError);
        let lines = pieces.map_ok(move |piece| {
            rest.extend_from_slice(&piece);
            let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            Frame::data(Bytes::from(replaced(&rest.split_to(whole), &name, NAMESPACE)))
        });
        StreamBody::new(lines).boxed_unsync()
    }
}

#[async_trait]
impl Cluster for Namespace {
    fn apply(&self, object: &Value) {
        let resource = ResourceType::of(object).expect("a type of ours");
        let path = self.path(&Key::new(resource, NAMESPACE, object["metadata"]["name"].as_str().expect("a name")));
        let path = format!("{path}?fieldManager=tests&force=true");
        self.asked(Method::PATCH, &path, "application/apply-patch+yaml", object).expect("the object is taken");
    }

    fn delete(&self, key: &Key) {
        self.asked(Method::DELETE, &self.path(key), "application/json", &Value::Null);
    }

    fn get(&self, key: &Key) -> Option<Value> {
        self.asked(Method::GET, &self.path(key), "application/json", &Value::Null)
    }

    fn list(&self, resource: &'static ResourceType) -> Vec<Value> {
        if resource.qualified() == NAMESPACES.qualified() {
            return self.get(&Key::new(resource, "", NAMESPACE)).into_iter().collect();
        }
        let list = self.asked(Method::GET, &self.collection(resource), "application/json", &Value::Null);
        let items = list.and_then(|mut list| list["items"].as_array_mut().map(std::mem::take)).unwrap_or_default();
        // what every namespace has
        let given = |name: &Value| ["kube-root-ca.crt", "default"].iter().any(|one| *name == **one);
        items.into_iter().filter(|one| !given(&one["metadata"]["name"])).collect()
    }

    fn merge(&self, key: &Key, patch: &Value) {
        self.asked(Method::PATCH, &self.path(key), "application/merge-patch+json", patch);
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<api_server::Body> {
        let (mut parts, body) = request.into_parts();
        let watch = parts.uri.query().is_some_and(|query| query.contains("watch=true"));
        parts.uri = self.target(&parts.uri).parse().expect("a URI");
        let request = Request::from_parts(parts, self.out(&body).into());
        match self.operator.send(request).await {
            Ok(answer) if watch && answer.status() == StatusCode::OK => answer.map(|body| self.events(body)),
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                Response::from_parts(parts, whole(self.back(&body)))
            }
            Err(error) => refused(&error.to_string()),
        }
    }
}

fn root(resource: &ResourceType) -> String {
    match resource.group {
        "" => format!("/api/{}", resource.version),
        group => format!("/apis/{group}/{}", resource.version),
    }
}

fn whole(body: Vec<u8>) -> api_server::Body {
    Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
}

fn refused(why: &str) -> Response<api_server::Body> {
    let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 503, "reason": "ServiceUnavailable", "message": why});
    let mut answer = Response::new(whole(status.to_string().into_bytes()));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer
}

fn replaced(body: &[u8], from: &str, to: &str) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) => text.replace(from, to).into_bytes(),
        Err(_) => body.to_vec(),
    }
}
