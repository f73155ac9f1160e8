//! Deletion of both objects: what goes, in which order, what blocks it, and when the finalizer may go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{
    DelegatedSubnet,
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
