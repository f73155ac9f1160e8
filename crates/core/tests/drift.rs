//! Hands in the portal: what is put back, what is told, what is left, in each drift mode and for both objects.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::conditions::types;
use acivnet_core::outcome::Next;
use common::*;
use serde_json::{Value, json};

type Edit = fn(&mut World);

fn mode(word: &str) -> Vec<(&'static str, Value)> {
    vec![("/drift", json!({"mode": word}))]
}

/// Hand on the service, fields told, writes that put it back, whether it serves meanwhile.
#[expect(clippy::too_many_lines, reason = "one story")]
fn service_hands() -> Vec<(Edit, Vec<&'static str>, Vec<&'static str>, &'static str)> {
    vec![
        (
            |world| world.service()["kvTags"]["acivnet-content"] = "x".into(),
            vec!["WebService/aciservice kvTags.acivnet-content"],
            vec!["PATCH WebService/aciservice"],
            "True/Serving",
        ),
        (
            |world| world.service()["kvTags"] = json!({}),
            vec!["WebService/aciservice kvTags.acivnet-owner", "WebService/aciservice kvTags.acivnet-content"],
            vec!["PATCH WebService/aciservice"],
            "True/Serving",
        ),
        (
            |world| world.service()["description"] = "mine".into(),
            vec!["WebService/aciservice description"],
            vec!["PATCH WebService/aciservice"],
            "True/Serving",
        ),
        (
            |world| world.service()["environmentImageRequest"]["modelIds"] = json!(["other:1"]),
            vec!["WebService/aciservice image.modelIds"],
            vec!["PATCH WebService/aciservice"],
            "True/Serving",
        ),
        (
            |world| world.models[0]["description"] = "mine".into(),
            vec!["ModelVersion/mymodel:1 description"],
            vec!["PATCH ModelVersion/mymodel:1"],
            "True/Serving",
        ),
        (
            |world| world.service()["authEnabled"] = true.into(),
            vec!["WebService/aciservice authEnabled"],
            vec!["PATCH WebService/aciservice"],
            "True/Serving",
        ),
        (
            |world| world.service()["appInsightsEnabled"] = true.into(),
            vec!["WebService/aciservice appInsightsEnabled"],
            vec!["PATCH WebService/aciservice"],
            "True/Serving",
        ),
        (
            |world| world.services.clear(),
            vec!["WebService/aciservice "],
            vec!["POST WebService/aciservice"],
            "False/Progressing",
        ),
        (
            |world| world.models.clear(),
            vec!["ModelVersion/mymodel "],
            vec!["POST ModelVersion/mymodel"],
            "True/Serving",
        ),
    ]
}

#[test]
fn the_service_is_put_back() {
    for (at, (hand, fields, writes, ready)) in service_hands().into_iter().enumerate() {
        let (mut world, mut cr) = World::serving(&[]);
        hand(&mut world);
        let seen = world.look(&cr);
        let drift: Vec<_> =
            seen.report.status.drift.iter().map(|one| format!("{} {}", one.resource, one.field)).collect();
        assert_eq!(drift, fields, "{at}");
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), ready, "{at}");
        assert_eq!(said(conditions, types::DRIFT_DETECTED), "True/Drifted");
        assert_eq!(said(conditions, types::RECONCILING), "True/Progressing");
        assert_eq!(reasons_told(&passed.report), ["DriftCorrected"], "{at}");
        let live = fields.iter().all(|field| field.contains("description") || field.contains("acivnet-owner"));
        let runs = live || fields[0].starts_with("ModelVersion");
        assert_eq!(said(conditions, types::ROLLOUT_COMPLETE) == "True/Complete", runs, "{at}");
        assert!(!passed.recorded || writes[0].starts_with("POST Model"), "{at}: ids are known");
        assert_eq!(world.writes, writes, "{at}");
        world.settle(&mut cr);
        let status = cr.status.unwrap();
        assert!(status.drift.is_empty());
        assert_eq!(said(&status.conditions, types::READY), "True/Serving");
        assert_eq!(status.endpoint.unwrap().scoring_uri.as_deref(), Some("http://10.0.1.4/score"));
    }
}

#[test]
fn events_of_drift_say_what_it_was() {
    let (mut world, mut cr) = World::serving(&[]);
    world.service()["description"] = "mine".into();
    assert_eq!(
        told(&world.pass(&mut cr).report),
        ["DriftCorrected: WebService/aciservice differed in description; putting it back"]
    );
    let (mut world, mut cr) = World::serving(&[]);
    world.services.clear();
    assert_eq!(
        told(&world.pass(&mut cr).report),
        ["DriftCorrected: WebService/aciservice was gone from Azure; creating it again"]
    );
}

#[test]
fn detect_tells_and_leaves_ignore_does_not_even_tell() {
    for (at, (hand, fields, _, ready)) in service_hands().into_iter().enumerate() {
        for word in ["Detect", "Ignore"] {
            let (mut world, mut cr) = World::serving(&mode(word));
            hand(&mut world);
            let passed = world.pass(&mut cr);
            let (status, detect) = (&passed.report.status, word == "Detect");
            assert!(world.writes.is_empty(), "{at} {word}");
            let unusable = ready == "False/Progressing";
            assert_eq!(said(&status.conditions, types::READY), if unusable { "False/Drifted" } else { "True/Serving" });
            assert_eq!(said(&status.conditions, types::STALLED), if unusable { "True/Drifted" } else { "-" });
            assert_eq!(said(&status.conditions, types::RECONCILING), "-");
            assert_eq!(said(&status.conditions, types::DRIFT_DETECTED), if detect { "True/Drifted" } else { "-" });
            assert_eq!(status.drift.len(), if detect { fields.len() } else { 0 });
            assert_eq!(status.plan.is_some(), detect, "{at} {word}");
            assert!(matches!(passed.report.next, Next::Sweep(_)));
            let before = cr.status.clone();
            assert_eq!(told(&world.pass(&mut cr).report), Vec::<String>::new());
            assert_eq!(cr.status, before);
            // a new generation carries out everything
            let mut cr = edited(&cr, &[("/drift", Value::Null)]);
            world.settle(&mut cr);
            assert_eq!(said(&cr.status.unwrap().conditions, types::READY), "True/Serving");
        }
    }
}

/// Drift of what is exposed in status.plan under Detect uses the words of the spec.
#[test]
fn plans_speak_of_the_spec() {
    let (mut world, mut cr) = World::serving(&[
        ("/drift", json!({"mode": "Detect"})),
        ("/azure", json!({"tags": [{"name": "team", "value": "a"}]})),
    ]);
    world.service()["kvTags"]["team"] = "b".into();
    world.service()["containerResourceRequirements"]["cpu"] = 2.into();
    world.models[0]["description"] = "mine".into();
    world.pass(&mut cr);
    let plan = serde_json::to_value(cr.status.unwrap().plan).unwrap();
    let expected = json!({"actions": [
        {"action": "Update", "resource": "ModelVersion/mymodel:1", "field": "model.description", "from": "mine", "to": "absent"},
        {"action": "Replace", "resource": "WebService/aciservice", "field": "resources.cpu", "from": "2", "to": "1"},
    ]});
    assert_eq!(plan, expected);
}

fn subnet_hands() -> Vec<(Edit, &'static str, &'static str, bool)> {
    vec![
        (
            |world| world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]),
            "NetworkSecurityGroup/amlnsg properties.securityRules[AllowAzureMachineLearning]",
            "PUT NetworkSecurityGroup/amlnsg",
            true,
        ),
        (
            |world| world.arm_body(&group_id("amlnsg"))["tags"] = json!({}),
            "NetworkSecurityGroup/amlnsg tags.acivnet-owner",
            "PUT NetworkSecurityGroup/amlnsg",
            true,
        ),
        (
            |world| world.arm_body(&network())["tags"] = json!({}),
            "VirtualNetwork/amlvnet1 tags.acivnet-owner",
            "PUT VirtualNetwork/amlvnet1",
            true,
        ),
        (
            |world| world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"] = json!([]),
            "Subnet/amlsubnet1 properties.delegations[Microsoft.ContainerInstance/containerGroups]",
            "PUT Subnet/amlsubnet1",
            false,
        ),
        (
            |world| drop(world.arm.remove(&subnet_id("amlsubnet1").to_lowercase())),
            "Subnet/amlsubnet1 ",
            "PUT Subnet/amlsubnet1",
            false,
        ),
        (
            |world| world.arm_body(&subnet_id("default"))["properties"]["networkSecurityGroup"] = Value::Null,
            "Subnet/default properties.networkSecurityGroup.id",
            "PUT Subnet/default",
            true,
        ),
    ]
}

#[test]
fn the_network_is_put_back() {
    for (hand, field, write, usable) in subnet_hands() {
        let (mut world, mut cr) = World::with_network();
        hand(&mut world);
        let passed = world.pass(&mut cr);
        let status = &passed.report.status;
        let drift: Vec<_> = status.drift.iter().map(|one| format!("{} {}", one.resource, one.field)).collect();
        assert_eq!((drift, &world.writes), (vec![field.to_owned()], &vec![write.to_owned()]));
        assert_eq!(said(&status.conditions, types::READY), if usable { "True/Delegated" } else { "False/Progressing" });
        assert_eq!(said(&status.conditions, types::RECONCILING), "True/Progressing");
        assert_eq!(reasons_told(&passed.report), ["DriftCorrected"]);
        assert_eq!(status.capacity.is_none(), field == "Subnet/amlsubnet1 ", "no subnet, no addresses");
        world.settle(&mut cr);
        let status = cr.status.unwrap();
        assert_eq!((status.drift.len(), said(&status.conditions, types::READY)), (0, "True/Delegated".to_owned()));
        assert_eq!(world.writes, [write], "put back once");
    }
}

#[test]
fn the_network_is_left_in_other_modes() {
    for (hand, field, _, usable) in subnet_hands() {
        for word in ["Detect", "Ignore"] {
            let (mut world, cr) = World::with_network();
            let mut cr = edited(&cr, &mode(word));
            world.settle(&mut cr);
            hand(&mut world);
            let passed = world.pass(&mut cr);
            let status = &passed.report.status;
            assert!(world.writes.is_empty(), "{word} {field}");
            assert_eq!(said(&status.conditions, types::READY), if usable { "True/Delegated" } else { "False/Drifted" });
            assert_eq!(said(&status.conditions, types::STALLED), if usable { "-" } else { "True/Drifted" });
            assert_eq!(status.drift.len(), usize::from(word == "Detect"));
            assert_eq!(status.plan.is_some(), word == "Detect");
        }
    }
}

/// Extras that are nobody's business of ours: no drift, and they outlive a write.
#[test]
fn what_others_set_stays() {
    let (mut world, mut cr) = World::with_network();
    world.arm_body(&network())["tags"]["policy"] = "p".into();
    let foreign = subnet_id("foreign");
    world.put_arm(&foreign, json!({"properties": {"provisioningState": "Succeeded"}}));
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["routeTable"] = json!({"id": "r"});
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"][0]["name"] = "0".into();
    assert!(world.look(&cr).plan.settled(), "a renamed delegation is no drift");
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["addressPrefix"] = "10.0.2.0/24".into();
    world.arm_body(&network())["tags"]["acivnet-owner"] = "".into();
    world.settle(&mut cr);
    let body = world.arm_body(&subnet_id("amlsubnet1"));
    assert_eq!(body["properties"]["routeTable"], json!({"id": "r"}));
    assert_eq!(body["properties"]["delegations"][0]["name"], "0", "never renamed");
    assert_eq!(body["properties"]["addressPrefix"], "10.0.1.0/24");
    assert_eq!(world.arm_body(&network())["tags"]["policy"], "p");
    assert!(world.arm.contains_key(&foreign.to_lowercase()));
}

/// A mark that vanished is put back where we know that we made it; where we do not, it is not ours.
#[test]
fn a_lost_mark_is_known_by_the_record_only() {
    let (mut world, mut cr) = World::with_network();
    world.arm_body(&group_id("amlnsg"))["tags"] = json!({});
    let mut forgetful = cr.clone();
    forgetful.status = None;
    let said_of = world.look(&forgetful).report.status.conditions;
    assert_eq!(said(&said_of, types::READY), "False/AdoptionRefused");
    world.settle(&mut cr);
    assert_eq!(world.arm_body(&group_id("amlnsg"))["tags"]["acivnet-owner"], format!("{CLUSTER}/ml/amlsubnet1"));
    world.arm_body(&group_id("amlnsg"))["tags"]["acivnet-owner"] = "another/ml/x".into();
    world.writes.clear();
    let passed = world.pass(&mut cr);
    assert!(world.writes.is_empty(), "another's mark always wins");
    assert_eq!(said(&passed.report.status.conditions, types::STALLED), "True/AdoptionRefused");
}
