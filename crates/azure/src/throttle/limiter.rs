//! One limit, and the queue of requests before it.

use super::{
    CallContext,
    meter::{Limit, Meter},
    promises::Promises,
    wait_queue::{Priority, Ticket, WaitQueue},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// Who has to wait longer for what is left of a limit gives up its place in the queue: until a window has room again nothing
/// else is done by it (in a burst, for minutes).
const NEAR: Duration = Duration::from_secs(10);

/// Comes after every [`CallContext::order`].
const LATER: u64 = 1 << 63;

/// Lets requests through while something is left, the urgent first.
#[derive(Debug)]
pub(super) struct Limiter {
    state: Mutex<State>,
    reserves: Reserves,
    /// Room is kept for what has begun: elsewhere it comes back by itself within seconds.
    keeps_room: bool,
    near: Duration,
}

/// How many of a limit are left to those with a better claim.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reserves {
    /// To what is changed or made by persons.
    pub(super) persons: f64,
    /// To changes of what stands and to flows that ask for little, by flows that ask for much.
    pub(super) few: f64,
}

#[derive(Debug)]
struct State {
    meter: Meter,
    closed_until: Option<Instant>,
    queue: WaitQueue<Arc<Notify>>,
    in_flight: u32,
    given: BTreeMap<String, Given>,
    promises: Promises,
}

/// How many a flow was given, and since when that is counted.
#[derive(Debug)]
struct Given {
    count: u32,
    since: Instant,
}

/// What to do with the first in the queue, or with another.
enum Turn {
    Now,
    At(Instant),
    Behind,
}

impl Reserves {
    /// What a request leaves, and `begun` is what those who have begun still need.
    fn before(self, priority: Priority, begun: f64) -> f64 {
        match priority {
            Priority::Change => 0.0,
            Priority::Continuation => self.few,
            Priority::Creation => self.few + begun,
            Priority::Operation | Priority::Retry | Priority::Sweep => self.persons.max(self.few + begun),
        }
    }
}

impl Limiter {
    pub(super) fn new(limit: Limit, reserves: Reserves, scale: f64) -> Self {
        let meter = Meter::new(limit, scale, Instant::now());
        let (queue, given, promises) = Default::default();
        Self {
            state: Mutex::new(State { meter, closed_until: None, queue, in_flight: 0, given, promises }),
            reserves,
            keeps_room: matches!(limit, Limit::Window { .. }),
            near: NEAR.mul_f64(scale),
        }
    }

    /// Waits for a turn for somebody, at most so long.
    ///
    /// # Errors
    /// The turn does not come within that time; when to try again, counted from now.
    pub(super) async fn enter(
        self: &Arc<Self>,
        context: &CallContext,
        longest: Duration,
    ) -> Result<Admission, Duration> {
        let bell = Arc::new(Notify::new());
        let place = Place { ticket: self.join(context, Arc::clone(&bell)), limiter: self };
        let end = Instant::now() + longest;
        loop {
            let now = Instant::now();
            let at = match self.turn(place.ticket, context, now) {
                Turn::Now => {
                    self.note(context, place.ticket.priority(), now);
                    return Ok(Admission(Arc::clone(self)));
                }
                Turn::At(at) => at,
                Turn::Behind => end,
            };
            let closed_until = self.lock().closed_until;
            if let Some(room) = self.room(place.ticket, context, now).filter(|room| *room > now + self.near) {
                return Err(room - now);
            }
            match closed_until {
                Some(open) if open > end => return Err(open - now),
                _ if now >= end => return Err(longest / 2),
                _ => drop(timeout_at(at.min(end), bell.notified()).await),
            }
        }
    }

    /// Takes a place. What a flow that asks for little wants to be made is as urgent as a change. Where no room is kept for what
    /// has begun, that comes first within its flow only; elsewhere who has no promise begins.
    fn join(&self, context: &CallContext, bell: Arc<Notify>) -> Ticket {
        let (mut state, now) = (self.lock(), Instant::now());
        let period = state.meter.period();
        state.given.retain(|_, given| now.duration_since(given.since) < period);
        state.promises.forget_idle(period, now);
        let given = state.given.get(&context.flow).map_or(0, |given| given.count);
        let asks_for_little = f64::from(given) < self.reserves.few / 2.0;
        let (priority, order) = match context.priority {
            Priority::Continuation | Priority::Creation if asks_for_little => (Priority::Change, context.order),
            Priority::Continuation | Priority::Creation if self.keeps_room => {
                let promised = state.promises.has(context);
                (if promised { Priority::Continuation } else { Priority::Creation }, context.order)
            }
            Priority::Creation => (Priority::Continuation, context.order | LATER),
            other => (other, context.order),
        };
        let ticket = state.queue.join(priority, &context.flow, order, bell);
        // who comes may make another one the first: of the longest waiting, the first of its flow counts
        ring_first(&state.queue);
        ticket
    }

    /// Notes what was sent. Nothing is promised to what failed.
    fn note(&self, context: &CallContext, priority: Priority, now: Instant) {
        let mut state = self.lock();
        state.given.entry(context.flow.clone()).or_insert(Given { count: 0, since: now }).count += 1;
        if self.keeps_room {
            let follow = if priority <= Priority::Creation { context.follow } else { 0 };
            state.promises.sent(context, follow, now);
        }
    }

    /// When there is enough for a waiter, whoever is before it; none if there is now, or if nothing is known.
    fn room(&self, ticket: Ticket, context: &CallContext, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let begun = begun(&state.promises, context);
        state.meter.allows(self.reserves.before(ticket.priority(), begun), now).err()
    }

    fn turn(&self, ticket: Ticket, context: &CallContext, now: Instant) -> Turn {
        let mut state = self.lock();
        let State { meter, closed_until, queue, in_flight, promises, .. } = &mut *state;
        if let Some(open) = closed_until.filter(|open| *open > now) {
            return Turn::At(open);
        }
        *closed_until = None;
        if queue.first() != Some(ticket) {
            return Turn::Behind;
        }
        let begun = begun(promises, context);
        let reserve = self.reserves.before(ticket.priority(), begun);
        let longest = queue.is_turn_of_longest_waiting();
        let reserve = if longest { reserve.min(self.reserves.few + begun) } else { reserve };
        match meter.take(reserve, now) {
            Ok(()) => {
                queue.serve(ticket);
                *in_flight += 1;
                ring_first(queue);
                Turn::Now
            }
            Err(at) => Turn::At(at),
        }
    }

    /// How many may be sent now: nothing while Azure has closed it; none where no limit is known.
    pub(super) fn left(&self) -> Option<f64> {
        let (mut state, now) = (self.lock(), Instant::now());
        let closed = state.closed_until.is_some_and(|open| open > now);
        let left = state.meter.left(now)?;
        Some(if closed { 0.0 } else { left })
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&self) -> bool {
        let (mut state, now) = (self.lock(), Instant::now());
        let open = state.closed_until.is_none_or(|open| open <= now);
        open && state.in_flight == 0 && state.queue.is_empty() && state.meter.is_full(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        crate::lock(&self.state)
    }
}

/// What those who have begun still need, and what is to follow of who begins; whoever is alone may use what there is.
fn begun(promises: &Promises, context: &CallContext) -> f64 {
    match promises.all() {
        0.0 => 0.0,
        all => all + f64::from(context.follow),
    }
}

fn ring_first(queue: &WaitQueue<Arc<Notify>>) {
    if let Some(bell) = queue.first().and_then(|first| queue.get(first)) {
        bell.notify_one();
    }
}

/// A place in the queue, given up when it is dropped.
struct Place<'l> {
    limiter: &'l Limiter,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        if state.queue.cancel(self.ticket).is_some() {
            ring_first(&state.queue);
        }
    }
}

/// A request that was let through and is not answered yet.
#[derive(Debug)]
pub(super) struct Admission(Arc<Limiter>);

impl Admission {
    /// What Azure says is left after this request. Others on their way may not be counted in it.
    pub(super) fn left(&self, left: u64) {
        let mut state = self.0.lock();
        let others = state.in_flight.saturating_sub(1);
        state.meter.lower_to(left as f64 - f64::from(others), Instant::now());
    }

    /// Azure refused for being asked too often: nobody goes through for so long.
    pub(super) fn refused(&self, wait: Duration) {
        let (mut state, now) = (self.0.lock(), Instant::now());
        // what was on its way when the first was refused tells nothing new about the refill
        if state.closed_until.is_none_or(|open| open <= now) {
            state.meter.slow_down(now);
        }
        state.closed_until = state.closed_until.max(Some(now + wait));
        state.queue.iter().for_each(|bell| bell.notify_one());
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}
