//! Objects on their way from a watch to the cache.

use super::{
    cached_object::{CachedObject, Index, Storage, Summary},
    kind_of,
    named::Named,
};
use crate::{
    monitoring::object_state::ObjectState,
    object::{Object, ObjectKey, Outline, finalizer, hash},
};
use acivnet_api::FINALIZER;
use acivnet_core::{describe::size::LARGEST_SPEC, names::Names};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt, marker::PhantomData, sync::Mutex};

/// Largest object that the cache keeps whole, in bytes of its JSON: the largest spec that is accepted, and as much of
/// status.
pub(crate) const WHOLE: usize = 2 * LARGEST_SPEC;
/// Longest value of an annotation of ours, in bytes: a time, or the hash of a plan.
pub(crate) const LONGEST_ANNOTATION: usize = 256;
/// Beginning of the annotations that are ours.
const OURS: &str = "acivnet.dev/";

/// An object on its way from a watch to the cache, without what is never looked at. As JSON it takes a quarter of what it
/// takes as a value.
pub struct Packed<S> {
    /// Name, namespace, uid and resourceVersion only.
    meta: ObjectMeta,
    json: Vec<u8>,
    /// Nothing of it was taken off for its size.
    whole: bool,
    index: Index,
    type_: PhantomData<fn() -> S>,
}

impl<S: Object> Packed<S> {
    /// Packs an object.
    ///
    /// # Errors
    /// It can't be written as JSON; objects of an API always can.
    pub fn of(mut object: S) -> Result<Self, serde_json::Error> {
        strip(&mut object);
        let mut references = object.references();
        if object.finalizers().iter().any(|one| one == FINALIZER) {
            references.push(finalizer(object.meta().namespace()));
        }
        let meta = object.meta();
        let desired_hash = hash(&(&meta.uid, &meta.generation, &meta.annotations));
        let (summary, state) = (Summary::of(&object), ObjectState::of(&object));
        let waits_for = object.waits_for().filter(|_| !summary.had_settled).map(Box::new);
        let outline = object.outline();
        let index = Index { summary, waits_for, references: references.into(), outline, desired_hash, state };
        let mut json = serde_json::to_vec(&object)?;
        let whole = json.len() <= WHOLE;
        if !whole {
            slim(&mut object);
            json = serde_json::to_vec(&object)?;
        }
        let meta = object.meta();
        Ok(Self {
            json,
            whole,
            index,
            meta: ObjectMeta {
                name: meta.name.clone(),
                namespace: meta.namespace.clone(),
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
                ..ObjectMeta::default()
            },
            type_: PhantomData,
        })
    }

    /// The form for the cache.
    pub(crate) fn cached(&self, storage: &Storage) -> CachedObject<S> {
        let (namespace, name, uid) = (self.meta.namespace(), self.meta.name(), self.meta.uid());
        let mut text = storage.compressor.pack(&self.json);
        let reservation = self.whole.then(|| storage.reservation(text.length())).flatten();
        if self.whole
            && reservation.is_none()
            && let Some(slim) = self.slim()
        {
            text = storage.compressor.pack(&slim);
        }
        CachedObject {
            key: ObjectKey::new::<S>(namespace, name),
            uid: uid.into(),
            text,
            reservation,
            large: !self.whole,
            index: self.index.clone(),
            rest: Mutex::default(),
            type_: PhantomData,
        }
    }
}

impl<S: Object> Packed<S> {
    /// What stands for an object that can't be read: one that is nested deeper than JSON is read here, such as
    /// `jsonContains.value` of some hundred levels, which a schema can't bound. A list or watch with it is read all the
    /// same.
    fn unreadable(text: &str, error: &serde_json::Error) -> Result<Self, serde_json::Error> {
        let Named { metadata: meta, .. } = serde_json::from_str::<Named<S>>(text)?;
        let (namespace, name) = (meta.namespace(), meta.name());
        tracing::error!(kind = %S::kind(&()), namespace, name, %error, "an object can't be read and is left as it is");
        let held = meta.finalizers.iter().flatten().any(|one| one == FINALIZER).then(|| finalizer(namespace));
        let summary = Summary::default();
        let desired_hash = hash(&(&meta.uid, &meta.resource_version));
        let index = Index {
            summary,
            waits_for: None,
            references: held.into_iter().collect(),
            outline: Outline::default(),
            desired_hash,
            state: ObjectState::default(),
        };
        Ok(Self { meta, json: Vec::new(), whole: true, index, type_: PhantomData })
    }

    /// The JSON of the slim object; none if it can't be read, which what was packed always can.
    fn slim(&self) -> Option<Vec<u8>> {
        let mut object: S = serde_json::from_slice(&self.json).ok()?;
        slim(&mut object);
        serde_json::to_vec(&object).ok()
    }
}

/// An object without what is never looked at: what others wrote on it has no bound of ours.
pub(crate) fn strip<S: Object>(object: &mut S) {
    let meta = object.meta_mut();
    (meta.managed_fields, meta.labels, meta.owner_references) = (None, None, None);
    let annotations = meta.annotations.take().into_iter().flatten().filter(|(name, _)| name.starts_with(OURS));
    let ours: BTreeMap<_, _> = annotations.map(|(name, value)| (name, cut(value))).collect();
    meta.annotations = (!ours.is_empty()).then_some(ours);
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_ANNOTATION));
    text
}

/// An object that is read before a reconcile: what others see of it stays.
fn slim<S: Object>(object: &mut S) {
    object.slim();
    object.finalizers_mut().retain(|one| one == FINALIZER);
}

impl<S> Clone for Packed<S> {
    fn clone(&self) -> Self {
        let (meta, json, index) = (self.meta.clone(), self.json.clone(), self.index.clone());
        Self { meta, json, whole: self.whole, index, type_: PhantomData }
    }
}

impl<S> fmt::Debug for Packed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("meta", &self.meta).field("bytes", &self.json.len()).finish_non_exhaustive()
    }
}

impl<'de, S: Object> Deserialize<'de> for Packed<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let read = serde_json::from_str(text.get()).and_then(Self::of);
        read.or_else(|error| Self::unreadable(text.get(), &error)).map_err(de::Error::custom)
    }
}

impl<S: Object> Resource for Packed<S> {
    type DynamicType = ();
    type Scope = S::Scope;

    kind_of!(S);

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests {
    use super::{super::cached_object::ALL_WHOLE, *};
    use acivnet_api::AciVnetDeployment;
    use serde_json::{Value, json};
    use std::sync::atomic::Ordering;

    /// Text that does not compress, another one for each number.
    fn noise(seed: usize, bytes: usize) -> String {
        let random = acivnet_azure::SplitMix::new(seed as u64 + 1);
        let word = |_| format!("{:016x}", acivnet_azure::Random::next(&random));
        (0..bytes / 16).map(word).collect()
    }

    fn deployment(at: usize, variables: usize, annotation: usize) -> AciVnetDeployment {
        let key = |name: &str, key: &str| json!({"configMap": {"name": name, "key": key}});
        let variable = |v: usize| json!({"name": format!("V{v}"), "value": noise(at * 1000 + v, 4000)});
        let object: Value = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "AciVnetDeployment",
            "metadata": {"name": format!("m{at}"), "namespace": "ml", "uid": at.to_string(), "resourceVersion": "1",
                "finalizers": [FINALIZER, noise(at, 64)], "labels": {"l": noise(at, 60)},
                "annotations": {"x": noise(at, annotation), "acivnet.dev/reconcile-requested-at": noise(at, annotation)}},
            "spec": {"backend": {"type": "AzureMLWebService"}, "network": {"subnetRef": {"name": "none"}}, "workspace": {"name": "aml"},
                "model": {"name": "m", "source": key("files", "model.pkl")},
                "scoring": {"script": key("files", "score.py"), "environmentVariables": (0..variables).map(variable).collect::<Vec<_>>()},
                "environment": {"name": "e", "conda": key("files", "env.yml")}, "resources": {"cpu": "1", "memory": "1G"}}});
        serde_json::from_value(object).unwrap()
    }

    fn kept(storage: &Storage, object: AciVnetDeployment) -> CachedObject<AciVnetDeployment> {
        Packed::of(object).unwrap().cached(storage)
    }

    #[test]
    fn of_what_is_too_large_others_still_see_what_they_look_at() {
        let storage = Storage::default();
        let all: Vec<_> = (0..160).map(|at| kept(&storage, deployment(at, 100, 200_000))).collect();
        let bytes: usize = all.iter().map(|one| one.text.length()).sum();
        assert!(bytes < 160 * 2048, "{bytes} bytes of 160 objects");
        let (whole, slim) = (deployment(7, 100, 0), all[7].unpack().unwrap());
        assert!(!all[7].is_whole() && all[7].is_large());
        assert_eq!(slim.metadata.finalizers, Some(vec![FINALIZER.to_owned()]));
        assert_eq!(acivnet_core::describe::SubnetUser::of(&slim), acivnet_core::describe::SubnetUser::of(&whole));
        assert_eq!(slim.references(), whole.references());
    }

    #[test]
    fn all_together_have_a_bound_and_room_comes_back() {
        let storage = Storage::default();
        let mut all: Vec<_> = (0..600).map(|at| kept(&storage, deployment(at, 15, 0))).collect();
        let whole = all.iter().filter(|one| one.is_whole()).count();
        let bytes: usize = all.iter().map(|one| one.text.length()).sum();
        assert!((100..600).contains(&whole) && bytes <= ALL_WHOLE + 600 * 2048, "{whole} whole ones, {bytes} bytes");
        assert!(all.iter().all(|one| !one.is_large()), "who finds no room waits for no large ones");
        let first = all.first().unwrap();
        assert_eq!(first.unpack().unwrap().spec, deployment(0, 15, 0).spec, "a whole one is as it was");
        all.clear();
        assert_eq!(storage.taken.load(Ordering::Relaxed), 0);
        assert!(kept(&storage, deployment(0, 15, 0)).is_whole());
    }

    #[test]
    fn one_that_cannot_be_read_keeps_no_other_from_being_read() {
        let deep = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        let with = |value: &str| {
            let mut one = serde_json::to_value(deployment(1, 1, 0)).unwrap();
            let request = json!({"configMap": {"name": "files", "key": "sample.json"}});
            one["spec"]["probe"] = json!({"request": request, "expect": {"jsonContains": {"value": "VALUE"}}});
            one.to_string().replace("\"VALUE\"", value)
        };
        let list = |value: &str| format!(r#"{{"metadata": {{}}, "items": [{}, {}]}}"#, with(value), with("1"));
        for levels in [100, 130, 1_000, 100_000] {
            let event = format!(r#"{{"type": "ADDED", "object": {}}}"#, with(&deep(levels)));
            let event: kube::core::WatchEvent<Packed<AciVnetDeployment>> = serde_json::from_str(&event).unwrap();
            assert!(matches!(event, kube::core::WatchEvent::Added(_)));
            let listed: kube::core::ObjectList<Packed<AciVnetDeployment>> =
                serde_json::from_str(&list(&deep(levels))).unwrap();
            let kept: Vec<_> = listed.items.iter().map(|one| one.cached(&Storage::default())).collect();
            assert_eq!((kept[0].unpack().is_ok(), kept[1].unpack().is_ok()), (levels == 100, true), "{levels}");
            assert_eq!((&*kept[0].key().namespace, &*kept[0].key().name, kept[0].uid()), ("ml", "m1", "1"));
            assert!(kept[0].references().contains(&finalizer("ml")), "its credentials stay");
        }
    }

    #[test]
    fn annotations_of_others_are_neither_kept_nor_a_wish() {
        let one = kept(&Storage::default(), deployment(1, 1, 200_000));
        let mut annotated = deployment(1, 1, 200_000);
        annotated.annotations_mut().insert("theirs".into(), "1".into());
        let other = kept(&Storage::default(), annotated.clone());
        assert!(one.is_whole() && one.desired_hash() == other.desired_hash());
        let annotations = one.unpack().unwrap().metadata.annotations.unwrap();
        let longest = annotations.values().map(String::len).max();
        assert_eq!((annotations.len(), longest), (1, Some(LONGEST_ANNOTATION)));
        annotated.annotations_mut().insert("acivnet.dev/approve-plan".into(), "h".into());
        assert_ne!(one.desired_hash(), kept(&Storage::default(), annotated).desired_hash());
    }
}
