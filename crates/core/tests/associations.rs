//! What a delegated subnet is associated with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{DelegatedSubnet, conditions::types};
use common::*;
use serde_json::{Value, json};

fn table() -> String {
    format!("{GROUP}/providers/Microsoft.Network/routeTables/rt")
}

fn stands(location: &str) -> Value {
    json!({"location": location, "properties": {"provisioningState": "Succeeded"}})
}

/// A subnet that goes with a group and a table of others, and reaches storage.
fn associated(world: &mut World) -> DelegatedSubnet {
    world.put_arm(&group_id("shared"), stands("japaneast"));
    world.put_arm(&table(), stands("Japan East"));
    let cr = subnet(&[
        ("/subnet/networkSecurityGroupID", json!(group_id("shared"))),
        ("/subnet/routeTableID", json!(table())),
        ("/subnet/serviceEndpoints", json!([{"service": "Microsoft.Storage"}])),
    ]);
    let mut cr = cr;
    world.settle(&mut cr);
    cr
}

fn properties(world: &mut World) -> Value {
    world.arm_body(&subnet_id("amlsubnet1"))["properties"].clone()
}

#[test]
fn all_is_in_the_first_put_and_others_keep_what_is_theirs() {
    let mut world = World::default();
    let cr = associated(&mut world);
    let made = properties(&mut world);
    assert_eq!(made["networkSecurityGroup"]["id"], group_id("shared"));
    assert_eq!(made["routeTable"]["id"], table());
    assert_eq!(made["serviceEndpoints"], json!([{"service": "Microsoft.Storage"}]));
    assert_eq!(world.writes.iter().filter(|one| one.ends_with("amlsubnet1")).count(), 1, "{:?}", world.writes);
    assert_eq!(said(&cr.status.as_ref().unwrap().conditions, types::READY), "True/Delegated");
    let left = deleted(&cr);
    let mut left = left;
    world.settle(&mut left);
    let theirs = [group_id("shared"), table()].map(|id| world.arm.contains_key(&id.to_lowercase()));
    assert_eq!((theirs, world.arm.contains_key(&network().to_lowercase())), ([true, true], false));
}

/// What was never in the spec is not compared and not stripped; what was put on goes with its field.
#[test]
fn a_removed_field_takes_off_what_was_put_on() {
    let mut world = World::default();
    let cr = associated(&mut world);
    let body = world.arm_body(&subnet_id("amlsubnet1"));
    body["properties"]["natGateway"] = json!({"id": "theirs"});
    body["properties"]["serviceEndpoints"].as_array_mut().unwrap().push(json!({"service": "Microsoft.KeyVault"}));
    world.writes.clear();
    assert!(world.look(&cr).plan.settled(), "others may add");
    let mut cr = edited(&cr, &[("/subnet/routeTableID", Value::Null), ("/subnet/serviceEndpoints", Value::Null)]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PUT Subnet/amlsubnet1"]);
    let after = properties(&mut world);
    assert!(after.get("routeTable").is_none(), "{after}");
    assert_eq!(after["serviceEndpoints"], json!([{"service": "Microsoft.KeyVault"}]));
    assert_eq!(
        (&after["natGateway"]["id"], &after["networkSecurityGroup"]["id"]),
        (&json!("theirs"), &json!(group_id("shared")))
    );
    let known = cr.status.clone().unwrap().resources;
    let known = known.iter().find(|one| one.kind == "Subnet" && one.id.ends_with("amlsubnet1")).unwrap();
    assert_eq!(known.keys, ["networkSecurityGroup"]);
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["routeTable"] = json!({"id": "by-hand"});
    assert!(world.look(&cr).plan.settled(), "once let go, it is no longer ours to say");
}

#[test]
fn drift_is_put_back() {
    let mut world = World::default();
    let mut cr = associated(&mut world);
    let body = world.arm_body(&subnet_id("amlsubnet1"));
    body["properties"].as_object_mut().unwrap().remove("routeTable");
    body["properties"]["networkSecurityGroup"] = json!({"id": "other"});
    world.writes.clear();
    let passed = world.pass(&mut cr);
    let fields: Vec<_> = passed.report.status.drift.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["properties.networkSecurityGroup.id", "properties.routeTable.id"]);
    world.tick();
    world.settle(&mut cr);
    assert_eq!(properties(&mut world)["routeTable"]["id"], table());
}

#[test]
fn what_is_named_must_stand_in_the_region() {
    for (id, location, reason) in [
        (group_id("shared"), None, "NetworkSecurityGroupNotFound"),
        (table(), None, "RouteTableNotFound"),
        (group_id("shared"), Some("westeurope"), "RegionMismatch"),
        (table(), Some("West Europe"), "RegionMismatch"),
    ] {
        let mut world = World::default();
        let field = if id == table() { "/subnet/routeTableID" } else { "/subnet/networkSecurityGroupID" };
        if let Some(location) = location {
            world.put_arm(&id, stands(location));
        }
        let mut cr = subnet(&[(field, json!(id)), ("/clientSubnet", Value::Null)]);
        for _ in 0..4 {
            world.pass(&mut cr);
            world.tick();
        }
        let conditions = cr.status.clone().unwrap().conditions;
        assert_eq!(said(&conditions, types::READY), format!("False/{reason}"));
        assert_eq!(said(&conditions, types::DELEGATED), format!("False/{reason}"));
        assert!(message(&conditions, types::READY).contains(&id), "{}", message(&conditions, types::READY));
        assert_eq!(world.writes, ["PUT VirtualNetwork/amlvnet1"], "nothing is written that Azure would refuse");
        world.put_arm(&id, stands("japaneast"));
        world.settle(&mut cr);
        assert_eq!(said(&cr.status.clone().unwrap().conditions, types::READY), "True/Delegated");
    }
}

/// One security group for both subnets, made here.
#[test]
fn the_group_made_here_may_be_on_both_subnets() {
    let mut world = World::default();
    let mut cr = subnet(&[("/subnet/networkSecurityGroupID", json!(group_id("amlnsg")))]);
    world.settle(&mut cr);
    assert_eq!(properties(&mut world)["networkSecurityGroup"]["id"], group_id("amlnsg"));
    assert_eq!(cr.status.clone().unwrap().resources.len(), 4);
    let mut cr = deleted(&cr);
    world.settle(&mut cr);
    assert!(world.arm.keys().all(|id| !id.contains("microsoft.network")), "{:?}", world.arm.keys());
}
