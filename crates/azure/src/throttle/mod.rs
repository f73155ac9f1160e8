//! Holds requests back before Azure would: one limiter for each caller, scope and kind of request.
//!
//! It knows limits, callers and headers, and nothing of what is asked: which limits a request meets is told by
//! `request_limits.rs`. `docs/throttling.md` has the limits and where they come from.

mod headers;
mod limiter;
mod meter;
mod promises;
#[cfg(test)]
mod tests;
mod wait_queue;

pub use headers::{remaining, retry_after};
pub use meter::Limit;
pub use wait_queue::{Priority, Ticket, WaitQueue};

use crate::{observe::RequestKind, sign_in::Caller};
use http::HeaderMap;
use limiter::{Admission, Limiter, Reserves};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A request that has no permit after so long is given up for this reconcile, so that its object's status is written and
/// others have their turn; scaled like all waits of our own.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a limiter stays closed when Azure does not say. At the published refill that fills the bucket of reads (25 a
/// second, 250), and half of that of writes (10 a second, 200).
const UNSAID: Duration = Duration::from_secs(10);
/// This part of a limit is left to others who use the same identity, such as a person with `az`: 5 of 250 reads.
const OTHERS: f64 = 0.02;
/// This part of what may be written is left to what persons change or make, who wait for it; of what may be read, one request,
/// since 25 come back each second.
const PERSONS: f64 = 0.2;
/// Whoever has much to write leaves this part of a limit to those who have little, so that a change need not wait for a window:
/// 30 writes to Microsoft.Network in five minutes.
const FEW: f64 = 0.03;

/// How urgent a request is, and for whom it is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallContext {
    /// How urgent.
    pub priority: Priority,
    /// Of requests of one flow and priority the lowest goes first, in every queue; below 2^63.
    pub order: u64,
    /// Region of the resources that it is about; empty when none is known.
    pub region: String,
    /// The namespace for which it is made: those who share an identity take turns.
    pub flow: String,
    /// How many others of the kind follow until what it is made for is finished: a window keeps room for them.
    pub follow: u32,
}

/// Where a limit holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Azure Resource Manager, in the region whose front end answers (empty behind the global address).
    ResourceManager { subscription: String, region: String },
    /// A resource provider behind Azure Resource Manager, in the region of the resource. A limit is published for
    /// [`NETWORK`] only; what another one refuses says nothing of the rest.
    Provider { subscription: String, namespace: String, region: String },
    /// A host of the data plane or of blob storage, of which no limit is published.
    Host(String),
}

/// The provider of which a limit is published, as paths are compared.
pub(crate) const NETWORK: &str = "microsoft.network";

impl Scope {
    fn as_str(&self) -> &'static str {
        match self {
            Self::ResourceManager { .. } => "arm",
            Self::Provider { namespace, .. } if namespace == NETWORK => "network",
            Self::Provider { .. } => "provider",
            Self::Host(_) => "host",
        }
    }
}

/// A limit that a request meets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScopedLimit {
    pub(crate) scope: Scope,
    pub(crate) kind: RequestKind,
    pub(crate) limit: Limit,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LimiterKey {
    caller: Caller,
    scope: Scope,
    kind: RequestKind,
}

/// All limiters of a process.
///
/// # Guarantees
/// - In no stretch of time more is sent under a limit than is published, less what is left to others; nor more than Azure
///   said is left.
/// - A limiter that Azure closed lets nothing through until `Retry-After` is over.
/// - The urgent go first, and flows of one priority take turns. What has begun is finished before more begins. Every eighth
///   permit is that of whoever has waited longest, so that nobody waits for ever.
/// - A flow that asks for little does not wait for one that asks for much.
/// - No caller waits for another. Whoever stops waiting gives up its place.
///
/// # Assumptions
/// - Whatever a caller sends beyond what is left to others, it sends here.
/// - [`Permit::learn_from`] hears of the answers whose headers tell of limits; a permit is held until its answer has come.
/// - Time is `tokio`'s, and goes `scale` times as slowly as in production.
///
/// # Errors
/// [`Throttled`]: no permit within a minute, a window without room for a while, or Azure closed a limiter for longer than a
/// minute. Nothing was sent.
#[derive(Debug)]
pub(crate) struct Throttle {
    limiters: Mutex<BTreeMap<LimiterKey, Arc<Limiter>>>,
    scale: f64,
}

/// A request got no permit.
#[derive(Debug, PartialEq)]
pub(crate) struct Throttled {
    /// The scope, for people.
    pub(crate) scope: &'static str,
    /// When to try again, from now.
    pub(crate) after: Duration,
}

/// Permission to send one request, held until it is answered.
#[derive(Debug)]
#[must_use]
pub(crate) struct Permit(Vec<(LimiterKey, Admission)>);

/// What Azure answered to one request too many.
#[derive(Debug)]
pub(crate) struct TooManyRequests<'a> {
    /// The codes of its error.
    pub(crate) codes: &'a [&'a str],
    /// Its `Retry-After`.
    pub(crate) wait: Option<Duration>,
    /// In 0..1; spreads those who wait over 0.2 s.
    pub(crate) jitter: f64,
}

/// A limiter was closed by Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) scope: &'static str,
    pub(crate) kind: RequestKind,
}

impl Throttle {
    /// Nothing was sent yet. `scale` is how much slower than in production time goes.
    pub(crate) fn new(scale: f64) -> Self {
        Self { limiters: Mutex::default(), scale }
    }

    /// Waits until a request under these limits may be sent; the narrowest comes first.
    ///
    /// # Errors
    /// It would take more than a minute.
    pub(crate) async fn acquire(
        &self,
        limits: Vec<ScopedLimit>,
        caller: Caller,
        context: &CallContext,
    ) -> Result<Permit, Throttled> {
        let mut admissions = Vec::new();
        for ScopedLimit { scope, kind, limit } in limits {
            let key = LimiterKey { caller: caller.clone(), scope, kind };
            let limiter = self.limiter(&key, limit);
            let entered = limiter.enter(context, LONGEST.mul_f64(self.scale)).await;
            let admission = entered.map_err(|after| Throttled { scope: key.scope.as_str(), after })?;
            admissions.push((key, admission));
        }
        Ok(Permit(admissions))
    }

    /// What is left of each limit that was met, the least of all callers and regions.
    pub(crate) fn budgets(&self) -> BTreeMap<(&'static str, RequestKind), f64> {
        let mut least = BTreeMap::new();
        for (key, limiter) in &*crate::lock(&self.limiters) {
            let Some(left) = limiter.left() else { continue };
            let known = least.entry((key.scope.as_str(), key.kind)).or_insert(left);
            *known = left.min(*known);
        }
        least
    }

    fn limiter(&self, key: &LimiterKey, limit: Limit) -> Arc<Limiter> {
        let mut limiters = crate::lock(&self.limiters);
        if let Some(known) = limiters.get(key) {
            return Arc::clone(known);
        }
        limiters.retain(|_, limiter| Arc::strong_count(limiter) > 1 || !limiter.is_idle());
        let (limit, reserves) = ours(limit, key.kind);
        let limiter = Arc::new(Limiter::new(limit, reserves, self.scale));
        limiters.insert(key.clone(), Arc::clone(&limiter));
        limiter
    }
}

impl Permit {
    /// Learns from the headers of an answer. The limiter that it closed, if it was one request too many.
    pub(crate) fn learn_from(self, headers: &HeaderMap, refused: Option<&TooManyRequests<'_>>) -> Option<Closed> {
        for (key, admission) in &self.0 {
            let left = match &key.scope {
                Scope::ResourceManager { .. } => headers::left(headers, key.kind),
                Scope::Provider { namespace, .. } => headers::left_of_provider(headers, namespace),
                Scope::Host(_) => None,
            };
            left.into_iter().for_each(|left| admission.left(left));
        }
        let refused = refused?;
        let by_gateway = headers::is_of_resource_manager(headers, refused.codes);
        let closing = |scope: &Scope| match scope {
            Scope::Provider { .. } => !by_gateway,
            Scope::ResourceManager { .. } => by_gateway,
            Scope::Host(_) => true,
        };
        let (key, admission) = self.0.iter().find(|(key, _)| closing(&key.scope)).or(self.0.first())?;
        let spread = Duration::from_millis((refused.jitter.clamp(0.0, 1.0) * 200.0) as u64);
        admission.refused(refused.wait.unwrap_or(UNSAID) + spread);
        Some(Closed { scope: key.scope.as_str(), kind: key.kind })
    }
}

/// What we make of a published limit: less, since others share it, and what is left to those with a better claim.
fn ours(limit: Limit, kind: RequestKind) -> (Limit, Reserves) {
    let (limit, all) = match limit {
        Limit::Bucket { size, per_second } => {
            let size = (size * (1.0 - OTHERS)).floor();
            (Limit::Bucket { size, per_second }, size)
        }
        Limit::Window { most, length } => {
            let most = most - (f64::from(most) * OTHERS).ceil() as u32;
            (Limit::Window { most, length }, f64::from(most))
        }
        Limit::None => return (Limit::None, Reserves::default()),
    };
    let persons = if kind == RequestKind::Read { 1.0 } else { (all * PERSONS).floor() };
    (limit, Reserves { persons, few: (all * FEW).ceil() })
}
