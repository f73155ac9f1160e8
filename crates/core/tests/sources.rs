//! What a deployment is made from: each form of model and script, and their changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, Origin, RECONCILE_REQUESTED_AT, conditions::types};
use acivnet_core::plan::{Action, Request};
use common::*;
use serde_json::{Value, json};

const REGISTERED: &str = "/model/source";

fn registered(version: Value) -> Value {
    match version {
        Value::Null => json!({"registered": {}}),
        version => json!({"registered": {"version": version}}),
    }
}

/// A network, and versions 1 to `count` of somebody's model.
fn with_versions(count: u64) -> World {
    let (mut world, _) = World::with_network();
    for _ in 0..count {
        world.register(&json!({"name": "mymodel", "properties": {}}));
    }
    world
}

fn label(cr: &AciVnetDeployment) -> Option<String> {
    cr.status.as_ref()?.model_label.clone()
}

#[test]
fn a_registered_version_is_taken_and_never_written() {
    let mut world = with_versions(3);
    let mut cr = deployment(&[(REGISTERED, registered("2".into()))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["POST WebService/aciservice"]);
    assert_eq!(world.service()["environmentImageRequest"]["modelIds"], json!(["mymodel:2"]));
    let status = cr.status.clone().unwrap();
    let model = status.model.unwrap();
    assert_eq!((model.version.as_str(), model.digest, model.origin), ("2", None, Some(Origin::Referenced)));
    assert_eq!(said(&status.conditions, types::MODEL_READY), "True/Registered");
    world.settle(&mut deleted(&cr));
    assert_eq!(world.writes, ["POST WebService/aciservice", "DELETE WebService/aciservice"]);
    assert_eq!(world.models.len(), 3);
}

#[test]
fn the_newest_version_is_pinned_until_a_person_asks_for_a_look() {
    let mut world = with_versions(2);
    let mut cr = deployment(&[(REGISTERED, registered(Value::Null))]);
    world.settle(&mut cr);
    assert_eq!(label(&cr).as_deref(), Some("mymodel:2"));
    world.register(&json!({"name": "mymodel", "properties": {}}));
    world.writes.clear();
    world.settle(&mut cr);
    let mut cr = edited(&cr, &[("/drift", json!({"intervalSeconds": 60, "mode": "Detect"}))]);
    world.settle(&mut cr);
    assert_eq!((label(&cr).as_deref(), world.writes.len()), (Some("mymodel:2"), 0), "a newer one rolls nothing");
    let mut cr = annotated(&cr, RECONCILE_REQUESTED_AT, "now");
    world.settle(&mut cr);
    assert_eq!(
        (label(&cr).as_deref(), &*world.writes),
        (Some("mymodel:3"), &["PATCH WebService/aciservice".into()][..])
    );
    world.register(&json!({"name": "mymodel", "properties": {}}));
    world.settle(&mut cr);
    assert_eq!(label(&cr).as_deref(), Some("mymodel:3"), "one look for one request");
}

#[test]
fn a_version_that_is_not_there_is_told_and_waited_for() {
    for (versions, version, name) in [(0, Value::Null, "model mymodel"), (1, "2".into(), "model mymodel:2")] {
        let mut world = with_versions(versions);
        let mut cr = deployment(&[(REGISTERED, registered(version))]);
        world.pass(&mut cr);
        let conditions = cr.status.clone().unwrap().conditions;
        for type_ in [types::READY, types::MODEL_READY] {
            assert_eq!(said(&conditions, type_), "False/ModelNotFound");
        }
        let message = &conditions.iter().find(|one| one.type_ == types::MODEL_READY).unwrap().message;
        assert!(message.starts_with(name) && message.contains("reconcile-requested-at"), "{message}");
        assert_eq!(world.writes, [] as [&str; 0]);
        for _ in versions..2 {
            world.register(&json!({"name": "mymodel", "properties": {}}));
        }
        world.settle(&mut cr);
        assert_eq!(label(&cr).as_deref(), Some("mymodel:2"));
    }
}

#[test]
fn from_own_content_to_a_registered_version_and_back() {
    let (mut world, cr) = World::serving(&[]);
    world.register(&json!({"name": "mymodel", "properties": {}}));
    let mut cr = edited(&cr, &[(REGISTERED, registered(Value::Null))]);
    world.settle(&mut cr);
    assert_eq!(
        (label(&cr).as_deref(), &*world.writes),
        (Some("mymodel:2"), &["PATCH WebService/aciservice".into()][..])
    );
    let own = json!({"configMap": {"name": "churn", "key": "model.pkl"}});
    let mut cr = edited(&cr, &[(REGISTERED, own)]);
    world.settle(&mut cr);
    assert_eq!((label(&cr).as_deref(), world.writes.len()), (Some("mymodel:1"), 2), "its own is still there");
}

#[test]
fn a_directory_is_one_version_of_all_keys() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[(REGISTERED, json!({"configMap": {"name": "churn"}}))]);
    let passed = world.look(&cr);
    let register = passed.plan.writes().find_map(|(_, request)| match request {
        Request::RegisterModel { body, payloads } => Some((body.clone(), payloads.clone())),
        _ => None,
    });
    let (body, payloads) = register.unwrap();
    let paths: Vec<&str> = payloads.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["mymodel/model.pkl", "mymodel/myenv.yml", "mymodel/sample.json", "mymodel/score.py"]);
    assert!(payloads.iter().all(|one| one.container == payloads[0].container));
    assert_eq!(payloads[0].asset_prefix(), format!("LocalUpload/{}/mymodel", payloads[0].container));
    assert!(payloads.iter().all(|one| one.digest != body["properties"]["acivnet-digest"]));
    world.settle(&mut cr);
    assert_eq!(world.writes, ["POST ModelVersion/mymodel", "POST WebService/aciservice"]);
    world.files.insert("sample.json".into(), "[2]".into());
    world.settle(&mut cr);
    assert_eq!(label(&cr).as_deref(), Some("mymodel:2"), "each of its files counts");
    world.files.clear();
    let said_of =
        |world: &World, cr: &AciVnetDeployment| said(&world.look(cr).report.status.conditions, types::MODEL_READY);
    assert_eq!(said_of(&world, &cr), "False/ModelUnreadable");
}

#[test]
fn extra_files_lie_beside_the_script() {
    let extra = json!({"configMap": {"name": "churn"}});
    let (mut world, mut cr) = World::serving(&[("/scoring/extraFiles", extra)]);
    let image = world.service()["environmentImageRequest"].clone();
    let archive = image["assets"][1].clone();
    assert_eq!((&archive["unpack"], &archive["mimeType"]), (&json!(true), &json!("application/octet-stream")));
    let id = archive["id"].as_str().unwrap();
    assert!(id.len() == 15 && id.ends_with(".tar.gz") && archive["url"].as_str().unwrap().ends_with(id), "{archive}");
    assert_eq!(image["assets"][0].get("unpack"), None);
    let variables = &image["environment"]["environmentVariables"];
    assert_eq!(variables["AZUREML_SOURCE_DIRECTORY"], "source");
    assert_eq!(variables["AZUREML_ENTRY_SCRIPT"], "source/score.py");
    world.files.insert("helper.py".into(), "x = 1".into());
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PATCH WebService/aciservice"], "a file beside it rolls");
    let mut cr = edited(&cr, &[("/scoring/extraFiles", Value::Null)]);
    world.settle(&mut cr);
    let variables = world.service()["environmentImageRequest"]["environment"]["environmentVariables"].clone();
    assert_eq!(
        (variables.get("AZUREML_SOURCE_DIRECTORY"), &variables["AZUREML_ENTRY_SCRIPT"]),
        (None, &json!("score.py"))
    );
}

#[test]
fn files_that_can_not_lie_beside_the_script_are_refused_by_name() {
    let (mut world, _) = World::with_network();
    let cr = deployment(&[("/scoring/extraFiles", json!({"configMap": {"name": "helpers"}}))]);
    let refused = |world: &World| {
        let passed = world.look(&cr);
        assert!(passed.plan.steps.iter().all(|step| !matches!(step.action, Action::Write(_))));
        let ready = passed.report.status.conditions.iter().find(|one| one.type_ == types::READY).unwrap().clone();
        format!("{}: {}", ready.reason, ready.message)
    };
    assert!(refused(&world).contains("InvalidSpec: ConfigMap helpers of spec.scoring.extraFiles has a key score.py"));
    world.files.insert("x".repeat(90), String::new());
    let cr = deployment(&[("/scoring/extraFiles", json!({"configMap": {"name": "churn"}}))]);
    let passed = world.look(&cr);
    assert!(said(&passed.report.status.conditions, types::READY).contains("InvalidSpec"));
}

#[test]
fn a_file_behind_a_uri_is_known_by_its_etag() {
    let uri = "https://stml.blob.core.windows.net/models/model.bin";
    let (mut world, _) = World::with_network();
    world.files.insert(uri.into(), "one".into());
    let mut cr = deployment(&[(REGISTERED, json!({"uri": uri}))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["POST ModelVersion/mymodel", "POST WebService/aciservice"]);
    let model = cr.status.clone().unwrap().model.unwrap();
    assert_eq!(
        (model.uri.as_deref(), model.etag.as_deref(), model.origin),
        (Some(uri), Some("\"3\""), Some(Origin::Created))
    );
    world.files.insert(uri.into(), "three".into());
    world.unread.insert("reading".into());
    let reading = world.look(&cr);
    assert!(reading.plan.writes().next().is_none());
    let conditions = &reading.report.status.conditions;
    assert_eq!(said(conditions, types::READY), "True/Serving", "what serves goes on serving");
    assert_eq!(said(conditions, types::MODEL_READY), "False/ReadingModel");
    world.unread.clear();
    world.settle(&mut cr);
    assert_eq!(label(&cr).as_deref(), Some("mymodel:2"));
    world.files.remove(uri);
    assert_eq!(said(&world.look(&cr).report.status.conditions, types::MODEL_READY), "False/ModelUnreadable");
}
