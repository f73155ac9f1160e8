//! The how-to was followed by hand and with the SDK before anybody wrote YAML, and objects that leave things behind.

use super::{Done, article, delete_all, delete_network, done, files, others::ANOTHER_CLUSTER, portal};
use crate::{
    examples::{self, Object},
    in_process::{api_server::resources::ACI_VNET_DEPLOYMENTS, bed::Bed, sdk::Sdk},
};
use acivnet_api::RESTART_REQUESTED_AT;
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// After so long a deletion that is held is given up.
const GIVEN_UP: Duration = Duration::from_secs(3600);

/// Network and security group made in the portal, model and service with the SDK.
pub fn by_hand(bed: &Bed) -> Done<'_> {
    async move {
        network_by_hand(bed, &Value::Null).await;
        Sdk::new(bed).await.deploy().await;
    }
    .boxed()
}

/// The same, with the marks of another cluster on them.
pub fn of_another_cluster(bed: &Bed) -> Done<'_> {
    async move {
        network_by_hand(bed, &ANOTHER_CLUSTER.into()).await;
        Sdk::new(bed).await.deploy().await;
        let tags = json!({"kvTags": {"acivnet-owner": ANOTHER_CLUSTER}});
        bed.portal(Method::PATCH, portal::in_workspace("services/aciservice"), tags).await;
    }
    .boxed()
}

async fn network_by_hand(bed: &Bed, owner: &Value) {
    let mut tags = json!({"team": "science"});
    if !owner.is_null() {
        tags["acivnet-owner"] = owner.clone();
    }
    let put = |id: String, body: Value| bed.portal(Method::PUT, id, body);
    let prefixes = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": []});
    put(portal::virtual_network(), json!({"location": "japaneast", "tags": tags, "properties": prefixes})).await;
    let rules = json!({"securityRules": [portal::rule("ssh", 200, "Allow", "10.1.0.0/24", "22")]});
    put(portal::security_group(), json!({"location": "japaneast", "tags": tags, "properties": rules})).await;
    let group = json!({"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": portal::security_group()}});
    put(portal::subnet("default"), json!({"properties": group})).await;
    let service = json!({"serviceName": "Microsoft.ContainerInstance/containerGroups"});
    let delegated = json!({"addressPrefix": "10.0.1.0/24", "delegations": [{"name": "0", "properties": service}]});
    put(portal::subnet("amlsubnet1"), json!({"properties": delegated})).await;
}

/// Applies the how-to's two objects, which take what nobody else has.
pub fn adopt(bed: &Bed) -> Done<'_> {
    bed.apply(files("churn"));
    for object in [examples::deployment(), examples::subnet()] {
        bed.apply(object.with("/spec/adoption", "IfUnowned").0);
    }
    done()
}

/// All of it: made by hand, and taken.
pub fn adopted(bed: &Bed) -> Done<'_> {
    async move {
        by_hand(bed).await;
        adopt(bed).await;
    }
    .boxed()
}

/// Applies the how-to's two objects, which leave behind what they made.
pub fn leaving_orphans(bed: &Bed) -> Done<'_> {
    let orphan = |object: Object| object.with("/spec/deletion", json!({"policy": "Orphan"})).0;
    bed.apply(files("churn"));
    bed.apply(orphan(examples::deployment()));
    bed.apply(orphan(examples::subnet()));
    done()
}

/// Applies a network whose deletion does not wait for ever.
pub fn impatient_network(bed: &Bed) -> Done<'_> {
    let deletion = json!({"orphanAfterSeconds": GIVEN_UP.as_secs()});
    bed.apply(examples::subnet().with("/spec/deletion", deletion).0);
    done()
}

/// Deletes the network when nothing may be read any more, and nobody ever changes that.
pub fn delete_without_rights_for_ever(bed: &Bed) -> Done<'_> {
    let error = json!({"error": {"code": "AuthorizationFailed", "message": "The client does not have authorization."}});
    let fault = json!({
        "method": "GET", "path": "/providers/Microsoft.Network/", "times": 1_000_000, "seconds": 1e9, "status": 403, "body": error,
    });
    async move {
        bed.fault(fault).await;
        delete_network(bed).await;
        bed.hours_later(GIVEN_UP, super::nothing);
    }
    .boxed()
}

/// Asks for a restart of the service.
pub fn restart(bed: &Bed) -> Done<'_> {
    bed.annotate(&ACI_VNET_DEPLOYMENTS, examples::deployment().name(), RESTART_REQUESTED_AT, "2026-11-22T13:00:00Z");
    done()
}

/// Deletes both objects, and applies the same again, which finds what they left.
pub fn orphaned_and_applied_again(bed: &Bed) -> Done<'_> {
    bed.later(super::LOOK, article);
    delete_all(bed)
}
