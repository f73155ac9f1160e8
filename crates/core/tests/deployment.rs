//! An `AciVnetDeployment` through its life: create, changes of each kind, rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, conditions::types};
use acivnet_core::{describe::DEFAULT_BASE_IMAGE, outcome::Next};
use common::*;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn the_articles_create() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    insta::assert_snapshot!(timeline(&mut world, &mut cr));
    insta::assert_json_snapshot!(cr.status);
}

#[test]
fn rest_changes_nothing() {
    let (mut world, mut cr) = World::serving(&[]);
    let settled = cr.status.clone();
    for _ in 0..3 {
        world.now += 300;
        let passed = world.pass(&mut cr);
        assert!(passed.plan.settled() && !passed.recorded);
        assert_eq!((&cr.status, passed.report.events), (&settled, vec![]));
        assert_eq!(passed.report.next, Next::Sweep(Duration::from_secs(300)));
    }
    assert_eq!(world.writes, Vec::<String>::new());
}

#[test]
fn the_next_look_is_the_nearer_of_sweep_and_probe() {
    for (drift, probe, expected) in
        [(None, None, 300), (Some(60), None, 60), (None, Some(30), 30), (Some(900), Some(600), 600)]
    {
        let (world, cr) = World::serving(&[
            ("/drift", drift.map_or(Value::Null, |seconds| json!({"intervalSeconds": seconds}))),
            ("/probe/intervalSeconds", probe.map_or(Value::Null, Value::from)),
        ]);
        assert_eq!(world.look(&cr).report.next, Next::Sweep(Duration::from_secs(expected)), "{drift:?} {probe:?}");
    }
    let (world, cr) = World::serving(&[("/probe", Value::Null), ("/drift", json!({"intervalSeconds": 900}))]);
    assert_eq!(world.look(&cr).report.next, Next::Sweep(Duration::from_secs(900)));
}

#[test]
fn what_a_change_writes() {
    for (changes, expected) in [
        (vec![("/description", json!("new"))], vec!["PATCH WebService/aciservice"]),
        (vec![("/azure", json!({"tags": [{"name": "team", "value": "churn"}]}))], vec!["PATCH WebService/aciservice"]),
        (vec![("/model/description", json!("new"))], vec!["PATCH ModelVersion/mymodel:1"]),
        (vec![("/model/tags", json!([{"name": "area", "value": "x"}]))], vec!["PATCH ModelVersion/mymodel:1"]),
        (
            vec![("/model/properties", json!([{"name": "p", "value": "2"}]))],
            vec!["POST ModelVersion/mymodel", "PATCH WebService/aciservice"],
        ),
        (vec![("/model/name", json!("other"))], vec!["POST ModelVersion/other", "PATCH WebService/aciservice"]),
        (
            vec![("/scoring/environmentVariables", json!([{"name": "LOG_LEVEL", "value": "info"}]))],
            vec!["PATCH WebService/aciservice"],
        ),
        (vec![("/model/framework", json!("Onnx"))], vec!["POST ModelVersion/mymodel", "PATCH WebService/aciservice"]),
        (vec![("/environment/name", json!("otherenv"))], vec!["PATCH WebService/aciservice"]),
        (vec![("/telemetry", json!({"applicationInsights": "Enabled"}))], vec!["PATCH WebService/aciservice"]),
        (
            vec![("/backend/azureMLWebService/properties", json!([{"name": "a/b", "value": "c"}]))],
            vec!["PATCH WebService/aciservice"],
        ),
        (vec![("/environment/baseImage", json!("mcr.microsoft.com/other:1"))], vec!["PATCH WebService/aciservice"]),
        (vec![("/environment/inferencingStackVersion", json!("latest"))], vec!["PATCH WebService/aciservice"]),
        (vec![("/drift", json!({"intervalSeconds": 60}))], vec![]),
        (vec![("/probe/expect", json!({"statusCode": 200}))], vec![]),
    ] {
        let (mut world, cr) = World::serving(&[]);
        let mut cr = edited(&cr, &changes);
        let first = world.look(&cr).report;
        assert_eq!(
            said(&first.status.conditions, types::READY),
            "True/Serving",
            "{changes:?}: what serves goes on serving"
        );
        assert!(first.status.drift.is_empty(), "{changes:?}: a change of the spec is no drift");
        let last = world.settle(&mut cr);
        assert_eq!(world.writes, expected, "{changes:?}");
        assert_eq!(last.report.status.settled_generation, Some(2));
        assert_eq!(said(&last.report.status.conditions, types::READY), "True/Serving");
    }
}

/// The default is the one that the deployment was made with; a base image of the spec leaves no trace when it goes.
#[test]
fn the_base_image_is_the_specs_else_the_one_it_was_made_with() {
    let (mut world, cr) = World::serving(&[]);
    let used = |cr: &AciVnetDeployment| cr.status.as_ref().and_then(|status| status.base_image.clone());
    let default = used(&cr);
    assert_eq!(default.as_deref(), Some(DEFAULT_BASE_IMAGE));
    let mut cr = edited(&cr, &[("/environment/baseImage", json!("mcr.microsoft.com/other:1"))]);
    world.settle(&mut cr);
    assert_eq!(used(&cr).as_deref(), Some("mcr.microsoft.com/other:1"));
    let docker =
        |world: &mut World| world.service()["environmentImageRequest"]["environment"]["docker"]["baseImage"].clone();
    assert_eq!(docker(&mut world), "mcr.microsoft.com/other:1");
    let mut cr = edited(&cr, &[("/environment/baseImage", Value::Null)]);
    world.settle(&mut cr);
    assert_eq!((used(&cr), docker(&mut world)), (default, json!(DEFAULT_BASE_IMAGE)));
}

/// A change of a file's content moves no generation, and is no drift whatever is to be done about drift.
#[test]
fn new_content_is_rolled_out_in_place() {
    for mode in ["Correct", "Detect", "Ignore"] {
        for (file, text, expected) in [
            ("model.pkl", "m2", vec!["POST ModelVersion/mymodel", "PATCH WebService/aciservice"]),
            ("score.py", "s2", vec!["PATCH WebService/aciservice"]),
            ("myenv.yml", "dependencies: [python=3.12]", vec!["PATCH WebService/aciservice"]),
        ] {
            let (mut world, mut cr) = World::serving(&[("/drift", json!({"mode": mode}))]);
            world.files.insert(file.into(), text.into());
            let timeline = timeline_of(&mut world, &mut cr);
            assert_eq!(world.writes, expected, "{mode} {file}");
            assert!(!timeline.contains("DriftCorrected") && !timeline.contains("Drifted"), "{timeline}");
            let status = cr.status.clone().unwrap();
            assert_eq!((status.revision, status.endpoint.unwrap().moves), (Some(2), 0));
            if file == "model.pkl" {
                assert_eq!(status.model_label.as_deref(), Some("mymodel:2"));
                assert_eq!(world.models.len(), 2, "old versions stay as long as the deployment");
                assert_eq!(status.resources.iter().filter(|one| one.kind == "ModelVersion").count(), 2);
            }
        }
    }
}

/// All that is said over all passes, and all writes kept.
fn timeline_of(world: &mut World, cr: &mut acivnet_api::AciVnetDeployment) -> String {
    let mut all = String::new();
    for _ in 0..10 {
        let passed = world.pass(cr);
        all += &format!(
            "{:?}\n{:?}\n",
            told(&passed.report),
            all_said(&passed.report.status.conditions).join(" ").replace("InSync", "")
        );
        if !matches!(passed.report.next, Next::Retry(_)) {
            return all;
        }
        world.tick();
    }
    panic!("{all}");
}

#[test]
fn the_same_content_under_another_name_is_the_same_version() {
    let (mut world, cr) = World::serving(&[]);
    world.files.insert("renamed.pkl".into(), "m1".into());
    let mut cr = edited(&cr, &[("/model/source", json!({"configMap": {"name": "churn-2", "key": "renamed.pkl"}}))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, Vec::<String>::new());
    // back to a content that was registered before: that version again
    world.files.insert("renamed.pkl".into(), "m2".into());
    world.settle(&mut cr);
    world.files.insert("renamed.pkl".into(), "m1".into());
    world.settle(&mut cr);
    assert_eq!(cr.status.unwrap().model_label.as_deref(), Some("mymodel:1"));
    assert_eq!(world.models.len(), 2);
}

#[test]
fn tags_of_others_stay_and_dropped_ones_go() {
    let (mut world, cr) = World::serving(&[
        ("/azure", json!({"tags": [{"name": "team", "value": "a"}]})),
        ("/model/tags", json!([{"name": "area", "value": "a"}])),
    ]);
    world.service()["kvTags"]["policy"] = "p".into();
    world.models[0]["kvTags"] = json!({"area": "a", "policy": "p"});
    let mut cr = edited(
        &cr,
        &[
            ("/azure/tags", json!([{"name": "unit", "value": "b"}])),
            ("/model/tags", json!([{"name": "kind", "value": "b"}])),
        ],
    );
    world.settle(&mut cr);
    let tags = world.service()["kvTags"].as_object().unwrap();
    let names: Vec<_> = tags.keys().filter(|name| !name.starts_with("acivnet-")).collect();
    assert_eq!(names, ["policy", "unit"]);
    assert_eq!(world.models[0]["kvTags"], json!({"policy": "p", "kind": "b"}));
}

#[test]
fn of_two_registrations_of_one_content_the_lower_stays() {
    let (mut world, mut cr) = World::serving(&[]);
    let twin = world.models[0].clone();
    world.register(&twin);
    let mut stranger = twin.clone();
    stranger["properties"]["acivnet-owner"] = "somebody/else/x".into();
    world.register(&stranger);
    world.models.reverse(); // Azure ML lists the newest first
    let before = cr.status.clone();
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE ModelVersion/mymodel:2"]);
    assert_eq!(world.models.iter().map(|one| one["version"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(
        (&cr.status.clone().unwrap().resources, cr.status.unwrap().model_label),
        (&before.clone().unwrap().resources, before.unwrap().model_label)
    );
}

/// Whoever made it from the same content is found, not made again: a registration and a creation whose answers were lost.
#[test]
fn lost_answers_make_nothing_twice() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    let mut first = world.look(&cr);
    cr.status = Some(first.report.status.clone());
    world.act(&mut first.plan); // and the operator dies
    let mut second = world.look(&cr);
    cr.status = Some(second.report.status.clone());
    world.act(&mut second.plan);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["POST ModelVersion/mymodel", "POST WebService/aciservice"]);
    let models = cr.status.unwrap().resources.into_iter().filter(|one| one.kind == "ModelVersion");
    assert!(models.map(|one| one.id).eq([format!("{}/models/mymodel:1", workspace())]), "the placeholder is gone");
}

#[test]
fn requests_are_echoed() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr = annotated(&cr, acivnet_api::RECONCILE_REQUESTED_AT, "now");
    world.pass(&mut cr);
    assert_eq!(cr.status.unwrap().last_handled_reconcile_at.as_deref(), Some("now"));
    assert!(world.writes.is_empty());
}

#[test]
fn suspended_it_looks_and_tells_and_writes_nothing() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[("/suspend", json!(true))]);
    let passed = world.pass(&mut cr);
    assert_eq!(world.writes, Vec::<String>::new());
    let status = &passed.report.status;
    assert_eq!(said(&status.conditions, types::READY), "False/Suspended");
    assert_eq!(said(&status.conditions, types::STALLED), "True/Suspended");
    let actions: Vec<_> =
        status.plan.as_ref().unwrap().actions.iter().map(|one| (one.action.as_str(), one.resource.as_str())).collect();
    assert_eq!(actions, [("Create", "ModelVersion/mymodel"), ("Create", "WebService/aciservice")]);
    assert!(status.resources.iter().all(|one| one.kind == "Workspace"), "nothing is recorded that is not made");
    assert_eq!(passed.report.next, Next::Sweep(Duration::from_secs(300)));
    assert_eq!(told(&world.pass(&mut cr).report), Vec::<String>::new());

    let (mut world, cr) = World::serving(&[]);
    let twin = world.models[0].clone();
    world.register(&twin);
    let mut cr = edited(&cr, &[("/suspend", json!(true)), ("/description", json!("new"))]);
    let passed = world.settle(&mut cr);
    assert!(world.writes.is_empty(), "not even what is too much: {:?}", world.writes);
    assert_eq!(said(&passed.report.status.conditions, types::READY), "True/Serving");
    assert_eq!(said(&passed.report.status.conditions, types::STALLED), "True/Suspended");
    let mut cr = edited(&cr, &[("/suspend", Value::Null)]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PATCH WebService/aciservice", "DELETE ModelVersion/mymodel:2"]);
}

#[test]
fn reconciling_ends_with_the_work() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    let first = world.pass(&mut cr);
    assert_eq!(said(&first.report.status.conditions, types::READY), "Unknown/Progressing");
    assert_eq!(said(&first.report.status.conditions, types::RECONCILING), "True/Progressing");
    let last = world.settle(&mut cr);
    assert_eq!(said(&last.report.status.conditions, types::RECONCILING), "-");
}

#[test]
fn the_image_is_built_before_the_service_is_made() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    world.ending = json!({"state": "Transitioning"});
    for _ in 0..3 {
        world.pass(&mut cr);
        world.tick();
    }
    let status = world.look(&cr).report.status;
    assert_eq!(said(&status.conditions, types::ENVIRONMENT_READY), "False/Building");
    for operation in world.operations.values_mut() {
        operation["operationDetails"]["subOperationType"] = "DeployService".into();
    }
    let status = world.look(&cr).report.status;
    assert_eq!(said(&status.conditions, types::ENVIRONMENT_READY), "True/Built");
    assert_eq!(said(&status.conditions, types::SERVICE_HEALTHY), "False/Creating");
    assert_eq!(status.endpoint, None);
    assert_eq!(status.revision, None);
}
