//! Objects as the caches keep them: as JSON, and of that what differs from another object of the kind.

use crate::{
    alike::{Alike, Compact},
    object::{Object, finalizer},
    queue::Who,
};
use acivnet_api::FINALIZER;
use acivnet_core::subject::{Subject, names};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt, runtime::reflector::Lookup};
use serde::{Deserialize, Deserializer, de};
use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

/// An object on its way from a watch to the cache, without what is never looked at. As JSON it takes a quarter of what it
/// takes as a value.
pub struct Packed<S> {
    /// Name, namespace, uid and resourceVersion only.
    meta: ObjectMeta,
    json: Vec<u8>,
    facts: Facts,
    type_: PhantomData<fn() -> S>,
}

/// An object in the cache.
pub struct Kept<S> {
    who: Who,
    uid: Arc<str>,
    text: Compact,
    facts: Facts,
    type_: PhantomData<fn() -> S>,
}

/// What is asked of all objects without unpacking them.
#[derive(Clone, Debug)]
struct Facts {
    standing: Standing,
    mentions: Arc<[Mention]>,
    wish: u64,
}

/// How an object stands, by what its status says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `metadata.generation`.
    pub generation: i64,
    /// A person asked for its deletion.
    pub deleting: bool,
    /// This generation had settled before.
    pub had_settled: bool,
    /// A person asks for a look by annotation.
    pub asked: bool,
}

/// What an object refers to, as a hash: equal ones have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention(u64);

impl Standing {
    /// Of an object.
    pub fn of<S: Subject>(cr: &S) -> Self {
        Self { generation: cr.generation(), deleting: cr.deleting(), had_settled: cr.had_settled(), asked: cr.asked() }
    }
}

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
        let wish = hash(&(&meta.uid, &meta.generation, &meta.annotations));
        Ok(Self {
            json: serde_json::to_vec(&object)?,
            facts: Facts { standing: Standing::of(&object), mentions: mentions.into(), wish },
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
    pub(crate) fn keep(&self, alike: &Alike) -> Kept<S> {
        let (namespace, name, uid) = names(&self.meta);
        Kept {
            who: Who::new::<S>(namespace, name),
            uid: uid.into(),
            text: alike.pack(&self.json),
            facts: self.facts.clone(),
            type_: PhantomData,
        }
    }
}

impl<S: Object> Kept<S> {
    /// The object.
    ///
    /// # Errors
    /// It can't be read, which what was packed always can.
    pub fn unpack(&self) -> Result<S, kube::Error> {
        let text = self.text.unpack().map_err(|error| kube::Error::SerdeError(de::Error::custom(error)))?;
        serde_json::from_slice(&text).map_err(kube::Error::SerdeError)
    }
}

impl<S> Kept<S> {
    /// Which one it is.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// `metadata.uid`.
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.facts.standing
    }

    /// Whether it refers to something.
    pub(crate) fn mentions(&self, what: Mention) -> bool {
        self.facts.mentions.contains(&what)
    }

    /// Changes with spec, annotations and deletion, which moves the generation; not with the status, which is ours.
    pub(crate) fn wish(&self) -> u64 {
        self.facts.wish
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl<S> Clone for Packed<S> {
    fn clone(&self) -> Self {
        Self { meta: self.meta.clone(), json: self.json.clone(), facts: self.facts.clone(), type_: PhantomData }
    }
}

impl<S> Clone for Kept<S> {
    fn clone(&self) -> Self {
        let (who, uid, text, facts) = (self.who.clone(), self.uid.clone(), self.text.clone(), self.facts.clone());
        Self { who, uid, text, facts, type_: PhantomData }
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
        <S as Resource>::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        <S as Resource>::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        <S as Resource>::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        <S as Resource>::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

/// Version and uid are left out: the cache's keys would hold them a second time.
impl<S: Object> Lookup for Kept<S> {
    type DynamicType = ();

    fn kind(_: &()) -> Cow<'_, str> {
        <S as Resource>::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        <S as Resource>::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        <S as Resource>::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        <S as Resource>::plural(&())
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.who.name))
    }

    fn namespace(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.who.namespace))
    }

    fn resource_version(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn uid(&self) -> Option<Cow<'_, str>> {
        None
    }
}
