//! What is left of a limit: a token bucket, a sliding window, or no limit at all.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Slots of a window: what was sent is counted by slot, and a slot counts until all of it is out of the window. Of five
/// minutes a slot is 1 s, by which a permit may come later than it could.
const SLOTS: u32 = 300;
/// What a refusal leaves of the refill: the factor of CUBIC (RFC 9438, section 4.6). Together with [`INCREASE`] it is additive
/// increase and multiplicative decrease, which settles at what there is and shares it.
const DECREASE: f64 = 0.7;
/// By how much the refill rises in a minute without a refusal, in tokens a second. Writes, of which 10 a second are
/// published, are back there six minutes after one refusal.
const INCREASE: f64 = 0.5;
/// By how much of what was set a window grows in a minute without a refusal: from the lowest it is back in 19 minutes.
const GROWTH: f64 = 0.05;
/// Neither refill nor window falls below this part of what is published or set: a write still goes every two seconds.
const LOWEST: f64 = 0.05;
/// Sums of fractions of tokens come out this much too low.
const ALMOST: f64 = 1e-6;

/// A published limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A token bucket.
    Bucket {
        /// Tokens in a full one.
        size: f64,
        /// Tokens that come back in a second.
        per_second: f64,
    },
    /// So many in any stretch of time of a length.
    Window {
        /// How many.
        most: u32,
        /// The length.
        length: Duration,
    },
    /// None is known.
    None,
}

/// What is left of a limit.
#[derive(Debug)]
pub(super) enum Meter {
    Bucket(Bucket),
    Window(Window),
    None,
}

impl Meter {
    /// A full one. `scale` is how much slower than in production time goes.
    pub(super) fn new(limit: Limit, scale: f64, now: Instant) -> Self {
        match limit {
            Limit::Bucket { size, per_second } => Self::Bucket(Bucket {
                size,
                published: per_second / scale,
                per_second: per_second / scale,
                tokens: size,
                at: now,
                quiet_since: now,
                minute: Duration::from_secs(60).mul_f64(scale),
                increase: INCREASE / scale,
            }),
            Limit::Window { most, length } => {
                let slot = (length / SLOTS).mul_f64(scale).max(Duration::from_millis(1));
                let (most, minute) = (f64::from(most), Duration::from_secs(60).mul_f64(scale));
                let sent = VecDeque::new();
                Self::Window(Window { set: most, most, slot, start: now, sent, quiet_since: now, minute })
            }
            Limit::None => Self::None,
        }
    }

    /// Takes one if more than `reserve` are left.
    ///
    /// # Errors
    /// When there will be enough, if nobody else takes any.
    pub(super) fn take(&mut self, reserve: f64, now: Instant) -> Result<(), Instant> {
        self.allows(reserve, now)?;
        match self {
            Self::Bucket(bucket) => bucket.tokens = (bucket.tokens - 1.0).max(0.0),
            Self::Window(window) => window.count(1, now),
            Self::None => {}
        }
        Ok(())
    }

    /// Whether more than `reserve` are left.
    ///
    /// # Errors
    /// When there will be enough, if nobody else takes any.
    pub(super) fn allows(&mut self, reserve: f64, now: Instant) -> Result<(), Instant> {
        match self {
            Self::Bucket(bucket) => bucket.allows(reserve, now),
            Self::Window(window) => window.allows(reserve, now),
            Self::None => Ok(()),
        }
    }

    /// In how long a limit that is used up is whole again.
    pub(super) fn period(&self) -> Duration {
        match self {
            Self::Bucket(bucket) => Duration::from_secs_f64(bucket.size / bucket.published.max(ALMOST)),
            Self::Window(window) => window.slot * SLOTS,
            Self::None => Duration::ZERO,
        }
    }

    /// No more are left than this; there may be less.
    pub(super) fn lower_to(&mut self, left: f64, now: Instant) {
        match self {
            Self::Bucket(bucket) => {
                bucket.refill(now);
                bucket.tokens = bucket.tokens.min(left.max(0.0));
            }
            Self::Window(window) => {
                let surplus = window.left(now) - left.max(0.0);
                if surplus > 0.0 {
                    window.count(surplus.ceil() as u32, now);
                }
            }
            Self::None => {}
        }
    }

    /// Azure refused although something was left: a bucket fills more slowly than published, and a window is no larger than
    /// what went through it.
    pub(super) fn slow_down(&mut self, now: Instant) {
        match self {
            Self::Bucket(bucket) => {
                bucket.refill(now);
                (bucket.tokens, bucket.quiet_since) = (0.0, now);
                bucket.per_second = (bucket.per_second * DECREASE).max(bucket.published * LOWEST);
            }
            Self::Window(window) => window.shrink(now),
            Self::None => {}
        }
    }

    /// How many may be sent now; none where no limit is known.
    pub(super) fn left(&mut self, now: Instant) -> Option<f64> {
        match self {
            Self::Bucket(bucket) => {
                bucket.refill(now);
                Some(bucket.tokens.floor())
            }
            Self::Window(window) => Some(window.left(now)),
            Self::None => None,
        }
    }

    /// Whether it is as a new one is.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        match self {
            Self::Bucket(bucket) => {
                bucket.refill(now);
                bucket.tokens >= bucket.size && bucket.per_second >= bucket.published
            }
            Self::Window(window) => window.left(now) >= window.set,
            Self::None => true,
        }
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    size: f64,
    published: f64,
    per_second: f64,
    tokens: f64,
    at: Instant,
    quiet_since: Instant,
    minute: Duration,
    increase: f64,
}

impl Bucket {
    fn allows(&mut self, reserve: f64, now: Instant) -> Result<(), Instant> {
        self.refill(now);
        let missing = 1.0 + reserve - self.tokens;
        if missing > ALMOST { Err(now + later(missing / self.per_second)) } else { Ok(()) }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        self.at = now;
        while self.per_second < self.published && now.duration_since(self.quiet_since) >= self.minute {
            self.per_second = (self.per_second + self.increase).min(self.published);
            self.quiet_since += self.minute;
        }
    }
}

/// Counts by slot: its number since the start, and how many were sent in it.
#[derive(Debug)]
pub(super) struct Window {
    /// How many there are as published or set.
    set: f64,
    /// How many there are as far as answers tell.
    most: f64,
    quiet_since: Instant,
    minute: Duration,
    slot: Duration,
    start: Instant,
    sent: VecDeque<(u32, u32)>,
}

impl Window {
    fn allows(&mut self, reserve: f64, now: Instant) -> Result<(), Instant> {
        let mut left = self.left(now);
        if left + ALMOST >= 1.0 + reserve {
            return Ok(());
        }
        for (slot, count) in &self.sent {
            left += f64::from(*count);
            if left + ALMOST >= 1.0 + reserve {
                return Err((self.start + self.slot * (slot + SLOTS + 1)).max(now + later(0.0)));
            }
        }
        Err(now + self.slot * SLOTS)
    }

    fn left(&mut self, now: Instant) -> f64 {
        let current = self.number(now);
        while self.sent.front().is_some_and(|(slot, _)| slot + SLOTS < current) {
            self.sent.pop_front();
        }
        while self.most < self.set && now.duration_since(self.quiet_since) >= self.minute {
            self.most = (self.most + self.set * GROWTH).min(self.set);
            self.quiet_since += self.minute;
        }
        let sent: u32 = self.sent.iter().map(|(_, count)| *count).sum();
        self.most - f64::from(sent)
    }

    /// One more than there are was sent.
    fn shrink(&mut self, now: Instant) {
        let there_are = self.most - self.left(now) - 1.0;
        self.most = there_are.clamp((self.set * LOWEST).ceil(), self.most);
        self.quiet_since = now;
    }

    fn count(&mut self, more: u32, now: Instant) {
        let current = self.number(now);
        match self.sent.back_mut() {
            Some((slot, count)) if *slot == current => *count += more,
            _ => self.sent.push_back((current, more)),
        }
    }

    fn number(&self, now: Instant) -> u32 {
        let slots = now.duration_since(self.start).as_nanos() / self.slot.as_nanos().max(1);
        u32::try_from(slots).unwrap_or(u32::MAX - SLOTS - 1)
    }
}

/// A wait of at least the timer's grain, so that who waits for it does not spin.
fn later(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.001, 3600.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(meter: &mut Meter, now: Instant) -> usize {
        (0..100_000).take_while(|_| meter.take(0.0, now).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_size_and_then_its_refill() {
        let start = Instant::now();
        let mut meter = Meter::new(Limit::Bucket { size: 200.0, per_second: 10.0 }, 1.0, start);
        assert_eq!(takes(&mut meter, start), 200);
        let ready = meter.take(0.0, start).unwrap_err();
        assert_eq!(ready - start, Duration::from_millis(100));
        assert_eq!(takes(&mut meter, start + Duration::from_secs(3)), 30);
        assert_eq!(takes(&mut meter, start + Duration::from_secs(1000)), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reserve_is_left() {
        let start = Instant::now();
        let mut meter = Meter::new(Limit::Bucket { size: 10.0, per_second: 1.0 }, 1.0, start);
        let taken = (0..100).take_while(|_| meter.take(4.0, start).is_ok()).count();
        assert_eq!((taken, takes(&mut meter, start)), (6, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_slow_the_refill_and_quiet_minutes_raise_it() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        let mut meter = Meter::new(Limit::Bucket { size: 1000.0, per_second: 10.0 }, 1.0, start);
        meter.slow_down(start);
        assert_eq!(takes(&mut meter, start + seconds(10)), 70, "7 a second");
        assert_eq!(takes(&mut meter, start + seconds(60)), 350);
        assert_eq!(takes(&mut meter, start + seconds(70)), 75, "7.5 a second");
        takes(&mut meter, start + seconds(600));
        assert_eq!(takes(&mut meter, start + seconds(610)), 100, "never above what is published");
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_counts_until_all_of_a_slot_is_over() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        let mut meter = Meter::new(Limit::Window { most: 1000, length: seconds(300) }, 1.0, start);
        assert_eq!(takes(&mut meter, start + seconds(5)), 1000);
        assert_eq!(meter.take(0.0, start + seconds(6)), Err(start + seconds(306)));
        assert_eq!(takes(&mut meter, start + seconds(305)), 0);
        assert_eq!(takes(&mut meter, start + seconds(306)), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_is_what_went_through_it_and_grows_again() {
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        let mut meter = Meter::new(Limit::Window { most: 1000, length: seconds(300) }, 1.0, start);
        (0..401).for_each(|_| meter.take(0.0, start).unwrap());
        meter.slow_down(start);
        assert_eq!((meter.left(start), meter.is_full(start)), (Some(-1.0), false));
        assert_eq!(takes(&mut meter, start + seconds(59)), 0, "400 are sent, and the window has no more");
        assert_eq!(takes(&mut meter, start + seconds(60)), 49, "50 more, one of which was refused");
        assert_eq!(meter.left(start + seconds(901)), Some(1000.0), "never above what was set");
        meter.slow_down(start + seconds(901));
        assert_eq!(takes(&mut meter, start + seconds(901)), 50, "never below a twentieth");
    }

    #[tokio::test(start_paused = true)]
    async fn what_azure_says_only_lowers() {
        let start = Instant::now();
        for limit in [
            Limit::Bucket { size: 200.0, per_second: 10.0 },
            Limit::Window { most: 200, length: Duration::from_secs(300) },
        ] {
            let mut meter = Meter::new(limit, 1.0, start);
            meter.lower_to(16_499.0, start);
            meter.lower_to(7.0, start);
            meter.lower_to(150.0, start);
            assert!(!meter.is_full(start));
            assert_eq!(takes(&mut meter, start), 7, "{limit:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_can_go_faster() {
        let start = Instant::now();
        let mut meter = Meter::new(Limit::Bucket { size: 1.0, per_second: 10.0 }, 0.01, start);
        assert_eq!((takes(&mut meter, start), takes(&mut meter, start + Duration::from_millis(1))), (1, 1));
    }
}
