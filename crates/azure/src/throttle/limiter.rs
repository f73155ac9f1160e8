//! One limit, and the queue of requests before it.

use super::{
    meter::{Limit, Meter},
    wait_queue::{Priority, Ticket, WaitQueue},
};
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// Lets requests through while something is left, the urgent first.
#[derive(Debug)]
pub(super) struct Limiter {
    state: Mutex<State>,
    /// How many are left to changes by persons.
    reserve: f64,
}

#[derive(Debug)]
struct State {
    meter: Meter,
    closed_until: Option<Instant>,
    queue: WaitQueue<Arc<Notify>>,
    in_flight: u32,
}

/// What to do with the first in the queue, or with another.
enum Turn {
    Now,
    At(Instant),
    Behind,
}

impl Limiter {
    pub(super) fn new(limit: Limit, reserve: f64, scale: f64) -> Self {
        let meter = Meter::new(limit, scale, Instant::now());
        Self {
            state: Mutex::new(State { meter, closed_until: None, queue: WaitQueue::default(), in_flight: 0 }),
            reserve,
        }
    }

    /// Waits for a turn for somebody, at most so long.
    ///
    /// # Errors
    /// The turn does not come within that time; when to try again, counted from now.
    pub(super) async fn enter(
        self: &Arc<Self>,
        priority: Priority,
        flow: &str,
        longest: Duration,
    ) -> Result<Admission, Duration> {
        let bell = Arc::new(Notify::new());
        let place = Place { ticket: self.lock().queue.join(priority, flow, Arc::clone(&bell)), limiter: self };
        let end = Instant::now() + longest;
        loop {
            let now = Instant::now();
            let at = match self.turn(place.ticket, now) {
                Turn::Now => return Ok(Admission(Arc::clone(self))),
                Turn::At(at) => at,
                Turn::Behind => end,
            };
            let closed_until = self.lock().closed_until;
            match closed_until {
                Some(open) if open > end => return Err(open - now),
                _ if now >= end => return Err(longest / 2),
                _ => drop(timeout_at(at.min(end), bell.notified()).await),
            }
        }
    }

    fn turn(&self, ticket: Ticket, now: Instant) -> Turn {
        let mut state = self.lock();
        let State { meter, closed_until, queue, in_flight } = &mut *state;
        if let Some(open) = closed_until.filter(|open| *open > now) {
            return Turn::At(open);
        }
        *closed_until = None;
        if queue.first() != Some(ticket) {
            return Turn::Behind;
        }
        let privileged = ticket.priority() == Priority::Change || queue.is_turn_of_longest_waiting();
        match meter.take(if privileged { 0.0 } else { self.reserve }, now) {
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
