//! The client for the Kubernetes API.

use http::{Request, Response};
use http_body_util::{Either as EitherBody, Limited};
use hyper_timeout::TimeoutConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use std::time::Duration;
use tower::{Service, ServiceBuilder, ServiceExt as _};

/// How long an idle connection to the API server is kept. After the failover of a load balancer connections may be dead
/// without saying so; all are dropped before a lease of 15 s runs out.
const IDLE: Duration = Duration::from_secs(5);
/// Bytes of an answer of the API server that a connection reads ahead. It keeps that buffer as long as it lives, and a
/// watch's connection lives long: three watches in each of `--namespaces`.
pub(crate) const READ_AHEAD: usize = 64 * 1024;
/// Longest page of a list, in bytes. It takes some three times that while it is parsed.
pub(crate) const LONGEST_LIST: usize = 4 << 20;
/// A client for the cluster that this runs in or that KUBECONFIG names, and `host:port` of its API server.
///
/// # Errors
/// There is none, or what in its configuration can't be used.
pub(crate) async fn cluster() -> Result<(kube::Client, String), String> {
    connect(config().await?)
}

async fn config() -> Result<kube::Config, String> {
    let config = kube::Config::infer().await;
    config.map_err(|error| format!("there is no cluster to talk to: {error}; set KUBECONFIG, or run inside a cluster"))
}

/// A client for a command that a person runs once, with that person's rights.
pub(crate) async fn administrator() -> Result<kube::Client, String> {
    let client = kube::Client::try_from(config().await?);
    client.map_err(|error| format!("no client for the cluster can be made: {error}"))
}

/// The client, and `host:port` of the API server.
///
/// # Errors
/// What in the configuration can't be used.
pub fn connect(config: kube::Config) -> Result<(kube::Client, String), String> {
    let failed = |error| format!("no client for the cluster can be made: {error}");
    let port = config.cluster_url.port_u16().unwrap_or(443);
    let api_server = format!("{}:{port}", config.cluster_url.host().unwrap_or_default());
    let mut connector = TimeoutConnector::new(config.rustls_https_connector().map_err(failed)?);
    connector.set_connect_timeout(Some(Duration::from_secs(10)));
    connector.set_write_timeout(Some(Duration::from_secs(30)));
    // longer than a watch without events lasts
    connector.set_read_timeout(Some(Duration::from_secs(40)));
    connector.set_reset_reader_on_write(true);
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .http1_max_buf_size(READ_AHEAD)
        .build::<_, kube::client::Body>(connector);
    // without kube's own retries: reconciles are tried again by themselves, and no wait is hidden
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(failed)?)
        .layer(config.extra_headers_layer().map_err(failed)?)
        .map_err(tower::BoxError::from)
        .service(bounded(http));
    Ok((kube::Client::new(service, config.default_namespace), api_server))
}

/// Breaks off pages of lists that are too long. A watch ends by itself, and the largest object is smaller than a page.
pub(crate) fn bounded<S, B>(
    inner: S,
) -> impl Service<
    Request<kube::client::Body>,
    Response = Response<EitherBody<Limited<B>, B>>,
    Error = S::Error,
    Future: Send + 'static,
> + Clone
+ Send
where
    S: Service<Request<kube::client::Body>, Response = Response<B>, Future: Send + 'static> + Clone + Send + 'static,
    S::Error: Send,
    B: Send,
{
    tower::service_fn(move |request: Request<kube::client::Body>| {
        let is_page = request.uri().query().is_some_and(|query| query.split('&').any(|one| one.starts_with("limit=")));
        let answer = inner.clone().oneshot(request);
        async move {
            let body = |body| {
                if is_page { EitherBody::Left(Limited::new(body, LONGEST_LIST)) } else { EitherBody::Right(body) }
            };
            Ok::<_, S::Error>(answer.await?.map(body))
        }
    })
}
