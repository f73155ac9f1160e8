//! The compute instance in the client subnet: made once, never overwritten, deleted or replaced without being told to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{DelegatedSubnet, conditions::types};
use common::*;
use serde_json::{Value, json};

fn instance() -> String {
    format!("{}/computes/amlci", workspace())
}

fn wanted() -> Value {
    json!({
        "name": "amlci", "workspace": {"name": "amlws"}, "vmSize": "STANDARD_DS3_V2",
        "assignedUser": {"objectID": "00000000-0000-0000-0000-0000000000d1", "tenantID": "00000000-0000-0000-0000-00000000000a"},
    })
}

fn with(changes: &[(&str, Value)]) -> DelegatedSubnet {
    let all = [&[("/clientSubnet/computeInstance", wanted())], changes].concat();
    subnet(&all)
}

/// It stands, after the network.
fn made(changes: &[(&str, Value)]) -> (World, DelegatedSubnet) {
    let (mut world, mut cr) = (World::default(), with(changes));
    world.settle(&mut cr);
    world.arm_body(&instance())["properties"]["properties"]["state"] = "Running".into();
    world.pass(&mut cr);
    world.writes.clear();
    (world, cr)
}

fn conditions(cr: &DelegatedSubnet) -> Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    cr.status.clone().unwrap().conditions
}

fn told(cr: &DelegatedSubnet) -> [String; 2] {
    [types::READY, types::COMPUTE_INSTANCE_READY].map(|type_| said(&conditions(cr), type_))
}

/// Passes some times, whatever comes of it.
fn go_on(world: &mut World, cr: &mut DelegatedSubnet) {
    for _ in 0..8 {
        world.pass(cr);
        world.tick();
    }
}

#[test]
fn it_is_made_once_the_subnet_stands_and_then_left_alone() {
    let (mut world, mut cr) = (World::default(), with(&[]));
    world.settle(&mut cr);
    assert_eq!(world.writes.last().unwrap(), "PUT ComputeInstance/amlci");
    assert_eq!(told(&cr), ["True/Delegated", "True/Settled"]);
    let body = world.arm_body(&instance()).clone();
    let inner = &body["properties"]["properties"];
    assert_eq!((&body["location"], &inner["enableNodePublicIp"]), (&json!("japaneast"), &json!(false)));
    assert_eq!(inner["subnet"]["id"], subnet_id("default"));
    assert_eq!(body["tags"]["acivnet-owner"], format!("{CLUSTER}/ml/amlsubnet1"));
    world.writes.clear();
    for state in ["Running", "Stopping", "Stopped", "Starting", "Restarting"] {
        world.arm_body(&instance())["properties"]["properties"]["state"] = state.into();
        let passed = world.pass(&mut cr);
        assert!(passed.plan.settled() && passed.report.status.drift.is_empty(), "{state}");
    }
    let mut cr = edited(&cr, &[("/azure/tags", json!([{"name": "cost", "value": "1"}]))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PUT VirtualNetwork/amlvnet1", "PUT NetworkSecurityGroup/amlnsg"], "its tags stay");
}

#[test]
fn a_change_that_needs_another_one_is_refused_by_name() {
    for (field, value, name) in [
        ("vmSize", json!("STANDARD_D2"), "vmSize (STANDARD_DS3_V2 to STANDARD_D2)"),
        ("publicIP", json!("Enabled"), "publicIP (false to true)"),
        (
            "assignedUser",
            json!({"objectID": "00000000-0000-0000-0000-0000000000d2", "tenantID": "00000000-0000-0000-0000-00000000000a"}),
            "assignedUser.objectID",
        ),
    ] {
        let (mut world, cr) = made(&[]);
        let place = format!("/clientSubnet/computeInstance/{field}");
        let mut cr = edited(&cr, &[(&place, value)]);
        go_on(&mut world, &mut cr);
        assert!(world.writes.is_empty(), "{:?}", world.writes);
        assert_eq!(told(&cr), ["True/Delegated", "False/ReplacementRefused"], "the network can be used all the same");
        let conditions = conditions(&cr);
        assert_eq!(said(&conditions, types::STALLED), "True/ReplacementRefused");
        assert!(message(&conditions, types::COMPUTE_INSTANCE_READY).contains(name), "{:?}", all_said(&conditions));
        let mut cr = edited(&cr, &[("/clientSubnet/computeInstance/replace", json!("Allowed"))]);
        let passed = world.pass(&mut cr);
        let planned = passed.report.status.plan.unwrap().actions;
        assert_eq!((planned[0].action.as_str(), planned[0].resource.as_str()), ("Replace", "ComputeInstance/amlci"));
        world.tick();
        world.settle(&mut cr);
        assert_eq!(world.writes, ["DELETE ComputeInstance/amlci", "PUT ComputeInstance/amlci"]);
        assert_eq!(told(&cr), ["True/Delegated", "True/Settled"]);
    }
}

#[test]
fn one_that_failed_stays_and_is_told() {
    let (mut world, mut cr) = (World::default(), with(&[]));
    while !world.writes.iter().any(|one| one == "PUT ComputeInstance/amlci") {
        world.tick();
        world.pass(&mut cr);
    }
    let failed = json!({"provisioningState": "Failed", "properties": {"state": "CreateFailed", "subnet": {"id": subnet_id("default")}},
        "provisioningErrors": [{"error": {"code": "QuotaExceeded", "message": "no cores of this size left"}}]});
    let fail = |world: &mut World| world.arm_body(&instance())["properties"] = failed.clone();
    world.writes.clear();
    for _ in 0..5 {
        fail(&mut world);
        world.pass(&mut cr);
    }
    assert_eq!(told(&cr), ["True/Delegated", "False/ComputeInstanceFailed"]);
    let conditions = conditions(&cr);
    assert!(message(&conditions, types::STALLED).contains("QuotaExceeded: no cores"), "{:?}", all_said(&conditions));
    assert!(world.writes.is_empty());
    let mut cr = edited(&cr, &[("/clientSubnet/computeInstance/replace", json!("Allowed"))]);
    cr.metadata.annotations.get_or_insert_default().insert("acivnet.dev/reconcile-requested-at".into(), "now".into());
    fail(&mut world);
    world.pass(&mut cr);
    assert_eq!(world.writes, ["DELETE ComputeInstance/amlci"]);
}

#[test]
fn one_that_was_deleted_by_hand_is_not_made_again_unasked() {
    let (mut world, mut cr) = made(&[]);
    world.arm.remove(&instance().to_lowercase());
    go_on(&mut world, &mut cr);
    assert_eq!(told(&cr), ["True/Delegated", "False/ComputeInstanceDeleted"]);
    assert!(world.writes.is_empty());
    let mut cr = edited(&cr, &[("/clientSubnet/computeInstance/replace", json!("Allowed"))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PUT ComputeInstance/amlci"]);
}

#[test]
fn it_stays_and_holds_its_subnet_and_the_ways_out_work() {
    let delete = [("/clientSubnet/computeInstance/deletion", json!("Delete"))];
    let gone = |world: &World| world.arm.keys().all(|id| !id.contains("microsoft.network"));
    for way in ["told to", "by hand", "orphan"] {
        let (mut world, cr) = made(&[]);
        let mut cr = deleted(&cr);
        go_on(&mut world, &mut cr);
        assert_eq!(world.writes, ["DELETE Subnet/amlsubnet1"], "what it does not need goes");
        let blocked = said(&conditions(&cr), types::DELETION_BLOCKED);
        assert_eq!(blocked, "True/ComputeInstanceRetained");
        world.writes.clear();
        let mut cr = match way {
            "told to" => edited(&cr, &delete),
            "by hand" => {
                world.arm.remove(&instance().to_lowercase());
                cr
            }
            _ => edited(&cr, &[("/deletion", json!({"policy": "Orphan"}))]),
        };
        assert!(world.settle(&mut cr).report.release, "{way}");
        let stands = world.arm.contains_key(&instance().to_lowercase());
        assert_eq!((stands, gone(&world)), (way == "orphan", way != "orphan"), "{way}");
    }
}

#[test]
fn told_to_it_goes_before_its_subnet() {
    let (mut world, cr) = made(&[("/clientSubnet/computeInstance/deletion", json!("Delete"))]);
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    let place = |what: &str| world.writes.iter().position(|one| one == what).unwrap();
    assert!(place("DELETE ComputeInstance/amlci") < place("DELETE Subnet/default"), "{:?}", world.writes);
    assert!(world.arm.keys().all(|id| *id == workspace().to_lowercase()), "{:?}", world.arm.keys());
}

/// Addresses come back late; others' machines are named.
#[test]
fn who_else_holds_the_client_subnet_is_said() {
    for (changes, reason) in [
        (vec![("/clientSubnet/computeInstance/deletion", json!("Delete"))], "-"),
        (vec![("/clientSubnet/computeInstance", Value::Null)], "True/SubnetInUse"),
    ] {
        let (mut world, mut cr) = (World::default(), subnet(&[]));
        let cr_with = with(&changes);
        cr.spec = cr_with.spec;
        world.settle(&mut cr);
        let nic = format!("{GROUP}/providers/Microsoft.Network/networkInterfaces/vm1-nic/ipConfigurations/i");
        world.arm_body(&subnet_id("default"))["properties"]["ipConfigurations"] = json!([{"id": nic}]);
        world.writes.clear();
        let mut cr = deleted(&cr);
        go_on(&mut world, &mut cr);
        assert!(!world.writes.iter().any(|one| one == "DELETE Subnet/default"), "{:?}", world.writes);
        assert_eq!(said(&conditions(&cr), types::DELETION_BLOCKED), reason);
        let open = if reason == "-" { types::RECONCILING } else { types::DELETION_BLOCKED };
        assert!(message(&conditions(&cr), open).contains("vm1-nic"), "{:?}", all_said(&conditions(&cr)));
        world.arm_body(&subnet_id("default"))["properties"].as_object_mut().unwrap().remove("ipConfigurations");
        assert!(world.settle(&mut cr).report.release);
    }
}

#[test]
fn anothers_is_neither_taken_nor_overwritten() {
    let changes = [("/clientSubnet/computeInstance/replace", json!("Allowed")), ("/adoption", json!("Force"))];
    let (mut world, mut cr) = (World::default(), with(&changes));
    let theirs = json!({"location": "japaneast", "tags": {}, "properties": {"provisioningState": "Succeeded", "properties": {"state": "Stopped"}}});
    world.put_arm(&instance(), theirs.clone());
    go_on(&mut world, &mut cr);
    assert_eq!(told(&cr), ["True/Delegated", "False/AdoptionRefused"]);
    let message = message(&conditions(&cr), types::COMPUTE_INSTANCE_READY).to_owned();
    assert!(message.contains("never adopted") && !message.contains("adoption:"), "{message}");
    assert_eq!(*world.arm_body(&instance()), theirs);
    let mut cr = edited(&cr, &[("/clientSubnet/computeInstance/deletion", json!("Delete"))]);
    world.pass(&mut cr);
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    assert_eq!(*world.arm_body(&instance()), theirs);
}

#[test]
fn its_workspace_must_stand_in_the_region() {
    for (location, reason) in [(None, "WorkspaceNotFound"), (Some("westeurope"), "RegionMismatch")] {
        let (mut world, mut cr) = (World::default(), with(&[]));
        match location {
            None => drop(world.arm.remove(&workspace().to_lowercase())),
            Some(location) => world.arm_body(&workspace())["location"] = location.into(),
        }
        go_on(&mut world, &mut cr);
        assert_eq!(told(&cr), ["True/Delegated".to_owned(), format!("False/{reason}")]);
        assert!(!world.writes.iter().any(|one| one.contains("ComputeInstance")));
    }
}
