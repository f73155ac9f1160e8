//! What is remembered of each object between two reconciles, by uid. Losing it costs early retries, a few reads, one more
//! sample request or one more refusal; never a wrong write.

pub(crate) mod attempts;
pub(crate) mod operations;
pub(crate) mod passed_probe;
pub(crate) mod refused_writes;
pub(crate) mod repeated_writes;
pub(crate) mod status_backoff;

use acivnet_core::{
    durations::{Durations, Sort},
    names::Names,
};
use attempts::Attempts;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use operations::Operations;
use passed_probe::PassedProbe;
use refused_writes::RefusedWrites;
use repeated_writes::RepeatedWrites;
use status_backoff::StatusBackoff;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// All objects of which anything is remembered, behind one lock. It is never held while something is waited for.
#[derive(Default)]
pub struct PerObject(Mutex<State>);

#[derive(Default)]
struct State {
    /// By uid. One of which nothing is remembered has no entry.
    objects: BTreeMap<String, Box<Entry>>,
    learned: Learned,
}

/// From the operations of all objects.
#[derive(Default)]
struct Learned {
    durations: Durations,
    /// How many were begun of each sort of which no end is known.
    begun: BTreeMap<Sort, u32>,
}

impl Learned {
    /// One begins. How many of its sort have begun before, while no end of one is known.
    fn began(&mut self, sort: Sort) -> u32 {
        if self.durations.knows(sort) {
            self.begun.remove(&sort);
            return 0;
        }
        let begun = self.begun.entry(sort).or_default();
        *begun = begun.wrapping_add(1);
        begun.wrapping_sub(1)
    }
}

/// One object. Each field is forgotten by itself, and all of them when the object is gone.
#[derive(Default, PartialEq)]
pub(crate) struct Entry {
    /// Until a reconcile has nothing left to do.
    pub(crate) attempts: Attempts,
    /// Until a reconcile finds that everything settled.
    pub(crate) repeated_writes: RepeatedWrites,
    /// Until a reconcile finds that everything settled, or the spec changes.
    pub(crate) refused_writes: RefusedWrites,
    /// Until a reconcile has nothing to retry.
    pub(crate) status_backoff: StatusBackoff,
    /// Each until a read shows that it has ended.
    pub(crate) operations: Operations,
    /// Until a probe fails.
    pub(crate) passed_probe: Option<PassedProbe>,
    /// When the certificate of `spec.tls` ends, as the last reconcile read it.
    pub(crate) certificate_end: Option<Timestamp>,
}

impl PerObject {
    /// What `look` finds in what is remembered of an object.
    pub(crate) fn read<T>(&self, uid: &str, look: impl FnOnce(&Entry) -> T) -> T {
        match self.lock().objects.get(uid) {
            Some(entry) => look(entry),
            None => look(&Entry::default()),
        }
    }

    /// Changes what is remembered of an object.
    pub(crate) fn update<T>(&self, uid: &str, change: impl FnOnce(&mut Entry) -> T) -> T {
        self.update_and_learn(uid, |entry, _| change(entry))
    }

    fn update_and_learn<T>(&self, uid: &str, change: impl FnOnce(&mut Entry, &mut Learned) -> T) -> T {
        let mut state = self.lock();
        let known = state.objects.remove_entry(uid);
        let (uid, mut entry) = known.unwrap_or_else(|| (uid.to_owned(), Box::default()));
        let changed = change(&mut entry, &mut state.learned);
        if *entry != Entry::default() {
            state.objects.insert(uid, entry);
        }
        changed
    }

    /// Everything of an object is as it should be until the next sweep.
    pub(crate) fn settled(&self, uid: &str) {
        self.update(uid, |entry| {
            entry.attempts = Attempts::default();
            entry.repeated_writes = RepeatedWrites::default();
            entry.refused_writes = RefusedWrites::default();
        });
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.lock().objects.remove(uid);
    }

    /// Whether something is being tried: false once a reconcile had nothing left to do.
    pub fn tries(&self, meta: &ObjectMeta) -> bool {
        self.read(meta.uid(), |entry| entry.attempts != Attempts::default())
    }

    /// When the first of all certificates ends.
    pub(crate) fn earliest_certificate_end(&self) -> Option<Timestamp> {
        self.lock().objects.values().filter_map(|entry| entry.certificate_end).min()
    }

    /// How long operations took, for one who begins after us.
    pub fn durations(&self) -> String {
        self.lock().learned.durations.to_text()
    }

    /// Knows how long operations took before we began; a text that says nothing is passed over.
    pub fn know_durations(&self, text: &str) {
        self.lock().learned.durations = Durations::from_text(text);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_core::retry::Retry;

    fn meta(uid: &str) -> ObjectMeta {
        ObjectMeta { uid: Some(uid.into()), generation: Some(1), ..ObjectMeta::default() }
    }

    fn attempt(all: &PerObject, uid: &str) -> u32 {
        let now = Timestamp::UNIX_EPOCH;
        all.update(uid, |entry| entry.attempts.attempt(&meta(uid), Retry::Soon, false, false, now))
    }

    #[test]
    fn what_settled_keeps_its_certificate_and_forgets_its_attempts() {
        let all = PerObject::default();
        all.update("u", |entry| entry.certificate_end = Some(Timestamp::UNIX_EPOCH));
        assert_eq!([attempt(&all, "u"), attempt(&all, "u")], [0, 1]);
        assert!(all.tries(&meta("u")) && !all.tries(&meta("v")));
        all.settled("u");
        assert!(!all.tries(&meta("u")));
        assert_eq!(all.earliest_certificate_end(), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(attempt(&all, "u"), 0);
    }

    #[test]
    fn an_object_of_which_nothing_is_remembered_takes_no_memory() {
        let all = PerObject::default();
        attempt(&all, "u");
        attempt(&all, "v");
        all.settled("u");
        assert_eq!(all.lock().objects.keys().collect::<Vec<_>>(), ["v"]);
        all.forget("v");
        assert!(all.lock().objects.is_empty());
    }
}
