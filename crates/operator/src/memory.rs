//! What is remembered of each object between two passes. Losing it costs a few early retries.

use crate::packed::Standing;
use acivnet_azure::Priority;
use acivnet_core::{retry::Retry, subject::names};
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
    /// How urgent the next one is.
    priority: Priority,
}

impl Memory {
    /// Which attempt this is: 0 for the first of its class and generation, and after progress. `runs` tells whether it is
    /// to look at something that runs in Azure.
    pub fn attempt(&self, meta: &ObjectMeta, retry: Retry, progress: bool, runs: bool) -> u32 {
        let (class, generation) = (discriminant(&retry), meta.generation.unwrap_or_default());
        let mut all = self.lock();
        let next = match all.get(names(meta).2) {
            Some(last) if last.class == class && last.generation == generation && !progress => {
                last.count.saturating_add(1)
            }
            _ => 0,
        };
        let going = runs || matches!(retry, Retry::Soon | Retry::Steadily);
        let priority = if going { Priority::Operation } else { Priority::Retry };
        let deleting = meta.deletion_timestamp.is_some();
        all.insert(names(meta).2.to_owned(), Attempts { class, generation, deleting, count: next, priority });
        next
    }

    /// Whether something is being tried: false once a pass had nothing left to do.
    pub fn tries(&self, meta: &ObjectMeta) -> bool {
        self.lock().contains_key(names(meta).2)
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
        self.lock().remove(names(meta).2);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Attempts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_until_something_changes() {
        let memory = Memory::default();
        let object =
            |generation| ObjectMeta { uid: Some("u".into()), generation: Some(generation), ..ObjectMeta::default() };
        let counts: Vec<u32> = [
            memory.attempt(&object(1), Retry::Soon, false, false),
            memory.attempt(&object(1), Retry::Soon, false, false),
            memory.attempt(&object(1), Retry::Soon, true, false),
            memory.attempt(&object(1), Retry::Soon, false, false),
            memory.attempt(&object(2), Retry::Soon, false, false),
            memory.attempt(&object(2), Retry::Backoff, false, false),
        ]
        .into();
        assert_eq!(counts, [0, 1, 0, 1, 0, 0]);
        assert!(memory.tries(&object(2)));
        memory.forget(&object(2));
        assert!(!memory.tries(&object(2)));
        assert_eq!(memory.attempt(&object(2), Retry::Backoff, false, false), 0);
    }

    #[test]
    fn what_a_person_changed_comes_first() {
        let memory = Memory::default();
        let at = |generation, had_settled, deleting, asked| Standing { generation, deleting, had_settled, asked };
        let priority = |standing| memory.priority("u", standing);
        assert_eq!(priority(at(1, true, false, false)), Priority::Sweep);
        assert_eq!(priority(at(1, true, false, true)), Priority::Change);
        assert_eq!(priority(at(2, false, false, false)), Priority::Change);
        let meta = ObjectMeta { uid: Some("u".into()), generation: Some(2), ..ObjectMeta::default() };
        memory.attempt(&meta, Retry::Soon, false, true);
        assert_eq!(priority(at(2, false, false, false)), Priority::Operation);
        memory.attempt(&meta, Retry::Backoff, false, false);
        assert_eq!(priority(at(2, false, false, false)), Priority::Retry);
        assert_eq!(priority(at(2, false, true, false)), Priority::Change);
        assert_eq!(priority(at(3, false, false, false)), Priority::Change);
    }
}
