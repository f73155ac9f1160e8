//! Objects of which only name and version are read. The rest is skipped, whatever it is: whoever may write an object may
//! put JSON into it that is nested deeper than serde_json reads (127 levels), for instance into `managedFields`; and a
//! list or watch event is read as a whole or not at all.

use super::kind_of;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer};
use std::{fmt, marker::PhantomData};

/// Uid and resourceVersion: equal ones have the same content.
pub(crate) type ObjectVersion = (String, String);

/// An object of which only namespace, name, uid, resourceVersion and finalizers are read.
pub(crate) struct Named<K> {
    pub(crate) metadata: ObjectMeta,
    type_: PhantomData<fn() -> K>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    metadata: Names,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Names {
    namespace: Option<String>,
    name: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    finalizers: Option<Vec<String>>,
}

impl<'de, K> Deserialize<'de> for Named<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Names { namespace, name, uid, resource_version, finalizers } = Read::deserialize(deserializer)?.metadata;
        let metadata = ObjectMeta { namespace, name, uid, resource_version, finalizers, ..ObjectMeta::default() };
        Ok(Self { metadata, type_: PhantomData })
    }
}

impl<K> Clone for Named<K> {
    fn clone(&self) -> Self {
        Self { metadata: self.metadata.clone(), type_: PhantomData }
    }
}

impl<K> fmt::Debug for Named<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Named").field(&self.metadata).finish()
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Named<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    kind_of!(K);

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::core::{ObjectList, WatchEvent};

    /// As an API server takes it from anybody who may write ConfigMaps.
    #[test]
    fn what_others_hide_in_an_object_keeps_no_list_from_being_read() {
        let deep = |levels: usize| format!("{}{{}}{}", r#"{"f:x":"#.repeat(levels), "}".repeat(levels));
        for levels in [1, 300, 100_000] {
            let one = format!(
                r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"managedFields": [{{"fieldsV1": {}}}], "name": "a",
                "namespace": "ml", "uid": "u", "resourceVersion": "7"}}, "data": {{"b": "c"}}}}"#,
                deep(levels)
            );
            let list: ObjectList<Named<ConfigMap>> =
                serde_json::from_str(&format!(r#"{{"metadata": {{}}, "items": [{one}]}}"#)).unwrap();
            let event: WatchEvent<Named<ConfigMap>> =
                serde_json::from_str(&format!(r#"{{"type": "ADDED", "object": {one}}}"#)).unwrap();
            let WatchEvent::Added(event) = event else { panic!("{event:?}") };
            for Named { metadata, .. } in list.items.into_iter().chain([event]) {
                let names = [metadata.namespace, metadata.name, metadata.uid, metadata.resource_version];
                assert_eq!(names.map(Option::unwrap_or_default), ["ml", "a", "u", "7"], "{levels}");
            }
        }
    }
}
