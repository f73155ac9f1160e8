//! Deletion of both objects: what goes, in which order, what blocks it, and when the finalizer may go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{
    AciVnetDeployment, DelegatedSubnet, ResourceStatus,
    conditions::{reasons, types},
};
use acivnet_core::{observed::SignIn, outcome::Next, retry::Retry};
use common::*;
use serde_json::{Value, json};

fn orphan() -> [(&'static str, Value); 1] {
    [("/deletion", json!({"policy": "Orphan"}))]
}

/// A world in which every read fails.
fn dark() -> World {
    let mut world = World {
        identity: SignIn::Refused(failure(0, "none", reasons::CREDENTIALS_LOST, Retry::Slowly)),
        ..World::default()
    };
    world.unread.extend(["Azure".into(), "Models".into(), "DelegatedSubnet".into(), "Deployments".into()]);
    world
}

#[test]
fn the_articles_deletion() {
    let (mut world, cr) = World::serving(&[]);
    insta::assert_snapshot!(timeline(&mut world, &mut deleted(&cr)));
    assert!(world.services.is_empty() && world.models.is_empty());
    let network: DelegatedSubnet = serde_json::from_value(world.subnets["amlsubnet1"].clone()).unwrap();
    world.link = 3;
    world.sync_subnet();
    insta::assert_snapshot!(timeline(&mut world, &mut deleted(&network)));
    assert_eq!(world.arm.keys().collect::<Vec<_>>(), [&workspace().to_lowercase()]);
}

#[test]
fn what_made_nothing_goes_without_asking_azure() {
    let world = dark();
    let mut waiting = deployment(&[]);
    World::default().pass(&mut waiting);
    let (mut seen, _) = World::with_network();
    let mut suspended = deployment(&[("/suspend", json!(true))]);
    seen.pass(&mut suspended);
    assert_eq!(suspended.status.as_ref().unwrap().resources.len(), 1, "the workspace was seen");
    for cr in [deployment(&[]), waiting, suspended] {
        let passed = world.look(&deleted(&cr));
        assert!(passed.report.release && passed.observed.facts.is_empty(), "{:?}", passed.observed.facts);
        assert_eq!(passed.report.next, Next::Never);
    }
    let passed = world.look(&deleted(&subnet(&[])));
    assert!(passed.report.release && passed.observed.facts.is_empty());
}

#[test]
fn orphaned_it_goes_at_once_and_all_stays() {
    let (mut world, cr) = World::serving(&orphan());
    let (services, models, arm) = (world.services.clone(), world.models.clone(), world.arm.clone());
    let passed = World { ..dark() }.look(&deleted(&cr));
    assert!(passed.report.release && passed.observed.facts.is_empty());
    assert!(world.pass(&mut deleted(&cr)).report.release);
    let network: DelegatedSubnet = serde_json::from_value(world.subnets["amlsubnet1"].clone()).unwrap();
    let network = edited(&network, &orphan());
    assert!(world.pass(&mut deleted(&network)).report.release);
    assert_eq!((services, models, arm), (world.services, world.models, world.arm));
}

/// The subnet is gone from the cluster: the workspace is known from what was recorded.
#[test]
fn a_deployment_needs_no_subnet_to_go() {
    let (mut world, cr) = World::serving(&[]);
    world.subnets.clear();
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "DELETE ModelVersion/mymodel:1"]);
}

#[test]
fn all_versions_of_ours_go_and_no_other() {
    let (mut world, mut cr) = World::serving(&[]);
    for content in ["m2", "m3"] {
        world.files.insert("model.pkl".into(), content.into());
        world.settle(&mut cr);
    }
    let mut cr = edited(&cr, &[("/model/name", json!("renamed"))]);
    world.settle(&mut cr);
    let mut stranger = world.models[0].clone();
    stranger["properties"]["acivnet-owner"] = format!("{CLUSTER}/ml/another").into();
    world.register(&stranger);
    let mut unmarked = stranger.clone();
    unmarked["properties"] = json!({});
    world.register(&unmarked);
    world.writes.clear();
    world.settle(&mut deleted(&cr));
    assert_eq!(world.writes.len(), 5, "{:?}", world.writes);
    assert_eq!(world.models.len(), 2);
}

/// A registration or creation whose answer was lost is found and removed: its record was written before.
#[test]
fn what_was_begun_and_never_seen_goes_too() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    let mut first = world.look(&cr);
    cr.status = Some(first.report.status.clone());
    world.act(&mut first.plan);
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    assert!(world.models.is_empty());
}

#[test]
fn nothing_is_let_go_unproven() {
    for part in ["services/aciservice", "Models", "workspaces/amlws)"] {
        let (mut world, cr) = World::serving(&[]);
        let mut cr = deleted(&cr);
        world.unread.insert(part.into());
        for _ in 0..4 {
            let passed = world.pass(&mut cr);
            world.tick();
            let open = part != "workspaces/amlws)";
            assert!(!passed.report.release || !open, "{part}");
        }
        world.unread.clear();
        assert!(world.settle(&mut cr).report.release);
        assert!(world.services.is_empty() && world.models.is_empty());
    }
    for part in [
        "virtualNetworks/amlvnet1)",
        "subnets/amlsubnet1",
        "subnets/default",
        "amlnsg",
        "OtherDelegatedSubnets",
        "Deployments",
    ] {
        let (mut world, cr) = World::with_network();
        let mut cr = deleted(&cr);
        world.unread.insert(part.into());
        for _ in 0..8 {
            assert!(!world.pass(&mut cr).report.release, "{part}");
            world.tick();
        }
        assert!(
            !world.writes.iter().any(|write| part.ends_with(write.rsplit('/').next().unwrap())),
            "{part}: {:?}",
            world.writes
        );
        world.unread.clear();
        assert!(world.settle(&mut cr).report.release);
        assert_eq!(world.arm.len(), 1, "{part}: {:?}", world.arm.keys());
    }
}

#[test]
fn a_workspace_that_is_gone_took_all_with_it() {
    let (mut world, cr) = World::serving(&[]);
    world.arm.remove(&workspace().to_lowercase());
    assert!(world.pass(&mut deleted(&cr)).report.release);
}

#[test]
fn a_service_that_is_anothers_by_now_stays() {
    let (mut world, cr) = World::serving(&[]);
    world.service()["kvTags"]["acivnet-owner"] = "another".into();
    assert!(world.settle(&mut deleted(&cr)).report.release);
    assert_eq!((world.services.len(), world.models.len()), (1, 1), "with the model that it runs");
    world.service()["environmentImageRequest"]["modelIds"] = json!(["theirs:1"]);
    assert!(world.settle(&mut deleted(&cr)).report.release);
    assert_eq!((world.services.len(), world.models.len()), (1, 0));
}

#[test]
fn deletion_goes_on_while_suspended_and_whatever_drift_mode_says() {
    let (mut world, cr) = World::serving(&[("/drift", json!({"mode": "Detect"}))]);
    let cr = edited(&cr, &[("/suspend", json!(true))]);
    assert!(world.settle(&mut deleted(&cr)).report.release);
    assert!(world.services.is_empty());
    let (mut world, cr) = World::with_network();
    let cr = edited(&cr, &[("/suspend", json!(true)), ("/drift", json!({"mode": "Ignore"}))]);
    assert!(world.settle(&mut deleted(&cr)).report.release);
}

fn blocked(conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]) -> String {
    said(conditions, types::DELETION_BLOCKED)
}

#[test]
fn what_blocks_a_deletion_is_said() {
    for (reason, at_once) in [
        (reasons::CREDENTIALS_LOST, true),
        (reasons::FORBIDDEN, true),
        (reasons::AZURE_LOCK, true),
        (reasons::SUBNET_IN_USE, true),
        (reasons::BUSY, false),
        (reasons::THROTTLED, false),
        (reasons::AZURE_UNREACHABLE, false),
    ] {
        let (mut world, cr) = World::serving(&[]);
        world.identity = SignIn::Refused(failure(0, "code", reason, Retry::Slowly));
        let mut cr = deleted(&cr);
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), "False/Deleting");
        assert_eq!(blocked(conditions), if at_once { format!("True/{reason}") } else { "-".into() });
        assert_eq!(said(conditions, types::RECONCILING), format!("True/{reason}"));
        assert_eq!(told(&passed.report).len(), usize::from(at_once));
        world.now += 1000;
        let passed = world.pass(&mut cr);
        assert_eq!(blocked(&passed.report.status.conditions), format!("True/{reason}"), "after a quarter of an hour");
        assert_eq!(
            told(&passed.report).iter().filter(|event| event.contains("DeletionBlocked")).count(),
            usize::from(!at_once)
        );
        assert!(told(&world.pass(&mut cr).report).is_empty());
        world.identity = SignIn::Valid;
        let passed = world.pass(&mut cr);
        assert_eq!(blocked(&passed.report.status.conditions), "-");
    }
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
            if format!("{question:?}").ends_with("virtualNetworks/amlvnet1)") {
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
