//! Watches that don't end.

use super::namespaces::Events;
use crate::{
    cache::{
        cached_object::{CachedObject, Storage},
        named::Named,
        packed::Packed,
    },
    ctx::Ctx,
    kubernetes,
    object::Object,
};
use acivnet_core::retry::Retry;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource,
    core::PartialObjectMeta,
    runtime::watcher::{self, Error, Event},
};
use std::{sync::Arc, time::Duration};

/// The API server ends a watch after this, and a dead connection is noticed ten seconds later.
const WATCH_SECONDS: u32 = 30;
/// Objects of a page of a list: a page is held as a whole while it is read. When that is too large, the next smaller one
/// is asked for; the API server takes no object of more than 3 MiB (`MaxRequestBodyBytes`), and etcd none of more than
/// 1.5 MiB.
pub(crate) const PAGES: [u32; 3] = [50, 8, 1];
/// After so many watches in a row that could not be started, everything is listed anew: the version to start from may
/// be gone, and a proxy may say so by a status instead of inside the stream.
const STARTS: u32 = 3;

/// Objects as they come, in the form for the cache. All of a kind are on one shelf.
pub(super) fn objects<S: Object>(
    ctx: &Arc<Ctx>,
    api: Api<Packed<S>>,
    storage: Arc<Storage>,
) -> Events<CachedObject<S>> {
    let start = move |page| watcher::watcher(api.clone(), config(page)).boxed();
    lasting(Arc::clone(ctx), S::kind(&()).into_owned(), start)
        .map_ok(move |event| mapped(event, |object| object.cached(&storage)))
        .boxed()
}

/// Names and versions only.
pub(super) fn metadata<K>(ctx: &Arc<Ctx>, api: Api<Named<K>>) -> Events<PartialObjectMeta<K>>
where
    K: Resource<DynamicType = ()> + Default + 'static,
{
    let start = move |page| watcher::watcher(api.clone(), config(page)).boxed();
    lasting(Arc::clone(ctx), K::kind(&()).into_owned(), start).map_ok(|event| mapped(event, partial)).boxed()
}

fn partial<K: Default>(object: Named<K>) -> PartialObjectMeta<K> {
    PartialObjectMeta { metadata: ObjectMeta { finalizers: None, ..object.metadata }, ..PartialObjectMeta::default() }
}

fn mapped<A, B>(event: Event<A>, map: impl Fn(A) -> B) -> Event<B> {
    match event {
        Event::Apply(object) => Event::Apply(map(object)),
        Event::InitApply(object) => Event::InitApply(map(object)),
        Event::Delete(object) => Event::Delete(map(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

fn config(page: u32) -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS).page_size(page)
}

/// The events of one watch after another. Errors are counted and waited out here; each is told before.
fn lasting<K: Send + 'static>(
    ctx: Arc<Ctx>,
    kind: String,
    start: impl Fn(u32) -> Events<K> + Send + 'static,
) -> Events<K> {
    ctx.metrics.watches(&kind);
    let [page, smaller @ ..] = PAGES;
    let watch =
        Watch { events: start(page), ctx, kind, start, page, smaller: smaller.into_iter(), failed: 0, wait: None };
    stream::unfold(watch, |mut watch| async move { watch.next().await.map(|event| (event, watch)) }).boxed()
}

struct Watch<K, S> {
    ctx: Arc<Ctx>,
    kind: String,
    start: S,
    events: Events<K>,
    /// Objects of a page, and what is asked for instead when that is too large.
    page: u32,
    smaller: std::array::IntoIter<u32, 2>,
    /// Failures in a row.
    failed: u32,
    /// Before it goes on after a failure.
    wait: Option<Duration>,
}

impl<K, S: Fn(u32) -> Events<K>> Watch<K, S> {
    async fn next(&mut self) -> Option<watcher::Result<Event<K>>> {
        if let Some(wait) = self.wait.take() {
            tokio::time::sleep(wait).await;
        }
        let event = self.events.next().await?;
        match &event {
            Ok(_) => self.failed = 0,
            Err(error) => self.recover(error),
        }
        Some(event)
    }

    fn recover(&mut self, error: &Error) {
        self.failed += 1;
        let gone = matches!(error, Error::WatchStartFailed(_)) && self.failed.is_multiple_of(STARTS);
        let smaller = if kubernetes::is_too_long(error) { self.smaller.next() } else { None };
        self.page = smaller.unwrap_or(self.page);
        let relist = gone || smaller.is_some();
        self.ctx.metrics.watch_failure(&self.kind, if relist { "listed" } else { "started" });
        tracing::warn!(kind = self.kind, %error, relist, "a watch broke or could not be started");
        if relist {
            self.events = (self.start)(self.page);
        }
        self.wait = Some(self.ctx.pace.before(Retry::Soon, self.failed - 1, self.ctx.random.unit()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found, list, refused};
    use acivnet_api::DelegatedSubnet;
    use kube::runtime::WatchStreamExt as _;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn lists_anew_when_watches_can_not_be_started() {
        let watches = AtomicUsize::new(0);
        let mock = Mock::new(move |request| match request.query.contains("watch=true") {
            false => list(json!([])),
            true if watches.fetch_add(1, Ordering::SeqCst) < 4 => refused(410, "Expired"),
            true => found(&json!({"type": "ADDED", "object": {
                "apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
                "metadata": {"name": "a", "namespace": "ml", "resourceVersion": "9", "managedFields": [{"manager": "m"}],
                    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "theirs": "1", "acivnet.dev/approve-plan": "h"}},
                "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                    "virtualNetwork": {"name": "v"}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}},
            }})),
        });
        let ctx = mock.ctx();
        let events = objects(&ctx, Api::<Packed<DelegatedSubnet>>::all(ctx.kube.clone()), Arc::default());
        let events = events.filter(|event| std::future::ready(event.is_ok()));
        let applied: Vec<_> = events.applied_objects().take(1).collect().await;
        let meta = applied[0].as_ref().unwrap().unpack().unwrap().metadata;
        assert_eq!((meta.managed_fields.as_ref(), meta.annotations.as_ref().map(|all| all.len())), (None, Some(1)));
        let requests = mock.requests();
        let kinds: String =
            requests.iter().map(|one| if one.query.contains("watch=true") { 'w' } else { 'l' }).collect();
        assert_eq!(kinds, "lwwwlww", "three watches that could not be started, a list, one more, then one that could");
    }

    #[tokio::test(start_paused = true)]
    async fn smaller_pages_are_asked_for_when_one_is_too_long() {
        let subnet = |at: usize| {
            json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
            "metadata": {"name": format!("a{at}"), "namespace": "ml", "uid": at.to_string(), "resourceVersion": "9",
                "annotations": {"x": "y".repeat(600_000)}},
            "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                "virtualNetwork": {"name": "v"}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}}})
        };
        let mock = Mock::new(move |request| {
            let limit = request.query.split('&').find_map(|one| one.strip_prefix("limit=")?.parse().ok());
            list((0..limit.unwrap_or(0)).map(subnet).collect())
        });
        let ctx = mock.ctx();
        let events = objects(&ctx, Api::<Packed<DelegatedSubnet>>::all(ctx.kube.clone()), Arc::default());
        let applied: Vec<_> = events.filter(|event| std::future::ready(event.is_ok())).take(4).collect().await;
        assert!(applied.iter().all(Result::is_ok));
        let pages: Vec<String> = mock.requests().into_iter().map(|one| one.query).collect();
        let of = |page: u32| pages.iter().position(|query| query.split('&').any(|one| one == format!("limit={page}")));
        assert!(of(50) < of(8) && of(8) < of(1) && of(1).is_some(), "{pages:?}");
    }
}
