//! How often something was tried in a row, and how urgent the next try is. Losing it costs a few early retries.

use crate::cache::cached_object::Summary;
use acivnet_azure::Priority;
use acivnet_core::retry::Retry;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::mem::{Discriminant, discriminant};

/// The last attempt at an object; none while nothing is being tried.
#[derive(Default, PartialEq)]
pub(crate) struct Attempts(Option<Attempt>);

#[derive(PartialEq)]
struct Attempt {
    class: Discriminant<Retry>,
    generation: i64,
    deleting: bool,
    count: u32,
    /// When work towards this generation began.
    since: Timestamp,
    /// How urgent the next one is.
    priority: Priority,
}

impl Attempts {
    /// Which attempt this is: 0 for the first of its class and generation, and after progress. `runs` tells whether it is
    /// to look at something that runs in Azure.
    pub(crate) fn attempt(
        &mut self,
        meta: &ObjectMeta,
        retry: Retry,
        progress: bool,
        runs: bool,
        now: Timestamp,
    ) -> u32 {
        let (class, generation) = (discriminant(&retry), meta.generation.unwrap_or_default());
        let same = self.0.as_ref().filter(|last| last.generation == generation);
        let count = match same {
            Some(last) if last.class == class && !progress => last.count.saturating_add(1),
            _ => 0,
        };
        let since = same.map_or(now, |last| last.since);
        let going = runs || matches!(retry, Retry::Soon | Retry::Steadily);
        let priority = if going { Priority::Operation } else { Priority::Retry };
        let deleting = meta.deletion_timestamp.is_some();
        self.0 = Some(Attempt { class, generation, deleting, count, since, priority });
        count
    }

    /// Since when a generation is worked towards; none when nothing was left to do after its first reconcile.
    pub(crate) fn since(&self, generation: i64) -> Option<Timestamp> {
        self.0.as_ref().filter(|last| last.generation == generation).map(|last| last.since)
    }

    /// How urgent a reconcile is. What was never looked at as it is now, and had not settled so before, a person changed.
    pub(crate) fn priority(&self, summary: Summary) -> Priority {
        let same = |last: &&Attempt| last.generation == summary.generation && last.deleting == summary.deleting;
        if summary.asked {
            return Priority::Change;
        }
        match self.0.as_ref().filter(same) {
            Some(last) => last.priority,
            None if summary.had_settled && !summary.deleting => Priority::Sweep,
            None => Priority::Change,
        }
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
        let mut attempts = Attempts::default();
        let object =
            |generation| ObjectMeta { uid: Some("u".into()), generation: Some(generation), ..ObjectMeta::default() };
        let counts: Vec<u32> = [
            attempts.attempt(&object(1), Retry::Soon, false, false, at(1)),
            attempts.attempt(&object(1), Retry::Soon, false, false, at(1)),
            attempts.attempt(&object(1), Retry::Soon, true, false, at(1)),
            attempts.attempt(&object(1), Retry::Soon, false, false, at(1)),
            attempts.attempt(&object(2), Retry::Soon, false, false, at(1)),
            attempts.attempt(&object(2), Retry::Backoff, false, false, at(1)),
        ]
        .into();
        assert_eq!(counts, [0, 1, 0, 1, 0, 0]);
        assert!(attempts != Attempts::default());
        attempts = Attempts::default();
        assert_eq!(attempts.attempt(&object(2), Retry::Backoff, false, false, at(1)), 0);
    }

    #[test]
    fn knows_since_when_a_generation_is_worked_towards() {
        let mut attempts = Attempts::default();
        let meta =
            |generation| ObjectMeta { uid: Some("u".into()), generation: Some(generation), ..ObjectMeta::default() };
        for (generation, retry, second) in [(1, Retry::Soon, 10), (1, Retry::Backoff, 20), (2, Retry::Soon, 30)] {
            attempts.attempt(&meta(generation), retry, true, false, at(second));
        }
        assert_eq!((attempts.since(1), attempts.since(2)), (None, Some(at(30))));
        attempts.attempt(&meta(2), Retry::Steadily, false, false, at(40));
        assert_eq!(attempts.since(2), Some(at(30)));
    }

    #[test]
    fn what_a_person_changed_comes_first() {
        let mut attempts = Attempts::default();
        let stands = |generation, had_settled, deleting, asked| Summary { generation, deleting, had_settled, asked };
        assert_eq!(attempts.priority(stands(1, true, false, false)), Priority::Sweep);
        assert_eq!(attempts.priority(stands(1, true, false, true)), Priority::Change);
        assert_eq!(attempts.priority(stands(2, false, false, false)), Priority::Change);
        let meta = ObjectMeta { uid: Some("u".into()), generation: Some(2), ..ObjectMeta::default() };
        attempts.attempt(&meta, Retry::Soon, false, true, at(1));
        assert_eq!(attempts.priority(stands(2, false, false, false)), Priority::Operation);
        attempts.attempt(&meta, Retry::Backoff, false, false, at(1));
        assert_eq!(attempts.priority(stands(2, false, false, false)), Priority::Retry);
        assert_eq!(attempts.priority(stands(2, false, true, false)), Priority::Change);
        assert_eq!(attempts.priority(stands(3, false, false, false)), Priority::Change);
    }
}
