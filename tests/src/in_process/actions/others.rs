//! Others hold what is ours, have what is called as ours, or keep us from looking.

use super::{Done, delete_network, done, network, portal, tag_network};
use crate::{
    examples,
    in_process::{
        api_server::{resources::DELEGATED_SUBNETS, store::Key},
        bed::Bed,
    },
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

/// The namespace of a tenant that has no right in Azure, nor an identity.
pub const STRANGERS: &str = "strangers";

/// Somebody who has no right in Azure describes the network otherwise, before anybody makes it.
pub fn stranger_first(bed: &Bed) -> Done<'_> {
    stranger(bed, "10.0.0.0/15");
    done()
}

/// The same, and the network is made all the same.
pub fn network_after_a_stranger(bed: &Bed) -> Done<'_> {
    stranger(bed, "10.0.0.0/15");
    network(bed)
}

/// A deployment of the stranger names its subnet, and the article's network is deleted.
pub fn delete_network_that_a_stranger_uses(bed: &Bed) -> Done<'_> {
    bed.cluster.apply(&examples::deployment().with("/metadata/namespace", STRANGERS).0);
    delete_network(bed)
}

/// The stranger pretends in its own status to have reached the network, whose owner changes it.
pub fn pretended_and_tagged(bed: &Bed) -> Done<'_> {
    stranger(bed, "10.0.0.0/15");
    let id = format!("{}/providers/Microsoft.Network/virtualNetworks/amlvnet1", crate::in_process::bed::GROUP_ID);
    let key = Key::new(&DELEGATED_SUBNETS, STRANGERS, "evil");
    let record = json!([{"kind": "VirtualNetwork", "id": id, "origin": "Created", "state": "Settled"}]);
    bed.cluster.merge(&key, &json!({"status": {"resources": record}}));
    tag_network(bed)
}

fn stranger(bed: &Bed, prefix: &str) {
    bed.cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STRANGERS}}));
    let evil = examples::subnet().named("evil").with("/metadata/namespace", STRANGERS);
    bed.cluster.apply(&evil.with("/spec/virtualNetwork/addressPrefixes", json!([prefix])).0);
}
