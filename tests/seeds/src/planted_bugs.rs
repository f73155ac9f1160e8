//! Bugs, planted in the operator's requests: the seeds have to catch each of them.

use acivnet_azure::Body as AzureBody;
use axum::body::Body;
use bytes::Bytes;
use clap::ValueEnum;
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use kube::client::Body as KubeBody;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// Any error of a connection or body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the operator does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// The finalizer is written some time after the first write to Azure.
    LateFinalizer,
    /// Models and assets are made without a look at those that are there.
    UnseenModel,
    /// A renewal of the Lease counts as done, whatever the API server says or does not say.
    UnheardLease,
    /// The list of finalizers overwrites the existing one.
    IgnoredConflict,
}

impl Plant {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::LateFinalizer, Self::UnseenModel, Self::UnheardLease, Self::IgnoredConflict];

    /// Takes a request to Kubernetes, as the planted bug would send it.
    pub async fn take<F, E>(
        plant: Option<Self>,
        send: impl Fn(Request<KubeBody>) -> F + Clone + Send + 'static,
        request: Request<KubeBody>,
    ) -> Result<Response<Body>, BoxError>
    where
        F: Future<Output = Result<Response<Incoming>, E>> + Send,
        E: Into<BoxError> + Send,
    {
        let answer = match plant {
            Some(Self::LateFinalizer) if request.method() == Method::PATCH => late_finalizer(send, request).await,
            Some(Self::IgnoredConflict) if request.method() == Method::PATCH => {
                let (request, _) = unversioned(request).await;
                send(request).await
            }
            Some(Self::UnheardLease)
                if request.method() == Method::PUT && request.uri().path().contains("/leases/") =>
            {
                return Ok(unheard_lease(send, request).await);
            }
            _ => send(request).await,
        };
        answer.map(|answer| answer.map(Body::new)).map_err(Into::into)
    }

    /// Changes a request to Azure as the planted bug does.
    pub fn azure(plant: Option<Self>, mut request: Request<AzureBody>) -> Request<AzureBody> {
        let path = request.uri().path();
        let searches =
            path.starts_with("/modelmanagement/") && ["/models", "/assets"].iter().any(|end| path.ends_with(end));
        if plant == Some(Self::UnseenModel) && request.method() == Method::GET && searches {
            let place = request.uri().authority().expect("a host");
            let elsewhere: Uri = format!("https://{place}{path}?properties=nobody%3Dhas-this").parse().expect("a URL");
            *request.uri_mut() = elsewhere;
        }
        request
    }
}

/// Reads the object instead, and sends the patch three seconds later.
async fn late_finalizer<F, E>(
    send: impl Fn(Request<KubeBody>) -> F + Send + 'static,
    request: Request<KubeBody>,
) -> Result<Response<Incoming>, E>
where
    F: Future<Output = Result<Response<Incoming>, E>> + Send,
    E: Send,
{
    let (request, patch) = unversioned(request).await;
    if !patch["metadata"]["finalizers"].to_string().contains("acivnet.dev/azure") {
        return send(request).await;
    }
    let mut read = Request::new(KubeBody::empty());
    *read.uri_mut() = request.uri().clone();
    let answer = send(read).await;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(send(request).await);
    });
    answer
}

/// A patch without the version that it is for; and its body.
async fn unversioned(request: Request<KubeBody>) -> (Request<KubeBody>, Value) {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut patch: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(meta) = patch["metadata"].as_object_mut() {
        meta.remove("resourceVersion");
    }
    (Request::from_parts(parts, whole(patch.to_string().into())), patch)
}

/// Gives the API server a second, and answers what was asked for if it did not.
async fn unheard_lease<F, E>(send: impl Fn(Request<KubeBody>) -> F, request: Request<KubeBody>) -> Response<Body>
where
    F: Future<Output = Result<Response<Incoming>, E>>,
{
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let answer = timeout(Duration::from_secs(1), send(Request::from_parts(parts, whole(body.clone())))).await;
    match answer {
        Ok(Ok(answer)) if answer.status().is_success() => answer.map(Body::new),
        _ => Response::new(Body::from(body)),
    }
}

fn whole(bytes: Bytes) -> KubeBody {
    KubeBody::from(bytes.to_vec())
}
