//! Which objects are reconciled because another object or a ConfigMap changed.

use crate::{
    cache::{cached_object::CachedObject, stores::referring_to},
    ctx::Ctx,
    object::{self, Object, ObjectKey, Reference},
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, conditions::types};
use acivnet_core::{
    describe::{has_reached_network, virtual_network_of},
    names::Names,
};
use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta},
};
use kube::{
    core::PartialObjectMeta,
    runtime::{
        reflector::{ObjectRef, Store},
        watcher::Event,
    },
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

/// Passes on to one kind what events of another mean for it.
pub(super) struct Relations {
    ctx: Arc<Ctx>,
    deployments: Store<CachedObject<AciVnetDeployment>>,
    subnets: Store<CachedObject<DelegatedSubnet>>,
    /// By uid: hash of what others see of the object.
    shown: Mutex<BTreeMap<String, u64>>,
}

impl Relations {
    pub(super) fn new(
        ctx: Arc<Ctx>,
        deployments: Store<CachedObject<AciVnetDeployment>>,
        subnets: Store<CachedObject<DelegatedSubnet>>,
    ) -> Self {
        Self { ctx, deployments, subnets, shown: Mutex::default() }
    }

    /// Its subnet counts it, and waits for it when both are to go.
    pub(super) fn deployment(&self, event: &Event<CachedObject<AciVnetDeployment>>) {
        let Some((deployment, gone)) = unpacked(event) else { return };
        if self.changed::<AciVnetDeployment>(&deployment.metadata, gone, &shown_by_deployment(&deployment)) {
            let namespace = deployment.metadata.namespace();
            let subnet = ObjectRef::new(&deployment.spec.network.subnet_ref.name).within(namespace);
            // one that does not exist has nobody to look
            let Some(subnet) = self.subnets.get(&subnet) else { return };
            // a container group came or went: what a list says of the subnet's addresses is out of date
            if let Some(subnet) = subnet.unpack().ok().filter(has_reached_network) {
                self.ctx.snapshots.drop_around(&virtual_network_of(&subnet));
            }
            self.ctx.queue.want(subnet.key());
        }
    }

    /// Its deployments wait for it; those who share its network may be the last who use it now.
    pub(super) fn subnet(&self, event: &Event<CachedObject<DelegatedSubnet>>) {
        let Some((subnet, gone)) = unpacked(event) else { return };
        if !self.changed::<DelegatedSubnet>(&subnet.metadata, gone, &shown_by_subnet(&subnet)) {
            return;
        }
        let (namespace, name) = (subnet.metadata.namespace(), subnet.metadata.name());
        self.look_at_deployments(object::subnet(namespace, name));
        if gone {
            let network = virtual_network_of(&subnet);
            let mut sharing = vec![object::virtual_network(namespace, &network)];
            // whoever names a network makes nobody else work that way
            sharing.extend(has_reached_network(&subnet).then(|| object::reached_network(&network)));
            referring_to(&self.subnets, &sharing).iter().for_each(|one| self.ctx.queue.want(one.key()));
        }
    }

    /// Deployments name it.
    pub(super) fn config_map(&self, event: &Event<PartialObjectMeta<ConfigMap>>) {
        let Some((map, gone)) = touched(event) else { return };
        let (namespace, name) = (map.metadata.namespace(), map.metadata.name());
        if gone {
            self.ctx.config_maps.forget(namespace, name);
        }
        self.look_at_deployments(object::config_map(namespace, name));
    }

    fn look_at_deployments(&self, key: Reference) {
        referring_to(&self.deployments, &[key]).iter().for_each(|one| self.ctx.queue.want(one.key()));
    }

    /// Whether others see something else than the last time. Forgets what is gone.
    fn changed<S: Object>(&self, meta: &ObjectMeta, gone: bool, shown: &Value) -> bool {
        let (namespace, name, uid) = (meta.namespace(), meta.name(), meta.uid());
        let mut all = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if gone {
            all.remove(uid);
            self.ctx.forget(&ObjectKey::new::<S>(namespace, name), meta);
            return true;
        }
        let mut hasher = DefaultHasher::new();
        (shown.to_string(), meta.generation, meta.deletion_timestamp.is_some()).hash(&mut hasher);
        let hash = hasher.finish();
        let changed = all.insert(uid.to_owned(), hash) != Some(hash);
        // until all is listed nobody has to be told: everybody looks afterwards
        changed && self.ctx.stores.are_filled()
    }
}

/// The object of an event, and whether it is gone.
fn unpacked<S: Object>(event: &Event<CachedObject<S>>) -> Option<(S, bool)> {
    let (packed, gone) = touched(event)?;
    packed.unpack().ok().map(|object| (object, gone))
}

/// The object of an event, and whether it is gone.
fn touched<K>(event: &Event<K>) -> Option<(&K, bool)> {
    match event {
        Event::Apply(object) | Event::InitApply(object) => Some((object, false)),
        Event::Delete(object) => Some((object, true)),
        Event::Init | Event::InitDone => None,
    }
}

/// What subnets see of a deployment: its addresses, and whether containers hold them.
fn shown_by_deployment(deployment: &AciVnetDeployment) -> Value {
    let Some(status) = &deployment.status else { return Value::Null };
    let healthy = status.conditions.iter().find(|one| one.type_ == types::SERVICE_HEALTHY).map(|one| &one.status);
    json!([status.endpoint.as_ref().map(|endpoint| &endpoint.addresses), healthy])
}

/// What deployments see of a subnet.
fn shown_by_subnet(subnet: &DelegatedSubnet) -> Value {
    let Some(status) = &subnet.status else { return Value::Null };
    let condition = |one: &Condition| json!([one.type_, one.status, one.reason, one.observed_generation]);
    let conditions: Vec<Value> = status.conditions.iter().map(condition).collect();
    let full = status.capacity.as_ref().is_some_and(|capacity| capacity.available <= 0);
    json!([status.subnet_id, status.observed_generation, full, conditions])
}

#[cfg(test)]
mod tests;
