//! A change that deletes and creates: shown, told, approved, carried out once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{APPROVE_PLAN, AciVnetDeployment, AciVnetDeploymentStatus, conditions::types};
use acivnet_core::{outcome::Next, plan::Request, subject::needs_record};
use common::*;
use serde_json::{Value, json};
use std::time::Duration;

fn hash(cr: &AciVnetDeployment) -> String {
    cr.status.as_ref().unwrap().plan.as_ref().unwrap().hash.clone().unwrap()
}

fn actions(status: &AciVnetDeploymentStatus) -> Value {
    serde_json::to_value(status.plan.as_ref().map(|plan| &plan.actions)).unwrap()
}

/// Serving, and then more memory is wanted.
fn more_memory(changes: &[(&str, Value)]) -> (World, AciVnetDeployment) {
    let (world, cr) = World::serving(changes);
    (world, edited(&cr, &[("/resources/memory", json!("2G"))]))
}

#[test]
fn it_waits_for_approval_and_goes_on_serving() {
    let (mut world, mut cr) = more_memory(&[]);
    let passed = world.pass(&mut cr);
    let status = &passed.report.status;
    assert!(world.writes.is_empty() && !passed.recorded);
    let expected = json!([{"action": "Replace", "resource": "WebService/aciservice", "field": "resources.memory", "from": "1G", "to": "2G"}]);
    assert_eq!(actions(status), expected);
    assert_eq!(hash(&cr).len(), 12);
    for (type_, expected) in [
        (types::READY, "True/Serving"),
        (types::STALLED, "True/ApprovalRequired"),
        (types::RECONCILING, "-"),
        (types::ROLLOUT_COMPLETE, "False/ApprovalRequired"),
    ] {
        assert_eq!(said(&status.conditions, type_), expected);
    }
    assert_eq!(reasons_told(&passed.report), ["ApprovalRequired"]);
    assert!(passed.report.events[0].warning && passed.report.events[0].message.contains(&hash(&cr)));
    assert!(message(&status.conditions, types::STALLED).contains(&format!("approve-plan={}", hash(&cr))));
    assert_eq!(passed.report.next, Next::Sweep(Duration::from_secs(300)));
    let before = cr.status.clone();
    world.now += 5000;
    assert_eq!(reasons_told(&world.pass(&mut cr).report), Vec::<&str>::new(), "told once");
    assert_eq!(cr.status, before);
}

#[test]
fn the_hash_outlives_restarts_and_tells_plans_apart() {
    let (world, cr) = more_memory(&[]);
    let first = world.look(&cr).plan.hash;
    let mut forgetful = cr.clone();
    forgetful.status.as_mut().unwrap().conditions.clear();
    assert_eq!(world.look(&forgetful).plan.hash, first);
    let other = edited(&cr, &[("/resources/memory", json!("3G"))]);
    assert_ne!(world.look(&other).plan.hash, first);
    let again = edited(&other, &[("/resources/memory", json!("2G"))]);
    assert_ne!(world.look(&again).plan.hash, first, "another generation");
    let mut twin = cr.clone();
    twin.metadata.uid = Some("other-uid".into());
    assert_ne!(world.look(&twin).plan.hash, first);
}

#[test]
fn approved_it_is_validated_deleted_and_created() {
    let (mut world, mut cr) = more_memory(&[]);
    world.pass(&mut cr);
    let mut cr = annotated(&cr, APPROVE_PLAN, &hash(&cr));
    let approved = hash(&cr);
    let passed = world.look(&cr);
    let Some((_, Request::Delete { successor: Some(successor), .. })) = passed.plan.writes().next() else {
        panic!("{:?}", passed.plan.steps);
    };
    assert_eq!(successor.body["containerResourceRequirements"]["memoryInGB"], 2);
    assert_eq!(successor.body["vnetConfiguration"]["subnetName"], "amlsubnet1");
    assert!(successor.body.get("image").is_none());
    assert_eq!(successor.payloads.len(), 2, "validated with script and driver");
    assert!(passed.recorded, "the approval is recorded before anything is deleted");
    let passed = world.pass(&mut cr);
    assert_eq!(cr.status.as_ref().unwrap().approved.as_ref(), Some(&approved));
    assert_eq!(
        told(&passed.report),
        [
            "!Replacing: deleting WebService/aciservice to create it again: containerResourceRequirements.memoryInGB can't be changed in place"
        ]
    );
    // the annotation goes (Flux may drop it): the approval was seen
    cr.metadata.annotations = None;
    let passed = world.pass(&mut cr);
    let status = &passed.report.status;
    assert_eq!(status.approved.as_ref(), Some(&approved), "kept until the replacement stands");
    assert_eq!(said(&status.conditions, types::READY), "False/Progressing");
    assert_eq!(status.endpoint.as_ref().unwrap().scoring_uri, None, "a dead URI does not stay");
    world.settle(&mut cr);
    let status = cr.status.clone().unwrap();
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
    assert_eq!((status.approved, status.plan), (None, None));
    assert_eq!(status.endpoint.unwrap().moves, 0, "the same address is no move");
    assert_eq!(said(&status.conditions, types::ROLLOUT_COMPLETE), "True/Complete");
    assert_eq!(status.resources_resolved.unwrap().memory_gb, "2");
}

#[test]
fn seen_once_the_approval_survives_a_crash_before_the_deletion() {
    let (mut world, mut cr) = more_memory(&[]);
    world.pass(&mut cr);
    let approved = annotated(&cr, APPROVE_PLAN, &hash(&cr));
    let recorded = world.look(&approved).report.status;
    cr.status = Some(recorded); // and the operator dies; the annotation is dropped meanwhile
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
}

/// Somebody makes the service smaller again behind our back, in the same generation: that is another deletion.
#[test]
fn a_stale_annotation_approves_nothing() {
    let (mut world, mut cr) = more_memory(&[]);
    world.pass(&mut cr);
    let mut cr = annotated(&cr, APPROVE_PLAN, &hash(&cr));
    world.settle(&mut cr);
    world.writes.clear();
    world.service()["containerResourceRequirements"]["memoryInGB"] = 1.into();
    let passed = world.settle(&mut cr);
    assert!(world.writes.is_empty());
    assert_eq!(said(&passed.report.status.conditions, types::STALLED), "True/ApprovalRequired");
    assert_eq!(said(&passed.report.status.conditions, types::DRIFT_DETECTED), "True/Drifted");
    for wrong in ["", "6f1c9a", "*"] {
        let mut cr = annotated(&cr, APPROVE_PLAN, wrong);
        world.settle(&mut cr);
        assert!(world.writes.is_empty(), "{wrong:?}");
    }
    let mut cr = annotated(&cr, APPROVE_PLAN, &hash(&cr));
    world.settle(&mut cr);
    assert_eq!(world.writes.len(), 2, "approved anew");
}

#[test]
fn an_approval_of_another_plan_is_dropped() {
    let (mut world, mut cr) = more_memory(&[]);
    world.pass(&mut cr);
    let approved = annotated(&cr, APPROVE_PLAN, &hash(&cr));
    cr.status = Some(world.look(&approved).report.status);
    let mut cr = edited(&cr, &[("/resources/memory", json!("3G"))]);
    let passed = world.pass(&mut cr);
    assert!(world.writes.is_empty());
    assert_eq!(passed.report.status.approved, None);
    let mut cr = edited(&cr, &[("/resources/memory", json!("1G"))]);
    let passed = world.settle(&mut cr);
    assert!(world.writes.is_empty());
    assert_eq!((passed.report.status.plan, passed.report.status.approved), (None, None));
}

#[test]
fn automatic_is_told_first_and_needs_no_person() {
    let (mut world, mut cr) = more_memory(&[("/rollout", json!({"replaceApproval": "Automatic"}))]);
    let passed = world.pass(&mut cr);
    assert!(world.writes.is_empty(), "the plan stands in status before anything is deleted");
    let status = &passed.report.status;
    assert_eq!(actions(status)[0]["action"], "Replace");
    assert_eq!(reasons_told(&passed.report), ["ReplacePlanned"]);
    assert!(passed.report.events[0].warning);
    assert_eq!(said(&status.conditions, types::STALLED), "-");
    assert_eq!(said(&status.conditions, types::RECONCILING), "True/Progressing");
    assert!(matches!(passed.report.next, Next::Retry(_)));
    let passed = world.pass(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice"]);
    assert_eq!(reasons_told(&passed.report), ["Replacing"]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
    assert_eq!(cr.status.as_ref().unwrap().approved, None);
}

#[test]
fn a_refused_successor_keeps_what_runs() {
    let (mut world, mut cr) = more_memory(&[("/rollout", json!({"replaceApproval": "Automatic"}))]);
    world.pass(&mut cr);
    world.refuse = |node, request| {
        let replaces = matches!(request, Request::Delete { successor: Some(_), .. });
        replaces.then(|| {
            failure(
                400,
                &format!("ContainerGroupQuotaReached {}", node.id.name()),
                "QuotaExceeded",
                acivnet_core::retry::Retry::Slowly,
            )
        })
    };
    let passed = world.pass(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::READY), "True/Serving");
    assert_eq!(said(&passed.report.status.conditions, types::STALLED), "True/QuotaExceeded");
    assert_eq!(reasons_told(&passed.report), ["QuotaExceeded"]);
    world.refuse = |_, _| None;
    world.settle(&mut cr);
    assert_eq!(said(&cr.status.unwrap().conditions, types::ROLLOUT_COMPLETE), "True/Complete");
}

#[test]
fn what_serves_is_not_deleted_while_nothing_could_be_made() {
    let (mut world, mut cr) = more_memory(&[("/rollout", json!({"replaceApproval": "Automatic"}))]);
    let network = world.subnets["amlsubnet1"].clone();
    world.subnets.get_mut("amlsubnet1").unwrap()["status"]["conditions"] =
        json!([condition(types::READY, "False", "Progressing")]);
    for _ in 0..3 {
        let passed = world.pass(&mut cr);
        assert_eq!(said(&passed.report.status.conditions, types::READY), "True/Serving");
        assert_eq!(said(&passed.report.status.conditions, types::RECONCILING), "True/WaitingForSubnet");
    }
    assert!(world.writes.is_empty());
    world.subnets.insert("amlsubnet1".into(), network);
    world.settle(&mut cr);
    assert_eq!(world.writes.len(), 2);
}

/// The address that a full subnet counts is our own.
#[test]
fn a_replacement_finds_room_in_a_full_subnet() {
    let (mut world, mut cr) = more_memory(&[("/rollout", json!({"replaceApproval": "Automatic"}))]);
    world.subnets.get_mut("amlsubnet1").unwrap()["status"]["capacity"] =
        json!({"total": 11, "used": 11, "available": 0});
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
}

#[test]
fn moves_are_counted_over_a_replacement() {
    let (mut world, mut cr) = more_memory(&[("/rollout", json!({"replaceApproval": "Automatic"}))]);
    world.pass(&mut cr);
    world.pass(&mut cr);
    world.services.insert("aaa".into(), json!({"state": "Transitioning"}));
    world.settle(&mut cr);
    let endpoint = cr.status.unwrap().endpoint.unwrap();
    assert_eq!((endpoint.addresses, endpoint.moves), (vec!["10.0.1.5".to_owned()], 1));
}

/// Nothing runs that an approval could protect.
#[test]
fn what_failed_at_its_creation_is_replaced_at_once_what_stands_is_not() {
    for (state, expected) in
        [("Failed", vec!["DELETE WebService/aciservice", "POST WebService/aciservice"]), ("Unhealthy", vec![])]
    {
        let (mut world, mut cr) = more_memory(&[]);
        world.service()["state"] = state.into();
        world.settle(&mut cr);
        assert_eq!(world.writes, expected, "{state}");
        let conditions = cr.status.unwrap().conditions;
        assert_eq!(
            said(&conditions, types::READY),
            if state == "Failed" { "True/Serving" } else { "False/ServiceFailed" }
        );
        assert_eq!(said(&conditions, types::STALLED), if state == "Failed" { "-" } else { "True/ApprovalRequired" });
    }
}

#[test]
fn records_are_needed_for_ids_keys_and_approvals_only() {
    let (world, cr) = World::serving(&[]);
    let status = cr.status.clone().unwrap();
    let needs = |change: &dyn Fn(&mut AciVnetDeploymentStatus)| {
        let mut report = world.look(&cr).report;
        change(&mut report.status);
        needs_record(&cr, &report)
    };
    assert!(!needs(&|_| {}));
    assert!(!needs(&|status| status.conditions.clear()));
    assert!(!needs(&|status| status.revision = Some(7)));
    assert!(!needs(&|status| status.resources[2].state = Some("Busy".into())));
    assert!(needs(&|status| status.approved = Some("x".into())));
    let new = |state: &str, origin: Option<acivnet_api::Origin>| {
        let mut one = status.resources[2].clone();
        (one.id, one.state, one.origin) = ("/subscriptions/s/new".into(), Some(state.into()), origin);
        one
    };
    assert!(needs(&|status| status.resources.push(new("Absent", None))));
    assert!(!needs(&|status| status.resources.push(new("Settled", None))), "it stands: nothing is made");
    assert!(!needs(&|status| status.resources.push(new("Absent", Some(acivnet_api::Origin::Referenced)))));
    assert!(needs(&|status| {
        status.resources[2].state = Some("Drifted".into());
        status.resources[2].keys.push("team".into());
    }));
}

#[test]
fn what_no_operation_changes_is_replaced() {
    let key = json!({"vaultBaseURL": "https://kv.vault.azure.net", "name": "aci", "version": "1"});
    for (change, field) in [
        (("/telemetry", json!({"dataCollection": "Enabled"})), "telemetry.dataCollection"),
        (("/encryption", json!({"keyVaultKey": key})), "encryption.keyVaultKey"),
    ] {
        let (world, cr) = World::serving(&[]);
        let with = edited(&cr, std::slice::from_ref(&change));
        let actions = actions(&world.look(&with).report.status);
        assert_eq!((&actions[0]["action"], &actions[0]["field"]), (&json!("Replace"), &json!(field)), "{actions:#}");
        let (world, cr) = World::serving(&[change]);
        assert_eq!(world.look(&cr).plan.hash, None, "{field}: it settles");
        let without = edited(&cr, &[(if field.starts_with('t') { "/telemetry" } else { "/encryption" }, Value::Null)]);
        assert!(world.look(&without).plan.hash.is_some(), "{field}: it is taken away the same way");
    }
}
