//! Which objects wait for a pass, and when each has its turn: so many at once in each namespace, the urgent first. A
//! namespace whose passes wait for Azure holds up no other, and an object that waits takes no more than its entry here.
//! Namespaces take turns. What goes on in one of them goes on in the order in which it began, not in that in which it is
//! looked at, so that many new objects become ready one after another and not all at the end.

use crate::object::Object;
use acivnet_azure::{
    Priority,
    throttle::{Line, Ticket},
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

/// Passes of one namespace that are under way at once.
pub(crate) const AT_ONCE: usize = 8;

/// A custom resource of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustomResource {
    /// [`acivnet_api::AciVnetDeployment`].
    AciVnetDeployment,
    /// [`acivnet_api::DelegatedSubnet`].
    DelegatedSubnet,
}

/// An object of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// What it is.
    pub resource: CustomResource,
    /// Its name.
    pub name: Arc<str>,
}

impl Who {
    /// By names.
    pub fn new<S: Object>(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), resource: S::RESOURCE, name: name.into() }
    }
}

/// The objects that the watches have seen.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Who, Entry>,
    due: BTreeSet<(Instant, Who)>,
    /// Where somebody waits or a pass is under way.
    namespaces: BTreeMap<Arc<str>, Namespace>,
    /// Whose turn was the last.
    served: Option<Arc<str>>,
    /// Counts places in all lines.
    places: u64,
}

#[derive(Debug, Default)]
struct Entry {
    /// What its people want, as a hash; nothing while no watch has seen it, or once it is gone.
    wish: Option<u64>,
    /// When it wants a pass.
    due: Option<Instant>,
    stage: Stage,
    /// The number of its place when its work began: kept until a sweep finds it at rest.
    begun: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stage {
    #[default]
    Rests,
    Waits(Ticket),
    UnderWay {
        /// It wants another pass after this one.
        again: bool,
    },
}

#[derive(Debug, Default)]
struct Namespace {
    under_way: usize,
    line: Line<Who>,
}

impl Queue {
    /// A watch has seen an object. It wants a pass if its people want something else than before.
    pub fn seen(&self, who: &Who, wish: u64) {
        let mut state = self.lock();
        let entry = state.entry(who);
        if entry.wish.replace(wish) != Some(wish) {
            state.schedule(who, Instant::now());
            self.changed.notify_one();
        }
    }

    /// An object is gone.
    pub fn gone(&self, who: &Who) {
        self.lock().remove(who);
    }

    /// Somebody wants a pass over an object.
    pub fn want(&self, who: &Who) {
        self.lock().schedule(who, Instant::now());
        self.changed.notify_one();
    }

    /// The next object that has its turn, once one has; it keeps it until [`Self::done`]. `priority` tells how urgent a
    /// pass over an object is, and nothing when there is no such object.
    pub async fn next(&self, priority: impl Fn(&Who) -> Option<Priority>) -> Who {
        loop {
            let next_due = {
                let mut state = self.lock();
                state.line_up(Instant::now(), &priority);
                if let Some(who) = state.take() {
                    return who;
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

    /// A pass has ended; the next is wanted after a time, or when something changes.
    pub fn done(&self, who: &Who, again: Option<Duration>) {
        let mut state = self.lock();
        state.leave_turn(&who.namespace);
        let Some(entry) = state.objects.get_mut(who) else { return };
        let at_once = entry.stage == Stage::UnderWay { again: true };
        entry.stage = Stage::Rests;
        match again {
            _ if at_once => state.schedule(who, Instant::now()),
            // the object has gone meanwhile
            _ if entry.wish.is_none() => state.remove(who),
            Some(wait) => state.schedule(who, Instant::now() + wait),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn entry(&mut self, who: &Who) -> &mut Entry {
        self.objects.entry(who.clone()).or_default()
    }

    /// The earlier of two moments counts.
    fn schedule(&mut self, who: &Who, at: Instant) {
        let entry = self.entry(who);
        let before = entry.due;
        if before.is_some_and(|before| before <= at) {
            return;
        }
        entry.due = Some(at);
        if let Some(before) = before {
            self.due.remove(&(before, who.clone()));
        }
        self.due.insert((at, who.clone()));
    }

    /// Lets those whose time has come take their places.
    fn line_up(&mut self, now: Instant, priority: impl Fn(&Who) -> Option<Priority>) {
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, who)) = self.due.pop_first() else { return };
            let Some(entry) = self.objects.get_mut(&who) else { continue };
            entry.due = None;
            match (entry.stage, priority(&who)) {
                (Stage::UnderWay { .. }, _) => entry.stage = Stage::UnderWay { again: true },
                (_, None) => self.remove(&who),
                (Stage::Waits(place), Some(priority)) if place.priority() <= priority => {}
                (stage, Some(priority)) => self.join(&who, stage, priority),
            }
        }
    }

    fn join(&mut self, who: &Who, stage: Stage, priority: Priority) {
        self.places += 1;
        let new = self.places;
        let entry = self.entry(who);
        let number = match priority {
            Priority::Change | Priority::Operation => *entry.begun.get_or_insert(new),
            Priority::Sweep => {
                entry.begun = None;
                new
            }
            Priority::Retry => new,
        };
        let line = &mut self.namespaces.entry(Arc::clone(&who.namespace)).or_default().line;
        if let Stage::Waits(place) = stage {
            line.leave(place);
        }
        let place = line.join_at(priority, number, who.clone());
        self.entry(who).stage = Stage::Waits(place);
    }

    /// Gives a turn, in the namespace that comes after the last one.
    fn take(&mut self) -> Option<Who> {
        let last = self.served.take();
        let from = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let after = self.namespaces.range_mut::<Arc<str>, _>((from, Bound::Unbounded));
        let who = after.map(|(_, there)| there).find_map(Namespace::take);
        let who = who.or_else(|| self.namespaces.values_mut().find_map(Namespace::take));
        self.served = who.as_ref().map(|who| Arc::clone(&who.namespace)).or(last);
        let who = who?;
        self.entry(&who).stage = Stage::UnderWay { again: false };
        Some(who)
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

    /// Forgets an object; while a pass over it is under way, its entry keeps a second one from beginning.
    fn remove(&mut self, who: &Who) {
        let Some(mut entry) = self.objects.remove(who) else { return };
        if let Some(at) = entry.due.take() {
            self.due.remove(&(at, who.clone()));
        }
        match entry.stage {
            Stage::Rests => {}
            Stage::Waits(place) => {
                self.namespaces.get_mut(&who.namespace).and_then(|there| there.line.leave(place));
                self.tidy(&who.namespace);
            }
            Stage::UnderWay { .. } => {
                self.objects.insert(who.clone(), Entry { stage: Stage::UnderWay { again: false }, ..Entry::default() });
            }
        }
    }
}

impl Namespace {
    fn take(&mut self) -> Option<Who> {
        if self.under_way >= AT_ONCE {
            return None;
        }
        let who = self.line.first().and_then(|first| self.line.serve(first))?;
        self.under_way += 1;
        Some(who)
    }
}

#[cfg(test)]
mod tests;
