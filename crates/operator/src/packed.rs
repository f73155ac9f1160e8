//! Objects as the caches keep them: as JSON, which takes a quarter of what the same object takes as a value.

use crate::object::{Object, finalizer};
use acivnet_api::FINALIZER;
use acivnet_core::subject::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::{Deserialize, Deserializer, de};
use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

/// One object, without what is never looked at.
pub struct Packed<S> {
    /// Name, namespace, uid and resourceVersion only.
    meta: ObjectMeta,
    json: Arc<[u8]>,
    mentions: Arc<[Mention]>,
    wish: u64,
    type_: PhantomData<fn() -> S>,
}

/// What an object refers to, as a hash: equal ones have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention(u64);

impl Mention {
    /// Of a thing with a kind, and names that tell it apart.
    pub(crate) fn of(kind: &str, names: [&str; 2]) -> Self {
        Self(hash(&(kind, names)))
    }
}

impl<S: Object> Packed<S> {
    /// Packs an object.
    ///
    /// # Errors
    /// It can't be written as JSON; objects of an API always can.
    pub fn of(mut object: S) -> Result<Self, serde_json::Error> {
        let meta = object.meta_mut();
        (meta.managed_fields, meta.labels, meta.owner_references) = (None, None, None);
        object.annotations_mut().remove("kubectl.kubernetes.io/last-applied-configuration");
        let mut mentions = object.mentions();
        if object.finalizers().iter().any(|one| one == FINALIZER) {
            mentions.push(finalizer(names(object.meta()).0));
        }
        let meta = object.meta();
        Ok(Self {
            json: serde_json::to_vec(&object)?.into(),
            mentions: mentions.into(),
            wish: hash(&(meta.generation, &meta.annotations)),
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

    /// The object.
    ///
    /// # Errors
    /// It can't be read, which what was packed always can.
    pub fn unpack(&self) -> Result<S, kube::Error> {
        serde_json::from_slice(&self.json).map_err(kube::Error::SerdeError)
    }
}

impl<S> Packed<S> {
    /// Whether it refers to something.
    pub(crate) fn mentions(&self, what: Mention) -> bool {
        self.mentions.contains(&what)
    }

    /// Changes with spec, annotations and deletion, which moves the generation; not with the status, which is ours.
    pub(crate) fn wish(&self) -> u64 {
        self.wish
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl<S> Clone for Packed<S> {
    fn clone(&self) -> Self {
        let (json, mentions) = (Arc::clone(&self.json), Arc::clone(&self.mentions));
        Self { meta: self.meta.clone(), json, mentions, wish: self.wish, type_: PhantomData }
    }
}

impl<S> fmt::Debug for Packed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("meta", &self.meta).field("bytes", &self.json.len()).finish_non_exhaustive()
    }
}

impl<'de, S: Object> Deserialize<'de> for Packed<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(S::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<S: Object> Resource for Packed<S> {
    type DynamicType = ();
    type Scope = S::Scope;

    fn kind(_: &()) -> Cow<'_, str> {
        S::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        S::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        S::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        S::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
