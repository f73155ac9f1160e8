//! Lists shared by all objects of one identity, so that a sweep over many objects asks Azure a few times.

use crate::cache::{
    compression::{Compressed, Compressor},
    locks::Locks,
};
use acivnet_azure::{Azure, Clock, IdentityKey};
use acivnet_core::{
    id::{ResourceId, fold, same},
    kind::{Kind, Plane},
    kinds::{
        model_version::{self, MODEL_VERSION},
        subnet::SUBNET,
        virtual_network::VIRTUAL_NETWORK,
        web_service::WEB_SERVICE,
    },
    observed::Fact,
    owner::OWNER_TAG,
};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A list may answer for so many times as long as it took to read, so that reading never takes more than a tenth of the
/// time (`docs/sweeps.md`).
const SLOW: u32 = 10;

/// Longest list that is kept, in compressed bytes. Of a longer one nothing is used: its resources are read one by one.
pub(crate) const LONGEST: usize = 6 << 20;
/// What all lists may take, in compressed bytes; the oldest go first. A share of the memory that
/// `limits::tests::what_is_kept_fits_the_memory_that_the_operator_is_given` adds up.
pub(crate) const ALL: usize = 16 << 20;
/// What an entry takes beside its text, in bytes.
const ENTRY: usize = 160;

/// Lists of Azure, shared by the objects of one identity during a sweep.
///
/// # Guarantees
/// - Nobody sees what another's rights read: tenant, client id and proof are part of the key.
/// - A list never proves absence; what is missing from it has to be read by its id.
/// - A list that was being read while this operator wrote answers only the one who read it; a list in which a resource that
///   was written could stand is dropped ([`Self::drop_around`]).
/// - One reader reads a list for all who wait for it.
///
/// # Assumptions
/// - The operator talks to one cloud.
/// - Whoever writes to Azure calls [`Self::drop_around`] after each write, whatever its answer.
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
    /// Counts our writes: a list that was being read during one is not kept.
    writes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ListKey {
    identity: IdentityKey,
    what: &'static str,
    /// Id of the scope, in lower case.
    scope: String,
}

struct CachedList {
    bodies: Arc<Bodies>,
    at: Timestamp,
    /// Until when it may answer because it took long to read: [`SLOW`] times as long.
    slow_until: Timestamp,
    /// From then on it is too old for everybody.
    until: Timestamp,
}

/// Bodies as packed JSON text, a small part of what they take as values: one by the id of its resource in lower case, or
/// those of model versions by their owner.
#[derive(Default)]
struct Bodies {
    texts: BTreeMap<String, Vec<Compressed>>,
    compressor: Compressor,
    bytes: usize,
    /// It is longer than what is kept.
    too_long: bool,
}

impl Bodies {
    fn keep(&mut self, key: String, body: &Value) {
        if self.too_long {
            return;
        }
        let text = self.compressor.pack(body.to_string().as_bytes());
        self.bytes += ENTRY + key.len() + text.length();
        if self.bytes > LONGEST {
            *self = Self { too_long: true, ..Self::default() };
            return;
        }
        self.texts.entry(key).or_default().push(text);
    }

    /// The bodies under a key.
    fn get(&self, key: &str) -> Option<Vec<Value>> {
        let body = |text: &Compressed| serde_json::from_slice(&text.unpack().ok()?).ok();
        self.texts.get(key)?.iter().map(body).collect()
    }
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
    pub(crate) async fn resource(&self, kind: &'static Kind, id: &ResourceId) -> Option<Fact> {
        // a virtual network carries its subnets (Azure REST, Virtual Networks - List)
        let (listed, scope) = match kind == &SUBNET {
            true => (&VIRTUAL_NETWORK, id.parent()?.group()?),
            false => (kind, scope(kind, id)?),
        };
        let list = self.list(listed, &scope).await;
        list.get(&id.folded())?.into_iter().next().map(Fact::Present)
    }

    /// The model versions of an owner out of the list of those that have one.
    pub(crate) async fn models(&self, workspace: &ResourceId, owner: &str) -> Option<Fact> {
        let list = self.list(&MODEL_VERSION, workspace).await;
        list.get(owner).map(|models| Fact::Present(models.into()))
    }

    fn takes(&self, taken: &CachedList) -> bool {
        let slow = taken.at >= self.since && self.clock.now() <= taken.slow_until;
        taken.at >= self.oldest || slow
    }

    /// The list, young enough; one reader reads it for all who wait.
    async fn list(&self, kind: &'static Kind, scope: &ResourceId) -> Arc<Bodies> {
        let snapshots = self.snapshots;
        let key = ListKey { identity: self.identity.clone(), what: kind.name, scope: scope.folded() };
        let _reading = snapshots.readers.lock(&format!("{key:?}")).await;
        if let Some(bodies) = snapshots.young(&key, |taken| self.takes(taken)) {
            return bodies;
        }
        let now = self.clock.now();
        let writes = snapshots.lock().writes;
        let mut bodies = Bodies::default();
        let read = self.azure.list(kind, scope, &mut |body| note(&mut bodies, kind, scope, body)).await;
        if read.is_err() {
            // a list that can't be had is as good as an empty one: it vouches for nothing
            bodies = Bodies::default();
        }
        let took = self.clock.now().duration_since(now).unsigned_abs();
        let after = |wait: Duration| now.checked_add(wait).unwrap_or(now);
        let slow_until = after(took * SLOW);
        let taken =
            CachedList { bodies: Arc::new(bodies), at: now, slow_until, until: after(self.lasts).max(slow_until) };
        let bodies = Arc::clone(&taken.bodies);
        snapshots.keep(key, taken, writes);
        bodies
    }
}

impl Snapshots {
    /// Forgets every list in which a resource that was just written could stand.
    pub(crate) fn drop_around(&self, id: &ResourceId) {
        let id = id.folded();
        let mut lists = self.lock();
        lists.writes += 1;
        lists.taken.retain(|key, _| !id.starts_with(&key.scope));
    }

    /// Forgets the lists that are too old for everybody.
    pub(crate) fn drop_old(&self, now: Timestamp) {
        self.lock().taken.retain(|_, taken| now <= taken.until);
    }

    fn young(&self, key: &ListKey, young: impl Fn(&CachedList) -> bool) -> Option<Arc<Bodies>> {
        let lists = self.lock();
        lists.taken.get(key).filter(|taken| young(taken)).map(|taken| Arc::clone(&taken.bodies))
    }

    fn keep(&self, key: ListKey, taken: CachedList, writes: u64) {
        let mut lists = self.lock();
        if lists.writes != writes {
            return;
        }
        lists.taken.insert(key, taken);
        let mut bytes: usize = lists.taken.values().map(|taken| taken.bodies.bytes).sum();
        while bytes > ALL {
            let oldest = lists.taken.iter().min_by_key(|(_, taken)| taken.at).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| lists.taken.remove(&key)) else { return };
            bytes -= gone.bodies.bytes;
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

/// Notes one item of a list.
fn note(bodies: &mut Bodies, kind: &Kind, scope: &ResourceId, body: Value) {
    let Some(key) = key(kind, scope, &body) else { return };
    for subnet in body.pointer("/properties/subnets").and_then(Value::as_array).into_iter().flatten() {
        if let (true, Some(id)) = (kind == &VIRTUAL_NETWORK, subnet.get("id").and_then(Value::as_str)) {
            bodies.keep(fold(id), subnet);
        }
    }
    bodies.keep(key, &trimmed(kind, body));
}

/// A body without what no decision looks at and takes most of it: the rules that every security group has; of a web
/// service the models inside, and what it was made from but for what is compared.
fn trimmed(kind: &Kind, body: Value) -> Value {
    let mut body = if kind == &WEB_SERVICE { (kind.normalise)(&body) } else { body };
    for (place, member) in [("", "models"), ("", "environmentImageRequest"), ("/properties", "defaultSecurityRules")] {
        if let Some(members) = body.pointer_mut(place).and_then(Value::as_object_mut) {
            members.remove(member);
        }
    }
    body
}

/// The id in a body, in lower case; of a model version its owner. The data plane answers bare names.
fn key(kind: &Kind, scope: &ResourceId, body: &Value) -> Option<String> {
    let text = |field: &str| body.get(field).and_then(Value::as_str);
    match kind.plane {
        Plane::Arm => text("id").map(fold),
        Plane::MachineLearning if kind == &MODEL_VERSION => model_version::property(body, OWNER_TAG).map(str::to_owned),
        Plane::MachineLearning => Some(scope.child(kind.arm_type.rsplit('/').next()?, text("name")?).folded()),
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
