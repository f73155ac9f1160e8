use super::*;
use crate::kubernetes::mock::{Mock, answer, found, list, refused, refused_because};
use acivnet_api::{CREDENTIALS_FINALIZER, DelegatedSubnet, DelegatedSubnetStatus};
use acivnet_core::{outcome::Event, retry::Retry};
use serde_json::Value;
use std::time::Duration;

const OBJECT: &str = "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets/a";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/ml/events";
const SECRET: &str = "/api/v1/namespaces/ml/secrets/acivnet-azure";

fn subnet(finalizers: &[&str]) -> Value {
    json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
        "metadata": {"name": "a", "namespace": "ml", "uid": "u", "resourceVersion": "7", "finalizers": finalizers},
        "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
            "virtualNetwork": {"name": "v"}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}}})
}

fn object(finalizers: &[&str]) -> DelegatedSubnet {
    serde_json::from_value(subnet(finalizers)).unwrap()
}

fn report(status: DelegatedSubnetStatus, release: bool) -> Report<DelegatedSubnetStatus> {
    let event = Event { warning: true, reason: "DriftCorrected", action: "Correct", message: "é".repeat(600) };
    Report { status, events: vec![event], next: Next::Never, release }
}

#[tokio::test]
async fn the_finalizer_is_added_under_the_version_read() {
    let mock = Mock::new(|_| found(&subnet(&["other/one", FINALIZER])));
    let ctx = mock.ctx();
    let held = hold(&ctx, &object(&["other/one"]), None).await.unwrap();
    let request = mock.requests().remove(0);
    assert_eq!(request.line(), format!("PATCH {OBJECT}"));
    assert_eq!(request.body, json!({"metadata": {"finalizers": ["other/one", FINALIZER], "resourceVersion": "7"}}));
    hold(&ctx, &held, None).await.unwrap();
    assert!(mock.lines().is_empty(), "it is there already");
}

#[tokio::test]
async fn the_status_is_written_whole_and_only_when_it_changed() {
    let mock =
        Mock::new(
            |request| if request.path == EVENTS { answer(201, &request.body) } else { found(&subnet(&[FINALIZER])) },
        );
    let ctx = mock.ctx();
    let status = DelegatedSubnetStatus { subnet_label: Some("v/n".into()), ..DelegatedSubnetStatus::default() };
    publish(&ctx, object(&[FINALIZER]), &report(status.clone(), false)).await.unwrap();
    let requests = mock.requests();
    assert_eq!(
        requests.iter().map(crate::kubernetes::mock::Recorded::line).collect::<Vec<_>>(),
        [format!("PUT {OBJECT}/status"), format!("POST {EVENTS}")]
    );
    assert_eq!(
        (&requests[0].body["metadata"]["resourceVersion"], &requests[0].body["status"]),
        (&json!("7"), &json!({"subnetLabel": "v/n"}))
    );
    assert_eq!(requests[0].query, "&fieldManager=acivnet");
    let event = &requests[1].body;
    assert_eq!(
        (&event["regarding"]["uid"], &event["type"], &event["reason"], &event["action"]),
        (&json!("u"), &json!("Warning"), &json!("DriftCorrected"), &json!("Correct"))
    );
    assert!(event["note"].as_str().is_some_and(|note| note.len() <= 1024 && note.starts_with('é')));
    let unchanged = DelegatedSubnet { status: Some(status.clone()), ..object(&[FINALIZER]) };
    publish(&ctx, unchanged, &Report { events: Vec::new(), ..report(status, false) }).await.unwrap();
    assert!(mock.lines().is_empty());
}

#[tokio::test]
async fn events_that_are_refused_keep_nothing_from_going_on() {
    for cause in ["NamespaceTerminating", ""] {
        let mock = Mock::new(move |request| match request.path.as_str() {
            EVENTS => refused_because(403, "Forbidden", cause),
            "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets"
            | "/apis/acivnet.dev/v1alpha1/namespaces/ml/acivnetdeployments" => list(json!([])),
            SECRET => refused(404, "NotFound"),
            _ => found(&subnet(&[FINALIZER])),
        });
        publish(&mock.ctx(), object(&[FINALIZER]), &report(DelegatedSubnetStatus::default(), true)).await.unwrap();
        assert_eq!(mock.lines().last(), Some(&format!("PATCH {OBJECT}")));
    }
}

#[tokio::test]
async fn the_last_object_lets_the_secret_go_first() {
    for (other, released) in [(json!([FINALIZER]), false), (json!([]), true)] {
        let mock = Mock::new(move |request| match request.path.as_str() {
            "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets" => {
                let mut another = subnet(&[]);
                another["metadata"]["uid"] = json!("other");
                another["metadata"]["finalizers"] = other.clone();
                list(json!([subnet(&[FINALIZER]), another]))
            }
            "/apis/acivnet.dev/v1alpha1/namespaces/ml/acivnetdeployments" => list(json!([])),
            SECRET => found(&json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                "metadata": {"name": "acivnet-azure", "resourceVersion": "5", "finalizers": [CREDENTIALS_FINALIZER]}})),
            _ => found(&subnet(&[])),
        });
        let same = object(&[FINALIZER]).status.unwrap_or_default();
        let cr = DelegatedSubnet { status: Some(same.clone()), ..object(&[FINALIZER]) };
        publish(&mock.ctx(), cr, &Report { events: Vec::new(), ..report(same, true) }).await.unwrap();
        let patches: Vec<String> = mock.lines().into_iter().filter(|line| line.starts_with("PATCH")).collect();
        let both = [format!("PATCH {SECRET}"), format!("PATCH {OBJECT}")];
        assert_eq!(patches, if released { &both[..] } else { &both[1..] });
    }
}

#[tokio::test]
async fn a_conflict_is_told() {
    let mock = Mock::new(|_| refused(409, "Conflict"));
    let changed = DelegatedSubnetStatus { subnet_label: Some("v/n".into()), ..DelegatedSubnetStatus::default() };
    let error = publish(&mock.ctx(), object(&[FINALIZER]), &report(changed, true)).await.unwrap_err();
    assert_eq!(kubernetes::status(&error), 409);
    assert_eq!(mock.lines().len(), 1, "nothing is written after it");
}

#[tokio::test(start_paused = true)]
async fn news_of_progress_wait_and_others_do_not() {
    let ready = |status: &str, message: &str| {
        let ready = json!({"type": "Ready", "status": status, "reason": "Progressing", "message": message, "lastTransitionTime": "2026-11-22T12:00:00Z"});
        serde_json::from_value::<DelegatedSubnetStatus>(json!({"conditions": [ready]})).unwrap()
    };
    let mock = Mock::new(|_| found(&subnet(&[FINALIZER])));
    let ctx = mock.ctx();
    let cr = || DelegatedSubnet { status: Some(ready("Unknown", "to be made")), ..object(&[FINALIZER]) };
    let said = |status, next| Report { status, events: Vec::new(), next, release: false };
    let soon = Next::Retry(Retry::Soon);
    for (passed, status, next, writes) in [
        (0, ready("False", "being made"), soon, 0),
        (14, ready("False", "being made"), soon, 0),
        (1, ready("False", "being made"), soon, 1),
        (59, ready("False", "being changed"), soon, 0),
        (0, ready("True", "being changed"), soon, 1),
        (59, ready("False", "waits"), Next::Retry(Retry::Slowly), 0),
        (1, ready("False", "waits"), Next::Retry(Retry::Slowly), 1),
        (1, ready("False", "at rest"), Next::Sweep(Duration::from_secs(300)), 1),
    ] {
        tokio::time::advance(Duration::from_secs(passed)).await;
        publish(&ctx, cr(), &said(status.clone(), next)).await.unwrap();
        assert_eq!(mock.lines().len(), writes, "{status:?} {next:?}");
    }
}
