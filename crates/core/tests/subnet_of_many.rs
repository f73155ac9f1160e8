//! `DelegatedSubnet`s that share a virtual network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::conditions::types;
use common::*;
use serde_json::{Value, json};

#[test]
fn two_that_make_one_network_must_agree() {
    let sibling = |changes: &[(&str, Value)]| {
        let base = [
            ("/metadata/name", json!("other")),
            ("/metadata/creationTimestamp", json!("2026-01-01T00:00:00Z")),
            ("/subnet", json!({"name": "other", "addressPrefix": "10.0.2.0/24"})),
            ("/clientSubnet", Value::Null),
        ];
        serde_json::to_value(subnet(&[&base, changes].concat())).unwrap()
    };
    let differs = ("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/15"]));
    let younger = ("/metadata/creationTimestamp", json!("2027-01-01T00:00:00Z"));
    let leaving = ("/metadata/deletionTimestamp", json!("2027-01-01T00:00:00Z"));
    let reads = ("/virtualNetwork/management", json!("Reference"));
    for (others, blocked) in [
        (vec![sibling(&[])], false),
        (vec![sibling(std::slice::from_ref(&differs))], true),
        (vec![sibling(&[differs.clone(), younger])], false),
        (vec![sibling(&[differs.clone(), leaving])], false),
        (vec![sibling(&[differs.clone(), reads])], false),
        (vec![sibling(&[differs, ("/virtualNetwork/name", json!("othernet"))])], false),
        (vec![sibling(&[("/azure/tags", json!([{"name": "a", "value": "1"}]))])], false),
    ] {
        let mut world = World { others, ..World::default() };
        let passed = world.pass(&mut subnet(&[]));
        let expected = if blocked { "False/VirtualNetworkDiffers" } else { "Unknown/Progressing" };
        assert_eq!(
            (said(&passed.report.status.conditions, types::READY).as_str(), world.writes.is_empty()),
            (expected, blocked)
        );
    }
    let mut world = World::default();
    world.unread.insert("OtherDelegatedSubnets".into());
    world.pass(&mut subnet(&[]));
    assert_eq!(world.writes, ["PUT NetworkSecurityGroup/amlnsg"], "the network waits until the others are known");
}

/// What stands in Azure, with the description of the first who made it, and a subnet that another object made.
fn standing_with(owner: &str) -> World {
    let mut world = World::default();
    world.settle(&mut subnet(&[]));
    world.writes.clear();
    let delegation = acivnet_core::owner::Owner::new(CLUSTER, "other", owner).delegation();
    let properties = json!({"addressPrefix": "10.0.9.0/24", "delegations": [{"name": delegation}]});
    world.put_arm(&subnet_id("theirs"), json!({"properties": properties}));
    world
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story")]
fn what_is_only_written_down_in_another_namespace_decides_nothing() {
    let prefixes = ("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/15"]));
    let settled = json!([{"kind": "VirtualNetwork", "id": network(), "state": "Settled"}]);
    let others = |name: &str, more: &[(&str, Value)]| {
        let base = [
            ("/metadata/name", json!(name)),
            ("/metadata/namespace", json!("other")),
            ("/metadata/creationTimestamp", json!("2026-01-01T00:00:00Z")),
            prefixes.clone(),
        ];
        let (reached, more): (Vec<_>, Vec<_>) =
            more.iter().cloned().partition(|(place, _)| *place == "/status/resources");
        let mut other = serde_json::to_value(subnet(&[&base[..], &more].concat())).unwrap();
        reached.into_iter().for_each(|(_, record)| other["status"] = json!({"resources": record}));
        vec![other]
    };
    let tag = ("/azure/tags", json!([{"name": "a", "value": "1"}]));
    let younger = ("/metadata/creationTimestamp", json!("2027-01-01T00:00:00Z"));
    let reached = ("/status/resources", settled);
    // beginning: nothing stands, and whatever its status says it has nothing there
    for others in [others("evil", &[]), others("evil", std::slice::from_ref(&reached))] {
        let mut world = World { others, ..World::default() };
        world.pass(&mut subnet(&[]));
        assert!(world.writes.iter().any(|write| write.contains("VirtualNetwork")), "{:?}", world.writes);
    }
    // in its midst: our own subnet stands in it
    for (holder, others, blocked) in [
        ("nobody", others("evil", &[]), false),
        ("nobody", others("evil", std::slice::from_ref(&reached)), false),
        ("friend", others("friend", &[]), false),
        ("friend", others("friend", std::slice::from_ref(&reached)), true),
        ("friend", others("friend", &[reached.clone(), younger]), false),
        ("friend", others("evil", &[]), false),
    ] {
        let mut world = World { others, ..standing_with(holder) };
        let passed = world.pass(&mut subnet(std::slice::from_ref(&tag)));
        let conditions = &passed.report.status.conditions;
        let said = said(conditions, types::VIRTUAL_NETWORK_READY);
        assert_eq!(said == "False/VirtualNetworkDiffers", blocked, "{holder}: {said}");
        assert_eq!(world.writes.is_empty(), blocked, "{holder}: {:?}", world.writes);
        let told = message(conditions, types::VIRTUAL_NETWORK_READY);
        assert!(!told.contains("friend") && !told.contains("evil") && !told.contains("other/"), "{told}");
    }
    // end: it keeps no network
    for others in [others("evil", &[]), others("evil", std::slice::from_ref(&reached))] {
        let mut world = World { others, ..World::default() };
        let mut cr = subnet(&[]);
        world.settle(&mut cr);
        world.settle(&mut deleted(&cr));
        assert!(!world.arm.contains_key(&network().to_lowercase()), "{:?}", world.writes);
    }
}
