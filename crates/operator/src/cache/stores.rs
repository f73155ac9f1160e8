//! What the watches know: every object of both kinds, and the uid and version of every ConfigMap.

use crate::{
    cache::cached_object::CachedObject,
    object::{Object, ObjectKey, Reference, finalizer, reached_network, subnet, virtual_network},
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, FINALIZER};
use acivnet_core::{
    describe::{Sibling, SubnetUser, has_reached_network, virtual_network_of},
    id::ResourceId,
    names::Names,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Resource, ResourceExt,
    api::ListParams,
    core::PartialObjectMeta,
    runtime::reflector::{ObjectRef, Store},
};
use std::sync::{Arc, OnceLock};
use tokio::sync::SetOnce;

/// Filled once the watches have seen everything; until then, and without watches, the API is asked.
#[derive(Default)]
pub struct Stores {
    pub(crate) subnets: OnceLock<Store<CachedObject<DelegatedSubnet>>>,
    pub(crate) deployments: OnceLock<Store<CachedObject<AciVnetDeployment>>>,
    pub(crate) config_maps: OnceLock<Store<PartialObjectMeta<ConfigMap>>>,
    filled: SetOnce<()>,
}

impl Stores {
    /// The watches have seen everything.
    pub(crate) fn fill(
        &self,
        subnets: Store<CachedObject<DelegatedSubnet>>,
        deployments: Store<CachedObject<AciVnetDeployment>>,
        config_maps: Store<PartialObjectMeta<ConfigMap>>,
    ) {
        let fresh = self.subnets.set(subnets).is_ok()
            && self.deployments.set(deployments).is_ok()
            && self.config_maps.set(config_maps).is_ok();
        if !fresh || self.filled.set(()).is_err() {
            tracing::debug!("the stores were filled before");
        }
    }

    /// Comes back once the watches have seen everything.
    pub(crate) async fn filled(&self) {
        self.filled.wait().await;
    }

    /// Whether the watches have seen everything.
    pub(crate) fn are_filled(&self) -> bool {
        self.filled.initialized()
    }

    /// A deployment, if a watch has seen it.
    pub(crate) fn deployment(&self, key: &ObjectKey) -> Option<Arc<CachedObject<AciVnetDeployment>>> {
        self.deployments.get()?.get(&ObjectRef::new(&key.name).within(&key.namespace))
    }

    /// A subnet, if a watch has seen it.
    pub(crate) fn delegated_subnet(&self, key: &ObjectKey) -> Option<Arc<CachedObject<DelegatedSubnet>>> {
        self.subnets.get()?.get(&ObjectRef::new(&key.name).within(&key.namespace))
    }

    /// Uid and resourceVersion of a ConfigMap, if a watch has seen it.
    pub fn config_map_version(&self, namespace: &str, name: &str) -> Option<(String, String)> {
        let found = self.config_maps.get()?.get(&ObjectRef::new(name).within(namespace))?;
        found.metadata.uid.clone().zip(found.metadata.resource_version.clone())
    }

    /// A subnet by name.
    pub async fn subnet(
        &self,
        kube: &kube::Client,
        namespace: &str,
        name: &str,
    ) -> Result<Option<DelegatedSubnet>, kube::Error> {
        match self.subnets.get() {
            Some(store) => store.get(&ObjectRef::new(name).within(namespace)).map(|found| found.unpack()).transpose(),
            None => {
                let api = Api::<DelegatedSubnet>::namespaced(kube.clone(), namespace);
                let all = api.list(&ListParams::default()).await?;
                Ok(all.items.into_iter().find(|one| one.meta().name() == name))
            }
        }
    }

    /// What a subnet sees of the others in its virtual network, by namespace and name: all of its own namespace, and
    /// those of other namespaces that have reached the network. Anybody may name a network without a right to it.
    pub async fn siblings(
        &self,
        kube: &kube::Client,
        network: &ResourceId,
        (namespace, name): (&str, &str),
    ) -> Result<Vec<Sibling>, kube::Error> {
        let see = |one: &DelegatedSubnet| {
            let (theirs, its) = (one.metadata.namespace(), one.metadata.name());
            let counts = if theirs == namespace { its != name } else { has_reached_network(one) };
            (counts && virtual_network_of(one) == *network).then(|| Sibling::of(one))
        };
        let references = [virtual_network(namespace, network), reached_network(network)];
        found(self.subnets.get(), &references, Api::all(kube.clone()), see).await
    }

    /// What a subnet sees of the deployments that name it, by name.
    pub async fn users(
        &self,
        kube: &kube::Client,
        namespace: &str,
        name: &str,
    ) -> Result<Vec<SubnetUser>, kube::Error> {
        let see = |one: &AciVnetDeployment| {
            let names_it = one.metadata.namespace() == namespace && one.spec.network.subnet_ref.name == name;
            names_it.then(|| SubnetUser::of(one))
        };
        let api = Api::namespaced(kube.clone(), namespace);
        found(self.deployments.get(), &[subnet(namespace, name)], api, see).await
    }

    /// Uids of the objects of a namespace that carry our finalizer.
    pub async fn held(&self, kube: &kube::Client, namespace: &str) -> Result<Vec<String>, kube::Error> {
        let mut uids = held(self.subnets.get(), kube, namespace).await?;
        uids.extend(held(self.deployments.get(), kube, namespace).await?);
        Ok(uids)
    }

    /// Whether the watches know an object of ours in a namespace.
    pub(crate) fn any_in(&self, namespace: &str) -> bool {
        any(self.subnets.get(), namespace) || any(self.deployments.get(), namespace)
    }
}

fn any<S: Object>(store: Option<&Store<CachedObject<S>>>, namespace: &str) -> bool {
    store.is_some_and(|store| store.state().iter().any(|one| *one.key().namespace == *namespace))
}

/// Uids of the objects of a namespace that carry our finalizer.
async fn held<S: Object>(
    store: Option<&Store<CachedObject<S>>>,
    kube: &kube::Client,
    namespace: &str,
) -> Result<Vec<String>, kube::Error> {
    let uids = match store {
        Some(store) => referring_to(store, &[finalizer(namespace)]).iter().map(|one| one.uid().to_owned()).collect(),
        None => {
            let all = Api::<S>::namespaced(kube.clone(), namespace).list(&ListParams::default()).await?;
            all.iter().filter(|one| one.finalizers().iter().any(|one| one == FINALIZER)).filter_map(S::uid).collect()
        }
    };
    Ok(uids)
}

/// What `see` sees of the objects that have one of the references, in the same order each time. Without watches all objects
/// are listed, and `see` chooses. One object at a time is unpacked.
async fn found<S: Object, T>(
    store: Option<&Store<CachedObject<S>>>,
    references: &[Reference],
    api: Api<S>,
    see: impl Fn(&S) -> Option<T>,
) -> Result<Vec<T>, kube::Error> {
    if let Some(store) = store {
        let kept = referring_to(store, references);
        return kept.iter().filter_map(|one| one.unpack().map(|one| see(&one)).transpose()).collect();
    }
    let mut listed = api.list(&ListParams::default()).await?.items;
    listed.sort_by(|one, other| {
        let (one, other) = (one.meta(), other.meta());
        (one.namespace(), one.name(), one.uid()).cmp(&(other.namespace(), other.name(), other.uid()))
    });
    Ok(listed.iter().filter_map(see).collect())
}

/// The objects of a store that refer to one of some things.
pub(crate) fn referring_to<S: Object>(
    store: &Store<CachedObject<S>>,
    things: &[Reference],
) -> Vec<Arc<CachedObject<S>>> {
    let mut found = store.state();
    found.retain(|one| things.iter().any(|thing| one.refers_to(*thing)));
    found.sort_by(|one, other| one.key().cmp(other.key()));
    found
}
