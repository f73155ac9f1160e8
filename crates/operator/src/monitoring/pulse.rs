//! Whether the work goes on. `/livez` is answered by a thread of its own, also while the work is busy. It says no once
//! nothing has moved for so long that nothing ever will.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// How often idle work shows that it is alive.
pub(crate) const BEAT: Duration = Duration::from_secs(2);
/// Work without a sign of life for this long is stuck: nothing holds the thread for more than a tenth of a second.
pub(crate) const STUCK: Duration = Duration::from_secs(30);
/// Nothing is expected.
const RESTS: u64 = u64::MAX;

/// When the parts of the work were last seen to move, in milliseconds since the start.
#[derive(Debug)]
pub struct Pulse {
    start: Instant,
    /// The thread of the work.
    thread: AtomicU64,
    /// The loop that starts and ends reconciles, while this process leads and knows all objects.
    reconciles: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { start: Instant::now(), thread: AtomicU64::new(RESTS), reconciles: AtomicU64::new(RESTS) }
    }
}

/// Reconciles are expected to go on until this is dropped.
pub(crate) struct ReconcileLoop<'p>(&'p Pulse);

/// What is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    what: &'static str,
    since: Duration,
}

impl Pulse {
    /// Shows that the thread runs tasks; never ends.
    pub(crate) async fn beat(&self) {
        loop {
            self.thread.store(self.now(), Ordering::Relaxed);
            tokio::time::sleep(BEAT).await;
        }
    }

    /// From now on reconciles are expected to go on.
    pub(crate) fn reconcile_loop(&self) -> ReconcileLoop<'_> {
        let reconciles = ReconcileLoop(self);
        reconciles.go_on();
        reconciles
    }

    /// What is stuck, if something is.
    pub(crate) fn stuck(&self) -> Option<Stuck> {
        let parts = [("the operator's thread", &self.thread), ("the loop that starts passes", &self.reconciles)];
        parts.into_iter().find_map(|(what, last)| {
            let since = Duration::from_millis(self.now().saturating_sub(last.load(Ordering::Relaxed)));
            (since > STUCK).then_some(Stuck { what, since })
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(RESTS)
    }
}

impl ReconcileLoop<'_> {
    /// A reconcile began or ended, or there is none to begin.
    pub(crate) fn go_on(&self) {
        self.0.reconciles.store(self.0.now(), Ordering::Relaxed);
    }
}

impl Drop for ReconcileLoop<'_> {
    fn drop(&mut self) {
        self.0.reconciles.store(RESTS, Ordering::Relaxed);
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has not moved for {} s", self.what, self.since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_move_is_stuck() {
        let pulse = Pulse::default();
        advance(STUCK * 3).await;
        assert_eq!(pulse.stuck(), None, "nothing has begun");
        let reconciles = pulse.reconcile_loop();
        advance(STUCK).await;
        assert_eq!(pulse.stuck(), None, "busy is not stuck");
        advance(Duration::from_secs(1)).await;
        assert_eq!(pulse.stuck().unwrap().to_string(), "the loop that starts passes has not moved for 31 s");
        reconciles.go_on();
        assert_eq!(pulse.stuck(), None);
        drop(reconciles);
        advance(STUCK * 3).await;
        assert_eq!(pulse.stuck(), None, "a standby makes no passes");
        let beats = tokio::time::timeout(STUCK * 3, pulse.beat());
        assert!(beats.await.is_err() && pulse.stuck().is_none());
        advance(STUCK * 2).await;
        assert_eq!(pulse.stuck().unwrap().what, "the operator's thread");
    }
}
