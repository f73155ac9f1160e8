//! Two controllers and their watches.
//!
//! Each kind is watched once. What one kind's objects tell about the other's is passed on as references: a deployment
//! waits for its subnet, a subnet counts its deployments, a ConfigMap is named by deployments, subnets share a network.

mod relations;
mod watch;

use crate::{
    admin::Readiness,
    ctx::Ctx,
    object::Object,
    packed::Packed,
    reconcile::{after_error, reconcile},
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_azure::Priority;
use futures::{
    Stream, StreamExt,
    channel::mpsc,
    future::{BoxFuture, Shared, select},
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    core::PartialObjectMeta,
    runtime::{
        Controller, WatchStreamExt, controller,
        reflector::{self, ObjectRef, Store},
        watcher::{self, Event},
    },
};
use relations::Relations;
use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

/// How often lists that nobody asks any more are let go.
const TIDY: Duration = Duration::from_secs(30);

/// Ends the work when it is ready.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// Runs both controllers until `stop`, then finishes the passes under way.
pub async fn run(ctx: Arc<Ctx>, readiness: Arc<Readiness>, stop: Stop) {
    let (deployments, deployment_writer) = reflector::store::<Packed<AciVnetDeployment>>();
    let (subnets, subnet_writer) = reflector::store::<Packed<DelegatedSubnet>>();
    let (config_maps, config_map_writer) = reflector::store::<PartialObjectMeta<ConfigMap>>();
    let (to_deployments, deployment_refs) = mpsc::unbounded();
    let (to_subnets, subnet_refs) = mpsc::unbounded();
    let relations =
        Arc::new(Relations::new(Arc::clone(&ctx), deployments.clone(), subnets.clone(), to_deployments, to_subnets));

    let events =
        watch::objects(&ctx, Api::<Packed<AciVnetDeployment>>::all(ctx.kube.clone())).reflect(deployment_writer);
    let deployment_events = events.inspect({
        let relations = Arc::clone(&relations);
        move |event| each(event, |event| relations.deployment(event))
    });
    let events = watch::objects(&ctx, Api::<Packed<DelegatedSubnet>>::all(ctx.kube.clone())).reflect(subnet_writer);
    let subnet_events = events.inspect({
        let relations = Arc::clone(&relations);
        move |event| each(event, |event| relations.subnet(event))
    });
    let config_map_events = watch::metadata(&ctx, Api::<PartialObjectMeta<ConfigMap>>::all(ctx.kube.clone()))
        .reflect(config_map_writer)
        .take_until(stop.clone())
        .for_each(|event| {
            each(&event, |event| relations.config_map(event));
            std::future::ready(())
        });

    let filled = fill(&ctx, deployments.clone(), subnets.clone(), config_maps, &readiness);
    futures::join!(
        controller(Arc::clone(&ctx), deployment_events, deployments, deployment_refs, stop.clone()),
        controller(Arc::clone(&ctx), subnet_events, subnets, subnet_refs, stop.clone()),
        config_map_events,
        async {
            select(pin!(filled), stop.clone()).await;
        },
        async {
            select(pin!(tidy(&ctx)), stop.clone()).await;
        },
    );
}

/// Lets go of lists that no sweep asks any more.
async fn tidy(ctx: &Ctx) {
    loop {
        tokio::time::sleep(ctx.pace.of(TIDY)).await;
        ctx.snapshots.drop_old(ctx.clock.now());
    }
}

/// Every error of a watch was dealt with before.
fn each<K>(event: &watcher::Result<Event<K>>, tell: impl FnOnce(&Event<K>)) {
    if let Ok(event) = event {
        tell(event);
    }
}

/// Lets passes use what the watches know, once that is everything.
async fn fill(
    ctx: &Ctx,
    deployments: Store<Packed<AciVnetDeployment>>,
    subnets: Store<Packed<DelegatedSubnet>>,
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
    tracing::info!("every object of the cluster is known");
}

/// A change of the status is our own: only spec, annotations and deletion (which moves the generation) start a pass.
async fn controller<S: Object>(
    ctx: Arc<Ctx>,
    events: impl Stream<Item = watcher::Result<Event<Packed<S>>>> + Send + 'static,
    store: Store<Packed<S>>,
    related: mpsc::UnboundedReceiver<ObjectRef<Packed<S>>>,
    stop: Stop,
) {
    let objects = events.applied_objects().predicate_filter(|one: &Packed<S>| Some(one.wish()), Default::default());
    let newest = store.clone();
    Controller::for_stream(objects, store)
        .reconcile_on(related)
        .graceful_shutdown_on(stop)
        .run(move |packed, ctx| in_turn(packed, ctx, newest.clone()), |_, never, _| match *never {}, ctx)
        .for_each(|result| {
            note(result);
            std::future::ready(())
        })
        .await;
}

/// A pass once everything is known and it has its turn in its namespace, over the object as it is then. While it waits it
/// holds next to nothing, so that any number may wait.
async fn in_turn<S: Object>(
    packed: Arc<Packed<S>>,
    ctx: Arc<Ctx>,
    newest: Store<Packed<S>>,
) -> Result<controller::Action, Infallible> {
    ctx.stores.filled().await;
    let object = ObjectRef::from_obj(packed.as_ref());
    let namespace = object.namespace.clone().unwrap_or_default();
    let priority = packed.unpack().map_or(Priority::Sweep, |cr| ctx.memory.priority(&cr));
    let _turn = ctx.turns.take(&namespace, priority).await;
    Ok(match newest.get(&object).map(|newest| newest.unpack()) {
        Some(Ok(cr)) => Box::pin(pass(Arc::new(cr), ctx)).await,
        Some(Err(error)) => {
            tracing::error!(%object, %error, "an object can't be read from the cache");
            controller::Action::await_change()
        }
        None => controller::Action::await_change(),
    })
}

async fn pass<S: Object>(cr: Arc<S>, ctx: Arc<Ctx>) -> controller::Action {
    let done = reconcile(Arc::clone(&cr), Arc::clone(&ctx)).await;
    done.unwrap_or_else(|error| after_error(cr, &error, ctx))
}

type Passed<S> = (ObjectRef<Packed<S>>, controller::Action);

fn note<S: Object>(result: Result<Passed<S>, controller::Error<Infallible, watcher::Error>>) {
    match result {
        Ok((object, action)) => tracing::debug!(%object, ?action, "passed"),
        // a reference to an object that has gone meanwhile
        Err(controller::Error::ObjectNotFound(_)) => {}
        Err(error) => tracing::warn!(%error, "the controller met an error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{Mock, found, list, refused, silence};
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
}
