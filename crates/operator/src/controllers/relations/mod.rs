//! Which objects are reconciled because another object or a ConfigMap changed.

use crate::{
    cache::{cached_object::CachedObject, stores::Known},
    ctx::Ctx,
    object::{self, Object, ObjectKey, Reference},
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_core::{
    describe::{has_reached_network, virtual_network_of},
    names::Names,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{core::PartialObjectMeta, runtime::watcher::Event};
use std::sync::Arc;

/// Passes on to one kind what events of another mean for it.
pub(super) struct Relations {
    ctx: Arc<Ctx>,
}

impl Relations {
    pub(super) fn new(ctx: Arc<Ctx>) -> Self {
        Self { ctx }
    }

    /// Its subnet counts it, and waits for it when both are to go.
    pub(super) fn deployment(&self, event: &Event<CachedObject<AciVnetDeployment>>) {
        let Some(deployment) = self.seen_anew(self.ctx.stores.deployments.get(), event) else { return };
        let Ok(deployment) = deployment.unpack() else { return };
        let subnet = &deployment.spec.network.subnet_ref.name;
        let subnet = ObjectKey::new::<DelegatedSubnet>(deployment.metadata.namespace(), subnet);
        // one that does not exist has nobody to look
        let Some(subnet) = self.ctx.stores.delegated_subnet(&subnet) else { return };
        // a container group came or went: what a list says of the subnet's addresses is out of date
        if let Some(subnet) = subnet.unpack().ok().filter(has_reached_network) {
            self.ctx.snapshots.forget(&virtual_network_of(&subnet));
        }
        self.ctx.queue.tell(subnet.key());
    }

    /// Its deployments wait for it; those who share its network may be the last who use it now.
    pub(super) fn subnet(&self, event: &Event<CachedObject<DelegatedSubnet>>) {
        let Some(subnet) = self.seen_anew(self.ctx.stores.subnets.get(), event) else { return };
        self.look_at_deployments(object::subnet(&subnet.key().namespace, &subnet.key().name));
        if !matches!(event, Event::Delete(_)) {
            return;
        }
        if let (Ok(subnet), Some(known)) = (subnet.unpack(), self.ctx.stores.subnets.get()) {
            let network = virtual_network_of(&subnet);
            let mut sharing = vec![object::virtual_network(subnet.metadata.namespace(), &network)];
            // whoever names a network makes nobody else work that way
            sharing.extend(has_reached_network(&subnet).then(|| object::reached_network(&network)));
            known.referring_to(&sharing).iter().for_each(|key| self.ctx.queue.want(key));
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

    fn look_at_deployments(&self, thing: Reference) {
        let Some(known) = self.ctx.stores.deployments.get() else { return };
        known.referring_to(&[thing]).iter().for_each(|key| self.ctx.queue.want(key));
    }

    /// The object of an event, if related objects see something else in it than before. Until all is listed nobody has to be
    /// told: everybody looks afterwards. Forgets what is gone.
    fn seen_anew<'e, S: Object>(
        &self,
        known: Option<&Known<S>>,
        event: &'e Event<CachedObject<S>>,
    ) -> Option<&'e CachedObject<S>> {
        let (object, gone) = touched(event)?;
        if gone {
            known.inspect(|known| known.forget(object.key()));
            self.ctx.forget(object.key(), object.uid());
            return known.map(|_| object);
        }
        known?.note(object).then_some(object)
    }
}

/// The object of an event, and whether it is gone.
fn touched<K>(event: &Event<K>) -> Option<(&K, bool)> {
    match event {
        Event::Apply(object) | Event::InitApply(object) => Some((object, false)),
        Event::Delete(object) => Some((object, true)),
        Event::Init | Event::InitDone => None,
    }
}

#[cfg(test)]
mod tests;
