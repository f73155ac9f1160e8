//! The system's clock, which can be moved forward, so that hours pass at once.

use acivnet_azure::{Clock, SystemClock};
use jiff::Timestamp;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Nanoseconds by which it is ahead of the system's clock.
#[derive(Default)]
pub struct Forward(AtomicU64);

impl Forward {
    /// Puts it forward.
    pub fn by(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).expect("less than centuries"), Ordering::Relaxed);
    }
}

impl Clock for Forward {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
