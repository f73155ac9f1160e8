//! One time of being the leader.

use acivnet_azure::Fence;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// From winning the lease to losing it: the fence for everything that this operator writes.
///
/// # Guarantees
/// - What was over once stays over: another election makes another term.
/// - It ends a hundredth of the duration before a candidate may take the lease, counted from before the last renewal was
///   sent.
/// - No write starts in its last third, so that what has started can be sent completely.
///
/// # Assumptions
/// - The clock is monotonic, and goes on while the process is stopped.
pub(crate) struct Term {
    duration: Duration,
    state: Mutex<TermState>,
}

struct TermState {
    /// Monotonic, so that nobody's setting of a clock moves it. It counts while the process is stopped.
    until: Instant,
    closing: bool,
}

impl Term {
    /// A term whose lease was asked for at `sent` and lasts `duration`.
    pub(crate) fn new(sent: Instant, duration: Duration) -> Self {
        Self { duration, state: Mutex::new(TermState { until: end(sent, duration), closing: false }) }
    }

    /// The lease was renewed by a request sent then. `false` when that came too late.
    pub(crate) fn renew(&self, sent: Instant) -> bool {
        let mut state = self.state();
        let in_time = Instant::now() < state.until;
        if in_time {
            state.until = end(sent, self.duration);
        }
        in_time
    }

    /// From now on no write to Azure starts.
    pub(crate) fn close(&self) {
        self.state().closing = true;
    }

    /// From now on nothing is written.
    pub(crate) fn end(&self) {
        self.state().until = Instant::now();
    }

    pub(crate) fn is_over(&self) -> bool {
        !self.may_send()
    }

    fn state(&self) -> MutexGuard<'_, TermState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hundredth less than others wait: clocks differ in their rate.
fn end(sent: Instant, duration: Duration) -> Instant {
    sent + duration - duration / 100
}

impl Fence for Term {
    /// A third of the duration has to be left, 5 of 15 seconds.
    fn may_start(&self) -> bool {
        let state = self.state();
        !state.closing && state.until.saturating_duration_since(Instant::now()) >= self.duration / 3
    }

    fn may_send(&self) -> bool {
        Instant::now() < self.state().until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const FIFTEEN: Duration = Duration::from_secs(15);

    fn may(term: &Term) -> (bool, bool) {
        (term.may_start(), term.may_send())
    }

    #[tokio::test(start_paused = true)]
    async fn writes_start_until_five_seconds_are_left_and_are_sent_until_the_end() {
        let term = Term::new(Instant::now(), FIFTEEN);
        for (seconds, expected) in
            [(0.0, (true, true)), (9.8, (true, true)), (0.1, (false, true)), (4.9, (false, true))]
        {
            advance(Duration::from_secs_f64(seconds)).await;
            assert_eq!(may(&term), expected, "after {seconds} s more");
        }
        advance(Duration::from_millis(50)).await;
        assert_eq!(may(&term), (false, false), "before others may take it");
        assert!(!term.renew(Instant::now()), "too late");
        assert_eq!(may(&term), (false, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_counts_from_when_it_was_asked_for() {
        let begin = Instant::now();
        let term = Term::new(begin, FIFTEEN);
        advance(Duration::from_secs(12)).await;
        assert!(term.renew(begin + Duration::from_secs(2)));
        assert_eq!(may(&term), (false, true));
        advance(Duration::from_secs(5)).await;
        assert!(term.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn closing_stops_starts_and_ending_stops_all() {
        let term = Term::new(Instant::now(), FIFTEEN);
        term.close();
        assert!(term.renew(Instant::now()));
        assert_eq!(may(&term), (false, true));
        term.end();
        assert_eq!(may(&term), (false, false));
    }
}
