//! A deployment that serves, or did: endpoint, probe, and what is said while Azure or the files can't be seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::conditions::{reasons, types};
use acivnet_core::{
    failure::Failure,
    observed::SignIn,
    outcome::Next,
    questions::{ClusterQuestion, Question},
    retry::Retry,
};
use common::*;
use serde_json::{Value, json};

fn is_probe(question: &Question) -> bool {
    matches!(question, Question::Cluster(ClusterQuestion::Probe(_)))
}

fn refused(reason: &'static str, code: &str) -> SignIn {
    SignIn::Refused(failure(0, code, reason, Retry::Slowly))
}

/// A container that ends after it had served is Azure's to restart: what stands is not deleted.
#[test]
fn an_unhealthy_service_is_left_to_azure() {
    let (mut world, mut cr) = World::serving(&[]);
    world.service()["state"] = "Unhealthy".into();
    for _ in 0..3 {
        world.now += 5000;
        let passed = world.pass(&mut cr);
        assert_eq!(said(&passed.report.status.conditions, types::READY), "False/ServiceFailed");
        assert!(cr.status.as_ref().unwrap().endpoint.as_ref().unwrap().scoring_uri.is_some());
    }
    assert!(world.writes.is_empty());
    world.files.insert("score.py".into(), "corrected".into());
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PATCH WebService/aciservice"]);
}

#[test]
fn of_the_endpoint() {
    for (uri, reason) in [
        ("http://10.0.9.9/score", reasons::ADDRESS_OUTSIDE_SUBNET),
        ("http://203.0.113.9/score", reasons::ADDRESS_OUTSIDE_SUBNET),
        ("http://10.0.1.4:6443/score", reasons::ADDRESS_OUTSIDE_SUBNET),
    ] {
        let (mut world, mut cr) = World::serving(&[]);
        world.service()["scoringUri"] = uri.into();
        let passed = world.pass(&mut cr);
        let status = &passed.report.status;
        assert_eq!(said(&status.conditions, types::READY), format!("False/{reason}"));
        assert_eq!(said(&status.conditions, types::PROBE_PASSED), format!("False/{reason}"));
        assert_eq!(status.endpoint.as_ref().unwrap().scoring_uri, None);
        assert!(!passed.observed.facts.keys().any(is_probe), "never dialled");
    }
}

#[test]
fn of_the_probe() {
    let unanswered = |reason: &'static str| Failure { reason, ..unreachable() };
    for (probe, passed_reason) in [
        (Ok(500), reasons::UNEXPECTED_STATUS),
        (Ok(401), reasons::UNAUTHORIZED),
        (Err(unanswered(reasons::UNREACHABLE)), reasons::UNREACHABLE),
        (Err(unanswered(reasons::ADDRESS_NOT_ALLOWED)), reasons::ADDRESS_NOT_ALLOWED),
        (Err(unanswered(reasons::CONFIG_MAP_NOT_FOUND)), reasons::CONFIG_MAP_NOT_FOUND),
    ] {
        let (mut world, mut cr) = World::serving(&[]);
        world.probe = probe;
        let passed = world.pass(&mut cr);
        let status = &passed.report.status;
        assert_eq!(said(&status.conditions, types::READY), "False/ProbeFailed");
        assert_eq!(said(&status.conditions, types::PROBE_PASSED), format!("False/{passed_reason}"));
        assert_eq!(said(&status.conditions, types::SERVICE_HEALTHY), "True/Healthy");
        assert_eq!(said(&status.conditions, types::RECONCILING), "True/ProbeFailed");
        assert_eq!(
            (status.probe_summary.as_deref(), passed.report.next),
            (Some("FAILED"), Next::Retry(Retry::Backoff))
        );
        assert_eq!(reasons_told(&passed.report), ["ProbeFailed"]);
        world.probe = Ok(200);
        let passed = world.pass(&mut cr);
        assert_eq!(
            (passed.report.status.probe_summary.as_deref(), reasons_told(&passed.report)),
            (Some("200"), vec!["Serving"])
        );
    }
    let (mut world, cr) = World::serving(&[]);
    let mut cr = edited(&cr, &[("/probe/expect", json!({"statusCode": 401}))]);
    world.probe = Ok(401);
    assert_eq!(
        world.pass(&mut cr).report.status.probe_summary.as_deref(),
        Some("401"),
        "a refusal may be what is expected"
    );
    let mut cr = edited(&cr, &[("/probe", Value::Null)]);
    let passed = world.pass(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::PROBE_PASSED), "Unknown/NotConfigured");
    assert!(message(&passed.report.status.conditions, types::READY).contains("not probed"));
    assert_eq!((passed.report.status.probe, passed.report.status.probe_summary), (None, None));
}

/// Where a probe is wanted, health alone makes nothing ready.
#[test]
fn unprobed_is_not_ready() {
    let (world, cr) = World::serving(&[]);
    let mut observed = world.look(&cr).observed;
    observed.facts.retain(|question, _| !is_probe(question));
    let plan = acivnet_core::subject::decide(&cr, &observed, world.now());
    let reconcile = acivnet_core::outcome::Reconcile { observed: &observed, plan: &plan, now: world.now() };
    let conditions = acivnet_core::subject::Subject::report(&cr, &reconcile).status.conditions;
    assert_eq!(said(&conditions, types::READY), "False/Progressing");
    assert_eq!(said(&conditions, types::PROBE_PASSED), "Unknown/Progressing");
}

/// Only what is healthy, ours, and where it may be is dialled.
#[test]
fn nothing_else_is_probed() {
    let probed = |world: &World, cr: &_| world.look(cr).observed.facts.keys().any(is_probe);
    let (world, cr) = World::serving(&[]);
    assert!(probed(&world, &cr));
    for state in ["Transitioning", "Unhealthy", "Failed"] {
        let (mut world, cr) = World::serving(&[]);
        world.service()["state"] = state.into();
        assert!(!probed(&world, &cr), "{state}");
        assert!(world.look(&cr).report.status.endpoint.unwrap().scoring_uri.is_some() || state == "Failed");
    }
    let (mut world, cr) = World::serving(&[]);
    world.service()["kvTags"]["acivnet-owner"] = "another".into();
    assert!(!probed(&world, &cr));
    let (mut world, cr) = World::serving(&[]);
    world.subnets.clear();
    assert!(!probed(&world, &cr));
}

/// What is not seen is not said to be broken, nor for ever to be well.
#[test]
fn while_azure_cannot_be_seen_the_last_word_stands_for_a_while() {
    type Blindness = fn(&mut World);
    let blindness: [(Blindness, &str); 2] = [
        (|world| assert!(world.unread.insert("Azure(".into())), "AzureUnreachable"),
        (|world| world.identity = refused(reasons::FEDERATION_MISSING, "AADSTS700213"), "FederationMissing"),
    ];
    for (blind, reason) in blindness {
        let (mut world, mut cr) = World::serving(&[]);
        blind(&mut world);
        let before = cr.status.clone().unwrap();
        let passed = world.pass(&mut cr);
        let status = &passed.report.status;
        assert_eq!(said(&status.conditions, types::READY), "True/Serving");
        assert_eq!(said(&status.conditions, types::RECONCILING), format!("True/{reason}"));
        for type_ in [
            types::MODEL_READY,
            types::ENVIRONMENT_READY,
            types::SERVICE_HEALTHY,
            types::PROBE_PASSED,
            types::ROLLOUT_COMPLETE,
            types::DRIFT_DETECTED,
        ] {
            assert_eq!(said(&status.conditions, type_), said(&before.conditions, type_), "{type_}");
        }
        assert_eq!(
            (&status.endpoint, &status.drift, &status.resources.len()),
            (&before.endpoint, &before.drift, &before.resources.len())
        );
        assert_eq!(told(&passed.report), Vec::<String>::new());
        world.now += 899;
        assert_eq!(said(&world.pass(&mut cr).report.status.conditions, types::READY), "True/Serving");
        world.now += 1;
        let late = world.pass(&mut cr);
        assert_eq!(said(&late.report.status.conditions, types::READY), format!("Unknown/{reason}"));
        assert_eq!(reasons_told(&late.report), [reason]);
        world.now += 5000;
        assert_eq!(said(&world.pass(&mut cr).report.status.conditions, types::READY), format!("Unknown/{reason}"));
        (world.unread, world.identity) = (Default::default(), SignIn::Valid);
        world.pass(&mut cr);
        assert_eq!(all_said(&cr.status.clone().unwrap().conditions), all_said(&before.conditions));
        assert!(world.writes.is_empty());
    }
}

/// Files that vanish do not take a running service away.
#[test]
fn what_serves_goes_on_serving_without_its_files() {
    let (mut world, mut cr) = World::serving(&[]);
    world.files.remove("model.pkl");
    let passed = world.pass(&mut cr);
    let status = &passed.report.status;
    assert_eq!(said(&status.conditions, types::READY), "True/Serving");
    assert_eq!(said(&status.conditions, types::MODEL_READY), "False/ConfigMapNotFound");
    assert_eq!(said(&status.conditions, types::RECONCILING), "True/ConfigMapNotFound");
    assert_eq!(reasons_told(&passed.report), Vec::<&str>::new());
    world.now += 1000;
    assert_eq!(
        told(&world.pass(&mut cr).report),
        [
            "!ConfigMapNotFound: ConfigMap churn with key model.pkl does not exist in this namespace; apply it, or correct the reference"
        ]
    );
    world.services.clear();
    let passed = world.pass(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::READY), "False/ConfigMapNotFound");
    assert_eq!(passed.report.status.endpoint.unwrap().scoring_uri, None);
    assert!(world.writes.is_empty());
}

#[test]
fn times_move_with_the_status_only() {
    let (mut world, mut cr) = World::serving(&[]);
    let since = |cr: &acivnet_api::AciVnetDeployment| {
        let conditions = cr.status.clone().unwrap().conditions;
        conditions.into_iter().find(|one| one.type_ == types::READY).unwrap().last_transition_time.0.as_second()
    };
    let began = since(&cr);
    world.now += 100;
    world.service()["description"] = "mine".into();
    world.settle(&mut cr);
    let mut cr = edited(&cr, &[("/description", json!("other"))]);
    world.pass(&mut cr);
    assert_eq!(since(&cr), began, "another generation, still ready");
    world.settle(&mut cr);
    world.now += 100;
    world.probe = Ok(500);
    world.pass(&mut cr);
    assert_eq!(since(&cr), world.now);
    let failed = since(&cr);
    world.now += 100;
    world.services.clear();
    world.files.remove("model.pkl");
    world.pass(&mut cr);
    assert_eq!(since(&cr), failed, "False for another reason is still False");
}

#[test]
fn that_nobody_knows_where_pods_are_is_said_of_what_is_probed() {
    for (probe, pods_unknown, said_so) in [(true, true, true), (true, false, false), (false, true, false)] {
        let spec: &[(&str, Value)] = if probe { &[] } else { &[("/probe", Value::Null)] };
        let (mut world, mut cr) = World::serving(spec);
        world.pods_unknown = pods_unknown;
        world.now += 300;
        let conditions = world.pass(&mut cr).report.status.conditions;
        let told = message(&conditions, types::PROBE_PASSED).contains("--cluster-networks");
        assert_eq!(told, said_so, "{}", message(&conditions, types::PROBE_PASSED));
        assert_eq!(said(&conditions, types::READY), said(&cr.status.unwrap().conditions, types::READY));
    }
}
