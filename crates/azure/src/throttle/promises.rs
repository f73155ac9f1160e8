//! Room in a window for what has begun: who begins leaves it alone, so that what is begun can be finished.

use super::CallContext;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// Requests that are still to come of those who have begun, by flow and order.
#[derive(Debug, Default)]
pub(super) struct Promises {
    of: BTreeMap<(String, u64), Promise>,
}

#[derive(Debug)]
struct Promise {
    requests: u32,
    /// When the last request was sent.
    at: Instant,
}

impl Promises {
    /// Whether room is kept for what a request is for.
    pub(super) fn has(&self, context: &CallContext) -> bool {
        self.of.contains_key(&key(context))
    }

    /// For how many requests room is kept.
    pub(super) fn all(&self) -> f64 {
        self.of.values().map(|promise| f64::from(promise.requests)).sum()
    }

    /// A request was sent: `follow` others are still to come of what it is for, at most.
    pub(super) fn sent(&mut self, context: &CallContext, follow: u32, now: Instant) {
        let key = key(context);
        let before = self.of.get(&key).map_or(u32::MAX, |promise| promise.requests.saturating_sub(1));
        match follow.min(before) {
            0 => drop(self.of.remove(&key)),
            requests => drop(self.of.insert(key, Promise { requests, at: now })),
        }
    }

    /// What is not gone on with for so long has failed, or is gone.
    pub(super) fn forget_idle(&mut self, longest: Duration, now: Instant) {
        self.of.retain(|_, promise| now.duration_since(promise.at) < longest);
    }
}

fn key(context: &CallContext) -> (String, u64) {
    (context.flow.clone(), context.order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_until_the_last_has_been_sent_or_nothing_comes() {
        let (mut promises, now) = (Promises::default(), Instant::now());
        let object = |order, follow| CallContext { order, follow, ..CallContext::default() };
        for (context, all) in [
            (object(1, 3), 3.0),
            (object(2, 3), 6.0),
            // of one plan each request tells the same
            (object(1, 3), 5.0),
            (object(1, 3), 4.0),
            // another plan needs less than was thought
            (object(2, 0), 1.0),
            (object(1, 3), 0.0),
        ] {
            promises.sent(&context, context.follow, now);
            assert_eq!(promises.all(), all, "{context:?}");
        }
        assert!(!promises.has(&object(1, 3)));
        promises.sent(&object(1, 3), 3, now);
        assert!(promises.has(&object(1, 0)) && !promises.has(&object(2, 0)));
        promises.forget_idle(Duration::from_secs(300), now + Duration::from_secs(300));
        assert_eq!(promises.all(), 0.0);
    }
}
