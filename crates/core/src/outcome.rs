//! What passes between deciding, acting and publishing: data only.

use crate::{observed::Observed, plan::Plan, retry::Retry};
use jiff::Timestamp;
use std::time::Duration;

/// One reconcile: all that was read and decided, and in the plan what came of the writes.
pub struct Reconcile<'a> {
    /// What was read.
    pub observed: &'a Observed,
    /// What to do about it.
    pub plan: &'a Plan,
    /// When it is reported.
    pub now: Timestamp,
}

/// What to write, to say, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<S> {
    /// The whole next status.
    pub status: S,
    /// Events, on transitions only.
    pub events: Vec<Event>,
    /// When to look again.
    pub next: Next,
    /// Nothing of ours is left in Azure: the finalizer may go.
    pub release: bool,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Warning, or normal.
    pub warning: bool,
    /// One word.
    pub reason: &'static str,
    /// What was done or tried: `Create`, `Correct`, `Delete`, `Wait`…
    pub action: &'static str,
    /// For people.
    pub message: String,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// After the delay of this class.
    Retry(Retry),
    /// Nothing is going on: at the next sweep.
    Sweep(Duration),
    /// Never: the object is being released.
    Never,
}
