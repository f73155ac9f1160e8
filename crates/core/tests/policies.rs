//! Policies: what is left behind and when, drift told field by field, restarts asked for by annotation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{
    AciVnetDeployment, DelegatedSubnet, RECONCILE_REQUESTED_AT, RESTART_REQUESTED_AT,
    conditions::{reasons, types},
};
use acivnet_core::{observed::SignIn, outcome::Next, retry::Retry, subject::Subject};
use common::*;
use serde_json::{Value, json};

const ROLL: &str = "PATCH WebService/aciservice";
/// When objects are deleted in these tests, in seconds.
const DELETED: i64 = 1_795_348_800;

fn leaving<S: Stored + serde::de::DeserializeOwned>(cr: &S, deletion: Value) -> S {
    deleted(&edited(cr, &[("/deletion", deletion)]))
}

#[test]
fn an_orphan_leaves_all_as_it_is_and_tells() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr = leaving(&cr, json!({"policy": "Orphan"}));
    world.identity = SignIn::Refused(unreachable());
    let passed = world.pass(&mut cr);
    assert!(passed.report.release && passed.observed.facts.is_empty(), "Azure is not even asked");
    assert_eq!(
        told(&passed.report),
        ["Orphaned: deletion.policy is Orphan; what stays in Azure: ModelVersion/mymodel:1, WebService/aciservice"]
    );
    assert_eq!((world.services.len(), world.models.len(), world.writes.len()), (1, 1, 0));
    let (mut world, cr) = World::with_network();
    let before = world.arm.clone();
    let passed = world.pass(&mut leaving(&cr, json!({"policy": "Orphan"})));
    assert!(passed.report.release);
    assert_eq!(passed.report.events.len(), 1);
    assert!(world.arm == before && world.writes.is_empty());
}

/// The marks of an orphan stay: the same object knows it again, another one takes it by force.
#[test]
fn an_orphan_is_found_again() {
    let (mut world, cr) = World::serving(&[]);
    world.pass(&mut leaving(&cr, json!({"policy": "Orphan"})));
    let mut again = deployment(&[]);
    world.settle(&mut again);
    assert_eq!(said(&again.status.unwrap().conditions, types::READY), "True/Serving");
    assert_eq!(world.writes, Vec::<String>::new());
    world.models[0]["url"] = "aml://asset/1".into();
    world.uploads.insert("aml://asset/1".into(), "m1".into());
    let other = [
        ("/metadata/name", json!("other")),
        ("/backend", json!({"type": "AzureMLWebService", "azureMLWebService": {"serviceName": SERVICE}})),
    ];
    for (policy, taken) in [("IfUnowned", false), ("Force", true)] {
        let mut changes = other.to_vec();
        changes.push(("/adoption", policy.into()));
        let mut cr = deployment(&changes);
        for _ in 0..8 {
            world.pass(&mut cr);
            world.tick();
        }
        let conditions = cr.status.unwrap().conditions;
        assert_eq!(said(&conditions, types::READY) == "True/Serving", taken, "{policy} {:?}", all_said(&conditions));
    }
    assert_eq!(world.writes, [ROLL], "its tags alone");
}

#[test]
fn a_deletion_that_is_held_ends_after_its_time() {
    let lost = failure(0, "CredentialsLost", reasons::CREDENTIALS_LOST, Retry::Slowly);
    for (after, elapsed, released) in [(Some(3600), 3599, false), (Some(3600), 3600, true), (None, 1 << 30, false)] {
        let deletion = after.map_or(Value::Null, |after| json!({"orphanAfterSeconds": after}));
        let (mut world, cr) = World::serving(&[]);
        world.identity = SignIn::Refused(lost.clone());
        let mut cr = leaving(&cr, deletion.clone());
        let deleted_at = cr.metadata.deletion_timestamp.as_ref().unwrap().0.as_second();
        assert_eq!(deleted_at, DELETED);
        world.pass(&mut cr);
        world.now = deleted_at + elapsed;
        let passed = world.pass(&mut cr);
        assert_eq!(passed.report.release, released, "{after:?} {elapsed}");
        assert_eq!(passed.report.next == Next::Never, released);
        let orphaned = "!Orphaned: deletion.orphanAfterSeconds is over; what stays in Azure: WebService/aciservice, ModelVersion/mymodel:1";
        let told = told(&passed.report);
        assert_eq!(told.contains(&orphaned.to_owned()), released, "{told:?}");
        assert_eq!((world.services.len(), world.writes.len()), (1, 0));

        // a network that others use
        let (mut world, cr) = World::with_network();
        world.services.insert("theirs".into(), json!({"state": "Healthy"}));
        world.sync_subnet();
        let mut cr = leaving(&cr, deletion);
        world.now = DELETED + elapsed;
        let passed = world.pass(&mut cr);
        assert_eq!(passed.report.release, released);
        assert_eq!(passed.report.events.iter().any(|event| event.reason == "Orphaned"), released);
    }
}

/// Nothing is given up that merely takes its time.
#[test]
fn a_deletion_that_goes_on_is_not_given_up() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr = leaving(&cr, json!({"orphanAfterSeconds": 60}));
    world.now = DELETED + 7200;
    let passed = world.pass(&mut cr);
    assert!(!passed.report.release && world.writes == ["DELETE WebService/aciservice"]);
    world.settle(&mut cr);
    assert_eq!((world.services.len(), world.models.len()), (0, 0));
}

/// A look that a person asks for is taken when Azure can be read.
#[test]
fn a_look_that_fails_is_still_owed() {
    let (mut world, cr) = World::serving(&[]);
    let handled = |cr: &AciVnetDeployment| cr.status.as_ref().unwrap().last_handled_reconcile_at.clone();
    let mut cr = annotated(&cr, RECONCILE_REQUESTED_AT, "now");
    world.unread.insert("services/aciservice".into());
    world.pass(&mut cr);
    assert_eq!(handled(&cr), None);
    world.unread.clear();
    world.pass(&mut cr);
    assert_eq!(handled(&cr).as_deref(), Some("now"));
}

/// Neither is one whose first look after a pause fails for a moment, nor a network that waits for its deployments to go.
#[test]
fn what_passes_does_not_end_a_deletion() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr = leaving(&cr, json!({"orphanAfterSeconds": 60}));
    world.now = DELETED + 7200;
    world.unread.insert("services/aciservice".into());
    let passed = world.pass(&mut cr);
    assert!(!passed.report.release, "{:?}", told(&passed.report));
    world.unread.clear();
    world.settle(&mut cr);
    assert_eq!((world.services.len(), world.models.len()), (0, 0));

    let (mut world, cr) = World::with_network();
    world.deployments = vec![serde_json::to_value(deleted(&deployment(&[]))).unwrap()];
    world.now = DELETED + 7200;
    let passed = world.pass(&mut leaving(&cr, json!({"orphanAfterSeconds": 60})));
    assert!(!passed.report.release, "{:?}", all_said(&passed.report.status.conditions));
}

#[test]
fn drift_is_told_with_what_was_wanted_and_what_is() {
    let drift = |cr: &AciVnetDeployment| serde_json::to_value(&cr.status.as_ref().unwrap().drift).unwrap();
    let (mut world, mut cr) = World::serving(&[("/drift", json!({"mode": "Detect"})), ("/description", "mine".into())]);
    // the cut of a long text must not come before the scrubbing
    let long = "x".repeat(230);
    world.service()["description"] =
        format!("{long} https://bob:hunter22{}@x/?sig=abcdefghijkl", "y".repeat(40)).into();
    world.service()["kvTags"]["acivnet-content"] = "x".into();
    let content = cr.status.as_ref().unwrap().revision_digest.clone().unwrap();
    let passed = world.pass(&mut cr);
    let shown = drift(&cr);
    assert_eq!(shown[0]["resource"], "WebService/aciservice");
    assert_eq!((&shown[0]["field"], &shown[0]["want"]), (&json!("description"), &json!("mine")));
    assert!(!shown.to_string().contains("hunter22") && !shown.to_string().contains("abcdefghijkl"), "{shown}");
    assert_eq!(
        shown[1],
        json!({"resource": "WebService/aciservice", "field": "kvTags.acivnet-content", "want": content, "have": "x"})
    );
    assert_eq!(reasons_told(&passed.report), ["Drifted"]);
    assert!(world.pass(&mut cr).report.events.is_empty(), "told once");
    world.service()["description"] = "mine".into();
    world.service()["kvTags"]["acivnet-content"] = content.into();
    assert_eq!(reasons_told(&world.pass(&mut cr).report), ["InSync"]);
    assert_eq!(drift(&cr), json!([]));
}

#[test]
fn a_network_tells_drift_field_by_field() {
    let (mut world, cr) = World::with_network();
    let mut cr: DelegatedSubnet = edited(&cr, &[("/drift", json!({"mode": "Detect"}))]);
    world.settle(&mut cr);
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"][0]["properties"]["access"] = "Deny".into();
    let passed = world.pass(&mut cr);
    let expected = json!([{"resource": "NetworkSecurityGroup/amlnsg", "want": "Allow", "have": "Deny",
        "field": "properties.securityRules[AllowAzureMachineLearning].properties.access"}]);
    assert_eq!(serde_json::to_value(&passed.report.status.drift).unwrap(), expected);
    assert_eq!(reasons_told(&passed.report), ["Drifted"]);
}

/// The request is taken back after the PATCH and before the service is healthy: its tag goes without another restart.
#[test]
fn a_restart_that_is_taken_back_happens_once() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr = annotated(&cr, RESTART_REQUESTED_AT, "now");
    world.pass(&mut cr);
    assert_eq!(world.writes, [ROLL]);
    cr.metadata.annotations = None;
    for _ in 0..4 {
        let passed = world.pass(&mut cr);
        let live = |change: Option<acivnet_core::kind::Change>| change <= Some(acivnet_core::kind::Change::Live);
        assert!(passed.plan.steps.iter().all(|step| live(step.change)), "{:?}", passed.plan.steps);
        world.tick();
    }
    assert!(world.settle(&mut cr).plan.settled());
}

#[test]
fn a_restart_happens_once() {
    let (mut world, cr) = World::serving(&[]);
    let image = world.service()["environmentImageRequest"].clone();
    let mut cr = annotated(&cr, RESTART_REQUESTED_AT, "now");
    world.pass(&mut cr);
    assert_eq!(cr.status.as_ref().unwrap().last_handled_restart_at, None);
    world.settle(&mut cr);
    assert_eq!(world.writes, [ROLL]);
    let status = cr.status.clone().unwrap();
    assert_eq!((status.last_handled_restart_at.as_deref(), status.revision), (Some("now"), Some(1)));
    assert_eq!((said(&status.conditions, types::READY), status.drift.len()), ("True/Serving".into(), 0));
    assert_eq!(world.service()["environmentImageRequest"], image, "the same content");
    // once only: without memory, without the annotation, when the tag was lost
    cr.status = None;
    world.settle(&mut cr);
    let mut without = cr.clone();
    without.metadata.annotations = None;
    world.settle(&mut without);
    assert_eq!(world.writes, [ROLL]);
    world.service()["kvTags"].as_object_mut().unwrap().remove("acivnet-restart");
    let passed = world.pass(&mut cr);
    assert!(
        passed.plan.steps.iter().all(|step| step.change <= Some(acivnet_core::kind::Change::Live)),
        "no second restart"
    );
    world.settle(&mut cr);
    world.writes.clear();
    world.settle(&mut annotated(&cr, RESTART_REQUESTED_AT, &"again ".repeat(100)));
    assert_eq!(world.writes, [ROLL]);
}

/// Whatever the drift mode; not while suspended; and whatever becomes of the pass that wrote.
#[test]
fn a_restart_is_carried_out_in_every_mode() {
    for (spec, writes) in [
        (("/drift", json!({"mode": "Detect"})), 1),
        (("/drift", json!({"mode": "Ignore"})), 1),
        (("/suspend", json!(true)), 0),
    ] {
        let (mut world, cr) = World::serving(&[]);
        let mut cr = edited(&cr, std::slice::from_ref(&spec));
        world.settle(&mut cr);
        let mut cr = annotated(&cr, RESTART_REQUESTED_AT, "now");
        for _ in 0..6 {
            world.pass(&mut cr);
            world.tick();
        }
        assert_eq!(world.writes.len(), writes, "{spec:?}");
    }
    let (mut world, cr) = World::serving(&[]);
    let mut cr = annotated(&cr, RESTART_REQUESTED_AT, "now");
    let mut look = world.look(&cr);
    world.act(&mut look.plan);
    world.tick();
    world.settle(&mut cr);
    assert_eq!(world.writes, [ROLL], "the operator that wrote it was stopped");
}

/// A deployment that is made with the annotation needs no second start.
#[test]
fn a_new_service_is_not_restarted() {
    let (mut world, _) = World::with_network();
    let mut cr = annotated(&deployment(&[]), RESTART_REQUESTED_AT, "now");
    world.settle(&mut cr);
    assert_eq!(world.writes, ["POST ModelVersion/mymodel", "POST WebService/aciservice"]);
    assert_eq!(cr.status.unwrap().last_handled_restart_at.as_deref(), Some("now"));
}

/// A look that is asked for finds what a hand did, whatever policy; approval works on what was adopted and restarted.
#[test]
fn looks_and_approvals_go_with_policies() {
    let (mut world, cr) = World::serving(&[("/drift", json!({"mode": "Detect"}))]);
    world.service()["description"] = "mine".into();
    let mut cr = annotated(&cr, RECONCILE_REQUESTED_AT, "look");
    assert!(cr.asked());
    world.pass(&mut cr);
    assert!(!cr.asked());
    assert_eq!(cr.status.as_ref().unwrap().drift.len(), 1);
    let mut cr = edited(&annotated(&cr, RESTART_REQUESTED_AT, "now"), &[("/resources/cpu", "2".into())]);
    world.pass(&mut cr);
    world.pass(&mut cr);
    let status = cr.status.clone().unwrap();
    assert_eq!(said(&status.conditions, types::STALLED), "True/ApprovalRequired");
    let hash = status.plan.unwrap().hash.unwrap();
    world.writes.clear();
    let mut cr = annotated(&cr, acivnet_api::APPROVE_PLAN, &hash);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
    assert_eq!(cr.status.unwrap().last_handled_restart_at.as_deref(), Some("now"), "made anew, it was started anew");
}
