//! Limits of resource providers: a number of requests per time window, for each subscription and region.
//!
//! Microsoft.Network: 1,000 writes and deletes, and 10,000 reads, in five minutes ("Azure subscription and service
//! limits", Networking). Azure Container Instances: 300 creations an hour and 100 in five minutes, deletions alike, and
//! 100 container groups ("Resource availability & quota limits"); its windows show here wherever a container group is
//! made or removed, by Azure ML as well. Private DNS: 500 reads in five minutes (an older page), and 12,000 writes (a
//! recorded header; the window is a guess). Not confirmed: whether a window begins with the first request in it, as
//! here; the code and the header of Microsoft.Network's refusal; how Azure ML passes on a refused creation or deletion.

use crate::container_instances;
use crate::error::{Refusal, Response, set_header};
use crate::world::World;
use http::{Method, StatusCode};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A policy: its name, how many, in how many seconds.
type Policy = (&'static str, u64, f64);

const NETWORK_READS: Policy = ("Microsoft.Network/Reads5Min", 10_000, 300.0);
const NETWORK_WRITES: Policy = ("Microsoft.Network/Writes5Min", 1_000, 300.0);
const PRIVATE_DNS_READS: Policy = ("privateDns/Reads5Min", 500, 300.0);
const PRIVATE_DNS_WRITES: Policy = ("privateDns/Writes5Min", 12_000, 300.0);
const CONTAINERS: [Policy; 2] = [("pt5m", 100, 300.0), ("pt1h", 300, 3600.0)];
/// The headers that tell of [`CONTAINERS`].
const REMAINING: [&str; 2] = [
    "x-ms-ratelimit-remaining-subscription-resource-requests-pt5m",
    "x-ms-ratelimit-remaining-subscription-resource-requests-pt1h",
];
/// Container groups in a region.
pub(crate) const CONTAINER_GROUPS: usize = 100;

/// The open windows, by policy, subscription, region and kind of request.
#[derive(Debug, Default)]
pub struct Windows(BTreeMap<(&'static str, String, &'static str), Window>);

#[derive(Debug)]
struct Window {
    until: Timestamp,
    count: u64,
}

/// An action on a container group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It is created.
    Create,
    /// It is removed.
    Delete,
}

/// Counts a request to Microsoft.Network in a region. Returns the policy's name and how many are left.
///
/// # Errors
/// `429 TooManyRequests` with `Retry-After`.
pub fn network(
    world: &mut World,
    subscription: &str,
    region: &str,
    method: &Method,
) -> Result<(&'static str, u64), Refusal> {
    let reads = *method == Method::GET || *method == Method::HEAD;
    let policy = if reads { NETWORK_READS } else { NETWORK_WRITES };
    let left = take(world, policy, &format!("{subscription}/{region}"), "");
    left.map(|left| (policy.0, left)).map_err(|seconds| {
        let message = format!("The request is being throttled as the limit has been reached for {}.", policy.0);
        Refusal::service(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).retry_after(seconds)
    })
}

/// Counts a request to private DNS, and returns how many are left.
///
/// # Errors
/// `429 TooManyRequests` with `Retry-After` (the code is not confirmed).
pub fn private_dns(world: &mut World, subscription: &str, method: &Method) -> Result<u64, Refusal> {
    let reads = *method == Method::GET || *method == Method::HEAD;
    let policy = if reads { PRIVATE_DNS_READS } else { PRIVATE_DNS_WRITES };
    take(world, policy, subscription, "").map_err(|seconds| {
        let message = format!("The request is being throttled as the limit has been reached for {}.", policy.0);
        Refusal::service(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).retry_after(seconds)
    })
}

/// Tells the client how many are left.
pub fn tell(response: &mut Response, (policy, left): (&str, u64)) {
    set_header(response, "x-ms-ratelimit-remaining-resource", &format!("{policy};{left}"));
}

/// What is left of the windows of Container Instances: headers, as recorded, with a number each.
pub type Left = [(&'static str, u64); 2];

/// Counts an action on a container group in a region. If the limits are off, each counts as the first.
///
/// # Errors
/// `409 ContainerGroupQuotaReached`, or `429 TooManyRequests` with `Retry-After`.
pub fn container_group(world: &mut World, subscription: &str, region: &str, deed: Deed) -> Result<Left, Refusal> {
    let mut left = [("", 0); 2];
    for ((left, header), policy) in left.iter_mut().zip(REMAINING).zip(CONTAINERS) {
        *left = (header, policy.1 - 1);
    }
    if !world.settings.limits.container_instances {
        return Ok(left);
    }
    if deed == Deed::Create {
        check_quota(world, subscription, region)?;
    }
    let sort = if deed == Deed::Create { "create" } else { "delete" };
    for (left, policy) in left.iter_mut().zip(CONTAINERS) {
        left.1 = take(world, policy, &format!("{subscription}/{region}"), sort).map_err(|seconds| {
            let message = format!("Too many requests to {sort} container groups in '{region}' ({}).", policy.0);
            Refusal::service(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).retry_after(seconds)
        })?;
    }
    Ok(left)
}

fn check_quota(world: &World, subscription: &str, region: &str) -> Result<(), Refusal> {
    let standing = container_instances::standing(world, subscription, region);
    if standing < CONTAINER_GROUPS {
        return Ok(());
    }
    let message = format!(
        "Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota 'ContainerGroups' exceeded \
         in region '{region}'. Limit: '{CONTAINER_GROUPS}', Usage: '{standing}' Requested: '1'."
    );
    Err(Refusal::service(StatusCode::CONFLICT, "ContainerGroupQuotaReached", message))
}

/// How many are left after this one, or how many seconds to wait.
fn take(world: &mut World, (name, most, seconds): Policy, scope: &str, sort: &'static str) -> Result<u64, u64> {
    let (now, length) = (world.now, world.scaled(seconds));
    let key = (name, scope.to_ascii_lowercase(), sort);
    let fresh = || Window { until: crate::clock::after(now, length), count: 0 };
    let window = world.windows.0.entry(key).or_insert_with(fresh);
    if window.until <= now {
        *window = fresh();
    }
    if window.count >= most {
        return Err(window.until.duration_since(now).as_secs_f64().ceil().max(1.0) as u64);
    }
    window.count += 1;
    Ok(most - window.count)
}
