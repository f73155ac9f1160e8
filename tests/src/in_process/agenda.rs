//! What people are to do, and when.

use super::bed::Act;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// Acts by time; what is to be done at one moment is done in the order in which it was added. Clones are the same agenda.
#[derive(Clone, Default)]
pub struct Agenda(Arc<Mutex<VecDeque<(Instant, Act)>>>);

impl Agenda {
    /// Something to be done so long from now.
    pub fn add(&self, delay: Duration, act: Act) {
        let (mut acts, at) = (self.0.lock().unwrap(), Instant::now() + delay);
        let place = acts.partition_point(|(other, _)| *other <= at);
        acts.insert(place, (at, act));
    }

    /// When something is to be done next.
    pub fn next(&self) -> Option<Instant> {
        self.0.lock().unwrap().front().map(|(at, _)| *at)
    }

    /// What is to be done next, once.
    pub fn take(&self) -> Option<Act> {
        self.0.lock().unwrap().pop_front().map(|(_, act)| act)
    }
}
