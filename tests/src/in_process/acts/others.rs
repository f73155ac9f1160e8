//! Others hold what is ours, have what is called as ours, or keep us from looking.

use super::{Done, delete_network, done, network, portal};
use crate::{
    examples,
    in_process::{api_server::resources::DELEGATED_SUBNETS, bed::Bed},
};
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Somebody else's finalizer.
const FINALIZER: &str = "example.com/backup";
/// The mark that the same objects of another cluster leave.
pub(super) const ANOTHER_CLUSTER: &str = "00000000-0000-4000-8000-00000000beef/ml/amlsubnet1";
/// Longer than a token lasts.
const LATER: Duration = Duration::from_secs(2 * 3600);
/// How long nothing can be read, in seconds.
const BLIND: u32 = 120;

/// Applies the network, which somebody else holds as well.
pub fn network_held(bed: &Bed) -> Done<'_> {
    bed.apply(examples::subnet().with("/metadata/finalizers", json!([FINALIZER])).0);
    done()
}

/// Applies the network, which somebody else begins to hold right before the operator does.
pub fn network_held_meanwhile(bed: &Bed) -> Done<'_> {
    let key = Bed::key(&DELEGATED_SUBNETS, examples::subnet().name());
    let patch = json!({"metadata": {"finalizers": [FINALIZER]}});
    bed.patched_before(|sent| sent.is(Method::PATCH, "/delegatedsubnets/amlsubnet1"), key, patch);
    network(bed)
}

/// Somebody has made a security group of that name by hand.
pub fn group_by_hand(bed: &Bed) -> Done<'_> {
    bed.portal(
        Method::PUT,
        portal::security_group(),
        json!({"location": "japaneast", "properties": {"securityRules": []}}),
    )
}

/// Another cluster has made the security group its own, and the network is deleted.
pub fn group_taken_over_and_deleted(bed: &Bed) -> Done<'_> {
    async move {
        let tags = json!({"tags": {"acivnet-owner": ANOTHER_CLUSTER}});
        bed.portal(Method::PATCH, portal::security_group(), tags).await;
        delete_network(bed).await;
    }
    .boxed()
}

/// Deletes the network while Azure says that there is no such resource group.
pub fn delete_while_group_is_not_found(bed: &Bed) -> Done<'_> {
    blind(
        bed,
        404,
        json!({"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'amlrg' could not be found."}}),
    )
}

/// Deletes the network while nothing may be read.
pub fn delete_without_rights(bed: &Bed) -> Done<'_> {
    blind(
        bed,
        403,
        json!({"error": {"code": "AuthorizationFailed", "message": "The client does not have authorization."}}),
    )
}

/// The security rules are removed when the first token has expired.
pub fn no_rules_later(bed: &Bed) -> Done<'_> {
    bed.hours_later(LATER, portal::no_rules);
    done()
}

fn blind(bed: &Bed, status: u16, body: Value) -> Done<'_> {
    let fault = json!({
        "method": "GET", "path": "/providers/Microsoft.Network/", "times": 1000, "seconds": BLIND, "status": status, "body": body,
    });
    async move {
        bed.fault(fault).await;
        delete_network(bed).await;
    }
    .boxed()
}
