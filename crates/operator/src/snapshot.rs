//! Lists shared by all objects of one identity, so that a sweep over many objects asks Azure a few times.

use crate::{ctx::Ctx, locks::Locks};
use acivnet_azure::{Azure, IdentityKey};
use acivnet_core::{
    id::ResourceId,
    kind::{Kind, Plane},
    kinds,
    observed::Fact,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Lists and when they were begun. An operator talks to one cloud; tenant, client id and proof are in the key, so that
/// nobody sees what another's rights read.
#[derive(Default)]
pub struct Snapshots {
    lists: Mutex<Lists>,
    readers: Locks,
}

#[derive(Default)]
struct Lists {
    taken: BTreeMap<Key, Taken>,
    /// Counts own writes: a list that was on its way during one is not kept.
    writes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    identity: IdentityKey,
    what: &'static str,
    /// Id of the scope, in lower case.
    scope: String,
}

struct Taken {
    items: Arc<Items>,
    at: Timestamp,
}

/// Bodies by id, in lower case; or the one array that answers a question as it is.
enum Items {
    ById(BTreeMap<String, Value>),
    Whole(Value),
}

/// What one object asks with.
pub(crate) struct Reader<'a> {
    pub ctx: &'a Ctx,
    pub azure: &'a Azure,
    pub identity: &'a IdentityKey,
    /// Older lists are read anew.
    pub oldest: Duration,
}

impl Reader<'_> {
    /// One resource out of a list. `None` when no list can tell: then it has to be read by itself. A list proves that
    /// something is there, never that it is not.
    pub(crate) async fn resource(&self, kind: &'static Kind, id: &ResourceId) -> Option<Fact> {
        let inline = kind == &kinds::subnet::SUBNET;
        let listed = if inline { &kinds::virtual_network::VIRTUAL_NETWORK } else { kind };
        let scope = if inline { id.parent()?.group()? } else { scope(kind, id)? };
        let list = self.list(listed.name, &scope, || async {
            // a list that can't be had is as good as an empty one: it vouches for nothing
            let bodies = self.azure.list(listed, &scope).await.unwrap_or_default();
            Ok::<_, Infallible>(Items::ById(
                bodies.into_iter().filter_map(|body| Some((key(listed, &scope, &body)?, body))).collect(),
            ))
        });
        match (list.await.ok()?.as_ref(), inline) {
            (Items::ById(bodies), false) => bodies.get(&id.folded()).cloned().map(Fact::Present),
            (Items::ById(bodies), true) => subnet(bodies.get(&id.parent()?.folded())?, id).map(Fact::Present),
            (Items::Whole(_), _) => None,
        }
    }

    /// All our model versions of a workspace.
    pub(crate) async fn models(&self, workspace: &ResourceId) -> Fact {
        let list = self.list("Models", workspace, || async {
            match self.azure.models(workspace).await {
                Fact::Present(models) => Ok(Items::Whole(models)),
                Fact::Unread(failure) => Err(Some(failure)),
                Fact::Absent => Err(None),
            }
        });
        match list.await {
            Ok(items) => match items.as_ref() {
                Items::Whole(models) => Fact::Present(models.clone()),
                Items::ById(_) => Fact::Absent,
            },
            Err(Some(failure)) => Fact::Unread(failure),
            Err(None) => Fact::Absent,
        }
    }

    /// The list, young enough; one reader reads it for all who wait.
    async fn list<F, E>(
        &self,
        what: &'static str,
        scope: &ResourceId,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<Items>, E>
    where
        F: Future<Output = Result<Items, E>>,
    {
        let snapshots = &self.ctx.snapshots;
        let key = Key { identity: self.identity.clone(), what, scope: scope.folded() };
        let _reading = snapshots.readers.lock(&format!("{key:?}")).await;
        let now = self.ctx.clock.now();
        if let Some(items) = snapshots.young(&key, now, self.oldest) {
            return Ok(items);
        }
        let writes = snapshots.lock().writes;
        let items = Arc::new(read().await?);
        snapshots.keep(key, Taken { items: Arc::clone(&items), at: now }, writes);
        Ok(items)
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

    fn young(&self, key: &Key, now: Timestamp, oldest: Duration) -> Option<Arc<Items>> {
        let lists = self.lock();
        let taken = lists.taken.get(key)?;
        let age = now.duration_since(taken.at);
        (age >= SignedDuration::ZERO && age.unsigned_abs() <= oldest).then(|| Arc::clone(&taken.items))
    }

    fn keep(&self, key: Key, taken: Taken, writes: u64) {
        let mut lists = self.lock();
        if lists.writes == writes {
            lists.taken.insert(key, taken);
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
        Plane::MachineLearning if kind == &kinds::web_service::WEB_SERVICE => id.parent(),
        Plane::MachineLearning => None,
    }
}

/// The id in a body, in lower case. The data plane answers bare names.
fn key(kind: &Kind, scope: &ResourceId, body: &Value) -> Option<String> {
    let text = |field: &str| body.get(field).and_then(Value::as_str);
    match kind.plane {
        Plane::Arm => text("id").map(str::to_ascii_lowercase),
        Plane::MachineLearning => Some(scope.child(kind.arm_type.rsplit('/').next()?, text("name")?).folded()),
    }
}

/// A virtual network carries its subnets (Azure REST, Virtual Networks - List).
pub(crate) fn subnet(network: &Value, id: &ResourceId) -> Option<Value> {
    let subnets = network.pointer("/properties/subnets")?.as_array()?;
    let is_it = |subnet: &&Value| {
        subnet.get("id").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(id.as_str()))
    };
    subnets.iter().find(is_it).cloned()
}

#[cfg(test)]
mod tests;
