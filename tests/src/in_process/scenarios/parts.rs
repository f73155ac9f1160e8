//! Other parts of a network: associations, a way out, a compute instance.

use super::{Scenario, actions};
use crate::in_process::{
    actions::parts,
    end_state::EndState,
    expect::{self, absent, present, resource},
};
use serde_json::Value;

pub(super) const EGRESS: &[Scenario] = &[
    Scenario { name: "egress create", prepare: actions::nothing, act: parts::egress, ends: by_nat_ml },
    Scenario { name: "egress changed", prepare: parts::egress, act: parts::other_egress, ends: by_nat_two },
    Scenario { name: "egress by one that stands", prepare: parts::egress, act: parts::egress_by_id, ends: by_hub },
    Scenario { name: "egress removed", prepare: parts::egress, act: parts::plain, ends: no_way_out },
    Scenario {
        name: "egress deleted while it is made",
        prepare: actions::network,
        act: parts::egress_and_delete,
        ends: nothing,
    },
    Scenario { name: "delete with egress", prepare: parts::egress, act: actions::delete_network, ends: nothing },
    Scenario {
        name: "deletion of the network with egress fails",
        prepare: parts::egress,
        act: actions::trouble::network_deletion_fails,
        ends: nothing,
    },
    Scenario { name: "drift: gateway deleted", prepare: parts::egress, act: parts::gateway_deleted, ends: by_nat_ml },
    Scenario { name: "associations", prepare: actions::nothing, act: parts::associated, ends: associated },
    Scenario { name: "associations taken off", prepare: parts::associated, act: parts::plain, ends: bare },
    Scenario {
        name: "a route table of others",
        prepare: actions::network,
        act: parts::their_route_table,
        ends: routed,
    },
];

pub(super) const COMPUTE: &[Scenario] = &[
    Scenario { name: "compute instance create", prepare: actions::nothing, act: parts::instance, ends: instance },
    Scenario {
        name: "compute instance stopped",
        prepare: parts::instance,
        act: parts::instance_stopped,
        ends: stopped,
    },
    Scenario {
        name: "compute instance replaced",
        prepare: parts::instance,
        act: parts::instance_replaced,
        ends: replaced,
    },
    Scenario {
        name: "compute instance retained, then let go",
        prepare: parts::instance,
        act: parts::instance_let_go,
        ends: nothing,
    },
    Scenario {
        name: "delete with compute instance",
        prepare: parts::instance_that_goes,
        act: actions::delete_network,
        ends: nothing,
    },
];

/// The member of the delegated subnet that refers to something: how the id ends.
fn refers(end: &EndState, member: &str) -> String {
    let id = resource(end, "/subnets/amlsubnet1")["properties"][member]["id"].as_str().unwrap_or_default().to_owned();
    id.rsplit('/').next().unwrap_or_default().to_owned()
}

fn by_nat_ml(end: &EndState) {
    expect::network(end);
    present(end, &["/natGateways/nat-ml", "/publicIPAddresses/nat-ml-ip1", "/publicIPAddresses/nat-ml-ip2"]);
    assert_eq!(refers(end, "natGateway"), "nat-ml");
}

fn by_nat_two(end: &EndState) {
    expect::network(end);
    present(end, &["/natGateways/nat-two", "/publicIPAddresses/nat-two-ip1"]);
    absent(end, &["nat-ml"]);
    assert_eq!(refers(end, "natGateway"), "nat-two");
}

fn by_hub(end: &EndState) {
    expect::network(end);
    absent(end, &["nat-ml"]);
    assert_eq!(refers(end, "natGateway"), "hub");
}

fn no_way_out(end: &EndState) {
    bare(end);
    absent(end, &["/natGateways/", "/publicIPAddresses/"]);
}

fn nothing(end: &EndState) {
    expect::nothing(end);
    absent(end, &["/natGateways/", "/publicIPAddresses/", "/computes/"]);
}

fn associated(end: &EndState) {
    expect::network(end);
    assert_eq!((refers(end, "networkSecurityGroup"), refers(end, "routeTable")), ("shared".into(), "hub".into()));
    let endpoints = &resource(end, "/subnets/amlsubnet1")["properties"]["serviceEndpoints"];
    assert_eq!(endpoints[0]["service"], "Microsoft.Storage");
}

/// What others made stands, and the subnet has nothing of it.
fn bare(end: &EndState) {
    expect::network(end);
    for member in ["networkSecurityGroup", "routeTable", "natGateway"] {
        assert_eq!(refers(end, member), "", "{member}");
    }
    let endpoints = &resource(end, "/subnets/amlsubnet1")["properties"]["serviceEndpoints"];
    assert!(endpoints.as_array().is_none_or(Vec::is_empty), "{endpoints}");
}

fn routed(end: &EndState) {
    expect::network(end);
    assert_eq!(refers(end, "routeTable"), "hub");
    let delegations = &resource(end, "/subnets/amlsubnet1")["properties"]["delegations"];
    assert_eq!(delegations.as_array().map(Vec::len), Some(1));
}

fn inner(end: &EndState) -> &Value {
    &resource(end, "/computes/amlci")["properties"]["properties"]
}

fn instance(end: &EndState) {
    expect::network(end);
    assert_eq!((&inner(end)["state"], &inner(end)["vmSize"]), (&"Running".into(), &"STANDARD_DS3_V2".into()));
}

/// It is still the one that its user stopped.
fn stopped(end: &EndState) {
    expect::tagged_network(end);
    assert_eq!(inner(end)["state"], "Stopped");
}

fn replaced(end: &EndState) {
    expect::network(end);
    assert_eq!(inner(end)["vmSize"], "STANDARD_D2_V2");
}
