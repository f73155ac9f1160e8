//! What is remembered of each object between two passes. Losing it costs a few early retries.

use acivnet_core::{retry::Retry, subject::names};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{
    collections::BTreeMap,
    mem::{Discriminant, discriminant},
    sync::{Mutex, PoisonError},
};

/// Attempts by uid.
#[derive(Default)]
pub struct Memory(Mutex<BTreeMap<String, Attempts>>);

struct Attempts {
    class: Discriminant<Retry>,
    generation: i64,
    count: u32,
}

impl Memory {
    /// Which attempt this is: 0 for the first of its class and generation, and after progress.
    pub fn attempt(&self, meta: &ObjectMeta, retry: Retry, progress: bool) -> u32 {
        let (class, generation) = (discriminant(&retry), meta.generation.unwrap_or_default());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match all.get(names(meta).2) {
            Some(last) if last.class == class && last.generation == generation && !progress => {
                last.count.saturating_add(1)
            }
            _ => 0,
        };
        all.insert(names(meta).2.to_owned(), Attempts { class, generation, count: next });
        next
    }

    /// Whether something is being tried: false once a pass had nothing left to do.
    pub fn tries(&self, meta: &ObjectMeta) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(names(meta).2)
    }

    /// Nothing is being tried any more.
    pub fn forget(&self, meta: &ObjectMeta) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(names(meta).2);
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
            memory.attempt(&object(1), Retry::Soon, false),
            memory.attempt(&object(1), Retry::Soon, false),
            memory.attempt(&object(1), Retry::Soon, true),
            memory.attempt(&object(1), Retry::Soon, false),
            memory.attempt(&object(2), Retry::Soon, false),
            memory.attempt(&object(2), Retry::Backoff, false),
        ]
        .into();
        assert_eq!(counts, [0, 1, 0, 1, 0, 0]);
        assert!(memory.tries(&object(2)));
        memory.forget(&object(2));
        assert!(!memory.tries(&object(2)));
        assert_eq!(memory.attempt(&object(2), Retry::Backoff, false), 0);
    }
}
