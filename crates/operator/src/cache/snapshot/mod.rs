//! Lists shared by all objects of one identity, so that a sweep over many objects asks Azure a few times.

mod items;

pub(crate) use items::LONGEST;

use crate::cache::locks::Locks;
use acivnet_azure::{Azure, Clock, IdentityKey};
use acivnet_core::{
    id::{ResourceId, same},
    kind::{Kind, Plane},
    kinds::{
        model_version::MODEL_VERSION, subnet::SUBNET, virtual_network::VIRTUAL_NETWORK, web_service::WEB_SERVICE,
        workspace::WORKSPACE,
    },
    observed::Fact,
};
use items::{Detail, Items, hashed};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A list may answer for so many times as long as it took to read, so that reading never takes more than a tenth of the
/// time (`docs/sweeps.md`).
const SLOW: u32 = 10;

/// What all lists may take, in compressed bytes; the oldest go first. A share of the memory that
/// `limits::tests::what_is_kept_fits_the_memory_that_the_operator_is_given` adds up.
pub(crate) const ALL: usize = 16 << 20;

/// So many of our latest writes are known. A list that was being read during more of them is not kept.
const LATEST: usize = 256;

/// Lists of Azure, shared by the objects of one identity during a sweep.
///
/// # Guarantees
/// - Nobody sees what another's rights read: tenant, client id and proof are part of the key.
/// - A list never proves absence; what is missing from it has to be read by its id.
/// - Of a resource that was written a list tells nothing that it was told before ([`Self::forget`]), nor of others in the same
///   virtual network; of the rest it does. A list of models, whose items are known by their owner, goes as a whole.
/// - One reader reads a list for all who wait for it.
///
/// # Assumptions
/// - The operator talks to one cloud.
/// - Whoever writes to Azure calls [`Self::forget`] after each write, whatever its answer.
/// - A plan that would write is not made from lists: the caller reads each resource by itself first.
///
/// # Errors
/// None. A list that can't be read, or is too long, counts as empty.
#[derive(Default)]
pub struct Snapshots {
    lists: Mutex<Lists>,
    readers: Locks,
}

#[derive(Default)]
struct Lists {
    taken: BTreeMap<ListKey, CachedList>,
    /// By name of the kind and id of the scope in lower case.
    places: BTreeMap<(&'static str, String), Arc<Place>>,
    /// Counts our writes.
    writes: u64,
    /// Ids of the latest in lower case, the newest last.
    written: VecDeque<String>,
}

/// What is listed, and where: one for all who look there.
#[derive(Debug)]
pub(crate) struct Place {
    kind: &'static Kind,
    scope: ResourceId,
    /// Somebody needed the items themselves since the list was last read.
    needed: AtomicBool,
}

/// What a list showed of something.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub place: Arc<Place>,
    /// Hash of the key of the item in the list.
    pub key: u64,
    /// Of the item.
    pub digest: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ListKey {
    identity: IdentityKey,
    what: &'static str,
    /// Id of the scope, in lower case.
    scope: String,
}

impl ListKey {
    /// A write was sent: forgets what it was about. False when nothing in the list can be relied on any more. A list of
    /// workspaces, of which none is ever written, stays as it is.
    fn forget(&self, items: &Items, written: &str) -> bool {
        if self.what == WORKSPACE.name || !written.starts_with(&self.scope) {
            return true;
        }
        items.forget(written);
        self.what != MODEL_VERSION.name
    }
}

struct CachedList {
    items: Arc<Items>,
    at: Timestamp,
    /// Until when it may answer because it took long to read: [`SLOW`] times as long.
    slow_until: Timestamp,
    /// From then on it is too old for everybody.
    until: Timestamp,
}

/// What one object asks with.
pub(crate) struct Reader<'a> {
    pub snapshots: &'a Snapshots,
    pub clock: &'a dyn Clock,
    pub azure: &'a Azure,
    pub identity: &'a IdentityKey,
    /// Lists that were begun before are read anew, unless that takes long.
    pub oldest: Timestamp,
    /// Lists that were begun before are read anew.
    pub since: Timestamp,
    /// How long a list may answer anybody.
    pub lasts: Duration,
}

impl Reader<'_> {
    /// One resource out of a list. `None` when no list can tell: then it has to be read by itself. A list proves that
    /// something is there, never that it is not.
    pub(crate) async fn resource(&self, kind: &'static Kind, id: &ResourceId) -> Option<(Fact, Shown)> {
        // a virtual network carries its subnets (Azure REST, Virtual Networks - List)
        let (listed, scope) = match kind == &SUBNET {
            true => (&VIRTUAL_NETWORK, id.parent()?.group()?),
            false => (kind, scope(kind, id)?),
        };
        let (items, shown) = self.items(listed, scope, &id.folded()).await?;
        items.into_iter().next().map(|body| (Fact::Present(body), shown))
    }

    /// The model versions of an owner out of the list of those that have one.
    pub(crate) async fn models(&self, workspace: &ResourceId, owner: &str) -> Option<(Fact, Shown)> {
        let (items, shown) = self.items(&MODEL_VERSION, workspace.clone(), owner).await?;
        Some((Fact::Present(items.into()), shown))
    }

    /// The digest of what is shown now where something was shown before. `None` when no list can tell.
    pub(crate) async fn digest(&self, place: &Place, key: u64) -> Option<u64> {
        self.list(place, Detail::Digests).await.digest(key)
    }

    async fn items(&self, kind: &'static Kind, scope: ResourceId, key: &str) -> Option<(Vec<Value>, Shown)> {
        let place = self.snapshots.place(kind, scope);
        let list = self.list(&place, Detail::Bodies).await;
        let hashed = hashed(key);
        let digest = list.digest(hashed)?;
        Some((list.get(key)?, Shown { place, key: hashed, digest }))
    }

    fn takes(&self, taken: &CachedList, detail: Detail) -> bool {
        let slow = taken.at >= self.since && self.clock.now() <= taken.slow_until;
        taken.items.suffices(detail) && !taken.items.is_worn_out() && (taken.at >= self.oldest || slow)
    }

    /// The list, young enough; one reader reads it for all who wait. Where somebody needed the items when it was read last,
    /// somebody will again.
    async fn list(&self, place: &Place, detail: Detail) -> Arc<Items> {
        let snapshots = self.snapshots;
        if detail == Detail::Bodies {
            place.needed.store(true, Ordering::Relaxed);
        }
        let key = ListKey { identity: self.identity.clone(), what: place.kind.name, scope: place.scope.folded() };
        if let Some(items) = snapshots.young(&key, |taken| self.takes(taken, detail)) {
            return items;
        }
        let _reading = snapshots.readers.lock(&format!("{key:?}")).await;
        if let Some(items) = snapshots.young(&key, |taken| self.takes(taken, detail)) {
            return items;
        }
        let needed = place.needed.swap(detail == Detail::Bodies, Ordering::Relaxed);
        self.read(place, key, if needed { Detail::Bodies } else { detail }).await
    }

    async fn read(&self, place: &Place, key: ListKey, detail: Detail) -> Arc<Items> {
        let snapshots = self.snapshots;
        let now = self.clock.now();
        let writes = snapshots.lock().writes;
        let (kind, scope) = (place.kind, &place.scope);
        let mut items = Items::new(detail);
        let read = self.azure.list(kind, scope, &mut |item| items.note(kind, scope, item)).await;
        if read.is_err() {
            // a list that can't be had is as good as an empty one: it vouches for nothing
            items = Items::new(detail);
        }
        let took = self.clock.now().duration_since(now).unsigned_abs();
        let after = |wait: Duration| now.checked_add(wait).unwrap_or(now);
        let slow_until = after(took * SLOW);
        let taken =
            CachedList { items: Arc::new(items), at: now, slow_until, until: after(self.lasts).max(slow_until) };
        let items = Arc::clone(&taken.items);
        snapshots.keep(key, taken, writes);
        items
    }
}

impl Snapshots {
    /// Something was just written: what lists tell of it is out of date.
    pub(crate) fn forget(&self, id: &ResourceId) {
        let id = id.folded();
        let mut lists = self.lock();
        lists.taken.retain(|key, taken| key.forget(&taken.items, &id));
        lists.writes += 1;
        lists.written.push_back(id);
        if lists.written.len() > LATEST {
            lists.written.pop_front();
        }
    }

    /// Forgets the lists that are too old for everybody, and the places at which nobody looks any more.
    pub(crate) fn drop_old(&self, now: Timestamp) {
        let mut lists = self.lock();
        lists.taken.retain(|_, taken| now <= taken.until);
        lists.places.retain(|_, place| Arc::strong_count(place) > 1);
    }

    fn place(&self, kind: &'static Kind, scope: ResourceId) -> Arc<Place> {
        let mut lists = self.lock();
        let place = lists.places.entry((kind.name, scope.folded()));
        Arc::clone(place.or_insert_with(|| Arc::new(Place { kind, scope, needed: AtomicBool::default() })))
    }

    fn young(&self, key: &ListKey, young: impl Fn(&CachedList) -> bool) -> Option<Arc<Items>> {
        let lists = self.lock();
        lists.taken.get(key).filter(|taken| young(taken)).map(|taken| Arc::clone(&taken.items))
    }

    /// Keeps a list that was begun after so many writes, without what was written meanwhile.
    fn keep(&self, key: ListKey, taken: CachedList, writes: u64) {
        let mut lists = self.lock();
        let meanwhile = usize::try_from(lists.writes.saturating_sub(writes)).unwrap_or(usize::MAX);
        let known = meanwhile <= lists.written.len() || key.what == WORKSPACE.name;
        if !known || !lists.written.iter().rev().take(meanwhile).all(|id| key.forget(&taken.items, id)) {
            return;
        }
        lists.taken.insert(key, taken);
        let mut bytes: usize = lists.taken.values().map(|taken| taken.items.bytes).sum();
        while bytes > ALL {
            let oldest = lists.taken.iter().min_by_key(|(_, taken)| taken.at).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| lists.taken.remove(&key)) else { return };
            bytes -= gone.items.bytes;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the resources of a kind are listed.
fn scope(kind: &Kind, id: &ResourceId) -> Option<ResourceId> {
    match kind.plane {
        Plane::Arm => id.parent().filter(|above| Some(above) == id.group().as_ref()),
        Plane::MachineLearning if kind == &WEB_SERVICE => id.parent(),
        Plane::MachineLearning => None,
    }
}

/// A virtual network carries its subnets (Azure REST, Virtual Networks - List).
pub(crate) fn subnet(network: &Value, id: &ResourceId) -> Option<Value> {
    let subnets = network.pointer("/properties/subnets")?.as_array()?;
    let is_it =
        |subnet: &&Value| subnet.get("id").and_then(Value::as_str).is_some_and(|found| same(found, id.as_str()));
    subnets.iter().find(is_it).cloned()
}

#[cfg(test)]
mod tests;
