//! What the watches know: every object of both kinds, and the uid and version of every ConfigMap.

use crate::{
    cache::{cached_object::CachedObject, references::References},
    object::{Object, ObjectKey, Reference, finalizer, hash, reached_network, subnet, virtual_network},
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
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::SetOnce;

/// Filled once the watches have seen everything; until then, and without watches, the API is asked.
#[derive(Default)]
pub struct Stores {
    pub(crate) subnets: OnceLock<Known<DelegatedSubnet>>,
    pub(crate) deployments: OnceLock<Known<AciVnetDeployment>>,
    pub(crate) config_maps: OnceLock<Store<PartialObjectMeta<ConfigMap>>>,
    filled: SetOnce<()>,
}

/// All objects of a kind, as a watch has seen them.
pub(crate) struct Known<S: Object> {
    objects: Store<CachedObject<S>>,
    references: Mutex<References>,
}

impl<S: Object> Known<S> {
    fn new(objects: Store<CachedObject<S>>) -> Self {
        let mut references = References::default();
        for one in objects.state() {
            references.note(one.key(), one.references(), one.outline());
        }
        Self { objects, references: Mutex::new(references) }
    }

    /// An object.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<CachedObject<S>>> {
        self.objects.get(&ObjectRef::new(&key.name).within(&key.namespace))
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<CachedObject<S>>> {
        self.objects.state()
    }

    /// Notes an object that the watch has seen. Whether related objects see something else in it than before.
    pub(crate) fn note(&self, one: &CachedObject<S>) -> bool {
        self.references().note(one.key(), one.references(), one.outline())
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.references().forget(key);
    }

    /// The objects that refer to one of some things, in order.
    pub(crate) fn referring_to(&self, things: &[Reference]) -> Vec<ObjectKey> {
        self.references().to(things)
    }

    /// Whether any object refers to something.
    pub(crate) fn any_refers_to(&self, thing: Reference) -> bool {
        self.references().any(thing)
    }

    /// A digest of the ways in which those that refer to a thing describe it.
    pub(crate) fn descriptions(&self, thing: Reference) -> u64 {
        self.references().descriptions(thing).fold(0, |digest, one| hash(&(digest, one)))
    }

    /// What `see` sees of those that refer to a thing. Of those that describe it alike the first stands for all if `alike`
    /// says so.
    fn outlines<T>(
        &self,
        thing: Reference,
        see: impl Fn(&S) -> Option<T>,
        alike: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, kube::Error> {
        let references = self.references();
        let mut all = Vec::new();
        for description in references.descriptions(thing) {
            let described = references.describing(thing, description).filter_map(|key| self.get(key));
            for one in described {
                let Some(seen) = see(&one.unpack()?) else { continue };
                let enough = alike(&seen);
                all.push(seen);
                if enough {
                    break;
                }
            }
        }
        Ok(all)
    }

    fn references(&self) -> MutexGuard<'_, References> {
        self.references.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stores {
    /// The watches have seen everything.
    pub(crate) fn fill(
        &self,
        subnets: Store<CachedObject<DelegatedSubnet>>,
        deployments: Store<CachedObject<AciVnetDeployment>>,
        config_maps: Store<PartialObjectMeta<ConfigMap>>,
    ) {
        let fresh = self.subnets.set(Known::new(subnets)).is_ok()
            && self.deployments.set(Known::new(deployments)).is_ok()
            && self.config_maps.set(config_maps).is_ok();
        if !fresh || self.filled.set(()).is_err() {
            tracing::debug!("the stores were filled before");
        }
    }

    /// Comes back once the watches have seen everything.
    pub(crate) async fn filled(&self) {
        self.filled.wait().await;
    }

    /// A deployment, if a watch has seen it.
    pub(crate) fn deployment(&self, key: &ObjectKey) -> Option<Arc<CachedObject<AciVnetDeployment>>> {
        self.deployments.get()?.get(key)
    }

    /// A subnet, if a watch has seen it.
    pub(crate) fn delegated_subnet(&self, key: &ObjectKey) -> Option<Arc<CachedObject<DelegatedSubnet>>> {
        self.subnets.get()?.get(key)
    }

    /// Uid and resourceVersion of a ConfigMap, if a watch has seen it.
    pub fn config_map_version(&self, namespace: &str, name: &str) -> Option<(String, String)> {
        let found = self.config_maps.get()?.get(&ObjectRef::new(name).within(namespace))?;
        found.metadata.uid.clone().zip(found.metadata.resource_version.clone())
    }

    /// A subnet by name, as JSON.
    pub async fn subnet(&self, kube: &kube::Client, namespace: &str, name: &str) -> Result<Option<Value>, kube::Error> {
        let Some(known) = self.subnets.get() else {
            let api = Api::<DelegatedSubnet>::namespaced(kube.clone(), namespace);
            let all = api.list(&ListParams::default()).await?;
            let found = all.items.into_iter().find(|one| one.meta().name() == name);
            return found.map(serde_json::to_value).transpose().map_err(kube::Error::SerdeError);
        };
        let found = known.get(&ObjectKey::new::<DelegatedSubnet>(namespace, name));
        found.map(|found| found.unpack_as::<Value>()).transpose()
    }

    /// What a subnet sees of the others in its virtual network, by namespace and name: those of its own namespace, and those
    /// of other namespaces that have reached the network. Anybody may name a network without a right to it. Of those of a
    /// namespace that describe the network alike, and as this one does, one stands for all, however many they are.
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
        let Some(known) = self.subnets.get() else { return listed(Api::all(kube.clone()), see).await };
        let own = known.get(&ObjectKey::new::<DelegatedSubnet>(namespace, name)).filter(|own| own.is_whole());
        let own = own.and_then(|own| own.unpack().ok()).map(|own| Sibling::of(&own));
        let alike = |one: &Sibling| own.as_ref().is_some_and(|own| own.describes_same_network(one));
        let mut siblings = known.outlines(virtual_network(namespace, network), see, alike)?;
        let elsewhere = |one: &DelegatedSubnet| see(one).filter(|one| one.namespace != namespace);
        siblings.extend(known.outlines(reached_network(network), elsewhere, alike)?);
        siblings.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        Ok(siblings)
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
        let Some(known) = self.deployments.get() else {
            return listed(Api::namespaced(kube.clone(), namespace), see).await;
        };
        let users = known.referring_to(&[subnet(namespace, name)]);
        let users = users.iter().filter_map(|key| known.get(key));
        users.filter_map(|one| one.unpack().map(|one| see(&one)).transpose()).collect()
    }

    /// A digest of the ways in which subnets describe a network that they share.
    pub(crate) fn descriptions(&self, network: Reference) -> u64 {
        self.subnets.get().map(|known| known.descriptions(network)).unwrap_or_default()
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

fn any<S: Object>(known: Option<&Known<S>>, namespace: &str) -> bool {
    known.is_some_and(|known| known.references().any_from(&ObjectKey::new::<S>(namespace, "")))
}

/// Uids of the objects of a namespace that carry our finalizer.
async fn held<S: Object>(
    known: Option<&Known<S>>,
    kube: &kube::Client,
    namespace: &str,
) -> Result<Vec<String>, kube::Error> {
    let Some(known) = known else {
        let all = Api::<S>::namespaced(kube.clone(), namespace).list(&ListParams::default()).await?;
        let held = all.iter().filter(|one| one.finalizers().iter().any(|one| one == FINALIZER));
        return Ok(held.filter_map(S::uid).collect());
    };
    let held = known.referring_to(&[finalizer(namespace)]);
    Ok(held.iter().filter_map(|key| known.get(key)).map(|one| one.uid().to_owned()).collect())
}

/// What `see` sees of all objects, without watches; in the order in which the watches' would be seen.
async fn listed<S: Object, T>(api: Api<S>, see: impl Fn(&S) -> Option<T>) -> Result<Vec<T>, kube::Error> {
    let mut listed = api.list(&ListParams::default()).await?.items;
    listed.sort_by(|one, other| {
        let (one, other) = (one.meta(), other.meta());
        (one.namespace(), one.name(), one.uid()).cmp(&(other.namespace(), other.name(), other.uid()))
    });
    Ok(listed.iter().filter_map(see).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cache::{cached_object::Storage, packed::Packed},
        kubernetes::mock::{Mock, refused},
    };
    use kube::runtime::{
        reflector::{self, store::Writer},
        watcher::Event,
    };
    use serde_json::json;

    struct Bed {
        mock: Mock,
        stores: Stores,
        subnets: Writer<CachedObject<DelegatedSubnet>>,
    }

    impl Bed {
        fn new() -> Self {
            let ((subnets, writer), (deployments, _), (config_maps, _)) =
                (reflector::store(), reflector::store(), reflector::store());
            let stores = Stores::default();
            stores.fill(subnets, deployments, config_maps);
            Self { mock: Mock::new(|_| refused(404, "NotFound")), stores, subnets: writer }
        }

        /// The watch sees a subnet of a network.
        fn sees(&mut self, namespace: &str, name: &str, prefix: &str, reached: bool) {
            let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
            let record = json!({"kind": "VirtualNetwork", "id": id, "state": "Settled"});
            let object = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
                "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}/{name}"), "generation": 1},
                "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                    "virtualNetwork": {"name": "v", "addressPrefixes": [prefix]},
                    "subnet": {"name": name, "addressPrefix": "10.0.1.0/24"}},
                "status": {"resources": if reached { vec![record] } else { Vec::new() }}});
            let object: DelegatedSubnet = serde_json::from_value(object).unwrap();
            let cached = Packed::of(object).unwrap().cached(&Storage::default());
            self.stores.subnets.get().unwrap().note(&cached);
            self.subnets.apply_watcher_event(&Event::Apply(cached));
        }

        async fn siblings(&self, namespace: &str, name: &str) -> Vec<String> {
            let asks = self.stores.delegated_subnet(&ObjectKey::new::<DelegatedSubnet>(namespace, name)).unwrap();
            let network = virtual_network_of(&asks.unpack().unwrap());
            let kube = &self.mock.ctx().kube;
            let found = self.stores.siblings(kube, &network, (namespace, name)).await.unwrap();
            found.into_iter().map(|one| format!("{}/{}", one.namespace, one.name)).collect()
        }
    }

    #[tokio::test]
    async fn of_many_that_describe_a_network_alike_one_stands_for_all() {
        let mut bed = Bed::new();
        for number in 0..300 {
            bed.sees("ml", &format!("{number:03}"), "10.0.0.0/16", number % 2 == 0);
        }
        assert_eq!(bed.siblings("ml", "000").await, ["ml/001"]);
        assert_eq!(bed.siblings("ml", "001").await, ["ml/000"]);
        for name in ["x", "y"] {
            bed.sees("ml", name, "10.1.0.0/16", false);
        }
        assert_eq!(bed.siblings("ml", "000").await, ["ml/001", "ml/x", "ml/y"], "each that differs may outrank it");
        assert_eq!(bed.siblings("ml", "x").await.len(), 301, "it differs from all but one");
    }

    #[tokio::test]
    async fn of_another_namespace_those_count_that_have_reached_the_network() {
        let mut bed = Bed::new();
        bed.sees("ml", "own", "10.0.0.0/16", true);
        for (name, reached) in [("a", false), ("b", true), ("c", true)] {
            bed.sees("others", name, "10.0.0.0/16", reached);
        }
        assert_eq!(bed.siblings("ml", "own").await, ["others/b"]);
        bed.sees("others", "c", "10.1.0.0/16", true);
        assert_eq!(bed.siblings("ml", "own").await, ["others/b", "others/c"]);
    }
}
