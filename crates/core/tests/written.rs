//! What people write and containers say: crashes, answers, values of Secrets, files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::conditions::{reasons, types};
use acivnet_core::{
    failure::Failure,
    questions::{AzureQuestion, Question},
};
use common::*;
use serde_json::{Value, json};

const KILLED: &str = "Booting worker with pid: 7\nWorker (pid:7) was sent SIGKILL! Perhaps out of memory?\n";
const REQUEST: &str = "Booting worker with pid: 7\nWorker with pid 7 ready for serving traffic\nTraceback (most recent call last):\n  \
    File \"/var/azureml-app/score.py\", line 4, in run\n    x\nTypeError: Object of type ndarray is not JSON serializable\n";

/// gunicorn starts a new worker for each that is killed, so that Azure waits its twenty minutes.
#[test]
fn a_container_that_does_not_come_up_is_told_while_azure_waits() {
    let (mut world, _) = World::with_network();
    world.log = KILLED.into();
    let mut cr = deployment(&[]);
    world.pass(&mut cr);
    world.pass(&mut cr);
    world.service()["state"] = "Transitioning".into();
    let operation = json!({"state": "Running", "operationDetails": {"subOperationType": "DeployService"}});
    world.operations.values_mut().for_each(|one| *one = operation.clone());
    let first = world.pass(&mut cr);
    let asks = |passed: &Passed<acivnet_api::AciVnetDeployment>| {
        passed.observed.facts.keys().any(|one| matches!(one, Question::Azure(AzureQuestion::ServiceLog(_))))
    };
    assert!(!asks(&first), "what starts within moments needs no look at its log");
    assert_eq!(said(&cr.status.as_ref().unwrap().conditions, types::ENVIRONMENT_READY), "True/Built");
    assert!(asks(&world.pass(&mut cr)));
    let conditions = cr.status.as_ref().unwrap().conditions.clone();
    assert_eq!(said(&conditions, types::READY), format!("False/{}", reasons::OUT_OF_MEMORY));
    assert_eq!(said(&conditions, types::SERVICE_HEALTHY), format!("False/{}", reasons::OUT_OF_MEMORY));
    assert!(message(&conditions, types::READY).contains("raise spec.resources.memory"));
    assert_eq!(said(&conditions, types::STALLED), "-", "Azure still works on it");
    world.log.clear();
    world.tick();
    world.settle(&mut cr);
    assert_eq!(said(&cr.status.unwrap().conditions, types::READY), "True/Serving");
}

#[test]
fn an_answer_of_another_content_is_not_ready() {
    let (mut world, cr) = World::serving(&[]);
    let expect = json!({"jsonContains": {"value": [152.1], "tolerance": 0.0001}, "bodyMatches": "^.[0-9\"n]"});
    let mut cr = edited(&cr, &[("/probe/expect", expect)]);
    for (body, told) in [
        ("\"name 'model' is not defined\"", Some("expected [152.1]")),
        ("[152.2]", Some("[0] is 152.2, expected 152.1")),
        ("[NaN]", Some("does not match")),
        ("[152.105]", None),
    ] {
        world.answer_body = body.into();
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        let Some(told) = told else {
            assert_eq!(said(conditions, types::READY), "True/Serving");
            assert_eq!(passed.report.status.probe_summary.as_deref(), Some("200"));
            continue;
        };
        assert_eq!(said(conditions, types::READY), "False/ProbeFailed");
        assert_eq!(said(conditions, types::PROBE_PASSED), "False/UnexpectedBody");
        assert!(message(conditions, types::READY).contains(told), "{}", message(conditions, types::READY));
        assert_eq!(passed.report.status.probe_summary.as_deref(), Some("FAILED"));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_can_not_be_expected_is_told_before_the_first_write() {
    for (expect, files, reason, told) in [
        (json!({"jsonContains": {}}), json!({}), reasons::INVALID_SPEC, "exactly one of value and configMap"),
        (
            json!({"jsonContains": {"value": 1, "configMap": {"name": "churn", "key": "e.json"}}}),
            json!({"e.json": "1"}),
            reasons::INVALID_SPEC,
            "exactly one",
        ),
        (
            json!({"jsonContains": {"value": 1, "tolerance": "x"}}),
            json!({}),
            reasons::INVALID_SPEC,
            "tolerance must be",
        ),
        (
            json!({"jsonContains": {"value": "a".repeat(20_000)}}),
            json!({}),
            reasons::INVALID_SPEC,
            "longer than 16 KiB",
        ),
        (json!({"bodyMatches": "(?=a)"}), json!({}), reasons::INVALID_SPEC, "bodyMatches can't be used"),
        (
            json!({"jsonContains": {"configMap": {"name": "churn", "key": "e.json"}}}),
            json!({}),
            reasons::CONFIG_MAP_NOT_FOUND,
            "key e.json",
        ),
        (
            json!({"jsonContains": {"configMap": {"name": "churn", "key": "e.json"}}}),
            json!({"e.json": "[NaN]"}),
            reasons::INVALID_SPEC,
            "is not JSON",
        ),
        (json!({}), json!({"sample.json": ""}), reasons::FILE_EMPTY, "key sample.json is empty"),
        (json!({}), json!({"score.py": ""}), reasons::FILE_EMPTY, "key score.py is empty"),
        (json!({}), json!({"myenv.yml": "\n"}), reasons::FILE_EMPTY, "key myenv.yml is empty"),
    ] {
        let (mut world, _) = World::with_network();
        for (key, text) in files.as_object().unwrap() {
            world.files.insert(key.clone(), text.as_str().unwrap().into());
        }
        let mut cr = deployment(&[("/probe/expect", expect)]);
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), format!("False/{reason}"), "{told}");
        assert!(message(conditions, types::READY).contains(told), "{}", message(conditions, types::READY));
        assert_eq!(world.writes, Vec::<String>::new());
    }
    let (mut world, _) = World::with_network();
    world.files.extend([("e.json".to_owned(), "[1]".to_owned()), ("model.pkl".to_owned(), String::new())]);
    let expect = json!({"jsonContains": {"configMap": {"name": "churn", "key": "e.json"}, "tolerance": "1e-6"}});
    let mut cr = deployment(&[("/probe/expect", expect)]);
    world.settle(&mut cr);
    assert_eq!(said(&cr.status.unwrap().conditions, types::READY), "True/Serving", "an empty model is a model");
}

/// Azure/MachineLearningNotebooks#1413: a numpy array is a 500 without a word to the client.
#[test]
fn the_log_tells_why_a_request_fails() {
    let silent = || Failure { reason: reasons::UNREACHABLE, ..unreachable() };
    for (probe, log, reason, told) in [
        (
            Ok(500),
            REQUEST,
            reasons::UNEXPECTED_STATUS,
            "the answer was 500: TypeError: Object of type ndarray is not JSON serializable",
        ),
        (Ok(500), "", reasons::UNEXPECTED_STATUS, "the answer was 500"),
        (Ok(404), REQUEST, reasons::UNEXPECTED_STATUS, "the answer was 404"),
        (Err(silent()), KILLED, reasons::OUT_OF_MEMORY, "SIGKILL"),
        (Err(silent()), REQUEST, reasons::UNREACHABLE, "ServiceUnavailable"),
    ] {
        let (mut world, mut cr) = World::serving(&[]);
        (world.probe, world.log) = (probe, log.into());
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), "False/ProbeFailed");
        assert_eq!(said(conditions, types::PROBE_PASSED), format!("False/{reason}"));
        assert!(message(conditions, types::READY).contains(told), "{}", message(conditions, types::READY));
    }
}

/// kubernetes-sigs/external-dns#5400, kubernetes/kubernetes#52919: an editor's last line end goes along.
#[test]
fn values_of_secrets_that_can_not_be_meant_are_told_with_their_names() {
    let auth = json!({"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}});
    let by_key = |value: &str| ("primary", value.to_owned(), vec![("/auth", auth.clone())]);
    let from = json!([{"name": "STORE", "valueFrom": {"secretKeyRef": {"name": "churn-keys", "key": "store"}}}]);
    let variable = |value: &str| ("store", value.to_owned(), vec![("/scoring/environmentVariables", from.clone())]);
    for ((key, value, changes), told) in [
        (by_key("a-key-of-a-file\n"), Some("white space or a line break around it")),
        (by_key(" a-key-of-a-file"), Some("white space")),
        (by_key("a\nb"), Some("several lines")),
        (by_key("\u{feff}a-key"), Some("byte order mark")),
        (by_key("schl\u{fc}ssel"), Some("an HTTP header can't carry")),
        (by_key(&"k".repeat(5000)), Some("4 KiB")),
        (by_key("a-key"), None),
        (variable("value\r\n"), Some("line break")),
        (variable("value\0"), Some("control character")),
        (variable("\n"), Some("only white space")),
        (variable(""), Some("is empty")),
        (variable(&"v".repeat(70_000)), Some("64 KiB")),
        (variable("-----BEGIN X-----\nline\n-----END X-----\n"), None),
        (variable("Gr\u{fc}n und blau"), None),
    ] {
        let (mut world, _) = World::with_network();
        let mut data: std::collections::BTreeMap<String, String> =
            ["primary", "secondary", "store"].map(|key| (key.to_owned(), format!("good-{key}"))).into();
        data.insert(key.into(), value);
        world.secrets.insert("churn-keys".into(), (1, data));
        let changes: Vec<(&str, Value)> = changes;
        let mut cr = deployment(&changes);
        let Some(told) = told else {
            world.settle(&mut cr);
            assert_eq!(world.services.len(), 1, "{key}");
            continue;
        };
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), format!("False/{}", reasons::SECRET_VALUE_INVALID), "{told}");
        let message = message(conditions, types::READY);
        assert!(message.contains(told) && message.contains(&format!("key {key} of Secret churn-keys")), "{message}");
        assert_eq!(world.writes, Vec::<String>::new());
    }
}
