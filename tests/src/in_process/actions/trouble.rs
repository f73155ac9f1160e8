//! Azure does not do what it was asked to, or somebody else comes between a read and a write.

use super::{Done, article, delete_all, network, portal, tag_network};
use crate::in_process::{azure::admin, bed::Bed};
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};

/// Paths, as faults name them.
const NETWORK: &str = "/virtualNetworks/amlvnet1$";
const SUBNET: &str = "/subnets/amlsubnet1$";
const SERVICES: &str = "/services$";
const SERVICE: &str = "/services/aciservice$";
const MODELS: &str = "/models$";

/// How long what was made is not seen, in seconds.
const HIDDEN: u32 = 60;

/// The operation that makes the virtual network fails.
pub fn network_fails(bed: &Bed) -> Done<'_> {
    then(bed, operation("PUT", NETWORK, "Failed"), network)
}

/// The operation that makes the subnet fails.
pub fn subnet_fails(bed: &Bed) -> Done<'_> {
    then(bed, operation("PUT", SUBNET, "Failed"), network)
}

/// The operation that makes the subnet is canceled.
pub fn subnet_canceled(bed: &Bed) -> Done<'_> {
    then(bed, operation("PUT", SUBNET, "Canceled"), network)
}

/// The operation that makes the virtual network is not found when it is asked for.
pub fn network_lost(bed: &Bed) -> Done<'_> {
    then(bed, operation("PUT", NETWORK, "Lost"), network)
}

/// The operation that makes the service fails.
pub fn service_fails(bed: &Bed) -> Done<'_> {
    then(bed, operation("POST", SERVICES, "Failed"), article)
}

/// The operation that makes the service is canceled.
pub fn service_canceled(bed: &Bed) -> Done<'_> {
    then(bed, operation("POST", SERVICES, "Canceled"), article)
}

/// The operation that makes the service is not found when it is asked for.
pub fn service_lost(bed: &Bed) -> Done<'_> {
    then(bed, operation("POST", SERVICES, "Lost"), article)
}

/// The operation that changes the service fails.
pub fn change_fails(bed: &Bed) -> Done<'_> {
    then(bed, operation("PATCH", SERVICE, "Failed"), super::other_script)
}

/// The operation that deletes the service fails.
pub fn deletion_fails(bed: &Bed) -> Done<'_> {
    then(bed, operation("DELETE", SERVICE, "Failed"), delete_all)
}

/// The operations that delete subnet and network fail, or are canceled.
pub fn network_deletion_fails(bed: &Bed) -> Done<'_> {
    async move {
        bed.fault(operation("DELETE", SUBNET, "Canceled")).await;
        bed.fault(operation("DELETE", NETWORK, "Failed")).await;
        super::delete_network(bed).await;
    }
    .boxed()
}

/// The virtual network is made, and reads don't find it for a while.
pub fn network_hidden(bed: &Bed) -> Done<'_> {
    let absent = json!({"error": {"code": "ResourceNotFound", "message": "The Resource was not found."}});
    then(bed, hidden("PUT", NETWORK, NETWORK, 404, absent), network)
}

/// The subnet is made, and reads don't find it for a while.
pub fn subnet_hidden(bed: &Bed) -> Done<'_> {
    let absent = json!({"error": {"code": "NotFound", "message": "Resource not found."}});
    then(bed, hidden("PUT", SUBNET, SUBNET, 404, absent), network)
}

/// The service is made, and reads don't find it for a while.
pub fn service_hidden(bed: &Bed) -> Done<'_> {
    let absent = json!({"code": "ServiceNotFound", "statusCode": 404, "message": "Service was not found."});
    then(bed, hidden("POST", SERVICES, SERVICE, 404, absent), article)
}

/// The model is registered, and lists don't show it for a while.
pub fn model_hidden(bed: &Bed) -> Done<'_> {
    then(bed, hidden("POST", MODELS, MODELS, 200, json!({"value": [], "nextLink": null})), article)
}

/// Somebody makes a subnet in our network right before a write to the network is carried out.
pub fn subnet_before_network_write(bed: &Bed) -> Done<'_> {
    bed.before(|sent| sent.is(Method::PUT, "/virtualNetworks/amlvnet1"), portal::subnet("theirs"), theirs());
    tag_network(bed)
}

/// The same before our own subnet is made.
pub fn subnet_before_subnet_write(bed: &Bed) -> Done<'_> {
    bed.before(|sent| sent.is(Method::PUT, "/subnets/amlsubnet1"), portal::subnet("theirs"), theirs());
    network(bed)
}

/// The same before our own subnet is deleted, which was the last but theirs.
pub fn subnet_before_subnet_deletion(bed: &Bed) -> Done<'_> {
    bed.before(|sent| sent.is(Method::DELETE, "/subnets/amlsubnet1"), portal::subnet("theirs"), theirs());
    super::delete_network(bed)
}

/// The same before the network is deleted, in an Azure that honours `If-Match` there. In one that does not, which is the
/// simulator's usual way, an empty subnet goes with its network: Azure has no other condition.
pub fn subnet_before_network_deletion(bed: &Bed) -> Done<'_> {
    async move {
        admin(&bed.azure, Method::PATCH, "settings", json!({"ifMatchOnDelete": true})).await;
        bed.before(|sent| sent.is(Method::DELETE, "/virtualNetworks/amlvnet1"), portal::subnet("theirs"), theirs());
        super::delete_network(bed).await;
    }
    .boxed()
}

fn theirs() -> Value {
    json!({"properties": {"addressPrefix": "10.0.9.0/24"}})
}

fn then(bed: &Bed, fault: Value, act: super::super::bed::Action) -> Done<'_> {
    async move {
        bed.fault(fault).await;
        act(bed).await;
    }
    .boxed()
}

/// The operation that the next such request begins ends in another way.
fn operation(method: &str, path: &str, ending: &str) -> Value {
    json!({"method": method, "path": path, "operation": ending})
}

/// What the next such request makes is not seen for a while by reads of `read`.
fn hidden(method: &str, path: &str, read: &str, status: u16, body: Value) -> Value {
    let blind =
        json!({"method": "GET", "path": read, "times": 1000, "seconds": HIDDEN, "status": status, "body": body});
    json!({"method": method, "path": path, "then": blind})
}
