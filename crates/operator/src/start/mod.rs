//! From settings to a running operator.

mod cluster;
mod terms;

use crate::{
    cli::args::Settings,
    controllers::Stop,
    ctx::{Options, Outside},
    kubernetes::{client, networks::Networks},
    monitoring::admin::{Server, Signals},
    reconcile::pace::Pace,
};
use acivnet_azure::{ReqwestHttp, SplitMix, SystemClock};
use cluster::{keep_learning, learn};
use futures::{
    FutureExt,
    future::{Either, select},
};
use std::{path::PathBuf, pin::pin, sync::Arc};
use terms::Operator;
use tokio::net::TcpListener;

/// Runs until a signal to end.
///
/// # Errors
/// What keeps it from starting, and what to do about it.
pub async fn run(settings: Settings) -> Result<(), String> {
    let stop = stop_signal()?;
    let (kube, api_server) = client::cluster().await?;
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
    let _admin = listener.and_then(|listener| serve(listener, &signals));
    let pulse = Arc::clone(&signals.pulse);
    let beating = tokio::spawn(async move { pulse.beat().await });
    let networks = Networks::new(settings.scoring_networks.clone(), &settings.cluster_networks, api_server);
    let networks =
        Arc::new(if settings.namespaces.is_empty() { networks } else { networks.with_rights_of_namespaces() });
    let learned = learn(&outside, settings.cluster_id.clone(), &networks, Pace::new(settings.pace));
    if let Some(cluster) = unless(stop.clone(), learned).await {
        let learning = tokio::spawn(keep_learning(outside.kube.clone(), Arc::clone(&networks)));
        warn_of_probes(&settings, &networks);
        tracing::info!("started");
        let lease = settings.lease.clone();
        let operator = Operator { outside, options: options(settings, cluster), networks, signals, stop };
        match lease {
            Some(lease) => operator.lead_in_turn(&lease).await,
            None => operator.work_alone().await,
        }
        learning.abort();
    }
    beating.abort();
}

fn serve(listener: TcpListener, signals: &Signals) -> Option<Server> {
    let server = Server::start(listener, signals.clone());
    server.inspect_err(|error| tracing::error!(%error, "the admin server can't be started")).ok()
}

/// What reconciles need of the settings.
fn options(settings: Settings, cluster: String) -> Options {
    Options {
        cloud: settings.cloud,
        pace: settings.pace,
        stalled_after: settings.stalled_after,
        cluster,
        models: settings.models,
        namespaces: settings.namespaces,
    }
}

/// Says where sample requests may go that an administrator would not expect.
fn warn_of_probes(settings: &Settings, networks: &Networks) {
    if !networks.pods_known() {
        tracing::warn!(
            "--cluster-networks is empty and no node says where its Pods are: a tenant's sample request may be aimed at \
             Pods of this cluster; set --cluster-networks to the networks of its Pods and nodes"
        );
    }
    if let Some(proxy) = &settings.scoring_proxy {
        tracing::info!("sample requests go through --scoring-proxy {proxy}, none to an endpoint directly");
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

    #[tokio::test]
    async fn stops_while_it_waits() {
        let stop = async {}.boxed().shared();
        assert!(unless(stop, std::future::pending::<()>()).await.is_none());
    }
}
