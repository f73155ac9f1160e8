//! Builds the next list of conditions from the last one. Time and generation are passed in.

use crate::fit;
use acivnet_api::conditions::{reasons, types};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Builder of the next list of conditions.
pub struct Conditions<'a> {
    last: &'a [Condition],
    generation: i64,
    now: Timestamp,
    next: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    /// Starts empty. Transition times are taken from `last` where a type's status does not change.
    pub fn new(last: &'a [Condition], generation: i64, now: Timestamp) -> Self {
        Self { last, generation, now, next: Vec::new() }
    }

    /// Sets a condition; `met: None` means `Unknown`. A True one needs a reason and a message too.
    pub fn set(&mut self, type_: &str, met: Option<bool>, reason: &str, message: impl Into<String>) {
        let status = match met {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let since = self.since(type_, status, reason);
        let message = fit::message(message);
        self.next.retain(|one| one.type_ != type_);
        self.next.push(Condition {
            type_: type_.into(),
            status: status.into(),
            reason: reason.into(),
            message: if message.is_empty() { reason.into() } else { message },
            observed_generation: Some(self.generation),
            last_transition_time: since,
        });
    }

    /// Whether a condition is True in the list so far.
    pub fn says(&self, type_: &str) -> bool {
        is_true(&self.next, type_)
    }

    /// Sets the generation that a condition describes, if it is an earlier one.
    pub fn speaks_of(&mut self, type_: &str, generation: i64) {
        let found = self.next.iter_mut().find(|one| one.type_ == type_);
        if let Some(one) = found {
            one.observed_generation = Some(generation);
        }
    }

    /// Keeps the last condition as it is, with its generation.
    pub fn keep(&mut self, type_: &str) {
        self.next.retain(|one| one.type_ != type_);
        self.next.extend(self.last.iter().find(|one| one.type_ == type_).cloned());
    }

    /// Keeps the last condition if nothing new is known, or sets `Unknown` if there is none.
    pub fn keep_or_unknown(&mut self, type_: &str, message: &str) {
        if find(self.last, type_).is_some() {
            self.keep(type_);
        } else {
            self.set(type_, None, reasons::PROGRESSING, message);
        }
    }

    /// For how many seconds a condition has had a reason; none if it has another one.
    pub fn seconds_as(&self, type_: &str, reason: &str) -> Option<i64> {
        let last = self.last.iter().find(|one| one.type_ == type_ && one.reason == reason);
        last.map(|one| self.now.as_second() - one.last_transition_time.0.as_second())
    }

    /// Returns the list.
    pub fn build(self) -> Vec<Condition> {
        self.next
    }

    /// Transition time of a condition. `Reconciling` exists only while True, so a new reason restarts its time.
    fn since(&self, type_: &str, status: &str, reason: &str) -> Time {
        let same = |one: &&Condition| {
            one.type_ == type_ && one.status == status && (type_ != types::RECONCILING || one.reason == reason)
        };
        self.last.iter().find(same).map_or_else(|| whole_seconds(self.now), |one| one.last_transition_time.clone())
    }
}

/// Kubernetes stores times in whole seconds; a finer one would look like a change at the next comparison.
fn whole_seconds(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

/// The part of a list that others wait for or act on: whether the object is ready, in progress or held, and why. Progress,
/// wording and times are left out.
pub fn without_progress(conditions: &[Condition]) -> Vec<Condition> {
    let told = [types::READY, types::RECONCILING, types::STALLED, types::DELETION_BLOCKED, types::CREDENTIALS_VALID];
    let essential = |one: &Condition| Condition {
        status: if one.status == "True" { "True" } else { "False" }.into(),
        message: String::new(),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        ..one.clone()
    };
    told.iter().filter_map(|type_| find(conditions, type_)).map(essential).collect()
}

/// Finds a condition by type.
pub fn find<'c>(conditions: &'c [Condition], type_: &str) -> Option<&'c Condition> {
    conditions.iter().find(|one| one.type_ == type_)
}

/// Whether a condition exists and is True.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|one| one.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn build(last: &[Condition], second: i64, met: Option<bool>, reason: &str) -> Vec<Condition> {
        let mut conditions = Conditions::new(last, 2, at(second));
        conditions.set(types::READY, met, reason, "m");
        conditions.set(types::RECONCILING, Some(true), reason, "m");
        conditions.build()
    }

    #[test]
    fn times_move_with_the_status_only() {
        let first = build(&[], 10, Some(false), "A");
        let second = build(&first, 20, Some(false), "B");
        assert_eq!(second[0].last_transition_time.0, at(10));
        assert_eq!(second[1].last_transition_time.0, at(20), "Reconciling is as old as its reason");
        assert_eq!(build(&second, 30, Some(true), "C")[0].last_transition_time.0, at(30));
        assert_eq!(Conditions::new(&second, 2, at(50)).seconds_as(types::RECONCILING, "B"), Some(30));
    }
}
