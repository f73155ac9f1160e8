//! Who is to look when something changes.

use crate::ctx::Ctx;
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, conditions::types};
use acivnet_core::{
    id::ResourceId,
    kinds::virtual_network::VIRTUAL_NETWORK,
    observed::Observed,
    questions::Question,
    subject::{Subject, names},
};
use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta},
};
use kube::{
    Resource,
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
    deployments: Store<AciVnetDeployment>,
    subnets: Store<DelegatedSubnet>,
    to_deployments: UnboundedSender<ObjectRef<AciVnetDeployment>>,
    to_subnets: UnboundedSender<ObjectRef<DelegatedSubnet>>,
    /// By uid: hash of what others look at.
    shown: Mutex<BTreeMap<String, u64>>,
}

impl Relations {
    pub(super) fn new(
        ctx: Arc<Ctx>,
        deployments: Store<AciVnetDeployment>,
        subnets: Store<DelegatedSubnet>,
        to_deployments: UnboundedSender<ObjectRef<AciVnetDeployment>>,
        to_subnets: UnboundedSender<ObjectRef<DelegatedSubnet>>,
    ) -> Self {
        Self { ctx, deployments, subnets, to_deployments, to_subnets, shown: Mutex::default() }
    }

    /// Its subnet counts it, and waits for it when both are to go.
    pub(super) fn deployment(&self, event: &Event<AciVnetDeployment>) {
        let Some((deployment, gone)) = touched(event) else { return };
        if self.changed(&deployment.metadata, gone, &shown_by_deployment(deployment)) {
            let (namespace, ..) = names(&deployment.metadata);
            let subnet = ObjectRef::new(&deployment.spec.network.subnet_ref.name).within(namespace);
            // a container group came or went: what a list says of the subnet's addresses is out of date
            if let Some(network) = self.subnets.get(&subnet).as_deref().and_then(network_of) {
                self.ctx.snapshots.drop_around(&network);
            }
            self.look_at_subnet(subnet);
        }
    }

    /// Its deployments wait for it; those who share its network may be the last who use it now.
    pub(super) fn subnet(&self, event: &Event<DelegatedSubnet>) {
        let Some((subnet, gone)) = touched(event) else { return };
        if !self.changed(&subnet.metadata, gone, &shown_by_subnet(subnet)) {
            return;
        }
        let (namespace, name, _) = names(&subnet.metadata);
        let uses = |one: &&Arc<AciVnetDeployment>| {
            names(&one.metadata).0 == namespace && one.spec.network.subnet_ref.name == name
        };
        self.look_at_deployments(uses);
        if gone {
            let network = network_of(subnet);
            let shares = |one: &&Arc<DelegatedSubnet>| network_of(one) == network;
            let sharing = by_name(&self.subnets);
            sharing.iter().filter(shares).for_each(|one| self.look_at_subnet(ObjectRef::from_obj(one.as_ref())));
        }
    }

    /// Deployments name it.
    pub(super) fn config_map(&self, event: &Event<PartialObjectMeta<ConfigMap>>) {
        let Some((map, gone)) = touched(event) else { return };
        let (namespace, name, _) = names(&map.metadata);
        if gone {
            self.ctx.config_maps.forget(namespace, name);
        }
        self.look_at_deployments(|one| names(&one.metadata).0 == namespace && uses_config_map(one, name));
    }

    fn look_at_deployments(&self, which: impl Fn(&&Arc<AciVnetDeployment>) -> bool) {
        for one in by_name(&self.deployments).iter().filter(which) {
            if self.to_deployments.unbounded_send(ObjectRef::from_obj(one.as_ref())).is_err() {
                tracing::debug!("the controller has ended");
            }
        }
    }

    fn look_at_subnet(&self, subnet: ObjectRef<DelegatedSubnet>) {
        // one that does not exist has nobody to look
        if self.subnets.get(&subnet).is_some() && self.to_subnets.unbounded_send(subnet).is_err() {
            tracing::debug!("the controller has ended");
        }
    }

    /// Whether what others look at differs from the last time. Forgets what is gone.
    fn changed(&self, meta: &ObjectMeta, gone: bool, shown: &Value) -> bool {
        let (namespace, _, uid) = names(meta);
        let mut all = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if gone {
            all.remove(uid);
            self.ctx.forget(namespace, meta);
            return true;
        }
        let mut hasher = DefaultHasher::new();
        (shown.to_string(), meta.generation, meta.deletion_timestamp.is_some()).hash(&mut hasher);
        let hash = hasher.finish();
        all.insert(uid.to_owned(), hash) != Some(hash)
    }
}

/// Everything in a store, in the same order each time.
fn by_name<K: Resource<DynamicType = ()> + Clone>(store: &Store<K>) -> Vec<Arc<K>> {
    let mut all = store.state();
    all.sort_by(|one, other| names(one.meta()).cmp(&names(other.meta())));
    all
}

/// The object of an event, and whether it is gone.
fn touched<K>(event: &Event<K>) -> Option<(&K, bool)> {
    match event {
        Event::Apply(object) | Event::InitApply(object) => Some((object, false)),
        Event::Delete(object) => Some((object, true)),
        Event::Init | Event::InitDone => None,
    }
}

/// Whether a deployment asks for files of a ConfigMap.
fn uses_config_map(deployment: &AciVnetDeployment, name: &str) -> bool {
    let asks = |question: &Question| matches!(question, Question::ConfigMap { key, .. } if key.name == name);
    let probes = deployment.spec.probe.as_ref().is_some_and(|probe| probe.request.config_map.name == name);
    probes || deployment.questions(&Observed::default()).iter().any(asks)
}

/// The virtual network that a subnet asks for.
fn network_of(subnet: &DelegatedSubnet) -> Option<ResourceId> {
    subnet.questions(&Observed::default()).into_iter().find_map(|question| match question {
        Question::Azure(kind, id) if kind == &VIRTUAL_NETWORK => Some(id),
        _ => None,
    })
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
