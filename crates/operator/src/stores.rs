//! What the watches know: every object of both kinds, and the metadata of every ConfigMap.

use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_core::subject::names;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Resource,
    api::ListParams,
    core::PartialObjectMeta,
    runtime::reflector::{ObjectRef, Store},
};
use serde::de::DeserializeOwned;
use std::{
    fmt::Debug,
    sync::{Arc, OnceLock},
};

/// Filled once the watches have seen everything; until then, and without watches, the API is asked.
#[derive(Default)]
pub struct Stores {
    pub(crate) subnets: OnceLock<Store<DelegatedSubnet>>,
    pub(crate) deployments: OnceLock<Store<AciVnetDeployment>>,
    pub(crate) config_maps: OnceLock<Store<PartialObjectMeta<ConfigMap>>>,
}

impl Stores {
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
    ) -> Result<Option<Arc<DelegatedSubnet>>, kube::Error> {
        match self.subnets.get() {
            Some(store) => Ok(store.get(&ObjectRef::new(name).within(namespace))),
            None => {
                let all = all(None, Api::<DelegatedSubnet>::namespaced(kube.clone(), namespace)).await?;
                Ok(all.into_iter().find(|one| names(one.meta()).1 == name))
            }
        }
    }

    /// Every subnet of the cluster, by namespace and name.
    pub async fn subnets(&self, kube: &kube::Client) -> Result<Vec<Arc<DelegatedSubnet>>, kube::Error> {
        all(self.subnets.get(), Api::all(kube.clone())).await
    }

    /// Every deployment of a namespace, by name.
    pub async fn deployments(
        &self,
        kube: &kube::Client,
        namespace: &str,
    ) -> Result<Vec<Arc<AciVnetDeployment>>, kube::Error> {
        let mut found = match self.deployments.get() {
            Some(store) => all(Some(store), Api::all(kube.clone())).await?,
            None => all(None, Api::namespaced(kube.clone(), namespace)).await?,
        };
        found.retain(|one| names(one.meta()).0 == namespace);
        Ok(found)
    }
}

async fn all<K>(store: Option<&Store<K>>, api: Api<K>) -> Result<Vec<Arc<K>>, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + 'static,
{
    let mut found = match store {
        Some(store) => store.state(),
        None => api.list(&ListParams::default()).await?.items.into_iter().map(Arc::new).collect(),
    };
    found.sort_by(|one, other| names(one.meta()).cmp(&names(other.meta())));
    Ok(found)
}
