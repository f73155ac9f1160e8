//! A `DelegatedSubnet` through its life: create, changes, references, what it may not touch.
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
fn the_articles_create() {
    let (mut world, mut cr) = (World::default(), subnet(&[]));
    insta::assert_snapshot!(timeline(&mut world, &mut cr));
    insta::assert_json_snapshot!(cr.status);
}

#[test]
fn rest_changes_nothing() {
    let (mut world, mut cr) = World::with_network();
    let settled = cr.status.clone();
    world.now += 5000;
    let passed = world.pass(&mut cr);
    assert_eq!((&cr.status, passed.report.events, passed.recorded), (&settled, vec![], false));
    assert_eq!(passed.report.next, Next::Sweep(Duration::from_secs(300)));
    assert!(world.writes.is_empty());
}

#[test]
fn without_callers_there_is_no_client_subnet() {
    let (mut world, mut cr) = (World::default(), subnet(&[("/clientSubnet", Value::Null)]));
    let passed = world.settle(&mut cr);
    assert_eq!(world.writes, ["PUT VirtualNetwork/amlvnet1", "PUT Subnet/amlsubnet1"]);
    assert_eq!(said(&passed.report.status.conditions, types::CLIENT_SUBNET_READY), "-");
}

/// One write at a time in a network, also while somebody else's runs.
#[test]
fn writes_in_a_network_take_turns() {
    let (mut world, mut cr) = (World::default(), subnet(&[]));
    world.pass(&mut cr);
    world.tick();
    world.writes.clear();
    world.pass(&mut cr);
    assert_eq!(world.writes, ["PUT Subnet/amlsubnet1"], "the client subnet waits for its turn");
    world.tick();
    world.arm_body(&network())["properties"]["provisioningState"] = "Updating".into();
    world.writes.clear();
    let passed = world.pass(&mut cr);
    assert!(world.writes.is_empty());
    assert_eq!(passed.report.next, Next::Retry(Retry::Soon));
}

#[test]
fn what_a_change_writes() {
    let rule = json!([{"name": "ssh", "priority": 200, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "destinationPortRange": "22"}]);
    for (changes, expected) in [
        (vec![("/clientSubnet/networkSecurityGroup/securityRules", rule)], vec!["PUT NetworkSecurityGroup/amlnsg"]),
        (
            vec![("/azure/tags", json!([{"name": "cost", "value": "1"}]))],
            vec!["PUT VirtualNetwork/amlvnet1", "PUT NetworkSecurityGroup/amlnsg"],
        ),
        (
            vec![("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.1.0.0/16"]))],
            vec!["PUT VirtualNetwork/amlvnet1"],
        ),
        (
            vec![("/clientSubnet/networkSecurityGroup/name", json!("newnsg"))],
            vec!["PUT NetworkSecurityGroup/newnsg", "PUT Subnet/default", "DELETE NetworkSecurityGroup/amlnsg"],
        ),
        (vec![("/drift", json!({"mode": "Detect"}))], vec![]),
    ] {
        let (mut world, cr) = World::with_network();
        let mut cr = edited(&cr, &changes);
        let passed = world.pass(&mut cr);
        assert!(passed.report.status.drift.is_empty());
        let before = said(&passed.report.status.conditions, types::READY);
        let renamed = expected.len() == 3;
        assert_eq!(before, if renamed { "False/Progressing" } else { "True/Delegated" }, "{changes:?}");
        world.settle(&mut cr);
        assert_eq!(world.writes, expected, "{changes:?}");
        let status = cr.status.clone().unwrap();
        assert_eq!(
            (status.settled_generation, said(&status.conditions, types::READY)),
            (Some(2), "True/Delegated".into())
        );
        assert_eq!(status.resources.len(), 4, "{:?}", status.resources);
    }
}

#[test]
fn a_dropped_tag_goes_and_a_policys_stays() {
    let (mut world, mut cr) = (World::default(), subnet(&[("/azure/tags", json!([{"name": "cost", "value": "1"}]))]));
    world.settle(&mut cr);
    world.arm_body(&network())["tags"]["policy"] = "p".into();
    let mut cr = edited(&cr, &[("/azure/tags", Value::Null)]);
    world.settle(&mut cr);
    assert_eq!(world.arm_body(&network())["tags"], json!({"acivnet-owner": CLUSTER, "policy": "p"}));
}

fn referenced() -> Vec<(&'static str, Value)> {
    vec![
        ("/virtualNetwork", json!({"name": "amlvnet1", "management": "Reference"})),
        ("/subnet/management", json!("Reference")),
        ("/clientSubnet/management", json!("Reference")),
        ("/clientSubnet/networkSecurityGroup", Value::Null),
    ]
}

/// A network that others made, as the spec describes it.
fn foreign_network(world: &mut World) {
    let stands = |body: Value| {
        let mut body = body;
        body["properties"]["provisioningState"] = "Succeeded".into();
        body
    };
    world.put_arm(&network(), stands(json!({"location": "japaneast", "properties": {}})));
    let delegation =
        json!([{"name": "0", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]);
    world.put_arm(
        &subnet_id("amlsubnet1"),
        stands(json!({"properties": {"addressPrefix": "10.0.1.0/24", "delegations": delegation}})),
    );
    world.put_arm(&subnet_id("default"), stands(json!({"properties": {"addressPrefix": "10.0.0.0/24"}})));
}

#[test]
fn what_is_referenced_is_read_only() {
    let mut world = World::default();
    foreign_network(&mut world);
    let before = world.arm.clone();
    let mut cr = subnet(&referenced());
    let passed = world.settle(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::READY), "True/Delegated");
    assert!(passed.report.status.resources.iter().all(|one| one.origin == Some(acivnet_api::Origin::Referenced)));
    assert_eq!(world.arm, before);
    for (id, reason) in [
        (network(), reasons::VIRTUAL_NETWORK_NOT_FOUND),
        (subnet_id("amlsubnet1"), reasons::SUBNET_NOT_FOUND),
        (subnet_id("default"), reasons::SUBNET_NOT_FOUND),
    ] {
        let mut world = World { arm: before.clone(), ..World::default() };
        world.arm.remove(&id.to_lowercase());
        let passed = world.settle_or_hold(&mut subnet(&referenced()));
        assert_eq!(said(&passed.report.status.conditions, types::READY), format!("False/{reason}"));
        assert!(world.writes.is_empty());
    }
    let mut world = World { arm: before.clone(), ..World::default() };
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"] = json!([]);
    let passed = world.settle_or_hold(&mut subnet(&referenced()));
    assert_eq!(said(&passed.report.status.conditions, types::READY), "False/SubnetNotDelegated");
    assert_eq!(said(&passed.report.status.conditions, types::DELEGATED), "False/SubnetNotDelegated");
    let mut world = World { arm: before, ..World::default() };
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["addressPrefix"] = "10.0.7.0/24".into();
    let passed = world.settle_or_hold(&mut subnet(&referenced()));
    let conditions = &passed.report.status.conditions;
    assert_eq!(said(conditions, types::READY), "False/ReferenceDiffers");
    assert_eq!(said(conditions, types::STALLED), "True/ReferenceDiffers");
    let told = message(conditions, types::READY);
    assert!(told.contains("properties.addressPrefix is 10.0.7.0/24, the spec says 10.0.1.0/24"), "{told}");
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["provisioningState"] = "Failed".into();
    let passed = world.settle_or_hold(&mut subnet(&referenced()));
    assert_eq!(said(&passed.report.status.conditions, types::READY), "False/AzureRefused");
}

/// A subnet of another service, and one that others live in, are told as such before anything is written to them, and no
/// advice leads into the next refusal.
#[test]
fn a_subnet_that_cant_be_delegated_is_never_written() {
    let web = json!([{"name": "0", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]);
    let card = json!([{"id": format!("{}/x/networkInterfaces/nic1/ipConfigurations/a", network())}]);
    let by_reference = ("/virtualNetwork", json!({"name": "amlvnet1", "management": "Reference"}));
    let mut ways = vec![referenced()];
    ways.extend(["Never", "IfUnowned", "Force"].map(|policy| vec![by_reference.clone(), ("/adoption", policy.into())]));
    for (properties, words) in [
        (
            json!({"delegations": web}),
            "delegated to Microsoft.Web/serverFarms, and a subnet can have only one delegation",
        ),
        (json!({"delegations": [], "ipConfigurations": card}), "other resources are in it (1, including nic1)"),
    ] {
        for changes in &ways {
            let mut world = World::default();
            foreign_network(&mut world);
            let mut cr = subnet(changes);
            for _ in 0..6 {
                // each tick of the world shows only its own holders
                let stands = &mut world.arm_body(&subnet_id("amlsubnet1"))["properties"];
                for (name, value) in properties.as_object().unwrap() {
                    stands[name] = value.clone();
                }
                let passed = world.pass(&mut cr);
                let conditions = &passed.report.status.conditions;
                assert_eq!(
                    said(conditions, types::DELEGATED),
                    "False/SubnetInUseByOther",
                    "{changes:?} {properties} {}",
                    message(conditions, types::DELEGATED)
                );
                let told = message(conditions, types::DELEGATED);
                assert!(told.contains(words) && told.contains("use another subnet"), "{told}");
                assert!(!told.contains("management") && !told.contains("adoption"), "{told}");
                world.tick();
            }
            assert!(!world.writes.iter().any(|write| write.contains("Subnet/amlsubnet1")), "{:?}", world.writes);
        }
    }
}

trait SettleOrHold {
    fn settle_or_hold(&mut self, cr: &mut DelegatedSubnet) -> Passed<DelegatedSubnet>;
}

impl SettleOrHold for World {
    /// Passes until nothing is written any more.
    fn settle_or_hold(&mut self, cr: &mut DelegatedSubnet) -> Passed<DelegatedSubnet> {
        for _ in 0..10 {
            let passed = self.pass(cr);
            if !passed.plan.moves() {
                return passed;
            }
            self.tick();
        }
        panic!("never rests");
    }
}

/// What stands and is not ours is refused by name, and nothing about it changes.
#[test]
fn nothing_is_adopted() {
    let stands = json!({"location": "japaneast", "tags": {}, "properties": {"provisioningState": "Succeeded", "addressPrefix": "10.0.0.0/24"}});
    for (id, named) in [
        (network(), "VirtualNetwork/amlvnet1"),
        (subnet_id("amlsubnet1"), "Subnet/amlsubnet1"),
        (subnet_id("default"), "Subnet/default"),
        (group_id("amlnsg"), "NetworkSecurityGroup/amlnsg"),
    ] {
        for theirs in [false, true] {
            let mut world = World::default();
            let mut body = stands.clone();
            if theirs {
                body["tags"]["acivnet-owner"] = "another/ml/x".into();
                body["properties"]["delegations"] = json!([{"name": "acivnet-ffffffffffffffffffff", "properties": {}}]);
            }
            world.put_arm(&id, body.clone());
            let mut cr = subnet(&[]);
            let passed = world.settle_or_hold(&mut cr);
            assert_eq!(said(&passed.report.status.conditions, types::READY), "False/AdoptionRefused");
            assert!(message(&passed.report.status.conditions, types::STALLED).contains(named));
            assert_eq!(*world.arm_body(&id), body);
            assert!(!cr.status.clone().unwrap().resources.iter().any(|one| one.id.eq_ignore_ascii_case(&id)));
            let mut cr = deleted(&cr);
            world.settle(&mut cr);
            assert_eq!(*world.arm_body(&id), body, "not deleted either");
        }
    }
}

/// The group that marks the client subnet is a stranger's: so is the client subnet.
#[test]
fn a_strangers_client_subnet_is_not_ours_for_its_group() {
    let mut world = World::default();
    foreign_network(&mut world);
    let group = json!({"location": "japaneast", "properties": {"provisioningState": "Succeeded"}});
    world.put_arm(&group_id("amlnsg"), group);
    world.arm_body(&subnet_id("default"))["properties"]["networkSecurityGroup"] = json!({"id": group_id("amlnsg")});
    world.arm.remove(&subnet_id("amlsubnet1").to_lowercase());
    let mut cr = subnet(&[("/virtualNetwork", json!({"name": "amlvnet1", "management": "Reference"}))]);
    let passed = world.settle_or_hold(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::CLIENT_SUBNET_READY), "False/AdoptionRefused");
    assert_eq!(world.writes, ["PUT Subnet/amlsubnet1"]);
    // nor while nobody can see whose group it is
    world.unread.insert("networkSecurityGroups/amlnsg".into());
    world.pass(&mut cr);
    world.unread.clear();
    world.pass(&mut cr);
    let mut cr = deleted(&cr);
    world.settle(&mut cr);
    assert!(world.arm.contains_key(&subnet_id("default").to_lowercase()));
    assert!(world.arm.contains_key(&group_id("amlnsg").to_lowercase()));
    assert_eq!(world.writes, ["PUT Subnet/amlsubnet1", "DELETE Subnet/amlsubnet1"]);
}

#[test]
fn nothing_is_written_before_the_region_is_known() {
    let (mut world, mut cr) = (World::default(), subnet(&[]));
    world.unread.insert("virtualNetworks/amlvnet1".into());
    for _ in 0..3 {
        world.pass(&mut cr);
        world.tick();
    }
    assert_eq!(world.writes, Vec::<String>::new());
}

#[test]
fn another_region_is_refused_before_the_first_write() {
    for changes in [vec![], referenced()] {
        let mut world = World::default();
        foreign_network(&mut world);
        world.arm_body(&network())["location"] = "West Europe".into();
        world.arm_body(&network())["tags"] = json!({"acivnet-owner": CLUSTER});
        world.arm.remove(&subnet_id("amlsubnet1").to_lowercase());
        let passed = world.pass(&mut subnet(&changes));
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), "False/RegionMismatch");
        assert_eq!(said(conditions, types::VIRTUAL_NETWORK_READY), "False/RegionMismatch");
        assert_eq!(said(conditions, types::STALLED), "True/RegionMismatch");
        assert!(message(conditions, types::READY).contains("westeurope"));
        assert!(world.writes.is_empty());
    }
}
