//! Whose turn it is to write in a virtual network. Azure carries out one operation at a time in each, and refuses another
//! meanwhile (`RetryableErrorDueToAnotherOperation`). So an object keeps the turn until one of its reconciles has seen the
//! operation end, and may write more before it passes the turn on. Other objects wait in line: they end their reconcile and
//! are woken when their turn comes. Namespaces take turns, so that one with many objects delays no other.
//!
//! A turn ends by itself when nothing is heard of its object. Two objects may then write at once, and Azure refuses one.

use crate::{object::ObjectKey, reconcile::pace::Pace};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a turn lasts while nothing is heard of its write: an object without rights, or one that Azure throttles, must
/// not hold up those that share the network (test `a_turn_of_which_nothing_is_heard_ends`).
pub(crate) const UNANSWERED: Duration = Duration::from_secs(15);
/// How long an operation counts as running after the last read that found it running: twice the longest time between two
/// reads (90 s, `acivnet_core::durations`).
pub(crate) const UNSEEN: Duration = Duration::from_secs(180);
/// How long a turn is kept for the object that was woken for it.
pub(crate) const RESERVED: Duration = Duration::from_secs(30);
/// How many writes in a row an object may make while others wait, so that nobody writes for ever (test
/// `namespaces_take_turns_and_nobody_writes_for_ever`).
pub(crate) const IN_A_ROW: u32 = 8;
/// An object in line looks by itself after this time per place before it, should it not be woken.
pub(crate) const EACH: Duration = Duration::from_secs(20);
/// The longest that an object in line waits before it looks by itself.
pub(crate) const LONGEST: Duration = Duration::from_secs(900);

/// Turns by virtual network, in lower case; networks in which nobody writes take no memory.
#[derive(Debug, Default)]
pub(crate) struct Writers(Mutex<BTreeMap<String, Network>>);

#[derive(Debug)]
struct Network {
    key: ObjectKey,
    /// When the turn ends by itself.
    until: Instant,
    /// Writes of this turn.
    writes: u32,
    /// Those who wait, by namespace.
    line: BTreeMap<Arc<str>, VecDeque<ObjectKey>>,
}

/// What a reconcile tells of the work of its object in a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TurnReport {
    /// An operation runs there, or may run, or the next write follows.
    pub(crate) goes_on: bool,
    /// Azure asked not to be asked before.
    pub(crate) asked: Option<Duration>,
    /// It has something to write there, now or later.
    pub(crate) wants: bool,
    /// Nothing could be seen there: what was known before stays.
    pub(crate) unseen: bool,
}

impl Writers {
    /// Takes the turn.
    ///
    /// # Errors
    /// It is another's. The object has a place in line; when to look by itself, if it is not told before.
    pub(crate) fn take(&self, network: &str, key: &ObjectKey, pace: Pace) -> Result<(), Turn> {
        let now = Instant::now();
        let mut all = self.lock();
        let Some(there) = all.get_mut(network) else {
            all.insert(network.to_owned(), Network { writes: 1, ..Network::of(key.clone(), now + UNANSWERED) });
            return Ok(());
        };
        if there.key == *key && (there.writes < IN_A_ROW || there.line.is_empty()) {
            (there.until, there.writes) = (now + UNANSWERED, there.writes + 1);
            there.leave(key);
            return Ok(());
        }
        there.join(key);
        let next = (there.key == *key || there.until <= now).then(|| there.pass_on(now + pace.of(RESERVED))).flatten();
        if next.as_ref() == Some(key) {
            (there.until, there.writes) = (now + UNANSWERED, 1);
            return Ok(());
        }
        Err(Turn { wait: Some(there.wait(key, pace)), next })
    }

    /// A reconcile has ended. What follows of it for the turn.
    pub(crate) fn reconciled(&self, network: &str, key: &ObjectKey, report: TurnReport, pace: Pace) -> Turn {
        let now = Instant::now();
        let mut all = self.lock();
        let Some(there) = all.get_mut(network) else {
            // after a start nobody knows whose operation it is: who sees it first looks after it
            if report.goes_on && report.wants {
                all.insert(network.to_owned(), Network::of(key.clone(), now + pace.of(UNSEEN)));
            }
            return Turn::default();
        };
        if there.key != *key {
            if !report.wants {
                there.leave(key);
                return Turn::default();
            }
            there.join(key);
            return Turn { wait: Some(there.wait(key, pace)), next: None };
        }
        if report.goes_on {
            there.until = now + report.asked.unwrap_or_default() + pace.of(UNSEEN);
        }
        if report.goes_on || report.unseen {
            return Turn::default();
        }
        let next = there.pass_on(now + pace.of(RESERVED));
        if next.is_none() {
            all.remove(network);
        }
        Turn { wait: None, next }
    }

    /// An object is gone. Those whose turn it is instead.
    pub(crate) fn forget(&self, key: &ObjectKey, pace: Pace) -> Vec<ObjectKey> {
        let concerns = |there: &Network| there.key == *key || there.line.contains_key(&key.namespace);
        let networks: Vec<String> =
            self.lock().iter().filter(|(_, there)| concerns(there)).map(|(network, _)| network.clone()).collect();
        networks.iter().filter_map(|network| self.reconciled(network, key, TurnReport::default(), pace).next).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Network>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose turn it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Turn {
    /// It is another's: how long to wait before looking by itself.
    pub(crate) wait: Option<Duration>,
    /// Whose turn has just begun, and who has to be told.
    pub(crate) next: Option<ObjectKey>,
}

impl Network {
    fn of(key: ObjectKey, until: Instant) -> Self {
        Self { key, until, writes: 0, line: BTreeMap::new() }
    }

    /// How long one in line waits before it looks by itself.
    fn wait(&self, key: &ObjectKey, pace: Pace) -> Duration {
        let places = u32::try_from(self.places_before(key)).unwrap_or(u32::MAX);
        pace.of(EACH.saturating_mul(places.saturating_add(1)).min(LONGEST))
    }

    fn join(&mut self, key: &ObjectKey) {
        let line = self.line.entry(Arc::clone(&key.namespace)).or_default();
        if !line.contains(key) {
            line.push_back(key.clone());
        }
    }

    fn leave(&mut self, key: &ObjectKey) {
        let Some(line) = self.line.get_mut(&key.namespace) else { return };
        line.retain(|one| one != key);
        if line.is_empty() {
            self.line.remove(&key.namespace);
        }
    }

    /// Gives the turn to the first in line of the next namespace.
    fn pass_on(&mut self, until: Instant) -> Option<ObjectKey> {
        let last = Arc::clone(&self.key.namespace);
        let after = self.line.range::<Arc<str>, _>((Bound::Excluded(&last), Bound::Unbounded)).next();
        let next = after.or_else(|| self.line.iter().next()).and_then(|(_, line)| line.front().cloned())?;
        self.leave(&next);
        (self.key, self.until, self.writes) = (next.clone(), until, 0);
        Some(next)
    }

    /// How many have their turn before one who waits.
    fn places_before(&self, key: &ObjectKey) -> usize {
        let place = |line: &VecDeque<ObjectKey>| line.iter().position(|one| one == key);
        let before = self.line.get(&key.namespace).and_then(place).unwrap_or_default();
        self.line.values().map(|line| line.len().min(before + 1)).sum::<usize>().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_api::DelegatedSubnet;
    use tokio::time::advance;

    const PACE: f64 = 1.0;
    const FREE: TurnReport = TurnReport { goes_on: false, asked: None, wants: false, unseen: false };
    const RUNS: TurnReport = TurnReport { goes_on: true, wants: true, ..FREE };
    const WAITS: TurnReport = TurnReport { wants: true, ..FREE };
    const UNREAD: TurnReport = TurnReport { unseen: true, ..FREE };

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey::new::<DelegatedSubnet>(namespace, name)
    }

    fn take(writers: &Writers, key: &ObjectKey) -> bool {
        writers.take("v", key, Pace::new(PACE)).is_ok()
    }

    fn reconciled(writers: &Writers, key: &ObjectKey, report: TurnReport) -> Option<ObjectKey> {
        writers.reconciled("v", key, report, Pace::new(PACE)).next
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_lasts_until_its_operation_is_seen_to_end() {
        let (writers, [a, b, c]) = (Writers::default(), ["a", "b", "c"].map(|name| key("ml", name)));
        assert!(take(&writers, &a));
        assert_eq!(reconciled(&writers, &a, RUNS), None);
        for one in [&b, &c, &b] {
            assert!(!take(&writers, one));
            assert_eq!(reconciled(&writers, one, WAITS), None);
        }
        assert!(writers.take("w", &b, Pace::new(PACE)).is_ok(), "another network is another matter");
        assert!(take(&writers, &a), "it writes on");
        assert_eq!(reconciled(&writers, &a, UNREAD), None, "that it can't be seen does not end it");
        assert_eq!(reconciled(&writers, &a, FREE), Some(b.clone()), "in the order of coming");
        assert!(!take(&writers, &a) && !take(&writers, &c) && take(&writers, &b));
        assert_eq!(reconciled(&writers, &b, FREE), Some(c.clone()));
        assert_eq!(reconciled(&writers, &c, FREE), Some(a.clone()), "who wants nothing any more passes it on");
        assert_eq!(reconciled(&writers, &a, FREE), None);
        assert_eq!(writers.lock().keys().collect::<Vec<_>>(), ["w"], "where nobody writes nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn namespaces_take_turns_and_nobody_writes_for_ever() {
        let writers = Writers::default();
        let crowd: Vec<ObjectKey> = (0..1000).map(|number| key("a", &format!("{number:04}"))).collect();
        let (other, first) = (key("b", "one"), &crowd[0]);
        assert!(take(&writers, first));
        crowd[1..].iter().for_each(|one| assert!(!take(&writers, one)));
        let last = writers.take("v", &crowd[999], Pace::new(PACE)).unwrap_err();
        assert_eq!(last.wait, Some(LONGEST));
        let turn = writers.take("v", &other, Pace::new(PACE)).unwrap_err();
        assert_eq!(turn.wait, Some(EACH * 2), "one of the many may be before it");
        assert_eq!(
            reconciled(&writers, first, FREE),
            Some(other.clone()),
            "one with a thousand does not delay another"
        );
        assert!((0..IN_A_ROW).all(|_| take(&writers, &other)));
        let turn = writers.take("v", &other, Pace::new(PACE)).unwrap_err();
        assert_eq!(turn.next.as_ref(), Some(&crowd[1]), "a turn has an end");
        assert!(take(&writers, &crowd[1]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_of_which_nothing_is_heard_ends() {
        let (writers, [a, b, c]) = (Writers::default(), ["a", "b", "c"].map(|name| key("ml", name)));
        assert!(take(&writers, &a) && !take(&writers, &b));
        advance(UNANSWERED).await;
        assert!(take(&writers, &b), "a write that is not answered holds up nobody for long");
        assert_eq!(reconciled(&writers, &a, FREE), None, "it has the turn no more");
        assert_eq!(reconciled(&writers, &b, TurnReport { asked: Some(Duration::from_secs(60)), ..RUNS }), None);
        advance(UNSEEN + Duration::from_secs(59)).await;
        assert!(!take(&writers, &c));
        advance(Duration::from_secs(1)).await;
        assert!(take(&writers, &c));
        assert!(!take(&writers, &a));
        assert_eq!(writers.forget(&c, Pace::new(PACE)), std::slice::from_ref(&a), "who is gone has no turn");
        assert!(!take(&writers, &b));
        advance(RESERVED).await;
        assert!(take(&writers, &b), "who does not come loses it");
        assert!(writers.forget(&b, Pace::new(PACE)).is_empty() && writers.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_sees_another_ones_operation_waits_in_line() {
        let (writers, [a, b, c]) = (Writers::default(), ["a", "b", "c"].map(|name| key("ml", name)));
        assert_eq!(reconciled(&writers, &c, FREE), None);
        assert_eq!(reconciled(&writers, &a, RUNS), None, "nobody knows whose it is");
        let turn = writers.reconciled("v", &b, RUNS, Pace::new(PACE));
        assert_eq!((turn.wait, turn.next), (Some(EACH), None));
        assert!(!take(&writers, &c));
        assert_eq!(reconciled(&writers, &c, FREE), None, "it wants to write no more");
        assert_eq!(reconciled(&writers, &a, FREE), Some(b.clone()));
        assert_eq!(reconciled(&writers, &b, FREE), None);
        assert!(writers.lock().is_empty());
    }
}
