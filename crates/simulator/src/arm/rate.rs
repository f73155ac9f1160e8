//! Resource Manager's token buckets: by subscription, caller and sort of request ("Understand how Azure Resource
//! Manager throttles requests"). They hold for each region of a front end, of which there is one here. Time runs faster
//! here by the time scale, and so do the buckets fill.
//!
//! A request before `Retry-After` is over is refused, and the wait starts anew (the same page).

use crate::error::{Refusal, Response, set_header};
use crate::world::World;
use http::{Method, StatusCode};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Sort of request, size of its bucket, tokens that come back in a second.
type Limit = (&'static str, f64, f64);

const READS: Limit = ("read", 250.0, 25.0);
const WRITES: Limit = ("write", 200.0, 10.0);
const DELETES: Limit = ("delete", 200.0, 10.0);

/// All buckets.
#[derive(Debug, Default)]
pub struct Buckets(BTreeMap<(String, String, &'static str), Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    since: Timestamp,
    /// End of the wait that the last refusal asked for.
    closed_until: Timestamp,
}

impl Bucket {
    /// Takes a token. Returns how many are left, or how many seconds to wait.
    fn take(&mut self, now: Timestamp, size: f64, per_second: f64) -> Result<u64, u64> {
        let passed = now.duration_since(self.since).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + passed * per_second).min(size);
        self.since = now;
        if self.tokens >= 1.0 && now >= self.closed_until {
            self.tokens -= 1.0;
            return Ok(self.tokens as u64);
        }
        let seconds = ((1.0 - self.tokens) / per_second).ceil().max(1.0) as u64;
        self.closed_until = crate::clock::after(now, Duration::from_secs(seconds));
        Err(seconds)
    }
}

fn limit(method: &Method) -> Limit {
    match *method {
        Method::GET | Method::HEAD => READS,
        Method::DELETE => DELETES,
        _ => WRITES,
    }
}

/// Takes a token, and returns how many are left.
///
/// # Errors
/// `429 SubscriptionRequestsThrottled` with `Retry-After`.
pub fn take(world: &mut World, subscription: &str, caller: &str, method: &Method) -> Result<u64, Refusal> {
    let (sort, size, per_second) = limit(method);
    let (now, per_second) = (world.now, per_second / world.time_scale);
    let bucket = world.buckets.0.entry((subscription.to_ascii_lowercase(), caller.to_owned(), sort));
    let bucket = bucket.or_insert(Bucket { tokens: size, since: now, closed_until: now });
    if !world.settings.limits.resource_manager {
        return Ok(bucket.tokens as u64);
    }
    bucket.take(now, size, per_second).map_err(|seconds| {
        let message = format!(
            "Number of '{sort}' requests for subscription '{subscription}' actor '{caller}' exceeded. Please try again \
             after '{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for \
             additional information."
        );
        let refusal = Refusal::gateway(StatusCode::TOO_MANY_REQUESTS, "SubscriptionRequestsThrottled", message);
        refusal.retry_after(seconds)
    })
}

/// Tells the client how many requests of this sort are left.
pub fn tell(response: &mut Response, method: &Method, left: u64) {
    let (sort, ..) = limit(method);
    let header = match sort {
        "read" => "x-ms-ratelimit-remaining-subscription-reads",
        "delete" => "x-ms-ratelimit-remaining-subscription-deletes",
        _ => "x-ms-ratelimit-remaining-subscription-writes",
    };
    set_header(response, header, &left.to_string());
}
