//! Holds requests back before Azure would: one limiter for each caller, scope and kind of request.
//!
//! `docs/throttling.md` has the limits and where they come from. What holds: a limiter never lets through more than is
//! published, nor more than Azure says is left · one that Azure closed stays closed until `Retry-After` is over · the
//! urgent go first, and nobody waits for ever · no caller waits for another.

mod headers;
mod limiter;
mod meter;
#[cfg(test)]
mod tests;
mod wait_queue;

pub use headers::{remaining, retry_after};
pub use meter::Limit;
pub use wait_queue::{WaitQueue, Priority, Ticket};

use crate::{
    cloud::{Cloud, Throttling},
    observe::Class,
    request::{Answer, Call},
};
use http::Method;
use limiter::{Admission, Limiter};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use url::Url;

/// A request that has not had its turn after so long is given up for this pass; scaled like all waits of our own.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a limiter stays closed when Azure does not say.
const UNSAID: Duration = Duration::from_secs(10);
/// The provider of which a limit is published, as paths are compared.
const NETWORK: &str = "microsoft.network";
/// This part of a bucket is left to others who use the same identity.
const OTHERS: f64 = 0.02;
/// This part of what may be written is left to changes by persons; of what may be read, one.
const CHANGES: f64 = 0.2;

/// What a request is about, as limits tell requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// GET and HEAD.
    Read,
    /// PUT, PATCH and POST.
    Write,
    /// DELETE.
    Delete,
}

impl RequestKind {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::DELETE => Self::Delete,
            _ => Self::Write,
        }
    }

    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// The header that tells how many are left of a subscription's bucket.
    fn header(self) -> &'static str {
        match self {
            Self::Read => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Write => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Delete => "x-ms-ratelimit-remaining-subscription-deletes",
        }
    }
}

/// Who asks, and how urgent it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallContext {
    /// How urgent.
    pub priority: Priority,
    /// Region of the resources that it is about; empty when none is known.
    pub region: String,
    /// For whom, among those who share an identity: they take turns.
    pub flow: String,
}

/// Where a limit holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Azure Resource Manager, in the region whose front end answers (empty behind the global address).
    ResourceManager { subscription: String, region: String },
    /// A resource provider behind Azure Resource Manager, in the region of the resource. A limit is published for
    /// `microsoft.network` only; what another one refuses says nothing of the rest.
    Provider { subscription: String, namespace: String, region: String },
    /// A host of the data plane or of blob storage, of which no limit is published.
    Host(String),
}

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

/// Tenant and client id, lower-cased: the principal that Azure counts.
pub(crate) type Caller = (String, String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LimiterKey {
    caller: Caller,
    scope: Scope,
    kind: RequestKind,
}

/// All limiters of a process.
#[derive(Debug)]
pub(crate) struct Throttle {
    limiters: Mutex<BTreeMap<LimiterKey, Arc<Limiter>>>,
    scale: f64,
}

/// A request did not get its turn.
#[derive(Debug, PartialEq)]
pub(crate) struct Throttled {
    /// The scope, for people.
    pub(crate) scope: &'static str,
    /// When to try again.
    pub(crate) after: Duration,
}

/// Leave to send one request, until it is answered.
#[derive(Debug)]
pub(crate) struct Permit(Vec<(LimiterKey, Admission)>);

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

    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// It would take more than a minute.
    pub(crate) async fn enter(
        &self,
        cloud: &Cloud,
        caller: Caller,
        call: &Call,
        context: &CallContext,
    ) -> Result<Permit, Throttled> {
        let mut leave = Vec::new();
        for (scope, kind, limit) in limits(cloud, call, &context.region) {
            let key = LimiterKey { caller: caller.clone(), scope, kind };
            let limiter = self.limiter(&key, limit);
            let entered = limiter.enter(context.priority, &context.flow, LONGEST.mul_f64(self.scale)).await;
            let admission = entered.map_err(|after| Throttled { scope: key.scope.as_str(), after })?;
            leave.push((key, admission));
        }
        Ok(Permit(leave))
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
        let (limit, reserve) = ours(limit, key.kind);
        let limiter = Arc::new(Limiter::new(limit, reserve, self.scale));
        limiters.insert(key.clone(), Arc::clone(&limiter));
        limiter
    }
}

impl Permit {
    /// Learns from an answer. The limiter that Azure closed, if it did. `jitter` is in 0..1.
    pub(crate) fn answered(
        self,
        answer: &Answer,
        throttled: bool,
        wait: Option<Duration>,
        jitter: f64,
    ) -> Option<Closed> {
        for (key, admission) in &self.0 {
            let left = matches!(key.scope, Scope::ResourceManager { .. }).then(|| answer.header(key.kind.header()));
            if let Some(left) = left.flatten().and_then(|left| left.trim().parse().ok()) {
                admission.left(left);
            }
        }
        let by_gateway = headers::is_of_resource_manager(answer);
        let closing = |scope: &Scope| match scope {
            Scope::Provider { .. } => !by_gateway,
            Scope::ResourceManager { .. } => by_gateway,
            Scope::Host(_) => true,
        };
        let (key, admission) =
            self.0.iter().find(|(key, _)| closing(&key.scope)).or(self.0.first()).filter(|_| throttled)?;
        admission.refused(wait.unwrap_or(UNSAID) + Duration::from_millis((jitter.clamp(0.0, 1.0) * 200.0) as u64));
        Some(Closed { scope: key.scope.as_str(), kind: key.kind })
    }
}

/// What we make of a published limit: less, since others share it, and what is left to changes by persons.
fn ours(limit: Limit, kind: RequestKind) -> (Limit, f64) {
    let (limit, all) = match limit {
        Limit::Bucket { size, per_second } => {
            let size = (size * (1.0 - OTHERS)).floor();
            (Limit::Bucket { size, per_second }, size)
        }
        Limit::Window { most, length } => {
            let most = most - (f64::from(most) * OTHERS).ceil() as u32;
            (Limit::Window { most, length }, f64::from(most))
        }
        Limit::None => (Limit::None, 0.0),
    };
    (limit, if kind == RequestKind::Read { 1.0 } else { (all * CHANGES).floor() })
}

/// The limits that a request meets, the narrowest first.
fn limits(cloud: &Cloud, call: &Call, region: &str) -> Vec<(Scope, RequestKind, Limit)> {
    let kind = RequestKind::of(&call.method);
    if call.class != Class::ResourceManager {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        return vec![(Scope::Host(host), RequestKind::Read, Limit::None)];
    }
    let path = call.url.path().to_ascii_lowercase();
    let subscription = path.strip_prefix("/subscriptions/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let Throttling { reads, writes, deletes } = cloud.throttling();
    let limit = match kind {
        RequestKind::Read => reads,
        RequestKind::Write => writes,
        RequestKind::Delete => deletes,
    };
    let front_end =
        Scope::ResourceManager { subscription: subscription.to_owned(), region: front_end(cloud, &call.url) };
    let arm = (front_end, kind, limit);
    let Some(namespace) = path.rsplit_once("/providers/").and_then(|(_, rest)| rest.split('/').next()) else {
        return vec![arm];
    };
    let region = region.to_ascii_lowercase();
    let scope = Scope::Provider { subscription: subscription.to_owned(), namespace: namespace.to_owned(), region };
    let (kind, most) = if kind == RequestKind::Read { (kind, 10_000) } else { (RequestKind::Write, 1_000) };
    let limit =
        if namespace == NETWORK { Limit::Window { most, length: Duration::from_secs(300) } } else { Limit::None };
    vec![(scope, kind, limit), arm]
}

/// `westeurope` of `westeurope.management.azure.com`; nothing of the global address.
fn front_end(cloud: &Cloud, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let below = cloud.resource_manager().host_str().and_then(|global| host.strip_suffix(global));
    below.unwrap_or_default().trim_end_matches('.').to_owned()
}
