//! What people do in a scenario, and when.

use super::bed::Action;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// Actions by time. Those at the same time are done in the order in which they were added. Clones share the schedule.
#[derive(Clone, Default)]
pub struct Schedule(Arc<Mutex<VecDeque<(Instant, Action)>>>);

impl Schedule {
    /// Adds an action after a delay from now.
    pub fn add(&self, delay: Duration, act: Action) {
        let (mut actions, at) = (self.0.lock().unwrap(), Instant::now() + delay);
        let place = actions.partition_point(|(other, _)| *other <= at);
        actions.insert(place, (at, act));
    }

    /// When the next action is due.
    pub fn next(&self) -> Option<Instant> {
        self.0.lock().unwrap().front().map(|(at, _)| *at)
    }

    /// Removes the next action.
    pub fn take(&self) -> Option<Action> {
        self.0.lock().unwrap().pop_front().map(|(_, act)| act)
    }
}
