//! Watches objects, and reconciles those that changed or are due.
//!
//! Each kind is watched once. What one kind's objects tell about the other's is passed on: a deployment waits for its
//! subnet, a subnet counts its deployments, a ConfigMap is named by deployments, subnets share a network.

mod namespaces;
pub(crate) mod queue;
mod relations;
pub(crate) mod secret_watches;
mod watch;

use crate::{
    cache::{
        cached_object::{CachedObject, Storage, Summary},
        packed::strip,
    },
    ctx::Ctx,
    kubernetes,
    monitoring::{admin::Readiness, pulse::BEAT},
    object::{CustomResource, Object, ObjectKey},
    reconcile::{Reconciled, reconcile, reconcile_due, still_at_rest},
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_azure::Priority;
use acivnet_core::retry::Retry;
use futures::{
    Stream, StreamExt,
    future::{BoxFuture, Shared, join, select},
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::ListParams,
    core::PartialObjectMeta,
    runtime::{
        reflector::{self, Lookup, Store, reflector, store::Writer},
        watcher::{self, Event},
    },
};
use namespaces::watched;
use queue::Cause;
use relations::Relations;
use std::{hash::Hash, panic::resume_unwind, pin::pin, sync::Arc, time::Duration};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;
pub(crate) use watch::PAGES;

/// How often lists of Azure that no sweep may use any more are dropped.
const TIDY: Duration = Duration::from_secs(30);

/// Ends the work when it is ready.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// A reconcile that has ended, and when the next is wanted.
type Ended = (ObjectKey, Option<Duration>);

/// Watches and works until `stop`, then finishes the reconciles under way.
pub async fn run(ctx: Arc<Ctx>, readiness: Arc<Readiness>, stop: Stop) {
    let mut tasks = JoinSet::new();
    select(pin!(join(watch(&ctx, &readiness), work(&ctx, &mut tasks))), stop).await;
    while let Some(ended) = tasks.join_next().await {
        end(&ctx, ended);
    }
}

async fn watch(ctx: &Arc<Ctx>, readiness: &Readiness) {
    let (deployments, deployment_writer) = reflector::store::<CachedObject<AciVnetDeployment>>();
    let (subnets, subnet_writer) = reflector::store::<CachedObject<DelegatedSubnet>>();
    let (config_maps, config_map_writer) = reflector::store::<PartialObjectMeta<ConfigMap>>();
    let relations = Relations::new(Arc::clone(ctx));
    let on_deployment = |event: &_| {
        relations.deployment(event);
        note(ctx, event);
    };
    let on_subnet = |event: &_| {
        relations.subnet(event);
        note(ctx, event);
    };
    let on_config_map = |event: &_| relations.config_map(event);
    let (of_deployments, of_subnets) = (Arc::<Storage>::default(), Arc::<Storage>::default());
    let deployment_events =
        watched(ctx, deployments.clone(), |api| watch::objects(ctx, api, Arc::clone(&of_deployments)));
    let subnet_events = watched(ctx, subnets.clone(), |api| watch::objects(ctx, api, Arc::clone(&of_subnets)));
    let config_map_events = watched(ctx, config_maps.clone(), |api| watch::metadata(ctx, api));
    futures::join!(
        follow(deployment_events, deployment_writer, on_deployment),
        follow(subnet_events, subnet_writer, on_subnet),
        follow(config_map_events, config_map_writer, on_config_map),
        secret_watches::follow(ctx),
        fill(ctx, deployments, subnets, config_maps, readiness),
        tidy(ctx),
    );
}

/// Keeps what a watch sees, and tells of it. Every error of a watch was dealt with before and is passed over.
async fn follow<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>> + Send,
    writer: Writer<K>,
    tell: impl Fn(&Event<K>),
) where
    K: Lookup<DynamicType: Eq + Hash + Clone> + Clone,
{
    let mut kept = pin!(reflector(writer, events));
    while let Some(event) = kept.next().await {
        event.iter().for_each(&tell);
    }
}

/// Lets go of lists that no sweep asks any more.
async fn tidy(ctx: &Ctx) {
    loop {
        tokio::time::sleep(ctx.pace.of(TIDY)).await;
        ctx.snapshots.drop_old(ctx.clock.now());
    }
}

/// Lets reconciles use what the watches know, once that is everything.
async fn fill(
    ctx: &Ctx,
    deployments: Store<CachedObject<AciVnetDeployment>>,
    subnets: Store<CachedObject<DelegatedSubnet>>,
    config_maps: Store<PartialObjectMeta<ConfigMap>>,
    readiness: &Readiness,
) {
    let ready =
        futures::try_join!(deployments.wait_until_ready(), subnets.wait_until_ready(), config_maps.wait_until_ready());
    if ready.is_err() {
        return;
    }
    ctx.stores.fill(subnets, deployments, config_maps);
    readiness.set();
    match ctx.options.namespaces.as_slice() {
        [] => tracing::info!("every object of the cluster is known"),
        namespaces => tracing::info!(namespaces = namespaces.join(","), "every object of the namespaces is known"),
    }
}

/// A change of the status is our own: only spec, annotations and deletion (which moves the generation) start a reconcile.
fn note<S: Object>(ctx: &Ctx, event: &Event<CachedObject<S>>) {
    match event {
        Event::Apply(object) | Event::InitApply(object) => ctx.queue.seen(object.key(), object.desired_hash()),
        Event::Delete(object) => ctx.queue.gone(object.key()),
        Event::Init | Event::InitDone => {}
    }
}

/// Starts reconciles as their turns come, once everything is known.
async fn work(ctx: &Arc<Ctx>, tasks: &mut JoinSet<Ended>) {
    ctx.stores.filled().await;
    let pulse = ctx.pulse.reconcile_loop();
    loop {
        pulse.go_on();
        tokio::select! {
            biased;
            Some(ended) = tasks.join_next() => end(ctx, ended),
            key = ctx.queue.next(|key| priority(ctx, key)) => {
                let span = tracing::info_span!("reconcile", kind = ?key.resource, namespace = %key.namespace, name = %key.name);
                tasks.spawn(reconcile_now(Arc::clone(ctx), key).instrument(span));
            }
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}

/// How urgent a reconcile of an object is, and its order among equally urgent ones; nothing when there is no such object.
fn priority(ctx: &Ctx, key: &ObjectKey) -> Option<(Priority, u64)> {
    fn of<S: Object>(ctx: &Ctx, kept: &CachedObject<S>) -> (Priority, u64) {
        let summary = Summary::of_cached(ctx, kept);
        (ctx.per_object.read(kept.uid(), |entry| entry.attempts.priority(summary)), summary.order(S::RESOURCE))
    }
    match key.resource {
        CustomResource::AciVnetDeployment => ctx.stores.deployment(key).map(|kept| of(ctx, &kept)),
        CustomResource::DelegatedSubnet => ctx.stores.delegated_subnet(key).map(|kept| of(ctx, &kept)),
    }
}

/// One reconcile of an object as it is now.
async fn reconcile_now(ctx: Arc<Ctx>, key: ObjectKey) -> Ended {
    let again = match key.resource {
        CustomResource::AciVnetDeployment => reconcile_cached(&ctx, ctx.stores.deployment(&key)).await,
        CustomResource::DelegatedSubnet => reconcile_cached(&ctx, ctx.stores.delegated_subnet(&key)).await,
    };
    (key, again)
}

async fn reconcile_cached<S: Object>(ctx: &Ctx, kept: Option<Arc<CachedObject<S>>>) -> Option<Duration> {
    let kept = kept?;
    let (wanted, rest) = (is_wanted(ctx, &kept), kept.take_rest());
    if let (false, Some(rest)) = (wanted, rest)
        && let Some(wait) = still_at_rest(ctx, &kept, rest).await
    {
        return Some(wait);
    }
    let Reconciled { again, rest } =
        if kept.is_whole() { reconcile_whole(ctx, &kept, wanted).await } else { reconcile_read(ctx, &kept).await };
    rest.into_iter().for_each(|rest| kept.rest(rest));
    again
}

/// Whether a reconcile is wanted, and not only due. What an object is told while it waits only for operations it takes in when
/// one has ended: looking at everything before would show nothing else.
fn is_wanted<S: Object>(ctx: &Ctx, kept: &CachedObject<S>) -> bool {
    match ctx.queue.cause(kept.key()) {
        Cause::Due => false,
        Cause::Told => !ctx.per_object.waits_only(kept.uid()),
        Cause::Wanted => true,
    }
}

async fn reconcile_whole<S: Object>(ctx: &Ctx, kept: &CachedObject<S>, wanted: bool) -> Reconciled {
    match kept.unpack() {
        Ok(cr) if wanted => reconcile(ctx, &cr).await,
        Ok(cr) => reconcile_due(ctx, &cr).await,
        Err(error) => {
            tracing::error!(%error, "an object can't be read from the cache");
            Reconciled::default()
        }
    }
}

/// A reconcile of an object that the cache does not keep whole. Of large ones few are held at once.
async fn reconcile_read<S: Object>(ctx: &Ctx, kept: &CachedObject<S>) -> Reconciled {
    // one that only found no room in the cache waits for nobody
    let _turn = if kept.is_large() { ctx.large_reconciles.acquire().await.ok() } else { None };
    let key = kept.key();
    // the right to watch is one to list, not to get
    let named = ListParams::default().fields(&format!("metadata.name={}", key.name)).limit(1);
    match Api::<S>::namespaced(ctx.kube.clone(), &key.namespace).list(&named).await {
        Ok(listed) => {
            let Some(mut cr) = listed.items.into_iter().next() else { return Reconciled::default() };
            strip(&mut cr);
            reconcile(ctx, &cr).await
        }
        Err(error) => {
            let (namespace, name) = (&*key.namespace, &*key.name);
            let error = kubernetes::text(&error);
            tracing::warn!(kind = ?key.resource, namespace, name, error, "the object can't be read");
            let again = Some(ctx.pace.before(Retry::Backoff, 0, ctx.random.unit()));
            Reconciled { again, rest: None }
        }
    }
}

fn end(ctx: &Ctx, ended: Result<Ended, JoinError>) {
    match ended {
        Ok((key, again)) => ctx.queue.done(&key, again),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(error) => tracing::error!(%error, "a pass was dropped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found, list, refused, silence};
    use futures::FutureExt;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn passes_over_what_is_listed_and_ends_when_told() {
        let subnet = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
            "metadata": {"name": "a", "namespace": "ml", "uid": "u", "resourceVersion": "7", "generation": 1},
            "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                "virtualNetwork": {"name": "v", "addressPrefixes": ["10.0.0.0/16"]}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}}});
        let status = "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets/a/status";
        let mock = Mock::new(move |request| match request.path.as_str() {
            _ if request.query.contains("watch=true") => silence(),
            path if path.ends_with("/delegatedsubnets") => list(json!([subnet])),
            path if path.ends_with("/acivnetdeployments") || path.ends_with("/configmaps") => list(json!([])),
            path if path.ends_with("/events") || path == status => found(&request.body),
            _ => refused(404, "NotFound"),
        });
        let (ctx, readiness) = (mock.ctx(), Arc::new(Readiness::default()));
        let (end, ended) = futures::channel::oneshot::channel::<()>();
        let running = tokio::spawn(run(Arc::clone(&ctx), Arc::clone(&readiness), ended.map(drop).boxed().shared()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(readiness.get());
        let lines = mock.lines();
        assert!(lines.contains(&format!("PUT {status}")), "{lines:?}");
        assert!(
            !lines.iter().any(|line| line.contains("namespaces/ml/delegatedsubnets") && line.starts_with("GET")),
            "what is watched is not asked for: {lines:?}"
        );
        end.send(()).unwrap();
        running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn with_namespaces_nothing_is_asked_of_the_cluster() {
        let mock = Mock::new(move |request| match request.path.as_str() {
            path if path.contains("/namespaces/without/") => refused(403, "Forbidden"),
            _ if request.query.contains("watch=true") => silence(),
            _ => list(json!([])),
        });
        let ctx = mock.ctx_in(["a", "b", "without"].map(str::to_owned).into(), crate::kubernetes::mock::NoAzure);
        let readiness = Arc::new(Readiness::default());
        let (end, ended) = futures::channel::oneshot::channel::<()>();
        let running = tokio::spawn(run(ctx, Arc::clone(&readiness), ended.map(drop).boxed().shared()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(readiness.get(), "one that it has no rights in keeps it from nothing");
        let requests = mock.requests();
        let outside: Vec<_> = requests.iter().filter(|one| !one.path.contains("/namespaces/")).collect();
        assert!(outside.is_empty(), "{outside:?}");
        for namespace in ["a", "b"] {
            let watched = |one: &&crate::kubernetes::mock::Recorded| {
                one.path.contains(&format!("/namespaces/{namespace}/")) && one.query.contains("watch=true")
            };
            assert_eq!(requests.iter().filter(watched).count(), 3, "{requests:?}");
        }
        end.send(()).unwrap();
        running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_large_for_the_cache_is_read_for_its_pass() {
        let rule = |at: usize| {
            json!({"name": format!("r{at}"), "priority": 100 + at, "direction": "Inbound", "access": "Deny",
            "protocol": "Tcp", "description": "\u{1F980}".repeat(1400)})
        };
        let subnet = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
            "metadata": {"name": "a", "namespace": "ml", "uid": "u", "resourceVersion": "7", "generation": 1},
            "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                "virtualNetwork": {"name": "v", "addressPrefixes": ["10.0.0.0/16"]}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"},
                "clientSubnet": {"name": "c", "addressPrefix": "10.0.2.0/24", "networkSecurityGroup": {"name": "g",
                    "securityRules": (0..100).map(rule).collect::<Vec<_>>()}}}});
        let of_one = "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets";
        let mock = Mock::new(move |request| match request.path.as_str() {
            _ if request.query.contains("watch=true") => silence(),
            path if path.ends_with("/delegatedsubnets") => list(json!([subnet])),
            path if path.ends_with("/acivnetdeployments") || path.ends_with("/configmaps") => list(json!([])),
            path if path.ends_with("/events") || path.ends_with("/status") => found(&request.body),
            _ => refused(404, "NotFound"),
        });
        let (ctx, readiness) = (mock.ctx(), Arc::new(Readiness::default()));
        let (end, ended) = futures::channel::oneshot::channel::<()>();
        let running = tokio::spawn(run(Arc::clone(&ctx), readiness, ended.map(drop).boxed().shared()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let requests = mock.requests();
        assert!(
            requests.iter().any(|one| one.path == of_one && one.query.contains("metadata.name%3Da")),
            "{requests:?}"
        );
        let status = requests.iter().rev().find(|one| one.path.ends_with("/a/status")).unwrap();
        let conditions = status.body["status"]["conditions"].as_array().unwrap();
        let ready = conditions.iter().find(|one| one["type"] == "Ready").unwrap();
        assert_eq!(ready["status"], "False", "{ready}");
        end.send(()).unwrap();
        running.await.unwrap();
    }
}
