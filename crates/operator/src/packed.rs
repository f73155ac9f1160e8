//! Objects as the caches keep them: as JSON, and of that what differs from another object of the kind.

use crate::{
    alike::{Alike, Compact},
    named::Named,
    object::{Object, finalizer},
    queue::Who,
    shown::Shown,
};
use acivnet_api::FINALIZER;
use acivnet_core::{
    describe::size::{LARGEST_SPEC, json_length},
    names::Names,
    subject::Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt, runtime::reflector::Lookup};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Largest object that the cache keeps whole, in bytes of its JSON: a spec as large as is taken, and as much of status.
pub(crate) const WHOLE: usize = 2 * LARGEST_SPEC;
/// What all whole objects of a kind may take in the cache, in bytes. Those beyond are read when they have a pass.
pub(crate) const ALL_WHOLE: usize = 12 << 20;
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
    facts: Facts,
    type_: PhantomData<fn() -> S>,
}

/// Where the objects of a kind are kept.
#[derive(Default)]
pub(crate) struct Shelf {
    alike: Alike,
    /// Bytes of the whole ones.
    taken: Arc<AtomicUsize>,
}

/// What a whole object takes of what all may take, until it goes.
struct Share {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An object in the cache.
pub struct Kept<S> {
    who: Who,
    uid: Arc<str>,
    text: Compact,
    /// None of an object that is slim.
    share: Option<Arc<Share>>,
    /// It is larger than what the cache keeps whole.
    large: bool,
    facts: Facts,
    type_: PhantomData<fn() -> S>,
}

/// What is asked of all objects without unpacking them.
#[derive(Clone, Debug)]
struct Facts {
    standing: Standing,
    mentions: Arc<[Mention]>,
    wish: u64,
    shown: Shown,
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
        bare(&mut object);
        let mut mentions = object.mentions();
        if object.finalizers().iter().any(|one| one == FINALIZER) {
            mentions.push(finalizer(object.meta().namespace()));
        }
        let meta = object.meta();
        let wish = hash(&(&meta.uid, &meta.generation, &meta.annotations));
        let (standing, shown) = (Standing::of(&object), Shown::of(&object));
        let facts = Facts { standing, mentions: mentions.into(), wish, shown };
        let whole = json_length(&object) <= WHOLE;
        if !whole {
            slim(&mut object);
        }
        let meta = object.meta();
        Ok(Self {
            json: serde_json::to_vec(&object)?,
            whole,
            facts,
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
    pub(crate) fn keep(&self, shelf: &Shelf) -> Kept<S> {
        let (namespace, name, uid) = (self.meta.namespace(), self.meta.name(), self.meta.uid());
        let mut text = shelf.alike.pack(&self.json);
        let share = self.whole.then(|| shelf.share(text.length())).flatten();
        if let (true, None, Some(slim)) = (self.whole, &share, self.slim()) {
            text = shelf.alike.pack(&slim);
        }
        Kept {
            who: Who::new::<S>(namespace, name),
            uid: uid.into(),
            text,
            share,
            large: !self.whole,
            facts: self.facts.clone(),
            type_: PhantomData,
        }
    }
}

impl<S: Object> Packed<S> {
    /// What stands for an object that can't be read: one that is nested deeper than JSON is read here, such as
    /// `jsonContains.value` of some hundred levels, which a schema can't bound. A list or watch with it is read all the same.
    fn unreadable(text: &str, error: &serde_json::Error) -> Result<Self, serde_json::Error> {
        let Named { metadata: meta, .. } = serde_json::from_str::<Named<S>>(text)?;
        let (namespace, name) = (meta.namespace(), meta.name());
        tracing::error!(kind = %S::kind(&()), namespace, name, %error, "an object can't be read and is left as it is");
        let held = meta.finalizers.iter().flatten().any(|one| one == FINALIZER).then(|| finalizer(namespace));
        let standing = Standing { generation: 0, deleting: false, had_settled: false, asked: false };
        let wish = hash(&(&meta.uid, &meta.resource_version));
        let facts = Facts { standing, mentions: held.into_iter().collect(), wish, shown: Shown::default() };
        Ok(Self { meta, json: Vec::new(), whole: true, facts, type_: PhantomData })
    }

    /// The JSON of the slim object; none if it can't be read, which what was packed always can.
    fn slim(&self) -> Option<Vec<u8>> {
        let mut object: S = serde_json::from_slice(&self.json).ok()?;
        slim(&mut object);
        serde_json::to_vec(&object).ok()
    }
}

/// An object without what is never looked at: what others wrote on it has no bound of ours.
pub(crate) fn bare<S: Object>(object: &mut S) {
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

/// An object that is read before a pass: what others see of it stays.
fn slim<S: Object>(object: &mut S) {
    object.slim();
    object.finalizers_mut().retain(|one| one == FINALIZER);
}

impl Shelf {
    /// Room for a whole object, if there is any.
    fn share(&self, bytes: usize) -> Option<Arc<Share>> {
        if self.taken.load(Ordering::Relaxed) + bytes > ALL_WHOLE {
            return None;
        }
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        Some(Arc::new(Share { taken: Arc::clone(&self.taken), bytes }))
    }
}

impl<S: Object> Kept<S> {
    /// The object, slim if it [is not whole](Self::is_whole).
    ///
    /// # Errors
    /// It can't be read, nor could it be when it was packed.
    pub fn unpack(&self) -> Result<S, kube::Error> {
        let text = self.text.unpack().map_err(|error| kube::Error::SerdeError(de::Error::custom(error)))?;
        serde_json::from_slice(&text).map_err(kube::Error::SerdeError)
    }
}

impl<S> Kept<S> {
    /// Whether a pass finds in it what it needs. Of others the object has to be read.
    pub(crate) fn is_whole(&self) -> bool {
        self.share.is_some()
    }

    /// Whether it is larger than what the cache keeps whole. Others found no room there at most.
    pub(crate) fn is_large(&self) -> bool {
        self.large
    }

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

    /// What metrics tell of it.
    pub(crate) fn shown(&self) -> Shown {
        self.facts.shown
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
        let (meta, json, facts) = (self.meta.clone(), self.json.clone(), self.facts.clone());
        Self { meta, json, whole: self.whole, facts, type_: PhantomData }
    }
}

impl<S> Clone for Kept<S> {
    fn clone(&self) -> Self {
        let (who, uid, text, facts) = (self.who.clone(), self.uid.clone(), self.text.clone(), self.facts.clone());
        Self { who, uid, text, share: self.share.clone(), large: self.large, facts, type_: PhantomData }
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

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_api::AciVnetDeployment;
    use serde_json::{Value, json};

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

    fn kept(shelf: &Shelf, object: AciVnetDeployment) -> Kept<AciVnetDeployment> {
        Packed::of(object).unwrap().keep(shelf)
    }

    #[test]
    fn of_what_is_too_large_others_still_see_what_they_look_at() {
        let shelf = Shelf::default();
        let all: Vec<_> = (0..160).map(|at| kept(&shelf, deployment(at, 100, 200_000))).collect();
        let bytes: usize = all.iter().map(|one| one.text.length()).sum();
        assert!(bytes < 160 * 2048, "{bytes} bytes of 160 objects");
        let (whole, slim) = (deployment(7, 100, 0), all[7].unpack().unwrap());
        assert!(!all[7].is_whole() && all[7].is_large());
        assert_eq!(slim.metadata.finalizers, Some(vec![FINALIZER.to_owned()]));
        assert_eq!(acivnet_core::describe::SubnetUser::of(&slim), acivnet_core::describe::SubnetUser::of(&whole));
        assert_eq!(slim.mentions(), whole.mentions());
    }

    #[test]
    fn all_together_have_a_bound_and_room_comes_back() {
        let shelf = Shelf::default();
        let mut all: Vec<_> = (0..600).map(|at| kept(&shelf, deployment(at, 15, 0))).collect();
        let whole = all.iter().filter(|one| one.is_whole()).count();
        let bytes: usize = all.iter().map(|one| one.text.length()).sum();
        assert!((100..600).contains(&whole) && bytes <= ALL_WHOLE + 600 * 2048, "{whole} whole ones, {bytes} bytes");
        assert!(all.iter().all(|one| !one.is_large()), "who finds no room waits for no large ones");
        let first = all.first().unwrap();
        assert_eq!(first.unpack().unwrap().spec, deployment(0, 15, 0).spec, "a whole one is as it was");
        all.clear();
        assert_eq!(shelf.taken.load(Ordering::Relaxed), 0);
        assert!(kept(&shelf, deployment(0, 15, 0)).is_whole());
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
            let kept: Vec<_> = listed.items.iter().map(|one| one.keep(&Shelf::default())).collect();
            assert_eq!((kept[0].unpack().is_ok(), kept[1].unpack().is_ok()), (levels == 100, true), "{levels}");
            assert_eq!((&*kept[0].who().namespace, &*kept[0].who().name, kept[0].uid()), ("ml", "m1", "1"));
            assert!(kept[0].mentions(finalizer("ml")), "its credentials stay");
        }
    }

    #[test]
    fn annotations_of_others_are_neither_kept_nor_a_wish() {
        let one = kept(&Shelf::default(), deployment(1, 1, 200_000));
        let mut annotated = deployment(1, 1, 200_000);
        annotated.annotations_mut().insert("theirs".into(), "1".into());
        let other = kept(&Shelf::default(), annotated.clone());
        assert!(one.is_whole() && one.wish() == other.wish());
        let annotations = one.unpack().unwrap().metadata.annotations.unwrap();
        let longest = annotations.values().map(String::len).max();
        assert_eq!((annotations.len(), longest), (1, Some(LONGEST_ANNOTATION)));
        annotated.annotations_mut().insert("acivnet.dev/approve-plan".into(), "h".into());
        assert_ne!(one.wish(), kept(&Shelf::default(), annotated).wish());
    }
}
