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
    /// The next one goes on with what runs; else it repeats what failed.
    going: bool,
}

impl Attempts {
    /// Which attempt this is: 0 for the first of its class and generation, and after progress. `runs` tells whether it is
    /// to look at something that runs in Azure, or nothing failed.
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
        let deleting = meta.deletion_timestamp.is_some();
        self.0 = Some(Attempt { class, generation, deleting, count, since, going });
        count
    }

    /// Since when a generation is worked towards; none when nothing was left to do after its first reconcile.
    pub(crate) fn since(&self, generation: i64) -> Option<Timestamp> {
        self.0.as_ref().filter(|last| last.generation == generation).map(|last| last.since)
    }

    /// How urgent a reconcile is. What had not settled as it is now, a person changed or wants to be made, and that goes on
    /// until it has settled or fails.
    pub(crate) fn priority(&self, summary: Summary) -> Priority {
        let same = |last: &&Attempt| last.generation == summary.generation && last.deleting == summary.deleting;
        let settled = summary.had_settled && !summary.deleting;
        match self.0.as_ref().filter(same) {
            _ if summary.asked => Priority::Change,
            Some(last) if !last.going => Priority::Retry,
            Some(_) if settled => Priority::Operation,
            None if settled => Priority::Sweep,
            _ if summary.stands || summary.deleting => Priority::Change,
            _ if summary.begun => Priority::Continuation,
            _ => Priority::Creation,
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
        let new = Summary { generation: 2, ..Summary::default() };
        let begun = Summary { begun: true, ..new };
        let changed = Summary { stands: true, ..begun };
        let settled = Summary { had_settled: true, ..changed };
        let gone = Summary { deleting: true, ..settled };
        let priorities = |attempts: &Attempts| [settled, changed, begun, new, gone].map(|one| attempts.priority(one));
        use Priority::{Change, Continuation, Creation, Operation, Retry as Again, Sweep};
        assert_eq!(priorities(&attempts), [Sweep, Change, Continuation, Creation, Change]);
        assert_eq!(attempts.priority(Summary { asked: true, ..settled }), Change);
        let meta = ObjectMeta { uid: Some("u".into()), generation: Some(2), ..ObjectMeta::default() };
        attempts.attempt(&meta, Retry::Soon, false, true, at(1));
        assert_eq!(priorities(&attempts), [Operation, Change, Continuation, Creation, Change], "it goes on");
        attempts.attempt(&meta, Retry::Backoff, false, false, at(1));
        assert_eq!(priorities(&attempts), [Again, Again, Again, Again, Change]);
        assert_eq!(attempts.priority(Summary { generation: 3, ..changed }), Change);
    }
}
