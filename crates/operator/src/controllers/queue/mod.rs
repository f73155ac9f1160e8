//! Decides which object is reconciled next. Why kube's `Controller` does not: `docs/decisions/2026-11-30-own-queue.md`.

use crate::object::ObjectKey;
use acivnet_azure::{
    Priority,
    throttle::{Ticket, WaitQueue},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// Reconciles of one namespace at once. They mostly wait for Azure, so that a few keep a namespace busy; and those under
/// way are all that an object of another namespace may have to wait for, however many objects this one has (test
/// `five_thousand_objects_of_a_namespace_come_before_no_other_object_but_those_under_way`).
pub(crate) const AT_ONCE: usize = 8;

/// The objects that the watches have seen, and when each wants a reconcile.
///
/// # Guarantees
/// - An object is reconciled by one task at a time. What is wanted meanwhile is done once, afterwards.
/// - Namespaces take turns, each with at most [`AT_ONCE`] reconciles: one that waits for Azure delays no other.
/// - Within a namespace the urgent come first ([`Priority`]); of equally urgent ones that persons want, those of the lowest
///   order. So what has begun is finished before more begins, and many new objects become ready one after another.
/// - An object that waits costs an entry, not a task.
///
/// # Assumptions
/// - Each [`Self::next`] is followed by one [`Self::done`] for the same object; until then it keeps its turn.
/// - One task calls [`Self::next`]: a call that waits is woken by any change, but only one is.
///
/// # Errors
/// None. It has no bound of its own: it holds as many objects as the watches have seen.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<QueueState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    objects: BTreeMap<ObjectKey, Entry>,
    due: BTreeSet<(Instant, ObjectKey)>,
    /// Those with an object that waits or is being reconciled.
    namespaces: BTreeMap<Arc<str>, Namespace>,
    /// Which had the last turn.
    served: Option<Arc<str>>,
}

/// Why an object is reconciled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its time has come.
    #[default]
    Due,
    /// Something was heard that it will count when it is reconciled next.
    Told,
    /// Somebody wants it now.
    Wanted,
}

#[derive(Debug, Default)]
struct Entry {
    /// Hash of spec and annotations; none before a watch has seen the object, and once it is gone.
    desired_hash: Option<u64>,
    /// When it wants a reconcile.
    due: Option<Instant>,
    /// Why it wants the next one.
    cause: Cause,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stage {
    #[default]
    Rests,
    Waits(Ticket),
    UnderWay {
        /// It wants another reconcile after this one.
        again: bool,
        /// Why this one began.
        cause: Cause,
    },
}

#[derive(Debug, Default)]
struct Namespace {
    under_way: usize,
    line: WaitQueue<ObjectKey>,
}

impl Queue {
    /// A watch has seen an object. It wants a reconcile if its spec or annotations changed.
    pub fn seen(&self, key: &ObjectKey, desired_hash: u64) {
        let mut state = self.lock();
        let entry = state.entry(key);
        if entry.desired_hash.replace(desired_hash) != Some(desired_hash) {
            state.call(key, Cause::Wanted);
            self.changed.notify_one();
        }
    }

    /// An object is gone.
    pub fn gone(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// An object is to be reconciled as soon as it has its turn.
    pub fn want(&self, key: &ObjectKey) {
        self.lock().call(key, Cause::Wanted);
        self.changed.notify_one();
    }

    /// The same, unless it is to be reconciled anyway when what it waits for has ended.
    pub fn tell(&self, key: &ObjectKey) {
        self.lock().call(key, Cause::Told);
        self.changed.notify_one();
    }

    /// The time at which a known object is due is this, unless it is earlier already.
    pub fn due_by(&self, key: &ObjectKey, at: Instant) {
        let mut state = self.lock();
        if state.objects.contains_key(key) {
            state.schedule(key, at);
            self.changed.notify_one();
        }
    }

    /// Why the reconcile under way began.
    pub fn cause(&self, key: &ObjectKey) -> Cause {
        match self.lock().objects.get(key).map(|entry| entry.stage) {
            Some(Stage::UnderWay { cause, .. }) => cause,
            _ => Cause::Wanted,
        }
    }

    /// Waits for the next object that has its turn. It keeps the turn until [`Self::done`]. `priority` tells how urgent an
    /// object is, and its order; none drops an object that no longer exists.
    pub async fn next(&self, priority: impl Fn(&ObjectKey) -> Option<(Priority, u64)>) -> ObjectKey {
        loop {
            let next_due = {
                let mut state = self.lock();
                state.line_up(Instant::now(), &priority);
                if let Some(key) = state.take() {
                    return key;
                }
                state.due.first().map(|(at, _)| *at)
            };
            match next_due {
                Some(at) => {
                    tokio::select! { biased; () = self.changed.notified() => {} () = sleep_until(at) => {} }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// A reconcile has ended; the next is wanted after `again`, or without it when something changes.
    pub fn done(&self, key: &ObjectKey, again: Option<Duration>) {
        let mut state = self.lock();
        state.leave_turn(&key.namespace);
        let Some(entry) = state.objects.get_mut(key) else { return };
        let at_once = matches!(entry.stage, Stage::UnderWay { again: true, .. });
        entry.stage = Stage::Rests;
        match again {
            _ if at_once => state.schedule(key, Instant::now()),
            // the object has gone meanwhile
            _ if entry.desired_hash.is_none() => state.remove(key),
            Some(wait) => state.schedule(key, Instant::now() + wait),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    fn entry(&mut self, key: &ObjectKey) -> &mut Entry {
        self.objects.entry(key.clone()).or_default()
    }

    /// It is to be reconciled as soon as it has its turn.
    fn call(&mut self, key: &ObjectKey, cause: Cause) {
        let entry = self.entry(key);
        entry.cause = entry.cause.max(cause);
        self.schedule(key, Instant::now());
    }

    /// The earlier of two moments counts.
    fn schedule(&mut self, key: &ObjectKey, at: Instant) {
        let entry = self.entry(key);
        let before = entry.due;
        if before.is_some_and(|before| before <= at) {
            return;
        }
        entry.due = Some(at);
        if let Some(before) = before {
            self.due.remove(&(before, key.clone()));
        }
        self.due.insert((at, key.clone()));
    }

    /// Lets those whose time has come take their places.
    fn line_up(&mut self, now: Instant, priority: impl Fn(&ObjectKey) -> Option<(Priority, u64)>) {
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.due.pop_first() else { return };
            let Some(entry) = self.objects.get_mut(&key) else { continue };
            entry.due = None;
            match (entry.stage, priority(&key)) {
                (Stage::UnderWay { cause, .. }, _) => entry.stage = Stage::UnderWay { again: true, cause },
                (_, None) => self.remove(&key),
                (Stage::Waits(place), Some((priority, _))) if place.priority() <= priority => {}
                (stage, Some((priority, order))) => self.join(&key, stage, priority, order),
            }
        }
    }

    fn join(&mut self, key: &ObjectKey, stage: Stage, priority: Priority, order: u64) {
        let line = &mut self.namespaces.entry(Arc::clone(&key.namespace)).or_default().line;
        if let Stage::Waits(place) = stage {
            line.cancel(place);
        }
        // what fails again and again, and what nobody waits for, comes in turn
        let order = if matches!(priority, Priority::Retry | Priority::Sweep) { 0 } else { order };
        let place = line.join(priority, "", order, key.clone());
        self.entry(key).stage = Stage::Waits(place);
    }

    /// Gives a turn, in the namespace that comes after the last one.
    fn take(&mut self) -> Option<ObjectKey> {
        let last = self.served.take();
        let from = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let after = self.namespaces.range_mut::<Arc<str>, _>((from, Bound::Unbounded));
        let key = after.map(|(_, there)| there).find_map(Namespace::take);
        let key = key.or_else(|| self.namespaces.values_mut().find_map(Namespace::take));
        self.served = key.as_ref().map(|key| Arc::clone(&key.namespace)).or(last);
        let key = key?;
        let entry = self.entry(&key);
        entry.stage = Stage::UnderWay { again: false, cause: std::mem::take(&mut entry.cause) };
        Some(key)
    }

    fn leave_turn(&mut self, namespace: &Arc<str>) {
        let Some(there) = self.namespaces.get_mut(namespace) else { return };
        there.under_way = there.under_way.saturating_sub(1);
        self.tidy(namespace);
    }

    fn tidy(&mut self, namespace: &Arc<str>) {
        let idle = |there: &Namespace| there.under_way == 0 && there.line.is_empty();
        if self.namespaces.get(namespace).is_some_and(idle) {
            self.namespaces.remove(namespace);
        }
    }

    /// Forgets an object; while a reconcile of it is under way, its entry keeps a second one from beginning.
    fn remove(&mut self, key: &ObjectKey) {
        let Some(mut entry) = self.objects.remove(key) else { return };
        if let Some(at) = entry.due.take() {
            self.due.remove(&(at, key.clone()));
        }
        match entry.stage {
            Stage::Rests => {}
            Stage::Waits(place) => {
                self.namespaces.get_mut(&key.namespace).and_then(|there| there.line.cancel(place));
                self.tidy(&key.namespace);
            }
            Stage::UnderWay { .. } => {
                let stage = Stage::UnderWay { again: false, cause: Cause::Wanted };
                self.objects.insert(key.clone(), Entry { stage, ..Entry::default() });
            }
        }
    }
}

impl Namespace {
    fn take(&mut self) -> Option<ObjectKey> {
        if self.under_way >= AT_ONCE {
            return None;
        }
        let key = self.line.first().and_then(|first| self.line.serve(first))?;
        self.under_way += 1;
        Some(key)
    }
}

#[cfg(test)]
mod tests;
