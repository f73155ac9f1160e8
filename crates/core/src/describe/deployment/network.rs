//! Whether a subnet can take a container group, and why not.

use crate::{
    conditions::{find, is_true},
    failure::Cause,
    retry::Retry,
    scrub,
    subject::Subject,
};
use acivnet_api::{
    DelegatedSubnet,
    conditions::{reasons, types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// Why no container group can be created in a subnet.
pub(super) fn cause(subnet: &DelegatedSubnet) -> Option<Cause> {
    let name = subnet.metadata.name.as_deref().unwrap_or_default();
    if subnet.deleting() {
        let message = format!("DelegatedSubnet {name} is being deleted; refer to another");
        return Some(Cause::person(reasons::WAITING_FOR_SUBNET, message));
    }
    let conditions = subnet.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    (!is_usable(conditions)).then(|| subnet_not_ready(name, subnet))
}

/// Whether container groups can be created in a subnet. They can while a change to another part of it is refused, and
/// without a NAT gateway, which does not make the subnet unready either.
fn is_usable(conditions: &[Condition]) -> bool {
    let parts = [types::VIRTUAL_NETWORK_READY, types::DELEGATED, types::EGRESS_READY];
    let usable = |one: &Condition| one.status == "True" || one.reason == reasons::NO_NAT_GATEWAY;
    let not_ready = find(conditions, types::READY).is_some_and(|ready| ready.status == "False");
    is_true(conditions, types::READY)
        || not_ready && parts.iter().all(|part| find(conditions, part).is_some_and(usable))
}

pub(super) fn full(subnet: &DelegatedSubnet) -> Option<Cause> {
    let name = subnet.metadata.name.as_deref().unwrap_or_default();
    let capacity = subnet.status.as_ref().and_then(|status| status.capacity.as_ref());
    let total = capacity.filter(|capacity| capacity.available == 0)?.total;
    let message = format!("all {total} addresses of DelegatedSubnet {name} are in use");
    Some(Cause::person(reasons::SUBNET_FULL, format!("{message}; delete a deployment, or use a larger subnet")))
}

/// The cause, with the subnet's own reason if the deployment's owner needs to know it.
fn subnet_not_ready(name: &str, subnet: &DelegatedSubnet) -> Cause {
    let ready = subnet.status.as_ref().and_then(|status| find(&status.conditions, types::READY));
    let passed_on = [
        reasons::SUBNET_NOT_DELEGATED,
        reasons::SUBNET_IN_USE_BY_OTHER,
        reasons::REGION_MISMATCH,
        reasons::SUBNET_FULL,
        reasons::NO_NAT_GATEWAY,
    ];
    let reason = ready.and_then(|ready| passed_on.into_iter().find(|one| *one == ready.reason));
    let why =
        ready.map_or_else(|| "not checked yet".to_owned(), |ready| format!("{}: {}", ready.reason, ready.message));
    let message = scrub::clean(&format!("DelegatedSubnet {name} is not ready: {why}"));
    // the watch on the subnet reports when it is ready
    Cause { retry: Retry::Slowly, ..Cause::person(reason.unwrap_or(reasons::WAITING_FOR_SUBNET), message) }
}

/// If an image can't be pulled and the subnet has no way out, the missing way out is the cause.
pub(super) fn without_egress(cause: Cause, subnet: &DelegatedSubnet) -> Cause {
    match no_egress(subnet) {
        Some(why) if cause.reason == reasons::IMAGE_NOT_PULLED => {
            let name = subnet.metadata.name.as_deref().unwrap_or_default();
            let message = format!("the image can't be pulled, and DelegatedSubnet {name} has no way out: {why}");
            Cause { reason: reasons::NO_NAT_GATEWAY, message: scrub::clean(&message), ..cause }
        }
        _ => cause,
    }
}

/// The message of a subnet's `EgressReady`, if it is False.
pub(super) fn no_egress(subnet: &DelegatedSubnet) -> Option<&str> {
    let egress = find(&subnet.status.as_ref()?.conditions, types::EGRESS_READY)?;
    (egress.status == "False").then_some(egress.message.as_str())
}
