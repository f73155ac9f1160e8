//! Watches of the Secrets that objects name. Each is watched by its name, so that the right to those few is enough, and
//! only its metadata: a version that differs from the one a reconcile has read starts a reconcile, which reads the
//! values.
//!
//! Without the right, or beyond the bound, a change is seen at the next sweep.

use crate::{cache::named::ObjectVersion, ctx::Ctx, kubernetes, object};
use acivnet_core::retry::Retry;
use futures::{StreamExt, TryStreamExt, stream::FuturesUnordered};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{WatchEvent, WatchParams},
};
use std::{
    collections::BTreeMap,
    mem::take,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How many Secrets are watched at once. Each watch holds a connection to the API server, since a right to single Secrets
/// allows no watch of several. A change of another one is seen at the next sweep.
pub(crate) const MOST: usize = 100;
/// How many of them in one namespace, so that none takes all places.
pub(crate) const MOST_OF_ONE: usize = 20;
/// The API server ends a watch after this, before a connection without events counts as dead.
const WATCH_SECONDS: u32 = 30;
/// Least time between two reconciles because of one Secret, so that somebody who keeps writing it keeps nobody busy (test
/// `a_changed_secret_has_a_pass_at_once_and_then_no_more_often_than_every_five_seconds`).
pub(crate) const APART: Duration = Duration::from_secs(5);
/// How long a Secret is not watched after the API server refused to: whoever grants the right waits no longer for it.
const REFUSED: Duration = Duration::from_secs(300);

/// Namespace and name.
type Name = (String, String);

/// The Secrets that reconciles have read, and which of them are not watched yet.
#[derive(Default)]
pub(crate) struct SecretWatches {
    state: Mutex<Watched>,
    changed: Notify,
}

#[derive(Default)]
struct Watched {
    /// As a reconcile has read it last; none when it was not there.
    read: BTreeMap<Name, Option<ObjectVersion>>,
    fresh: Vec<Name>,
}

impl Watched {
    fn has_room(&self, namespace: &str) -> bool {
        let of_one = self.read.keys().filter(|(of, _)| of == namespace).count();
        self.read.len() < MOST && of_one < MOST_OF_ONE
    }
}

impl SecretWatches {
    /// A reconcile has read a Secret.
    pub(crate) fn read(&self, namespace: &str, name: &str, version: Option<ObjectVersion>) {
        let (mut state, at) = (self.lock(), (namespace.to_owned(), name.to_owned()));
        if let Some(known) = state.read.get_mut(&at) {
            *known = version;
        } else if state.has_room(namespace) {
            state.read.insert(at.clone(), version);
            state.fresh.push(at);
            self.changed.notify_one();
        }
    }

    fn fresh(&self) -> Vec<Name> {
        take(&mut self.lock().fresh)
    }

    fn forget(&self, at: &Name) {
        self.lock().read.remove(at);
    }

    /// Whether a reconcile has read anything else last.
    fn differs(&self, at: &Name, version: Option<&ObjectVersion>) -> bool {
        self.lock().read.get(at).is_some_and(|read| read.as_ref() != version)
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches what reconciles read, without end.
pub(crate) async fn follow(ctx: &Ctx) {
    let mut watches = FuturesUnordered::new();
    loop {
        watches.extend(ctx.secret_watches.fresh().into_iter().map(|at| watch(ctx, at)));
        tokio::select! {
            () = ctx.secret_watches.changed.notified() => {}
            Some(()) = watches.next() => {}
        }
    }
}

/// Watches one Secret as long as an object names it.
async fn watch(ctx: &Ctx, at: Name) {
    ctx.metrics.watches("Secret");
    let mut failed = 0;
    while is_named(ctx, &at) {
        match until_it_changes(ctx, &at).await {
            Ok(true) => {
                failed = 0;
                look(ctx, &at);
                sleep(ctx.pace.of(APART)).await;
            }
            Ok(false) => {
                failed = 0;
                sleep(ctx.pace.before(Retry::Soon, 0, ctx.random.unit())).await;
            }
            Err(error) if kubernetes::status(&error) == 403 => {
                sleep(ctx.pace.of(REFUSED)).await;
                break;
            }
            Err(error) => {
                tracing::debug!(namespace = at.0, name = at.1, %error, "a watch of a Secret broke or could not be started");
                ctx.metrics.watch_failure("Secret", "started");
                sleep(ctx.pace.before(Retry::Backoff, failed, ctx.random.unit())).await;
                failed += 1;
            }
        }
    }
    ctx.secret_watches.forget(&at);
}

/// Whether it is another one than a reconcile has read; otherwise the watch has ended. Each begins with what stands.
async fn until_it_changes(ctx: &Ctx, at: &Name) -> Result<bool, kube::Error> {
    let params = WatchParams::default().fields(&format!("metadata.name={}", at.1)).timeout(WATCH_SECONDS);
    let secrets = Api::<Secret>::namespaced(ctx.kube.clone(), &at.0);
    let mut events = pin!(secrets.watch_metadata(&params, "0").await?);
    while let Some(event) = events.try_next().await? {
        let now = match event {
            WatchEvent::Added(secret) | WatchEvent::Modified(secret) => Some(version(&secret)),
            WatchEvent::Deleted(_) => None,
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        };
        if ctx.secret_watches.differs(at, now.as_ref()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Uid and resourceVersion, empty where it has none.
pub(crate) fn version(secret: &impl ResourceExt) -> ObjectVersion {
    (secret.uid().unwrap_or_default(), secret.resource_version().unwrap_or_default())
}

fn is_named(ctx: &Ctx, (namespace, name): &Name) -> bool {
    ctx.stores.deployments.get().is_some_and(|all| all.any_refers_to(object::secret(namespace, name)))
}

fn look(ctx: &Ctx, (namespace, name): &Name) {
    let Some(all) = ctx.stores.deployments.get() else { return };
    all.referring_to(&[object::secret(namespace, name)]).iter().for_each(|key| ctx.queue.want(key));
}

#[cfg(test)]
mod tests;
