//! What the status of a `DelegatedSubnet` says: refusals, blindness, users, a full subnet, suspension.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{
    DelegatedSubnet,
    conditions::{reasons, types},
};
use acivnet_core::{outcome::Next, retry::Retry};
use common::*;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn what_azure_refuses_is_said() {
    for (reason, code, retry, stalled) in [
        (reasons::ADDRESS_OVERLAP, "NetcfgSubnetRangesOverlap", Retry::Slowly, "True"),
        (reasons::SUBNET_IN_USE_BY_OTHER, "InUseSubnetCannotBeUpdated", Retry::Slowly, "True"),
        (reasons::POLICY_DENIED, "RequestDisallowedByPolicy", Retry::Slowly, "-"),
        (reasons::INVALID_SPEC, "InvalidCIDRNotation", Retry::OnSpecChange, "True"),
        (reasons::BUSY, "AnotherOperationInProgress", Retry::Soon, "-"),
        (reasons::RESOURCE_GROUP_NOT_FOUND, "ResourceGroupNotFound", Retry::Slowly, "-"),
    ] {
        let refused = failure(400, code, reason, retry);
        let (world, cr) = (World::default(), subnet(&[]));
        let mut look = world.look(&cr);
        let writes = look.plan.steps.iter_mut().filter(|step| step.writes());
        writes.for_each(|step| step.result = Some(Err(refused.clone())));
        let reconcile =
            acivnet_core::outcome::Reconcile { observed: &look.observed, plan: &look.plan, now: world.now() };
        let report = acivnet_core::subject::Subject::report(&cr, &reconcile);
        check_conditions(&report.status.conditions);
        assert_eq!(said(&report.status.conditions, types::READY), format!("False/{reason}"));
        assert_eq!(said(&report.status.conditions, types::VIRTUAL_NETWORK_READY), format!("False/{reason}"));
        assert_eq!(
            said(&report.status.conditions, types::STALLED),
            if stalled == "-" { "-".into() } else { format!("True/{reason}") }
        );
        assert_eq!(report.next, Next::Retry(retry));
    }
}

/// A correction that is refused does not take the subnet from those who use it.
#[test]
fn ready_goes_on_while_a_correction_is_refused() {
    let (mut world, mut cr) = World::with_network();
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]);
    world.refuse = |_, _| Some(failure(403, "RequestDisallowedByPolicy", reasons::POLICY_DENIED, Retry::Slowly));
    let passed = world.pass(&mut cr);
    let conditions = &passed.report.status.conditions;
    assert_eq!(said(conditions, types::READY), "True/Delegated");
    assert_eq!(said(conditions, types::RECONCILING), "True/PolicyDenied");
    world.now += 1000;
    let passed = world.pass(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::STALLED), "True/PolicyDenied");
    assert_eq!(reasons_told(&passed.report), ["PolicyDenied"]);
}

#[test]
fn while_azure_cannot_be_seen_the_last_word_stands_for_a_while() {
    let (mut world, mut cr) = World::with_network();
    let before = cr.status.clone().unwrap();
    world.unread.insert("Azure(".into());
    let passed = world.pass(&mut cr);
    let status = &passed.report.status;
    for type_ in [
        types::READY,
        types::VIRTUAL_NETWORK_READY,
        types::DELEGATED,
        types::CLIENT_SUBNET_READY,
        types::CAPACITY_AVAILABLE,
        types::DRIFT_DETECTED,
    ] {
        assert_eq!(said(&status.conditions, type_), said(&before.conditions, type_), "{type_}");
    }
    assert_eq!(
        (&status.capacity, &status.drift, status.settled_generation),
        (&before.capacity, &before.drift, Some(1))
    );
    assert_eq!(
        (said(&status.conditions, types::RECONCILING), passed.report.next),
        ("True/AzureUnreachable".into(), Next::Retry(Retry::Backoff))
    );
    world.now += 901;
    assert_eq!(said(&world.pass(&mut cr).report.status.conditions, types::READY), "Unknown/AzureUnreachable");
    world.unread.clear();
    world.pass(&mut cr);
    assert_eq!(all_said(&cr.status.unwrap().conditions), all_said(&before.conditions));
    let (mut world, mut cr) = World::with_network();
    world.unread.insert("/subnets/default".into());
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]);
    let passed = world.pass(&mut cr);
    assert_eq!(world.writes, ["PUT NetworkSecurityGroup/amlnsg"], "what can be read is still put right");
    assert_eq!(said(&passed.report.status.conditions, types::READY), "True/Delegated");
}

#[test]
fn who_uses_it() {
    let (mut world, cr) = World::serving(&[]);
    let serving = serde_json::to_value(&cr).unwrap();
    let coming = serde_json::to_value(deployment(&[("/metadata/name", json!("coming"))])).unwrap();
    let elsewhere = serde_json::to_value(deployment(&[
        ("/metadata/name", json!("elsewhere")),
        ("/network/subnetRef/name", json!("x")),
    ]))
    .unwrap();
    world.deployments = vec![serving, coming, elsewhere];
    let mut network: DelegatedSubnet = serde_json::from_value(world.subnets["amlsubnet1"].clone()).unwrap();
    let id = |name: &str| json!({"id": format!("{GROUP}/providers/Microsoft.Network/networkInterfaces/{name}-nic/ipConfigurations/ipconfig1")});
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["ipConfigurations"] =
        json!([id("aciservice-1a2b"), id("coming-1a2b"), id("stranger")]);
    world.pass(&mut network);
    let status = serde_json::to_value(network.status).unwrap();
    assert_eq!(
        status["occupants"],
        json!([
            {"name": "aciservice", "address": "10.0.1.4", "managed": true},
            {"name": "coming", "managed": true},
            {"name": "stranger-nic", "managed": false},
        ])
    );
    assert_eq!(status["capacity"], json!({"total": 251, "used": 3, "available": 248}));
    assert_eq!(status["serviceAssociationLinks"], json!(["acisal"]));
}

#[test]
fn full_is_a_condition_of_its_own() {
    let (mut world, mut cr) = World::with_network();
    let holders: Vec<Value> = (0..251).map(|at| json!({"id": format!("/x/containerGroups/g{at}/y")})).collect();
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["ipConfigurations"] = holders.into();
    let passed = world.pass(&mut cr);
    let conditions = &passed.report.status.conditions;
    assert_eq!(said(conditions, types::CAPACITY_AVAILABLE), "False/SubnetFull");
    assert_eq!(said(conditions, types::READY), "True/Delegated");
    assert_eq!(passed.report.status.capacity.unwrap().available, 0);
}

#[test]
fn suspended_it_looks_and_writes_nothing() {
    let mut world = World::default();
    let passed = world.pass(&mut subnet(&[("/suspend", json!(true))]));
    assert!(world.writes.is_empty());
    let status = &passed.report.status;
    assert_eq!(
        (said(&status.conditions, types::READY), status.plan.as_ref().unwrap().actions.len()),
        ("False/Suspended".into(), 4)
    );
    let (mut world, cr) = World::with_network();
    let mut cr =
        edited(&cr, &[("/suspend", json!(true)), ("/clientSubnet/networkSecurityGroup/name", json!("newnsg"))]);
    world.settle(&mut cr);
    assert!(world.writes.is_empty(), "a group that is left over stays too: {:?}", world.writes);
}

/// What fails each time it is written is not written in a loop.
#[test]
fn a_failed_resource_is_written_again_in_a_minute() {
    let (mut world, mut cr) = World::with_network();
    world.arm_body(&group_id("amlnsg"))["properties"]["provisioningState"] = "Failed".into();
    let passed = world.pass(&mut cr);
    assert_eq!(world.writes, ["PUT NetworkSecurityGroup/amlnsg"]);
    assert_eq!(passed.report.next, Next::Retry(Retry::After(Duration::from_secs(60))));
    assert_eq!(
        told(&passed.report),
        ["!Retrying: writing NetworkSecurityGroup/amlnsg again, it had failed (provisioningState is Failed)"]
    );
}
