//! What else people want of a network: associations, a way out, a compute instance.

use super::{
    Done, delete_network, done, network,
    portal::{self, subnet},
};
use crate::{
    examples::{self, Object, network_id},
    in_process::{
        api_server::resources::DELEGATED_SUBNETS,
        bed::{Bed, GROUP_ID},
    },
};
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Long enough that a deletion has come to a halt.
const HALTED: Duration = Duration::from_secs(600);
const INSTANCE: &str = "/spec/clientSubnet/computeInstance";

/// A NAT gateway that is made here, with two addresses.
pub fn egress(bed: &Bed) -> Done<'_> {
    bed.apply(with_gateway(json!({"name": "nat-ml", "publicIPCount": 2})).0);
    done()
}

/// The same with one address.
pub fn smaller_egress(bed: &Bed) -> Done<'_> {
    bed.apply(with_gateway(json!({"name": "nat-ml", "publicIPCount": 1})).0);
    done()
}

/// A NAT gateway that others made.
pub fn egress_by_id(bed: &Bed) -> Done<'_> {
    async move {
        let gateway = json!({"location": "japaneast", "sku": {"name": "Standard"}, "properties": {}});
        bed.portal(Method::PUT, network_id("natGateways/hub"), gateway).await;
        bed.apply(with_gateway(json!({"id": network_id("natGateways/hub")})).0);
    }
    .boxed()
}

/// A NAT gateway of another name, with one address.
pub fn other_egress(bed: &Bed) -> Done<'_> {
    bed.apply(with_gateway(json!({"name": "nat-two"})).0);
    done()
}

/// Asks for a way out of a network that stands, and deletes it all while the NAT gateway is being made.
pub fn egress_and_delete(bed: &Bed) -> Done<'_> {
    bed.after(|sent| sent.is(Method::PUT, "/natGateways/nat-ml"), delete_network);
    egress(bed)
}

/// The NAT gateway is taken off the subnet and deleted.
pub fn gateway_deleted(bed: &Bed) -> Done<'_> {
    async move {
        let without = json!({"properties": {"natGateway": null}});
        bed.portal(Method::PATCH, subnet("amlsubnet1"), without).await;
        bed.portal(Method::DELETE, network_id("natGateways/nat-ml"), Value::Null).await;
    }
    .boxed()
}

/// The subnet goes with a security group and a route table of others, and reaches storage.
pub fn associated(bed: &Bed) -> Done<'_> {
    async move {
        for what in ["networkSecurityGroups/shared", "routeTables/hub"] {
            bed.portal(Method::PUT, network_id(what), json!({"location": "japaneast", "properties": {}})).await;
        }
        let subnet = examples::subnet()
            .with("/spec/subnet/networkSecurityGroupID", network_id("networkSecurityGroups/shared"))
            .with("/spec/subnet/routeTableID", network_id("routeTables/hub"))
            .with("/spec/subnet/serviceEndpoints", json!([{"service": "Microsoft.Storage"}]));
        bed.apply(subnet.0);
    }
    .boxed()
}

/// Others have put a route table on the subnet, and its delegation is gone.
pub fn their_route_table(bed: &Bed) -> Done<'_> {
    async move {
        bed.portal(Method::PUT, network_id("routeTables/hub"), json!({"location": "japaneast", "properties": {}}))
            .await;
        let table = json!({"properties": {"routeTable": {"id": network_id("routeTables/hub")}}});
        bed.portal(Method::PATCH, subnet("amlsubnet1"), table).await;
        portal::no_delegation(bed).await;
    }
    .boxed()
}

/// A compute instance in the client subnet, that stays.
pub fn instance(bed: &Bed) -> Done<'_> {
    bed.apply(with_instance().0);
    done()
}

/// One that goes with the network.
pub fn instance_that_goes(bed: &Bed) -> Done<'_> {
    bed.apply(with_instance().with(&format!("{INSTANCE}/deletion"), "Delete").0);
    done()
}

/// Another size, which loses the disk, and that is allowed.
pub fn instance_replaced(bed: &Bed) -> Done<'_> {
    let other = with_instance().with(&format!("{INSTANCE}/vmSize"), "STANDARD_D2_V2");
    bed.apply(other.with(&format!("{INSTANCE}/replace"), "Allowed").0);
    done()
}

/// Its user stops it, and the network gets a tag.
pub fn instance_stopped(bed: &Bed) -> Done<'_> {
    async move {
        let stopped = json!({"properties": {"properties": {"state": "Stopped"}}});
        bed.portal(Method::PATCH, instance_id(), stopped).await;
        bed.apply(with_instance().with("/spec/azure/tags", json!([{"name": "cost-centre", "value": "4711"}])).0);
    }
    .boxed()
}

/// Deletes the network, and lets the compute instance go once the deletion halts for it.
pub fn instance_let_go(bed: &Bed) -> Done<'_> {
    bed.later(HALTED, let_go);
    delete_network(bed)
}

fn let_go(bed: &Bed) -> Done<'_> {
    let patch = json!({"spec": {"clientSubnet": {"computeInstance": {"deletion": "Delete"}}}});
    bed.cluster.merge(&Bed::key(&DELEGATED_SUBNETS, examples::subnet().name()), &patch);
    done()
}

/// The same network without any of it.
pub fn plain(bed: &Bed) -> Done<'_> {
    network(bed)
}

fn with_gateway(gateway: Value) -> Object {
    examples::subnet().with("/spec/egress", json!({"type": "NATGateway", "natGateway": gateway}))
}

fn with_instance() -> Object {
    examples::subnet().with(INSTANCE, examples::compute_instance())
}

fn instance_id() -> String {
    format!("{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/amlws/computes/amlci")
}
