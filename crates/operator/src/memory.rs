//! What is remembered of each object between two passes. Losing it costs a few early retries.

use crate::packed::Standing;
use acivnet_azure::Priority;
use acivnet_core::{names::Names, retry::Retry};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{
    collections::BTreeMap,
    mem::{Discriminant, discriminant},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Attempts by uid.
#[derive(Default)]
pub struct Memory(Mutex<BTreeMap<String, Attempts>>);

struct Attempts {
    class: Discriminant<Retry>,
    generation: i64,
    deleting: bool,
    count: u32,
    /// When work towards this generation began.
    since: Timestamp,
    /// How urgent the next one is.
    priority: Priority,
}

impl Memory {
    /// Which attempt this is: 0 for the first of its class and generation, and after progress. `runs` tells whether it is
    /// to look at something that runs in Azure.
    pub fn attempt(&self, meta: &ObjectMeta, retry: Retry, progress: bool, runs: bool, now: Timestamp) -> u32 {
        let (class, generation) = (discriminant(&retry), meta.generation.unwrap_or_default());
        let mut all = self.lock();
        let next = match all.get(meta.uid()) {
            Some(last) if last.class == class && last.generation == generation && !progress => {
                last.count.saturating_add(1)
            }
            _ => 0,
        };
        let same = all.get(meta.uid()).filter(|last| last.generation == generation);
        let since = same.map_or(now, |last| last.since);
        let going = runs || matches!(retry, Retry::Soon | Retry::Steadily);
        let priority = if going { Priority::Operation } else { Priority::Retry };
        let deleting = meta.deletion_timestamp.is_some();
        all.insert(meta.uid().to_owned(), Attempts { class, generation, deleting, count: next, since, priority });
        next
    }

    /// Since when a generation is worked towards; none when nothing was left to do after its first pass.
    pub(crate) fn since(&self, uid: &str, generation: i64) -> Option<Timestamp> {
        self.lock().get(uid).filter(|last| last.generation == generation).map(|last| last.since)
    }

    /// Whether something is being tried: false once a pass had nothing left to do.
    pub fn tries(&self, meta: &ObjectMeta) -> bool {
        self.lock().contains_key(meta.uid())
    }

    /// How urgent a pass is. What was never looked at as it is now, and had not settled so before, a person changed.
    pub fn priority(&self, uid: &str, standing: Standing) -> Priority {
        let same = |last: &&Attempts| last.generation == standing.generation && last.deleting == standing.deleting;
        if standing.asked {
            return Priority::Change;
        }
        match self.lock().get(uid).filter(same) {
            Some(last) => last.priority,
            None if standing.had_settled && !standing.deleting => Priority::Sweep,
            None => Priority::Change,
        }
    }

    /// Nothing is being tried any more.
    pub fn forget(&self, meta: &ObjectMeta) {
        self.lock().remove(meta.uid());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Attempts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn counts_until_something_changes() {
        let memory = Memory::default();
        let object =
            |generation| ObjectMeta { uid: Some("u".into()), generation: Some(generation), ..ObjectMeta::default() };
        let counts: Vec<u32> = [
            memory.attempt(&object(1), Retry::Soon, false, false, at(1)),
            memory.attempt(&object(1), Retry::Soon, false, false, at(1)),
            memory.attempt(&object(1), Retry::Soon, true, false, at(1)),
            memory.attempt(&object(1), Retry::Soon, false, false, at(1)),
            memory.attempt(&object(2), Retry::Soon, false, false, at(1)),
            memory.attempt(&object(2), Retry::Backoff, false, false, at(1)),
        ]
        .into();
        assert_eq!(counts, [0, 1, 0, 1, 0, 0]);
        assert!(memory.tries(&object(2)));
        memory.forget(&object(2));
        assert!(!memory.tries(&object(2)));
        assert_eq!(memory.attempt(&object(2), Retry::Backoff, false, false, at(1)), 0);
    }

    #[test]
    fn knows_since_when_a_generation_is_worked_towards() {
        let memory = Memory::default();
        let meta =
            |generation| ObjectMeta { uid: Some("u".into()), generation: Some(generation), ..ObjectMeta::default() };
        for (generation, retry, second) in [(1, Retry::Soon, 10), (1, Retry::Backoff, 20), (2, Retry::Soon, 30)] {
            memory.attempt(&meta(generation), retry, true, false, at(second));
        }
        assert_eq!((memory.since("u", 1), memory.since("u", 2)), (None, Some(at(30))));
        memory.attempt(&meta(2), Retry::Steadily, false, false, at(40));
        assert_eq!(memory.since("u", 2), Some(at(30)));
    }

    #[test]
    fn what_a_person_changed_comes_first() {
        let memory = Memory::default();
        let stands = |generation, had_settled, deleting, asked| Standing { generation, deleting, had_settled, asked };
        let priority = |standing| memory.priority("u", standing);
        assert_eq!(priority(stands(1, true, false, false)), Priority::Sweep);
        assert_eq!(priority(stands(1, true, false, true)), Priority::Change);
        assert_eq!(priority(stands(2, false, false, false)), Priority::Change);
        let meta = ObjectMeta { uid: Some("u".into()), generation: Some(2), ..ObjectMeta::default() };
        memory.attempt(&meta, Retry::Soon, false, true, at(1));
        assert_eq!(priority(stands(2, false, false, false)), Priority::Operation);
        memory.attempt(&meta, Retry::Backoff, false, false, at(1));
        assert_eq!(priority(stands(2, false, false, false)), Priority::Retry);
        assert_eq!(priority(stands(2, false, true, false)), Priority::Change);
        assert_eq!(priority(stands(3, false, false, false)), Priority::Change);
    }
}
