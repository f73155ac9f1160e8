//! A queue of waiters, the urgent first.

use std::collections::{BTreeMap, BTreeSet};

/// Who goes first where there is not enough for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// What a person changed about something that stands: its spec, or its deletion.
    #[default]
    Change,
    /// The rest of what a person wants to be made, once it has begun.
    Continuation,
    /// The beginning of what a person wants to be made.
    Creation,
    /// A look at something that runs in Azure.
    Operation,
    /// Another try after a failure.
    Retry,
    /// A look at what had settled.
    Sweep,
}

impl Priority {
    pub(super) const ALL: [Self; 6] =
        [Self::Change, Self::Continuation, Self::Creation, Self::Operation, Self::Retry, Self::Sweep];

    /// The priority of a write in a pass of this one. A difference that is no drift is a person's change, unless it failed
    /// before.
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
    flow: u64,
    order: u64,
    /// Counts those who came.
    came: u64,
}

impl Ticket {
    /// Its priority.
    pub fn priority(self) -> Priority {
        self.priority
    }
}

/// Waiters: by priority, then in turn by those for whom they wait, then in an order of the caller's, which is the same in
/// all queues, then by the order in which they came; every eighth time the priority whose first came first.
#[derive(Debug)]
pub struct WaitQueue<T> {
    waiting: BTreeMap<Ticket, T>,
    came: u64,
    served: u64,
    /// By priority: the latest round that was served.
    now: BTreeMap<Priority, u64>,
    /// Those for whom somebody waits, or had a turn this round.
    flows: BTreeMap<u64, Flow>,
    numbers: BTreeMap<(Priority, String), u64>,
    /// The next rounds of those for whom somebody waits.
    rounds: BTreeSet<(Priority, u64, u64)>,
}

/// One for whom others wait.
#[derive(Debug)]
struct Flow {
    /// Of its next turn while somebody waits, else of its last.
    round: u64,
    waiting: usize,
}

impl<T> Default for WaitQueue<T> {
    fn default() -> Self {
        let (waiting, now, flows, numbers, rounds) = Default::default();
        Self { waiting, came: 0, served: 0, now, flows, numbers, rounds }
    }
}

impl<T> WaitQueue<T> {
    /// Takes a place for somebody; of the waiters of one flow the lowest `order` goes first. A flow has one turn in a round,
    /// so that another one's first waiter comes after at most one of its (start-time fair queueing; Goyal, Vin, Cheng,
    /// SIGCOMM 1996).
    pub fn join(&mut self, priority: Priority, flow: &str, order: u64, waiter: T) -> Ticket {
        let now = self.now.get(&priority).copied().unwrap_or_default();
        self.forget_idle(priority, now);
        self.came += 1;
        let number = *self.numbers.entry((priority, flow.to_owned())).or_insert(self.came);
        let there = self.flows.entry(number).or_insert(Flow { round: now, waiting: 0 });
        if there.waiting == 0 {
            there.round = there.round.max(now) + 1;
            self.rounds.insert((priority, there.round, number));
        }
        there.waiting += 1;
        let ticket = Ticket { priority, flow: number, order, came: self.came };
        self.waiting.insert(ticket, waiter);
        ticket
    }

    /// Who waits for nothing and had its last turn in a round that is over is as good as new.
    fn forget_idle(&mut self, priority: Priority, now: u64) {
        let flows = &mut self.flows;
        self.numbers.retain(|(of, _), number| {
            let keep = |flow: &Flow| *of != priority || flow.waiting > 0 || flow.round > now;
            let kept = flows.get(number).is_some_and(keep);
            if !kept {
                flows.remove(number);
            }
            kept
        });
    }

    /// Whose turn it is.
    pub fn first(&self) -> Option<Ticket> {
        if !self.is_turn_of_longest_waiting() {
            return self.rounds.first().and_then(|place| self.first_of(*place));
        }
        let firsts = Priority::ALL.map(|priority| {
            let place = self.rounds.range((priority, 0, 0)..).next().filter(|(of, ..)| *of == priority)?;
            self.first_of(*place)
        });
        firsts.into_iter().flatten().min_by_key(|ticket| ticket.came)
    }

    fn first_of(&self, (priority, _, flow): (Priority, u64, u64)) -> Option<Ticket> {
        self.waiting.range(Ticket { priority, flow, order: 0, came: 0 }..).next().map(|(ticket, _)| *ticket)
    }

    /// Whether the next turn is that of the longest waiting.
    pub fn is_turn_of_longest_waiting(&self) -> bool {
        self.served % LONGEST_WAITING_EVERY == LONGEST_WAITING_EVERY - 1
    }

    /// Takes a waiter out because its turn has come.
    pub fn serve(&mut self, ticket: Ticket) -> Option<T> {
        let waiter = self.waiting.remove(&ticket)?;
        self.served += 1;
        if let Some(round) = self.leave(ticket, true) {
            let now = self.now.entry(ticket.priority).or_default();
            *now = round.max(*now);
        }
        Some(waiter)
    }

    /// Takes a waiter out that waits no longer.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        let waiter = self.waiting.remove(&ticket)?;
        self.leave(ticket, false);
        Some(waiter)
    }

    /// One waits no more in a flow, since it had the flow's turn or gave its place up. The round of that turn.
    fn leave(&mut self, ticket: Ticket, served: bool) -> Option<u64> {
        let flow = self.flows.get_mut(&ticket.flow)?;
        let round = flow.round;
        flow.waiting -= 1;
        match (flow.waiting, served) {
            (0, true) => {}
            (0, false) => flow.round -= 1,
            (_, true) => flow.round += 1,
            (_, false) => return Some(round),
        }
        self.rounds.remove(&(ticket.priority, round, ticket.flow));
        if flow.waiting > 0 {
            self.rounds.insert((ticket.priority, flow.round, ticket.flow));
        }
        Some(round)
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
            queue.join(priority, "", 0, name);
        }
        assert_eq!(all_served(&mut queue), ["change 1", "change 2", "operation", "retry", "sweep"]);
    }

    #[test]
    fn who_has_many_places_delays_nobody_by_more_than_one() {
        let mut queue = WaitQueue::default();
        for _ in 0..64 {
            queue.join(Priority::Change, "many", 0, "many");
        }
        let served =
            |queue: &mut WaitQueue<&'static str>| queue.first().and_then(|ticket| queue.serve(ticket)).unwrap();
        assert_eq!([served(&mut queue), served(&mut queue)], ["many"; 2]);
        for round in 0..10 {
            queue.join(Priority::Change, "one", 0, "one");
            let turns = [served(&mut queue), served(&mut queue)];
            assert!(turns.contains(&"one"), "{round}: {turns:?}");
        }
        assert_eq!(all_served(&mut queue).len(), 64 - 2 - 10);
        queue.join(Priority::Change, "another", 0, "another");
        assert_eq!((queue.flows.len(), queue.numbers.len()), (1, 1), "who waits no more is forgotten");
    }

    #[test]
    fn the_oldest_of_a_flow_goes_first_and_flows_take_turns() {
        let mut queue = WaitQueue::default();
        for (flow, order, name) in [("a", 3, "a3"), ("b", 9, "b9"), ("a", 1, "a1"), ("a", 2, "a2"), ("b", 8, "b8")] {
            queue.join(Priority::Change, flow, order, name);
        }
        let gone = queue.join(Priority::Change, "c", 0, "gone");
        assert_eq!(queue.cancel(gone), Some("gone"));
        assert_eq!(all_served(&mut queue), ["a1", "b8", "a2", "b9", "a3"]);
        assert!(queue.rounds.is_empty() && queue.first().is_none());
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut queue = WaitQueue::default();
        queue.join(Priority::Sweep, "", 0, "sweep");
        for _ in 0..20 {
            queue.join(Priority::Change, "", 0, "change");
        }
        let served = all_served(&mut queue);
        assert_eq!(served.iter().position(|one| *one == "sweep"), Some(7));
    }

    #[test]
    fn who_left_is_not_served() {
        let mut queue = WaitQueue::default();
        let first = queue.join(Priority::Change, "", 0, "first");
        queue.join(Priority::Change, "", 0, "second");
        assert_eq!(queue.cancel(first), Some("first"));
        assert_eq!(all_served(&mut queue), ["second"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_write_is_as_urgent_as_what_it_is_for() {
        for (pass, drift, write) in [
            (Priority::Change, false, Priority::Change),
            (Priority::Creation, false, Priority::Creation),
            (Priority::Continuation, false, Priority::Continuation),
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
