//! Resource Manager's token buckets: by subscription, caller and sort of request ("Understand how Azure Resource
//! Manager throttles requests"). Time runs faster here by the time scale, and so do the buckets fill.

use crate::error::{Refusal, Response, set_header};
use crate::world::World;
use http::{Method, StatusCode};
use jiff::Timestamp;
use std::collections::BTreeMap;

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
}

fn limit(method: &Method) -> Limit {
    match *method {
        Method::GET | Method::HEAD => READS,
        Method::DELETE => DELETES,
        _ => WRITES,
    }
}

/// Takes a token; how many are left.
///
/// # Errors
/// `429 SubscriptionRequestsThrottled` with `Retry-After`.
pub fn take(world: &mut World, subscription: &str, caller: &str, method: &Method) -> Result<u64, Refusal> {
    let (sort, size, per_second) = limit(method);
    let (now, per_second) = (world.now, per_second / world.time_scale);
    let bucket = world.buckets.0.entry((subscription.to_ascii_lowercase(), caller.to_owned(), sort));
    let bucket = bucket.or_insert(Bucket { tokens: size, since: now });
    let passed = now.duration_since(bucket.since).as_secs_f64().max(0.0);
    bucket.tokens = (bucket.tokens + passed * per_second).min(size);
    bucket.since = now;
    if bucket.tokens >= 1.0 {
        bucket.tokens -= 1.0;
        return Ok(bucket.tokens as u64);
    }
    let seconds = ((1.0 - bucket.tokens) / per_second).ceil().max(1.0) as u64;
    let message = format!(
        "Number of '{sort}' requests for subscription '{subscription}' actor '{caller}' exceeded. Please try again \
         after '{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for \
         additional information."
    );
    let refusal = Refusal::gateway(StatusCode::TOO_MANY_REQUESTS, "SubscriptionRequestsThrottled", message);
    Err(refusal.retry_after(seconds))
}

/// Tells the client how many requests of this sort are left.
pub fn tell(response: &mut Response, method: &Method, left: u64) {
    let header = match limit(method).0 {
        "read" => "x-ms-ratelimit-remaining-subscription-reads",
        "delete" => "x-ms-ratelimit-remaining-subscription-deletes",
        _ => "x-ms-ratelimit-remaining-subscription-writes",
    };
    set_header(response, header, &left.to_string());
}
