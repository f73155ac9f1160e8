//! TLS of a web service: made with, renewed, turned off, and what is wrong with a certificate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, conditions::types};
use acivnet_core::plan::Request;
use common::*;
use serde_json::{Value, json};

fn tls() -> (&'static str, Value) {
    ("/tls", json!({"secretRef": {"name": "churn-tls"}, "hostname": "churn.ml.corp"}))
}

/// What the shell says of a certificate.
fn certificate(digest: &str) -> Value {
    let (begin, end) = ("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
    json!({"digest": format!("sha256:{digest}"), "names": ["churn.ml.corp"], "notBefore": begin, "notAfter": end})
}

fn keep(world: &mut World, certificate: &Value) {
    world.secret("churn-tls", &[("tls.crt", &certificate.to_string()), ("tls.key", "k")]);
}

fn serving() -> (World, AciVnetDeployment) {
    let (mut world, _) = World::with_network();
    keep(&mut world, &certificate("first"));
    let mut cr = deployment(&[tls()]);
    world.settle(&mut cr);
    world.writes.clear();
    (world, cr)
}

/// The paths of the next patch, and where something is filled in.
fn patched(world: &mut World, cr: &mut AciVnetDeployment) -> (Vec<String>, Vec<(String, String)>) {
    let passed = world.pass(cr);
    let Some((_, Request::PatchService { operations, sealed, .. })) = passed.plan.writes().next() else {
        panic!("no patch: {:#?}", passed.report.status.conditions)
    };
    let paths = operations.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned());
    (paths.collect(), sealed.iter().map(|one| (one.at.clone(), one.value.key.clone())).collect())
}

fn filled(at: &str, key: &str) -> (String, String) {
    (at.to_owned(), key.to_owned())
}

#[test]
fn a_service_is_made_with_tls() {
    let (mut world, cr) = serving();
    let service = world.service();
    assert_eq!((&service["sslEnabled"], &service["cname"]), (&json!(true), &json!("churn.ml.corp")));
    assert_eq!((&service["sslCertificate"], &service["sslKey"]), (&json!(""), &json!("")), "filled in when sent");
    assert_eq!(service["kvTags"]["acivnet-tls"], "first");
    let endpoint = cr.status.as_ref().unwrap().endpoint.as_ref().unwrap();
    assert_eq!(endpoint.scoring_uri.as_deref(), Some("https://churn.ml.corp/score"));
    assert_eq!(endpoint.swagger_uri.as_deref(), Some("https://churn.ml.corp/swagger.json"));
    assert_eq!(endpoint.addresses, ["10.0.1.4"]);
    assert_eq!(said(&cr.status.as_ref().unwrap().conditions, types::READY), "True/Serving");
}

#[test]
fn a_service_without_tls_says_nothing_of_it() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    world.settle(&mut cr);
    let service = world.service().clone();
    let said = ["sslEnabled", "sslCertificate", "sslKey", "cname"].map(|one| service.get(one));
    assert_eq!(said, [None, None, None, Some(&Value::Null)], "as the SDK leaves them");
}

#[test]
fn a_renewed_certificate_is_sent_with_its_key_and_is_no_drift() {
    let (mut world, mut cr) = serving();
    keep(&mut world, &certificate("second"));
    let (paths, sealed) = patched(&mut world, &mut cr);
    assert_eq!(paths, ["/kvTags", "/sslEnabled", "/sslCertificate", "/sslKey", "/cname"]);
    assert_eq!(sealed, [filled("/2/value", "tls.crt"), filled("/3/value", "tls.key")]);
    let last = world.settle(&mut cr);
    assert!(last.report.status.drift.is_empty());
    assert_eq!((world.writes.len(), &world.service()["kvTags"]["acivnet-tls"]), (1, &json!("second")));
}

#[test]
fn a_secret_written_anew_with_the_same_certificate_changes_nothing() {
    let (mut world, mut cr) = serving();
    keep(&mut world, &certificate("first"));
    world.settle(&mut cr);
    assert_eq!(world.writes, [] as [&str; 0]);
}

#[test]
fn tls_is_turned_on_and_off_in_place() {
    let (mut world, mut cr) = serving();
    cr = edited(&cr, &[("/tls", Value::Null)]);
    assert_eq!(patched(&mut world, &mut cr), (vec!["/kvTags".to_owned(), "/sslEnabled".to_owned()], Vec::new()));
    let last = world.settle(&mut cr);
    let endpoint = last.report.status.endpoint.unwrap();
    assert_eq!(endpoint.scoring_uri.as_deref(), Some("http://10.0.1.4/score"));
    cr = edited(&cr, &[tls()]);
    let last = world.settle(&mut cr);
    assert_eq!(world.service()["sslEnabled"], true);
    assert_eq!(said(&last.report.status.conditions, types::READY), "True/Serving");
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_before_anything_is_written() {
    for (member, value, part) in [
        ("names", json!(["other.corp"]), "not for churn.ml.corp"),
        ("notAfter", json!("2021-01-01T00:00:00Z"), "renew it"),
        ("wrong", json!("does not parse"), "does not parse"),
    ] {
        let (mut world, _) = World::with_network();
        let mut wrong = certificate("first");
        wrong[member] = value;
        keep(&mut world, &wrong);
        let mut cr = deployment(&[tls()]);
        let conditions = world.pass(&mut cr).report.status.conditions;
        assert_eq!(said(&conditions, types::READY), "False/CertificateInvalid");
        let ready = conditions.iter().find(|one| one.type_ == types::READY).unwrap();
        assert!(ready.message.contains(part), "{}", ready.message);
        assert_eq!(world.writes, [] as [&str; 0]);
    }
}

#[test]
fn a_certificate_that_ends_soon_is_told_of() {
    let (mut world, mut cr) = serving();
    let mut ending = certificate("first");
    let end = world.now().checked_add(jiff::SignedDuration::from_hours(24 * 13)).unwrap();
    ending["notAfter"] = end.to_string().into();
    keep(&mut world, &ending);
    let conditions = world.pass(&mut cr).report.status.conditions;
    let ready = conditions.iter().find(|one| one.type_ == types::READY).unwrap();
    assert!(ready.status == "True" && ready.message.contains("renew Secret churn-tls"), "{}", ready.message);
}
