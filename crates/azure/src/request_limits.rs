//! Which published limits a request meets.

use crate::{
    cloud::{Cloud, NetworkLimits, Throttling},
    observe::{Class, RequestKind},
    request::Call,
    throttle::{Limit, NETWORK, Scope, ScopedLimit},
};
use std::time::Duration;
use url::Url;

/// In which Microsoft.Network counts ("Azure subscription and service limits").
const NETWORK_WINDOW: Duration = Duration::from_secs(300);

/// The limits that a request about resources of a region meets, the narrowest first.
pub(crate) fn limits(cloud: &Cloud, call: &Call, region: &str) -> Vec<ScopedLimit> {
    let kind = RequestKind::of(&call.method);
    if call.class != Class::ResourceManager {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        return vec![ScopedLimit { scope: Scope::Host(host), kind: RequestKind::Read, limit: Limit::None }];
    }
    let path = call.url.path().to_ascii_lowercase();
    let subscription = path.strip_prefix("/subscriptions/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let scope = Scope::ResourceManager { subscription: subscription.to_owned(), region: front_end(cloud, &call.url) };
    let resource_manager = ScopedLimit { scope, kind, limit: of_resource_manager(cloud, kind) };
    match path.rsplit_once("/providers/").and_then(|(_, rest)| rest.split('/').next()) {
        Some(namespace) => vec![of_provider(cloud, subscription, namespace, region, kind), resource_manager],
        None => vec![resource_manager],
    }
}

fn of_resource_manager(cloud: &Cloud, kind: RequestKind) -> Limit {
    let Throttling { reads, writes, deletes } = cloud.throttling();
    match kind {
        RequestKind::Read => reads,
        RequestKind::Write => writes,
        RequestKind::Delete => deletes,
    }
}

/// A provider counts deletes as writes.
fn of_provider(cloud: &Cloud, subscription: &str, namespace: &str, region: &str, kind: RequestKind) -> ScopedLimit {
    let NetworkLimits { reads, writes } = cloud.network_limits();
    let (kind, most) = match kind {
        RequestKind::Read => (kind, reads),
        RequestKind::Write | RequestKind::Delete => (RequestKind::Write, writes),
    };
    let limit = if namespace == NETWORK { Limit::Window { most, length: NETWORK_WINDOW } } else { Limit::None };
    let [subscription, namespace] = [subscription, namespace].map(str::to_owned);
    ScopedLimit { scope: Scope::Provider { subscription, namespace, region: region.to_ascii_lowercase() }, kind, limit }
}

/// `westeurope` of `westeurope.management.azure.com`; nothing of the global address.
fn front_end(cloud: &Cloud, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let below = cloud.resource_manager().host_str().and_then(|global| host.strip_suffix(global));
    below.unwrap_or_default().trim_end_matches('.').to_owned()
}
