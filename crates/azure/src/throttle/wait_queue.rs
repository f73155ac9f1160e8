//! A queue of waiters, the urgent first.

use std::collections::BTreeMap;

/// Who goes first where there is not enough for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// What a person changed: creation, spec, deletion.
    #[default]
    Change,
    /// A look at something that runs in Azure.
    Operation,
    /// Another try after a failure.
    Retry,
    /// A look at what had settled.
    Sweep,
}

impl Priority {
    pub(super) const ALL: [Self; 4] = [Self::Change, Self::Operation, Self::Retry, Self::Sweep];

    /// The priority of a write in a pass of this one. Carrying on what a person began is the person's work, unless it
    /// failed before; so is a difference that is no drift.
    #[must_use]
    pub fn of_write(self, drift: bool) -> Self {
        match self {
            Self::Operation | Self::Sweep if !drift => Self::Change,
            other => other,
        }
    }
}

/// Every so often it is the turn of who has waited longest, whatever its priority, so that nobody waits for ever. The urgent
/// lose an eighth by it.
const LONGEST_WAITING_EVERY: u64 = 8;

/// A place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    priority: Priority,
    number: u64,
    /// Counts those who came.
    came: u64,
}

impl Ticket {
    /// Its priority.
    pub fn priority(self) -> Priority {
        self.priority
    }
}

/// Waiters: by priority, then in turn by those for whom they wait, then by the order in which they came; every eighth time
/// the one that came first.
#[derive(Debug)]
pub struct WaitQueue<T> {
    waiting: BTreeMap<Ticket, T>,
    came: u64,
    served: u64,
    /// By priority: the number that was served last.
    now: BTreeMap<Priority, u64>,
    /// The number of the last place of each for whom somebody waits.
    last: BTreeMap<(Priority, String), u64>,
}

impl<T> Default for WaitQueue<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), came: 0, served: 0, now: BTreeMap::new(), last: BTreeMap::new() }
    }
}

impl<T> WaitQueue<T> {
    /// Takes a place for somebody. Who has many places has each a round later than the one before, so that another one's
    /// first place comes after at most one of theirs (start-time fair queueing; Goyal, Vin, Cheng, SIGCOMM 1996).
    pub fn join(&mut self, priority: Priority, flow: &str, waiter: T) -> Ticket {
        let now = self.now.get(&priority).copied().unwrap_or_default();
        self.last.retain(|(of, _), last| *of != priority || *last > now);
        let last = self.last.entry((priority, flow.to_owned())).or_insert(now);
        *last += 1;
        self.came += 1;
        let ticket = Ticket { priority, number: *last, came: self.came };
        self.waiting.insert(ticket, waiter);
        ticket
    }

    /// Takes a place by a number of the caller's that nobody else in the queue has: the lower, the longer it counts as waiting.
    pub fn join_at(&mut self, priority: Priority, number: u64, waiter: T) -> Ticket {
        let ticket = Ticket { priority, number, came: number };
        self.waiting.insert(ticket, waiter);
        ticket
    }

    /// Whose turn it is.
    pub fn first(&self) -> Option<Ticket> {
        if !self.is_turn_of_longest_waiting() {
            return self.waiting.keys().next().copied();
        }
        let firsts = Priority::ALL.map(|priority| {
            let mut same = self.waiting.range(Ticket { priority, number: 0, came: 0 }..);
            same.next().map(|(ticket, _)| *ticket).filter(|ticket| ticket.priority == priority)
        });
        firsts.into_iter().flatten().min_by_key(|ticket| ticket.came)
    }

    /// Whether the next turn is that of the longest waiting.
    pub fn is_turn_of_longest_waiting(&self) -> bool {
        self.served % LONGEST_WAITING_EVERY == LONGEST_WAITING_EVERY - 1
    }

    /// Takes a waiter out because its turn has come.
    pub fn serve(&mut self, ticket: Ticket) -> Option<T> {
        let waiter = self.waiting.remove(&ticket)?;
        self.served += 1;
        let now = self.now.entry(ticket.priority).or_default();
        *now = ticket.number.max(*now);
        Some(waiter)
    }

    /// Takes a waiter out that waits no longer.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        self.waiting.remove(&ticket)
    }

    /// A waiter.
    pub fn get(&self, ticket: Ticket) -> Option<&T> {
        self.waiting.get(&ticket)
    }

    /// All waiters.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.values()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_served(queue: &mut WaitQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.first().and_then(|ticket| queue.serve(ticket))).collect()
    }

    #[test]
    fn the_urgent_go_first_and_equals_in_order() {
        let mut queue = WaitQueue::default();
        for (priority, name) in [
            (Priority::Sweep, "sweep"),
            (Priority::Retry, "retry"),
            (Priority::Change, "change 1"),
            (Priority::Operation, "operation"),
            (Priority::Change, "change 2"),
        ] {
            queue.join(priority, "", name);
        }
        assert_eq!(all_served(&mut queue), ["change 1", "change 2", "operation", "retry", "sweep"]);
    }

    #[test]
    fn who_has_many_places_delays_nobody_by_more_than_one() {
        let mut queue = WaitQueue::default();
        for _ in 0..64 {
            queue.join(Priority::Change, "many", "many");
        }
        let served =
            |queue: &mut WaitQueue<&'static str>| queue.first().and_then(|ticket| queue.serve(ticket)).unwrap();
        assert_eq!([served(&mut queue), served(&mut queue)], ["many"; 2]);
        for round in 0..10 {
            queue.join(Priority::Change, "one", "one");
            let turns = [served(&mut queue), served(&mut queue)];
            assert!(turns.contains(&"one"), "{round}: {turns:?}");
        }
        assert_eq!(all_served(&mut queue).len(), 64 - 2 - 10);
        queue.join(Priority::Change, "another", "another");
        assert_eq!(queue.last.len(), 1, "who waits no more is forgotten");
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut queue = WaitQueue::default();
        queue.join(Priority::Sweep, "", "sweep");
        for _ in 0..20 {
            queue.join(Priority::Change, "", "change");
        }
        let served = all_served(&mut queue);
        assert_eq!(served.iter().position(|one| *one == "sweep"), Some(7));
    }

    #[test]
    fn who_left_is_not_served() {
        let mut queue = WaitQueue::default();
        let first = queue.join(Priority::Change, "", "first");
        queue.join(Priority::Change, "", "second");
        assert_eq!(queue.cancel(first), Some("first"));
        assert_eq!(all_served(&mut queue), ["second"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_write_is_as_urgent_as_what_it_is_for() {
        for (pass, drift, write) in [
            (Priority::Change, false, Priority::Change),
            (Priority::Operation, false, Priority::Change),
            (Priority::Operation, true, Priority::Operation),
            (Priority::Retry, false, Priority::Retry),
            (Priority::Sweep, true, Priority::Sweep),
            (Priority::Sweep, false, Priority::Change),
        ] {
            assert_eq!(pass.of_write(drift), write, "{pass:?} {drift}");
        }
    }
}
