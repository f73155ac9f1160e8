//! Deletion of a `DelegatedSubnet`: whom it waits for, and who takes the virtual network along.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, DelegatedSubnet, ResourceStatus, conditions::types};
use acivnet_core::{
    outcome::Next,
    questions::{AzureQuestion, Question},
    retry::Retry,
};
use common::*;
use serde_json::{Value, json};

fn blocked(conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]) -> String {
    said(conditions, types::DELETION_BLOCKED)
}

#[test]
fn a_subnet_waits_for_deployments_and_names_them() {
    let (mut world, cr) = World::with_network();
    let mut cr = deleted(&cr);
    let names = |names: &[(&str, bool)]| -> Vec<Value> {
        let one = |(name, leaving): &(&str, bool)| {
            let cr = deployment(&[("/metadata/name", json!(name))]);
            serde_json::to_value(if *leaving { deleted(&cr) } else { cr }).unwrap()
        };
        names.iter().map(one).collect()
    };
    world.deployments = names(&[("b", true), ("a", false), ("c", false)]);
    let passed = world.pass(&mut cr);
    assert_eq!(blocked(&passed.report.status.conditions), "True/SubnetInUse");
    assert!(message(&passed.report.status.conditions, types::DELETION_BLOCKED).contains("use this subnet: a, c;"));
    assert_eq!(passed.report.next, Next::Retry(Retry::Slowly));
    world.deployments = names(&[("b", true)]);
    let passed = world.pass(&mut cr);
    assert_eq!(blocked(&passed.report.status.conditions), "-", "they are on their way");
    assert!(message(&passed.report.status.conditions, types::RECONCILING).contains("being deleted: b"));
    assert!(world.writes.is_empty());
    world.deployments.clear();
    assert!(world.settle(&mut cr).report.release);
}

#[test]
fn a_subnet_that_is_only_referenced_waits_for_deployments_too() {
    let (mut world, _) = World::with_network();
    let delegation =
        json!([{"name": "0", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]);
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"] = delegation;
    let mut cr = subnet(&[("/subnet/management", json!("Reference"))]);
    world.settle(&mut cr);
    world.deployments = vec![serde_json::to_value(deployment(&[])).unwrap()];
    let mut cr = deleted(&cr);
    let passed = world.pass(&mut cr);
    assert_eq!(blocked(&passed.report.status.conditions), "True/SubnetInUse");
    assert!(world.writes.is_empty());
}

#[test]
fn strangers_in_the_subnet_are_named() {
    let (mut world, cr) = World::with_network();
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["ipConfigurations"] =
        json!([{"id": "/x/containerGroups/stranger/y"}]);
    let passed = world.pass(&mut deleted(&cr));
    assert_eq!(blocked(&passed.report.status.conditions), "True/SubnetInUse");
    assert!(message(&passed.report.status.conditions, types::DELETION_BLOCKED).contains("stranger"));
    assert!(world.writes.is_empty(), "the client subnet stays as long as the other one");
}

/// Azure frees an address some time after the container group went: that is no stranger.
#[test]
fn addresses_of_ours_are_waited_for() {
    let (mut world, cr) = World::serving(&[]);
    let mut network: DelegatedSubnet = serde_json::from_value(world.subnets["amlsubnet1"].clone()).unwrap();
    world.deployments = vec![serde_json::to_value(&cr).unwrap()];
    world.pass(&mut network);
    world.deployments.clear();
    let mut network = deleted(&network);
    for _ in 0..3 {
        let passed = world.pass(&mut network);
        assert_eq!(blocked(&passed.report.status.conditions), "-");
        assert!(
            message(&passed.report.status.conditions, types::RECONCILING).contains("the addresses of aciservice-abc")
        );
    }
    world.services.clear();
    world.sync_subnet();
    assert!(world.settle(&mut network).report.release);
}

#[test]
fn the_link_of_container_groups_is_waited_for() {
    let (mut world, cr) = World::with_network();
    world.link = 1_000;
    world.sync_subnet();
    let mut cr = deleted(&cr);
    let passed = world.pass(&mut cr);
    let conditions = &passed.report.status.conditions;
    assert_eq!(
        (blocked(conditions), said(conditions, types::RECONCILING)),
        ("-".into(), "True/ServiceAssociationLink".into())
    );
    assert_eq!((passed.report.next, told(&passed.report)), (Next::Retry(Retry::Steadily), vec![]));
    world.now += 1000;
    assert_eq!(blocked(&world.pass(&mut cr).report.status.conditions), "True/ServiceAssociationLink");
    assert!(world.writes.is_empty());
    world.link = 1;
    world.tick();
    assert!(world.settle(&mut cr).report.release);
}

fn sibling() -> DelegatedSubnet {
    subnet(&[
        ("/metadata/name", json!("second")),
        ("/metadata/uid", json!("second-uid")),
        ("/subnet", json!({"name": "second", "addressPrefix": "10.0.2.0/24"})),
        ("/clientSubnet", Value::Null),
    ])
}

fn see_each_other(world: &mut World, others: &[&DelegatedSubnet]) {
    world.others = others.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
}

#[test]
fn of_two_in_one_network_the_last_takes_it_along() {
    for first_leaves_first in [true, false] {
        let (mut world, mut one) = World::with_network();
        let mut two = sibling();
        see_each_other(&mut world, &[&one]);
        world.settle(&mut two);
        world.writes.clear();
        let (leaver, stayer) = if first_leaves_first { (&mut one, &mut two) } else { (&mut two, &mut one) };
        let mut leaving = deleted(leaver);
        see_each_other(&mut world, &[stayer]);
        assert!(world.settle(&mut leaving).report.release);
        assert!(world.arm.contains_key(&network().to_lowercase()), "the other one uses it");
        see_each_other(&mut world, &[]);
        assert!(world.look(stayer).plan.settled(), "and is not disturbed");
        let mut leaving = deleted(stayer);
        assert!(world.settle(&mut leaving).report.release);
        assert_eq!(world.arm.len(), 1, "{:?}", world.arm.keys());
    }
}

/// Both leave at once and look in any order: one of them sees the network empty.
#[test]
fn of_two_that_leave_together_one_takes_the_network_along() {
    for order in 0..64_u32 {
        let (mut world, mut one) = World::with_network();
        let mut two = sibling();
        see_each_other(&mut world, &[&one]);
        world.settle(&mut two);
        (one, two) = (deleted(&one), deleted(&two));
        let (mut first_left, mut second_left) = (false, false);
        for turn in 0..40 {
            if (order >> (turn % 6)) & 1 == 0 && !first_left {
                see_each_other(
                    &mut world,
                    if second_left { &[] } else { std::slice::from_ref(&two) }.iter().collect::<Vec<_>>().as_slice(),
                );
                first_left = world.pass(&mut one).report.release;
            } else if !second_left {
                see_each_other(
                    &mut world,
                    if first_left { &[] } else { std::slice::from_ref(&one) }.iter().collect::<Vec<_>>().as_slice(),
                );
                second_left = world.pass(&mut two).report.release;
            }
            if turn % 2 == 1 {
                world.tick();
            }
        }
        if first_left && second_left {
            assert_eq!(world.arm.len(), 1, "order {order:b}: {:?}", world.arm.keys());
        }
    }
}

/// The network's own read is older than that of the subnets: nobody knows yet who is the last.
#[test]
fn a_stale_list_of_subnets_decides_nothing() {
    let (mut world, cr) = World::with_network();
    let mut cr = deleted(&cr);
    let stale = world.arm_body(&network()).clone();
    for name in ["amlsubnet1", "default"] {
        world.arm.remove(&subnet_id(name).to_lowercase());
    }
    world.arm.remove(&group_id("amlnsg").to_lowercase());
    let observed = {
        let mut look = world.look(&cr).observed;
        let listed = json!([{"id": subnet_id("amlsubnet1")}, {"id": subnet_id("second")}]);
        let mut body = stale;
        body["properties"]["subnets"] = listed;
        for (question, fact) in &mut look.facts {
            if matches!(question, Question::Azure(AzureQuestion::Resource(kind, _)) if kind.name == "VirtualNetwork") {
                *fact = acivnet_core::observed::Fact::Present(body.clone());
            }
        }
        look
    };
    let plan = acivnet_core::subject::decide(&cr, &observed, world.now());
    let reconcile = acivnet_core::outcome::Reconcile { observed: &observed, plan: &plan, now: world.now() };
    let report = acivnet_core::subject::Subject::report(&cr, &reconcile);
    assert!(!report.release && plan.incomplete, "{plan:?}");
    assert_eq!(plan.writes().count(), 0);
    assert!(world.settle(&mut cr).report.release);
}

/// One that stays and has made nothing yet counts on the network; one that goes and has nothing left does not.
#[test]
fn who_stays_counts_even_without_a_subnet() {
    for (other, stands) in [(sibling(), true), (deleted(&sibling()), false)] {
        let (mut world, cr) = World::with_network();
        see_each_other(&mut world, &[&other]);
        assert!(world.settle(&mut deleted(&cr)).report.release);
        assert_eq!(world.arm.contains_key(&network().to_lowercase()), stands);
    }
}

/// Whose the client subnet is, only its security group can tell.
#[test]
fn a_client_subnet_waits_until_its_group_can_be_read() {
    let (mut world, cr) = World::with_network();
    let mut cr = deleted(&cr);
    world.unread.insert("amlnsg".into());
    for _ in 0..6 {
        world.pass(&mut cr);
        world.tick();
    }
    assert_eq!(world.writes, ["DELETE Subnet/amlsubnet1"]);
}

/// A stranger's subnet would go with an empty-looking network.
#[test]
fn a_network_with_a_strangers_subnet_stays() {
    for (name, body) in [
        ("foreign", json!({})),
        ("amlsubnet1", json!({"properties": {"delegations": [{"name": "acivnet-ffffffffffffffffffff"}]}})),
    ] {
        let (mut world, cr) = World::with_network();
        world.put_arm(&subnet_id(name), body);
        let mut cr = deleted(&cr);
        assert!(world.settle(&mut cr).report.release);
        assert!(world.arm.contains_key(&network().to_lowercase()), "{name}");
        assert!(world.arm.contains_key(&subnet_id(name).to_lowercase()), "{name}");
    }
}

#[test]
fn records_of_what_is_gone_go() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr: AciVnetDeployment = deleted(&cr);
    let kinds = |list: &[ResourceStatus]| list.iter().map(|one| one.kind.clone()).collect::<Vec<_>>();
    world.pass(&mut cr);
    let passed = world.pass(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "DELETE ModelVersion/mymodel:1"]);
    assert_eq!(kinds(&passed.report.status.resources), ["ModelVersion"]);
    let passed = world.pass(&mut cr);
    assert!(passed.report.release);
    assert_eq!(kinds(&passed.report.status.resources), Vec::<String>::new());
}
