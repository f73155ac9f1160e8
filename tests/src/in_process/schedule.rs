//! What people are to do, and when.

use super::bed::Action;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// Acts by time; what is to be done at one moment is done in the order in which it was added. Clones are the same agenda.
#[derive(Clone, Default)]
pub struct Schedule(Arc<Mutex<VecDeque<(Instant, Action)>>>);

impl Schedule {
    /// Something to be done so long from now.
    pub fn add(&self, delay: Duration, act: Action) {
        let (mut actions, at) = (self.0.lock().unwrap(), Instant::now() + delay);
        let place = actions.partition_point(|(other, _)| *other <= at);
        actions.insert(place, (at, act));
    }

    /// When something is to be done next.
    pub fn next(&self) -> Option<Instant> {
        self.0.lock().unwrap().front().map(|(at, _)| *at)
    }

    /// What is to be done next, once.
    pub fn take(&self) -> Option<Action> {
        self.0.lock().unwrap().pop_front().map(|(_, act)| act)
    }
}
