//! From settings to a running operator.

use crate::{
    cli::args::Settings,
    controllers::{self, Stop},
    ctx::{Ctx, Options, Outside},
    kubernetes::{
        self,
        lease::{self, Election, Term},
        networks::Networks,
    },
    monitoring::admin::{Server, Signals},
    reconcile::pace::Pace,
};
use acivnet_azure::{Fence, ReqwestHttp, SplitMix, SystemClock};
use acivnet_core::retry::Retry;
use futures::{
    FutureExt,
    future::{Either, select},
};
use http::{Request, Response};
use http_body_util::{Either as EitherBody, Limited};
use hyper_timeout::TimeoutConnector;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt, client::ConfigExt};
use std::{
    path::PathBuf,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, time::sleep};
use tower::{Service, ServiceBuilder, ServiceExt as _};

/// How long the reconciles under way may take after a signal to end.
const LAST_RECONCILES: Duration = Duration::from_secs(50);
/// How long reconciles that Azure is about to answer may go on writing to Kubernetes before the lease is given back.
const HAND_OVER: Duration = Duration::from_millis(500);
/// How long a connection to the API server is kept for the next request. All that are dead without saying so, as after a
/// failover of a load balancer, are left behind with it before a lease runs out.
const IDLE: Duration = Duration::from_secs(5);
/// Bytes of an answer of the API server that a connection reads ahead. It keeps what it once took as long as it lives, and
/// that of a watch lives long.
pub(crate) const READ_AHEAD: usize = 64 * 1024;
/// Longest page of a list, in bytes. It takes some three times that while it is taken apart.
pub(crate) const LONGEST_LIST: usize = 4 << 20;
/// How often the networks of the cluster are read again: nodes come and go.
const NETWORKS_EVERY: Duration = Duration::from_secs(300);

/// Runs until a signal to end.
///
/// # Errors
/// What keeps it from starting, and what to do about it.
pub async fn run(settings: Settings) -> Result<(), String> {
    let stop = stop_signal()?;
    let (kube, api_server) = cluster().await?;
    let http = http(&settings)?;
    let listener = TcpListener::bind(settings.admin_address).await;
    let listener =
        listener.map_err(|error| format!("--admin-address {}: {error}; choose another", settings.admin_address))?;
    let outside = Outside { kube, http, clock: Arc::new(SystemClock), random: Arc::new(SplitMix::from_system()) };
    operate(outside, api_server, settings, Some(listener), stop).await;
    Ok(())
}

/// Runs until `stop`, on whatever the outside is. `api_server` is `host:port`; the admin server takes `listener`, if
/// there is one.
pub async fn operate(
    outside: Outside,
    api_server: String,
    settings: Settings,
    listener: Option<TcpListener>,
    stop: Stop,
) {
    let signals = Signals::default();
    signals.metrics.name_objects(settings.metrics_per_object);
    let _admin = listener.and_then(|listener| {
        let server = Server::start(listener, signals.clone());
        server.inspect_err(|error| tracing::error!(%error, "the admin server can't be started")).ok()
    });
    let pulse = Arc::clone(&signals.pulse);
    let beating = tokio::spawn(async move { pulse.beat().await });
    let networks = Networks::new(settings.scoring_networks.clone(), &settings.cluster_networks, api_server);
    let networks =
        Arc::new(if settings.namespaces.is_empty() { networks } else { networks.with_rights_of_namespaces() });
    let pace = Pace::new(settings.pace);
    if let Some(cluster) = unless(stop.clone(), learn(&outside, settings.cluster_id, &networks, pace)).await {
        let learning = tokio::spawn(keep_learning(outside.kube.clone(), Arc::clone(&networks)));
        let lease = settings.lease.clone();
        let options = Options {
            cloud: settings.cloud,
            pace: settings.pace,
            stalled_after: settings.stalled_after,
            cluster,
            models: settings.models,
            namespaces: settings.namespaces,
        };
        let operator = Operator { outside, options, networks, signals, stop };
        if !operator.networks.pods_known() {
            tracing::warn!(
                "--cluster-networks is empty and no node says where its Pods are: a tenant's sample request may be aimed at \
                 Pods of this cluster; set --cluster-networks to the networks of its Pods and nodes"
            );
        }
        if let Some(proxy) = &settings.scoring_proxy {
            tracing::info!("sample requests go through --scoring-proxy {proxy}, none to an endpoint directly");
        }
        tracing::info!("started");
        match lease {
            Some(lease) => operator.take_turns(&lease).await,
            None => operator.work_alone().await,
        }
        learning.abort();
    }
    beating.abort();
}

/// What ends a term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TermEnd {
    /// Nothing was under way when it was time to stop.
    WorkDone,
    /// It is time to stop, and reconciles are under way.
    HandOver,
    /// Another may lead.
    Loss,
}

/// What outlives a term.
struct Operator {
    outside: Outside,
    options: Options,
    networks: Arc<Networks>,
    signals: Signals,
    stop: Stop,
}

impl Operator {
    async fn work_alone(&self) {
        self.signals.metrics.leader(true);
        let ctx = self.ctx(Arc::new(()), self.outside.kube.clone());
        self.finish(pin!(self.work(ctx))).await;
    }

    /// Works whenever it holds the lease, and begins anew each time: what it knew may have changed under another.
    async fn take_turns(&self, settings: &lease::LeaseSettings) {
        let Outside { kube, clock, random, .. } = self.outside.clone();
        let signals = lease::Dependencies { kube, clock, random, metrics: Arc::clone(&self.signals.metrics) };
        let mut election = Election::new(settings, signals);
        while let Some(term) = unless(self.stop.clone(), election.win(|| self.signals.readiness.set())).await {
            tracing::info!("leads from now on");
            self.signals.metrics.leader(true);
            self.term(&mut election, &term).await;
            self.signals.metrics.leader(false);
        }
    }

    /// Works until the lease is lost, or until `stop`: then no write starts any more, and the lease is given back.
    async fn term(&self, election: &mut Election, term: &Arc<Term>) {
        let kube = lease::within(term, self.outside.kube.clone());
        let fence: Arc<Term> = Arc::clone(term);
        let mut work = pin!(self.work(self.ctx(fence, kube)));
        let end = {
            let mut keeping = pin!(election.keep(term));
            let handing_over = pin!(self.stop.clone().then(|()| {
                term.close();
                sleep(HAND_OVER)
            }));
            match select(select(work.as_mut(), handing_over), keeping.as_mut()).await {
                Either::Left((Either::Left(_), _)) => TermEnd::WorkDone,
                Either::Left((Either::Right(_), _)) => TermEnd::HandOver,
                Either::Right(_) => TermEnd::Loss,
            }
        };
        if end == TermEnd::Loss {
            tracing::warn!("the lease is lost; another may lead, so what was under way is dropped");
            return;
        }
        term.end();
        election.release().await;
        match end {
            TermEnd::HandOver => self.finish(work).await,
            TermEnd::WorkDone | TermEnd::Loss => tracing::info!("ended"),
        }
    }

    fn ctx(&self, fence: Arc<dyn Fence>, kube: kube::Client) -> Arc<Ctx> {
        let outside = Outside { kube, ..self.outside.clone() };
        Ctx::within(fence, outside, self.options.clone(), Arc::clone(&self.networks), &self.signals)
    }

    async fn work(&self, ctx: Arc<Ctx>) {
        controllers::run(ctx, Arc::clone(&self.signals.readiness), self.stop.clone()).await;
    }

    /// Lets what is under way come to its end, within a limit from `stop` on.
    async fn finish(&self, work: Pin<&mut impl Future<Output = ()>>) {
        let overdue = pin!(self.stop.clone().then(|()| sleep(LAST_RECONCILES)));
        match select(work, overdue).await {
            Either::Left(_) => tracing::info!("ended"),
            Either::Right(_) => tracing::warn!("ended before the last reconciles did"),
        }
    }
}

/// Ready at the first SIGTERM or SIGINT.
fn stop_signal() -> Result<Stop, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| format!("signals can't be received: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let first = async move {
        select(pin!(terminate.recv()), pin!(interrupt.recv())).await;
        tracing::info!("told to end");
    };
    Ok(first.boxed().shared())
}

async fn cluster() -> Result<(kube::Client, String), String> {
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

fn http(settings: &Settings) -> Result<Arc<ReqwestHttp>, String> {
    let http = ReqwestHttp::new(certificates(settings)?.as_deref())?;
    Ok(Arc::new(match &settings.scoring_proxy {
        Some(proxy) => http.with_scoring_proxy(proxy).map_err(|error| format!("--scoring-proxy {proxy}: {error}"))?,
        None => http,
    }))
}

fn certificates(settings: &Settings) -> Result<Option<Vec<u8>>, String> {
    let read =
        |path: &PathBuf| std::fs::read(path).map_err(|error| format!("--azure-ca-file {}: {error}", path.display()));
    settings.azure_ca_file.as_ref().map(read).transpose()
}

/// What names the cluster, once its networks are known too. Tried until it succeeds.
async fn learn(outside: &Outside, named: Option<String>, networks: &Networks, pace: Pace) -> String {
    let mut attempt = 0;
    loop {
        match try_learn(&outside.kube, named.as_deref(), networks).await {
            Ok(cluster) => return cluster,
            Err(error) => tracing::warn!(error, "the cluster can't be read yet"),
        }
        sleep(pace.before(Retry::Soon, attempt, outside.random.unit())).await;
        attempt += 1;
    }
}

async fn try_learn(kube: &kube::Client, named: Option<&str>, networks: &Networks) -> Result<String, String> {
    let cluster = match named {
        Some(named) => named.to_owned(),
        None => uid_of_cluster(kube).await?,
    };
    networks.learn(kube).await?;
    Ok(cluster)
}

async fn uid_of_cluster(kube: &kube::Client) -> Result<String, String> {
    let namespace = Api::<Namespace>::all(kube.clone()).get("kube-system").await;
    let namespace = namespace.map_err(|error| {
        let what = "namespace kube-system, whose uid names the cluster, can't be read";
        format!("{}; or set --cluster-id", kubernetes::failure(what, &error).message)
    })?;
    namespace.uid().ok_or_else(|| "namespace kube-system has no uid".to_owned())
}

async fn keep_learning(kube: kube::Client, networks: Arc<Networks>) {
    loop {
        sleep(NETWORKS_EVERY).await;
        if let Err(error) = networks.learn(&kube).await {
            tracing::warn!(error, "the networks of the cluster can't be read; those known before stay refused");
        }
    }
}

/// What a future gives, unless it is time to stop.
async fn unless<T>(stop: Stop, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), stop).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found, list, refused};
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn waits_until_the_cluster_can_be_read() {
        let tries = AtomicUsize::new(0);
        let mock = Mock::new(move |request| match (request.path.as_str(), tries.fetch_add(1, Ordering::SeqCst)) {
            (_, 0) => refused(500, "InternalError"),
            ("/api/v1/namespaces/kube-system", _) => found(
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}}),
            ),
            (_, 2) => refused(403, "Forbidden"),
            (path, _) if path.ends_with("/endpointslices/kubernetes") => refused(404, "NotFound"),
            _ => list(json!([])),
        });
        let ctx = mock.ctx();
        let outside = Outside {
            kube: mock.client(),
            http: Arc::clone(&ctx.http),
            clock: Arc::clone(&ctx.clock),
            random: Arc::clone(&ctx.random),
        };
        assert_eq!(learn(&outside, None, &ctx.networks, Pace::new(1.0)).await, "u-1");
        let servicecidrs = "GET /apis/networking.k8s.io/v1/servicecidrs";
        let namespace = "GET /api/v1/namespaces/kube-system";
        let (nodes, slice) =
            ("GET /api/v1/nodes", "GET /apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
        assert_eq!(mock.lines(), [namespace, namespace, servicecidrs, namespace, servicecidrs, nodes, slice]);
    }

    #[tokio::test]
    async fn stops_while_it_waits() {
        let stop = async {}.boxed().shared();
        assert!(unless(stop, std::future::pending::<()>()).await.is_none());
    }
}
