//! The one source of waits.

use acivnet_core::retry::Retry;
use std::time::Duration;

/// Scales the operator's own waits. What Azure asks for is never scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// 1 is the pace of production. What is not a positive number counts as 1.
    pub fn new(scale: f64) -> Self {
        Self(if scale.is_finite() && scale > 0.0 { scale } else { 1.0 })
    }

    /// A wait of our own.
    pub fn of(self, wait: Duration) -> Duration {
        wait.mul_f64(self.0)
    }

    /// The other way round: a time that passed here, as long as it would have been in production.
    pub fn undone(self, passed: Duration) -> Duration {
        passed.div_f64(self.0)
    }

    /// How much slower than in production time goes.
    pub fn scale(self) -> f64 {
        self.0
    }

    /// The wait before the `attempt`-th try in a row, counted from 0. `jitter` is in 0..1.
    pub fn before(self, retry: Retry, attempt: u32, jitter: f64) -> Duration {
        match retry {
            Retry::After(_) => retry.delay(attempt, jitter),
            Retry::Soon | Retry::Steadily | Retry::Backoff | Retry::Slowly | Retry::OnSpecChange => {
                self.of(retry.delay(attempt, jitter))
            }
        }
    }

    /// The wait before the next sweep: up to a tenth less than the interval, so that objects spread.
    pub fn sweep(self, interval: Duration, jitter: f64) -> Duration {
        self.of(interval.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 10.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_what_is_ours_only() {
        let (fast, asked) = (Pace::new(0.01), Duration::from_secs(10));
        assert_eq!(fast.before(Retry::Backoff, 0, 0.5), Duration::from_millis(10));
        assert_eq!(fast.before(Retry::After(asked), 0, 0.0), asked);
        assert_eq!(fast.of(Duration::from_secs(5)), Duration::from_millis(50));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Pace::new(wrong), Pace::new(1.0));
        }
    }

    #[test]
    fn a_sweep_is_never_late() {
        let interval = Duration::from_secs(300);
        assert_eq!(Pace::new(1.0).sweep(interval, 0.0), interval);
        assert_eq!(Pace::new(1.0).sweep(interval, 1.0), Duration::from_secs(270));
    }
}
