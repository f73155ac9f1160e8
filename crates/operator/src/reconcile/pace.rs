//! The one source of waits.

use acivnet_core::{owner, retry::Retry};
use jiff::Timestamp;
use std::time::Duration;

/// Of so many sweeps one takes nothing for granted: what could not be seen to have changed is found within an hour, if
/// sweeps are five minutes apart.
const THOROUGH: i128 = 12;

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

    /// The moments at which the objects of a namespace are looked at when nothing changes.
    pub fn sweeps(self, interval: Duration, namespace: &str) -> Sweeps {
        let hash = owner::sha256_hex(&[namespace.as_bytes()]);
        let share = hash.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
        let period = self.of(interval).max(Duration::from_millis(1));
        Sweeps { period, offset: period.mul_f64(f64::from(share) / f64::from(u32::MAX)) }
    }
}

/// Moments an interval apart, the same for all objects of a namespace, so that one list answers for all of them; those of
/// another namespace lie elsewhere in the interval, so that work spreads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sweeps {
    period: Duration,
    offset: Duration,
}

impl Sweeps {
    /// How long until the next one. One that is nearer than a hundredth of the interval is left out: it is the one that
    /// was just woken for, or what it would see was just seen.
    pub fn wait(self, now: Timestamp) -> Duration {
        let wait = self.period.saturating_sub(self.past(now));
        if wait < self.period / 100 { wait + self.period } else { wait }
    }

    /// When a list must have been begun to answer what is asked now: no earlier than the last of these moments, nor than
    /// [`Self::lasts`] ago. So a sweep sees what stands at its time, and a change in Azure is seen within the interval.
    pub fn oldest(self, now: Timestamp) -> Timestamp {
        let age = self.past(now).min(self.lasts());
        now.checked_sub(age).unwrap_or(now)
    }

    /// The last of these moments.
    pub fn last(self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.past(now)).unwrap_or(now)
    }

    /// Whether the last of these moments began a sweep in which every object is reconciled, whatever lists show.
    pub(crate) fn takes_nothing_for_granted(self, now: Timestamp) -> bool {
        let past = self.last(now).as_nanosecond().saturating_sub_unsigned(self.offset.as_nanos());
        let number = past.div_euclid(i128::try_from(self.period.as_nanos()).unwrap_or(i128::MAX));
        number.rem_euclid(THOROUGH) == 0
    }

    /// How long a list may answer: a tenth of the interval; longer only if it takes long to read.
    pub fn lasts(self) -> Duration {
        self.period / 10
    }

    /// How long ago the last one was.
    fn past(self, now: Timestamp) -> Duration {
        let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
        let past = (now.as_nanosecond() - nanos(self.offset)).rem_euclid(nanos(self.period));
        Duration::from_nanos(u64::try_from(past).unwrap_or_default())
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
    fn a_namespace_sweeps_at_the_same_moments_and_others_at_others() {
        let interval = Duration::from_secs(300);
        let sweeps = |namespace| Pace::new(1.0).sweeps(interval, namespace);
        let at = |seconds: f64| Timestamp::UNIX_EPOCH + Duration::from_secs_f64(1.8e9 + seconds);
        let next = at(0.0) + sweeps("ml").wait(at(0.0));
        for seconds in [1.0, 17.5, 100.0] {
            let (now, wait) =
                (next + Duration::from_secs_f64(seconds), sweeps("ml").wait(next + Duration::from_secs_f64(seconds)));
            assert_eq!(now + wait, next + interval);
            assert_eq!(sweeps("ml").oldest(now), now - Duration::from_secs_f64(seconds.min(30.0)));
        }
        assert_eq!(sweeps("ml").wait(next - Duration::from_millis(1)), interval + Duration::from_millis(1));
        assert_ne!(sweeps("ml").wait(at(0.0)), sweeps("other").wait(at(0.0)));
        let thorough = |sweep: u32| {
            let begun = next + interval * sweep;
            let during = [0.0, 1.0, 299.9].map(|later| begun + Duration::from_secs_f64(later));
            let [is, still, always] = during.map(|now| sweeps("ml").takes_nothing_for_granted(now));
            assert!(is == still && is == always, "a sweep is or is not");
            is
        };
        assert_eq!((0..120).filter(|sweep| thorough(*sweep)).count(), 10);
        assert_eq!(Pace::new(0.01).sweeps(interval, "ml").period, Duration::from_secs(3));
    }
}
