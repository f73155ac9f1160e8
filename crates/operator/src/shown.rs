//! What of an object metrics tell: how it stands, and what changed when its status was written.

use crate::{ctx::Ctx, object::Object};
use acivnet_api::conditions::{reasons, types};
use acivnet_core::{conditions::find, names::Names};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What is said where an object has no condition yet, or one with a reason that is not ours.
const UNKNOWN: &str = "Unknown";

/// How an object stands, in few bytes: the cache keeps it beside every object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    ready: Met,
    reason: Reason,
    /// Of the condition `Stalled`, if it is there.
    stalled: Option<Reason>,
    moves: u32,
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Met {
    True,
    False,
    #[default]
    Unknown,
}

/// A reason, by its place in the list of all: whatever a status says, no other word gets into a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reason(Option<u16>);

impl Reason {
    fn of(condition: &Condition) -> Self {
        let place = reasons::ALL.iter().position(|(word, _)| *word == condition.reason);
        Self(place.and_then(|place| u16::try_from(place).ok()))
    }

    fn as_str(self) -> &'static str {
        let word = self.0.and_then(|place| reasons::ALL.get(usize::from(place)));
        word.map_or(UNKNOWN, |(word, _)| *word)
    }
}

impl Shown {
    /// Of an object.
    pub(crate) fn of<S: Object>(cr: &S) -> Self {
        let conditions = cr.conditions();
        let ready = find(conditions, types::READY);
        let met = match ready.map(|ready| ready.status.as_str()) {
            Some("True") => Met::True,
            Some("False") => Met::False,
            _ => Met::Unknown,
        };
        let stalled = find(conditions, types::STALLED).filter(|one| one.status == "True").map(Reason::of);
        Self { ready: met, reason: ready.map(Reason::of).unwrap_or_default(), stalled, moves: cr.moves() }
    }

    /// Status of the condition `Ready`.
    pub(crate) fn ready(self) -> &'static str {
        match self.ready {
            Met::True => "True",
            Met::False => "False",
            Met::Unknown => "Unknown",
        }
    }

    /// Reason of the condition `Ready`.
    pub(crate) fn reason(self) -> &'static str {
        self.reason.as_str()
    }

    /// Reason of the condition `Stalled`, when it is True.
    pub(crate) fn stalled(self) -> Option<&'static str> {
        self.stalled.map(Reason::as_str)
    }

    /// How often the address has moved.
    pub(crate) fn moves(self) -> u32 {
        self.moves
    }
}

/// Tells metrics what a status that was written says for the first time.
pub(crate) fn tell<S: Object>(ctx: &Ctx, before: &S, after: &S) {
    ctx.metrics.moves(u64::from(after.moves().saturating_sub(before.moves())));
    let settles = after.had_settled() && !before.had_settled() && !after.deleting();
    if !settles || Shown::of(after).ready != Met::True {
        return;
    }
    let (meta, now) = (after.meta(), ctx.clock.now());
    let since = match before.settled_generation() {
        None => meta.creation_timestamp.as_ref().map(|time| time.0),
        // what one pass could do took no time that counts
        Some(_) => Some(ctx.memory.since(meta.uid(), after.generation()).unwrap_or(now)),
    };
    let change = if before.settled_generation().is_none() { "created" } else { "changed" };
    if let Some(since) = since {
        ctx.metrics.ready_after(&S::kind(&()), change, now.duration_since(since).as_secs_f64().max(0.0));
    }
}

/// When certificates end, by uid of the object that names one.
#[derive(Default)]
pub(crate) struct Certificates(Mutex<BTreeMap<String, Timestamp>>);

impl Certificates {
    /// What a pass found.
    pub(crate) fn note(&self, meta: &ObjectMeta, end: Option<Timestamp>) {
        let uid = meta.uid();
        match end {
            Some(end) => drop(self.lock().insert(uid.to_owned(), end)),
            None => self.forget(uid),
        }
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// That of an object.
    pub(crate) fn end(&self, uid: &str) -> Option<Timestamp> {
        self.lock().get(uid).copied()
    }

    /// The first of all.
    pub(crate) fn earliest(&self) -> Option<Timestamp> {
        self.lock().values().min().copied()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
