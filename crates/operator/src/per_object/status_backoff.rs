//! When a status that only reports progress may be written again.

use crate::reconcile::pace::Pace;
use std::time::Duration;
use tokio::time::Instant;

/// How long progress waits after the last write of the status; then four times as long each time. A creation of twenty
/// minutes so writes its progress three times, after 15, 75 and 315 s.
const FIRST: Duration = Duration::from_secs(15);
/// The longest that progress waits.
const LONGEST: Duration = Duration::from_secs(900);

/// The last write of the status of an object that is being worked on. Losing it delays a report of progress.
#[derive(Default, PartialEq)]
pub(crate) struct StatusBackoff(Option<Pause>);

#[derive(PartialEq)]
struct Pause {
    since: Instant,
    length: Duration,
}

impl StatusBackoff {
    /// Whether the pause since the last write is over, so that progress may be written. Each time it is, the next pause
    /// is longer.
    pub(crate) fn is_over(&mut self, pace: Pace) -> bool {
        let pause = self.0.get_or_insert_with(Pause::begin);
        if pause.since.elapsed() < pace.of(pause.length) {
            return false;
        }
        pause.length = (pause.length * 4).min(LONGEST);
        true
    }

    /// A status was written.
    pub(crate) fn written(&mut self) {
        self.0.get_or_insert_with(Pause::begin).since = Instant::now();
    }
}

impl Pause {
    fn begin() -> Self {
        Self { since: Instant::now(), length: FIRST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn news_become_rarer_until_nothing_is_worked_on() {
        let (mut backoff, pace) = (StatusBackoff::default(), Pace::new(0.1));
        let mut told = Vec::new();
        for tenth in 0..400 {
            if backoff.is_over(pace) {
                backoff.written();
                told.push(tenth);
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(told, [15, 75, 315], "after 1.5, 6 and 24 seconds");
        backoff = StatusBackoff::default();
        assert!(!backoff.is_over(pace));
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert!(backoff.is_over(pace));
    }
}
