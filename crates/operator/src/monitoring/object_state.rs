//! The state of an object, as metrics report it.

use crate::object::Object;
use acivnet_api::conditions::{reasons, types};
use acivnet_core::conditions::find;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// For an object without the condition, or with a reason that is not ours.
const UNKNOWN: &str = "Unknown";

/// The state of an object in few bytes: the cache keeps it beside every object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectState {
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

impl ObjectState {
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

    /// Whether the condition `Ready` is True.
    pub(crate) fn is_ready(self) -> bool {
        self.ready == Met::True
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
