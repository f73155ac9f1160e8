//! Objects in the cache: compressed, with an index of what is asked of all of them.

use super::{
    at_rest::AtRest,
    compression::{Compressed, Compressor},
    kind_of,
};
use crate::{
    ctx::Ctx,
    monitoring::object_state::ObjectState,
    object::{CustomResource, Object, ObjectKey, Outline, Reference, hash},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::reflector::Lookup;
use serde::de::{DeserializeOwned, Error as _};
use std::{
    borrow::Cow,
    marker::PhantomData,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What all whole objects of a kind may take in the cache, in compressed bytes. Of others only what related objects ask
/// for is kept, and they are read when they are reconciled (test `all_together_have_a_bound_and_room_comes_back`).
pub(crate) const ALL_WHOLE: usize = 12 << 20;
/// What the objects of a kind share in the cache: the compressor, whose dictionary is one of them, and the room.
#[derive(Default)]
pub(crate) struct Storage {
    pub(super) compressor: Compressor,
    /// Compressed bytes of the whole ones.
    pub(super) taken: Arc<AtomicUsize>,
}

/// The room that a whole object takes, until it goes.
pub(super) struct Reservation {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An object in the cache.
pub struct CachedObject<S> {
    pub(super) key: ObjectKey,
    pub(super) uid: Arc<str>,
    pub(super) text: Compressed,
    /// None of an object that is slim.
    pub(super) reservation: Option<Arc<Reservation>>,
    /// It is larger than what the cache keeps whole.
    pub(super) large: bool,
    pub(super) index: Index,
    /// What it was at rest with, as it is here.
    pub(super) rest: Mutex<Option<AtRest>>,
    pub(super) type_: PhantomData<fn() -> S>,
}

/// What watches, metrics and related objects ask of all objects, without unpacking them.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) summary: Summary,
    /// The subnet that has to be ready first; none once it had settled.
    pub(super) waits_for: Option<Box<ObjectKey>>,
    pub(super) references: Arc<[Reference]>,
    pub(super) outline: Outline,
    pub(super) desired_hash: u64,
    pub(super) state: ObjectState,
}

/// What decides how urgent a reconcile of an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// `metadata.generation`.
    pub generation: i64,
    /// A person asked for its deletion.
    pub deleting: bool,
    /// This generation had settled before.
    pub had_settled: bool,
    /// A person asks for a look by annotation.
    pub asked: bool,
    /// A generation had settled before.
    pub stands: bool,
    /// Something of it may exist.
    pub begun: bool,
    /// The lower the older: below 2^61.
    pub age: u64,
}

impl Summary {
    /// Of an object.
    pub fn of<S: Object>(cr: &S) -> Self {
        Self {
            generation: cr.generation(),
            deleting: cr.deleting(),
            had_settled: cr.had_settled(),
            asked: cr.asked(),
            stands: cr.settled_generation().is_some(),
            begun: !cr.recorded().is_empty(),
            age: age(cr.meta()),
        }
    }

    /// Of an object in the cache, among the others.
    pub(crate) fn of_cached<S>(ctx: &Ctx, kept: &CachedObject<S>) -> Self {
        kept.index.summary.waiting_for(ctx, kept.index.waits_for.as_deref())
    }

    /// Of an object, among the others.
    pub(crate) fn within<S: Object>(ctx: &Ctx, cr: &S) -> Self {
        Self::of(cr).waiting_for(ctx, cr.waits_for().as_ref())
    }

    /// What waits for a subnet has begun once that is ready, whatever was made of it before: until then all it does is look, and
    /// those that it waits for come first.
    fn waiting_for(self, ctx: &Ctx, subnet: Option<&ObjectKey>) -> Self {
        let Some(subnet) = subnet else { return self };
        let begun = ctx.stores.delegated_subnet(subnet).is_some_and(|subnet| subnet.state().is_ready());
        Self { begun, ..self }
    }

    /// Of equally urgent objects of a namespace the one with the lowest goes first; below 2^63. Deployments that have begun
    /// finish what their subnets began; those that have not wait for them.
    pub(crate) fn order(self, resource: CustomResource) -> u64 {
        let place = match (resource, self.begun) {
            (CustomResource::AciVnetDeployment, true) => 0,
            (CustomResource::DelegatedSubnet, _) => 1,
            (CustomResource::AciVnetDeployment, false) => 2,
        };
        place << 61 | self.age
    }
}

/// Those of one second are in an order of their own, which is the same in every queue and after a restart.
fn age(meta: &ObjectMeta) -> u64 {
    let created = meta.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second());
    let second = u64::try_from(created).unwrap_or_default() & ((1 << 33) - 1);
    second << 28 | hash(&meta.name) >> 36
}

impl Storage {
    /// Room for a whole object, if there is any.
    pub(super) fn reservation(&self, bytes: usize) -> Option<Arc<Reservation>> {
        if self.taken.load(Ordering::Relaxed) + bytes > ALL_WHOLE {
            return None;
        }
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        Some(Arc::new(Reservation { taken: Arc::clone(&self.taken), bytes }))
    }
}

impl<S: Object> CachedObject<S> {
    /// The object, slim if it [is not whole](Self::is_whole).
    ///
    /// # Errors
    /// It can't be read, nor could it be when it was packed.
    pub fn unpack(&self) -> Result<S, kube::Error> {
        self.unpack_as()
    }

    /// The same in another form.
    ///
    /// # Errors
    /// It can't be read in that form.
    pub(crate) fn unpack_as<T: DeserializeOwned>(&self) -> Result<T, kube::Error> {
        let text = self.text.unpack().map_err(|error| kube::Error::SerdeError(serde_json::Error::custom(error)))?;
        serde_json::from_slice(&text).map_err(kube::Error::SerdeError)
    }
}

impl<S> CachedObject<S> {
    /// Whether a reconcile finds in it what it needs. Of others the object has to be read.
    pub(crate) fn is_whole(&self) -> bool {
        self.reservation.is_some()
    }

    /// Whether it is larger than what the cache keeps whole. Others found no room there at most.
    pub(crate) fn is_large(&self) -> bool {
        self.large
    }

    /// Which one it is.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// `metadata.uid`.
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    /// What metrics tell of it.
    pub(crate) fn state(&self) -> ObjectState {
        self.index.state
    }

    /// What it refers to.
    pub(crate) fn references(&self) -> &Arc<[Reference]> {
        &self.index.references
    }

    /// What related objects see of it.
    pub(crate) fn outline(&self) -> Outline {
        self.index.outline
    }

    /// Remembers what it was at rest with, until it changes.
    pub(crate) fn rest(&self, rest: AtRest) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
    }

    /// What it was at rest with, which is forgotten.
    pub(crate) fn take_rest(&self) -> Option<AtRest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Changes with spec, annotations and deletion, which moves the generation; not with the status, which is ours.
    pub(crate) fn desired_hash(&self) -> u64 {
        self.index.desired_hash
    }
}

impl<S> Clone for CachedObject<S> {
    fn clone(&self) -> Self {
        let (key, uid, text, index) = (self.key.clone(), self.uid.clone(), self.text.clone(), self.index.clone());
        let reservation = self.reservation.clone();
        Self { key, uid, text, reservation, large: self.large, index, rest: Mutex::default(), type_: PhantomData }
    }
}

/// Version and uid are left out: the cache's keys would hold them a second time.
impl<S: Object> Lookup for CachedObject<S> {
    type DynamicType = ();

    kind_of!(S);

    fn name(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.key.name))
    }

    fn namespace(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.key.namespace))
    }

    fn resource_version(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn uid(&self) -> Option<Cow<'_, str>> {
        None
    }
}
