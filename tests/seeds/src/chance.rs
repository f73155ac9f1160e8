//! Choices that a seed makes.

use acivnet_azure::{Random, SplitMix};
use std::time::Duration;

/// A generator of choices.
pub struct Chance(SplitMix);

impl Chance {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Self(SplitMix::new(seed))
    }

    /// A number below `end`, which is not 0.
    pub fn below(&self, end: u64) -> u64 {
        self.0.next() % end
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True once in `often` times.
    pub fn one_in(&self, often: u64) -> bool {
        self.below(often) == 0
    }

    /// One of several.
    pub fn of<T: Copy>(&self, several: &[T]) -> T {
        several[usize::try_from(self.below(several.len() as u64)).expect("a short slice")]
    }

    /// A time from `from` to `to` milliseconds.
    pub fn time(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.between(from, to))
    }
}
