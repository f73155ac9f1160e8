//! Secrets that a spec names: keys, their rotation, and environment variables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{
    AciVnetDeployment,
    conditions::{reasons, types},
};
use acivnet_core::{
    failure::Cause,
    observed::Refusal,
    plan::{Request, digest_with_keys},
    subject::decide,
};
use common::*;
use serde_json::{Value, json};

const KEYS: (&str, Value) = ("/auth", Value::Null);

fn by_key() -> (&'static str, Value) {
    (KEYS.0, json!({"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}))
}

fn variable() -> (&'static str, Value) {
    let source = json!({"secretKeyRef": {"name": "store", "key": "password"}});
    ("/scoring/environmentVariables", json!([{"name": "STORE", "valueFrom": source}]))
}

/// Serving with the two keys of a Secret.
fn with_keys() -> (World, AciVnetDeployment) {
    let (mut world, _) = World::with_network();
    world.secret("churn-keys", &[("primary", "p1"), ("secondary", "s1")]);
    let mut cr = deployment(&[by_key()]);
    world.settle(&mut cr);
    world.writes.clear();
    (world, cr)
}

#[test]
fn a_service_is_made_with_the_keys_of_the_secret() {
    let (world, cr) = with_keys();
    assert_eq!(world.keys, ["p1", "s1"]);
    assert_eq!(world.services[SERVICE]["authEnabled"], true);
    let left_open = json!({"primaryKey": null, "secondaryKey": null});
    assert_eq!(world.services[SERVICE]["keys"], left_open, "the values are filled in when they are sent");
    let secrets = serde_json::to_value(&cr.status.as_ref().unwrap().secrets).unwrap();
    assert_eq!(secrets, json!([{"name": "churn-keys", "uid": "secret-uid", "resourceVersion": "1"}]));
    let resources = &cr.status.as_ref().unwrap().resources;
    assert!(resources.iter().all(|one| one.kind != "WebServiceKeys"), "keys are no resource of their own");
    assert!(world.look(&cr).observed.facts.keys().all(|one| !format!("{one:?}").contains("WebServiceKeys")), "at rest");
}

#[test]
fn keys_that_azure_makes_are_kept_in_a_secret() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[by_key()]);
    let last = world.settle(&mut cr);
    assert_eq!(world.writes.last().unwrap(), "KEEP WebServiceKeys/churn-keys");
    assert_eq!(world.secrets["churn-keys"].1["primary"], "azure-1");
    assert_eq!(said(&last.report.status.conditions, types::READY), "True/Serving");
    world.secrets.clear();
    world.writes.clear();
    world.settle(&mut cr);
    assert_eq!(world.writes, ["KEEP WebServiceKeys/churn-keys"], "one that was deleted is made again");
}

#[test]
fn a_changed_secret_rotates_the_secondary_first_and_serves_all_the_time() {
    let (mut world, mut cr) = with_keys();
    world.secret("churn-keys", &[("primary", "p2"), ("secondary", "s2")]);
    world.probed.borrow_mut().clear();
    for _ in 0..6 {
        let before = world.keys.clone();
        let passed = world.pass(&mut cr);
        let changed = before.iter().zip(&world.keys).filter(|(old, new)| old != new).count();
        assert!(changed <= 1, "one at a time");
        assert_eq!(said(&passed.report.status.conditions, types::READY), "True/Serving");
        assert!(passed.report.status.drift.is_empty(), "a changed Secret is no drift");
        world.tick();
    }
    assert_eq!(world.writes, ["Secondary WebServiceKeys/churn-keys", "Primary WebServiceKeys/churn-keys"]);
    assert_eq!(world.keys, ["p2", "s2"]);
    assert_eq!(world.probed.borrow()[..2], ["secondary", "primary"], "with a key that Azure has");
    assert_eq!(cr.status.as_ref().unwrap().secrets[0].resource_version, "2");
}

/// The primary key stays while nobody knows whether the secondary one is accepted.
#[test]
fn the_primary_key_waits_for_an_answer() {
    for (answer, waits) in [(None, true), (Some(502), true), (Some(401), true), (Some(400), false), (Some(200), false)]
    {
        let (mut world, mut cr) = with_keys();
        world.secret("churn-keys", &[("primary", "p2"), ("secondary", "s2")]);
        world.pass(&mut cr);
        world.probe = answer.ok_or_else(unreachable);
        for _ in 0..3 {
            world.tick();
            world.pass(&mut cr);
        }
        assert_eq!(world.keys[0] == "p1", waits, "{answer:?}: {:?}", world.writes);
    }
}

/// Who annotates a Secret changes nothing, and releases nothing that a drift mode holds.
#[test]
fn a_secret_that_is_only_touched_is_no_new_input() {
    let (mut world, cr) = with_keys();
    let mut cr = edited(&cr, &[("/drift", json!({"mode": "Detect"}))]);
    world.settle(&mut cr);
    world.service()["appInsightsEnabled"] = true.into();
    world.secret("churn-keys", &[("primary", "p1"), ("secondary", "s1")]);
    for _ in 0..3 {
        let passed = world.pass(&mut cr);
        assert_eq!(passed.report.status.drift.len(), 1);
        world.tick();
    }
    assert_eq!(world.writes, Vec::<String>::new());
    world.secret("churn-keys", &[("primary", "p1"), ("secondary", "s2")]);
    world.settle(&mut cr);
    assert_eq!(
        world.writes,
        ["PATCH WebService/aciservice", "Secondary WebServiceKeys/churn-keys"],
        "other keys are one"
    );
}

/// A Secret is corrected without another generation of the object.
#[test]
fn what_was_refused_for_its_keys_is_tried_again_with_others() {
    let (mut world, cr) = with_keys();
    world.secret("churn-keys", &[("primary", "p1"), ("secondary", "s2")]);
    let observed = world.observe(&cr);
    let plan = decide(&cr, &observed, world.now());
    let (step, request) = plan.writes().find(|(_, one)| matches!(one, Request::ChangeKey { .. })).unwrap();
    let write = digest_with_keys(&step.node, request, &observed);
    let cause = Cause::person(reasons::INVALID_SPEC, "refused");
    let mut writes = |secondary: Option<&str>| {
        secondary.iter().for_each(|text| world.secret("churn-keys", &[("primary", "p1"), ("secondary", text)]));
        let mut observed = world.observe(&cr);
        observed.refusals = vec![Refusal { write: write.clone(), cause: cause.clone() }];
        decide(&cr, &observed, world.now()).writes().count()
    };
    assert_eq!((writes(None), writes(Some("s3"))), (0, 1));
}

/// A replacement would lose the keys that Azure made and nobody has kept.
#[test]
fn keys_are_kept_before_a_replacement() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[by_key()]);
    world.settle(&mut cr);
    world.secrets.clear();
    world.writes.clear();
    let mut cr = edited(&cr, &[("/resources/memory", json!("2G"))]);
    world.pass(&mut cr);
    world.tick();
    world.pass(&mut cr);
    assert_eq!(world.writes, ["KEEP WebServiceKeys/churn-keys"], "while the replacement waits for approval");
}

#[test]
fn one_changed_key_leaves_the_other_alone() {
    for (secret, expected) in
        [([("primary", "p2"), ("secondary", "s1")], "Primary"), ([("primary", "p1"), ("secondary", "s2")], "Secondary")]
    {
        let (mut world, mut cr) = with_keys();
        world.secret("churn-keys", &secret);
        world.settle(&mut cr);
        assert_eq!(world.writes, [format!("{expected} WebServiceKeys/churn-keys")]);
    }
}

/// Somebody made new keys in the portal: a request is refused, and that is put back.
#[test]
fn keys_made_by_hand_are_found_by_the_probe() {
    let (mut world, mut cr) = with_keys();
    world.keys = ["hand-1".into(), "hand-2".into()];
    let first = world.pass(&mut cr);
    assert_eq!(said(&first.report.status.conditions, types::PROBE_PASSED), "False/Unauthorized");
    assert_eq!(first.report.status.drift[0].field, "primary");
    assert_eq!((&*first.report.status.drift[0].want, &*first.report.status.drift[0].have), ("Same", "Differs"));
    let last = world.settle(&mut cr);
    assert_eq!(world.keys, ["p1", "s1"]);
    assert_eq!(said(&last.report.status.conditions, types::PROBE_PASSED), "True/Passed");
}

#[test]
fn what_is_wrong_with_a_secret_is_told_before_anything_is_written() {
    for (changes, secret, reason) in [
        (by_key(), Some([("primary", "p")]), "SecretKeyMissing"),
        (variable(), None, "SecretNotFound"),
        (variable(), Some([("other", "x")]), "SecretKeyMissing"),
    ] {
        let (mut world, _) = World::with_network();
        if let Some(data) = secret {
            world.secret(if changes.0 == KEYS.0 { "churn-keys" } else { "store" }, &data);
        }
        let mut cr = deployment(&[changes]);
        let passed = world.pass(&mut cr);
        assert_eq!(said(&passed.report.status.conditions, types::READY), format!("False/{reason}"));
        assert_eq!(world.writes, Vec::<String>::new());
    }
}

#[test]
fn variables_come_from_secrets_without_being_seen() {
    let (mut world, _) = World::with_network();
    world.secret("store", &[("password", "open-sesame")]);
    let mut cr = deployment(&[variable()]);
    let mut seen = String::new();
    for _ in 0..6 {
        seen += &format!("{:?}", world.look(&cr).report);
        let passed = world.pass(&mut cr);
        seen += &format!("{:?}{:?}{:?}", passed.observed, passed.plan, passed.report);
        world.tick();
    }
    assert!(!seen.contains("open-sesame"));
    assert!(seen.contains("SecretStoredReadable"), "it is told that others can read it");
    world.writes.clear();
    assert!(world.pass(&mut cr).plan.settled());

    world.secret("store", &[("password", "other")]);
    let passed = world.look(&cr);
    let Some((_, Request::PatchService { operations, sealed, .. })) = passed.plan.writes().next() else { panic!() };
    assert_eq!(operations[0]["path"], "/environmentImageRequest");
    assert_eq!(sealed[0].at, "/0/value/environment/environmentVariables/STORE");
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PATCH WebService/aciservice"], "a changed Secret rolls");
}

/// Serving with a variable out of a Secret.
fn with_variable(changes: &[(&str, Value)]) -> (World, AciVnetDeployment) {
    let (mut world, _) = World::with_network();
    world.secret("store", &[("password", "open-sesame")]);
    let mut cr = deployment(&[&[variable()], changes].concat());
    world.settle(&mut cr);
    world.writes.clear();
    (world, cr)
}

fn revision(cr: &AciVnetDeployment) -> i64 {
    cr.status.as_ref().unwrap().revision.unwrap()
}

/// External Secrets writes a Secret anew at each refresh (external-secrets/external-secrets#3777); reflectors and Argo CD
/// annotate it; others delete it and make it again.
#[test]
fn a_secret_that_is_touched_or_made_again_rolls_nothing() {
    let (mut world, mut cr) = with_variable(&[]);
    let before = serde_json::to_value(&cr.status).unwrap();
    for _ in 0..24 {
        world.secret("store", &[("password", "open-sesame"), ("other", "x")]);
        assert!(!world.pass(&mut cr).plan.moves());
        world.tick();
    }
    world.secrets.clear();
    world.pass(&mut cr);
    world.secret("store", &[("password", "open-sesame")]);
    world.salt = 'b';
    world.settle(&mut cr);
    assert_eq!(world.writes, Vec::<String>::new());
    assert_eq!(serde_json::to_value(&cr.status).unwrap()["secrets"], before["secrets"]);
    assert_eq!((serde_json::to_value(&cr.status).unwrap()["revision"].clone()), before["revision"]);

    let mut cr = edited(&cr, &[("/status", Value::Null)]);
    cr.status = None;
    world.settle(&mut cr);
    assert_eq!(world.writes, Vec::<String>::new(), "the salt is in Azure: a lost status costs nothing");
}

/// Another reference to the same value is the same value; another value is another one, and goes there once.
#[test]
fn what_counts_is_the_value() {
    let (mut world, cr) = with_variable(&[]);
    world.secret("copy", &[("key", "open-sesame")]);
    let source = json!({"secretKeyRef": {"name": "copy", "key": "key"}});
    let changes = [("/scoring/environmentVariables", json!([{"name": "STORE", "valueFrom": source}]))];
    let mut cr = edited(&cr, &changes);
    world.settle(&mut cr);
    assert_eq!(world.writes, Vec::<String>::new());
    world.secret("copy", &[("key", "another")]);
    world.settle(&mut cr);
    assert_eq!((world.writes.as_slice(), revision(&cr)), (&["PATCH WebService/aciservice".to_owned()][..], 2));
    world.secret("copy", &[("key", "open-sesame")]);
    world.settle(&mut cr);
    assert_eq!((world.writes.len(), revision(&cr)), (2, 3));
}

/// Who reads a status must not be able to guess a value by its digest: for that the salt is needed, which is in Azure only.
#[test]
fn the_salt_is_told_nowhere_in_kubernetes() {
    for (mode, wrong) in [("Correct", "x"), ("Detect", "x"), ("Detect", "")] {
        let (mut world, mut cr) = with_variable(&[("/drift", json!({"mode": mode}))]);
        let salt = "a".repeat(32);
        assert!(world.service()["kvTags"]["acivnet-content"].as_str().unwrap().ends_with(&format!(".{salt}")));
        let stood = world.service()["kvTags"]["acivnet-content"].clone();
        let wrong = if wrong.is_empty() { Value::Null } else { format!("{wrong}.{salt}").into() };
        world.service()["kvTags"]["acivnet-content"] = wrong;
        let passed = world.pass(&mut cr);
        let told = format!("{:?}", passed.report);
        assert!(told.contains("kvTags.acivnet-content") && !told.contains(&salt), "{told}");
        assert!(!serde_json::to_string(&cr.status).unwrap().contains(&salt));
        assert_eq!(world.writes.is_empty(), mode == "Detect", "a lost tag is drift, and no change of a Secret");
        world.service()["kvTags"]["acivnet-content"] = stood;
        let passed = world.settle(&mut cr);
        assert!(passed.report.status.drift.is_empty());
    }
}

/// Serving as a release left it that put the version of a Secret in the place of its value.
fn of_a_release_before(changes: &[(&str, Value)]) -> (World, AciVnetDeployment) {
    let plain = json!([{"name": "STORE", "value": "secret-uid/1/password"}]);
    let (mut world, before) = World::serving(&[&[("/scoring/environmentVariables", plain)], changes].concat());
    world.secret("store", &[("password", "open-sesame")]);
    let mut cr = deployment(&[&[variable()], changes].concat());
    cr.status = before.status;
    (world, cr)
}

#[test]
fn an_upgrade_rolls_nothing() {
    let (mut world, mut cr) = of_a_release_before(&[]);
    let passed = world.look(&cr);
    let Some((_, Request::PatchService { operations, .. })) = passed.plan.writes().next() else { panic!() };
    let paths: Vec<_> = operations.as_array().unwrap().iter().map(|one| &one["path"]).collect();
    assert_eq!(paths, ["/kvTags"], "no content is sent");
    world.settle(&mut cr);
    assert_eq!((world.writes.as_slice(), revision(&cr)), (&["PATCH WebService/aciservice".to_owned()][..], 1));
    world.secret("store", &[("password", "open-sesame")]);
    world.settle(&mut cr);
    assert_eq!(world.writes.len(), 1);
    world.secret("store", &[("password", "another")]);
    world.settle(&mut cr);
    assert_eq!((world.writes.len(), revision(&cr)), (2, 2));
}

/// A Secret that was touched while the operator was replaced: nobody knows whether its value is the one that runs.
#[test]
fn a_doubt_at_an_upgrade_rolls_once() {
    let (mut world, mut cr) = of_a_release_before(&[]);
    world.secret("store", &[("password", "perhaps-another")]);
    for _ in 0..3 {
        world.settle(&mut cr);
        world.secret("store", &[("password", "perhaps-another")]);
    }
    assert_eq!((world.writes.as_slice(), revision(&cr)), (&["PATCH WebService/aciservice".to_owned()][..], 2));
}

/// Where drift is to be left, an upgrade writes nothing and tells of nothing.
#[test]
fn an_upgrade_is_no_drift() {
    let (mut world, mut cr) = of_a_release_before(&[("/drift", json!({"mode": "Detect"}))]);
    let last = world.settle(&mut cr);
    assert_eq!((world.writes.len(), last.report.status.drift.len()), (0, 0));
    world.secret("store", &[("password", "another")]);
    world.settle(&mut cr);
    assert_eq!((world.writes.as_slice(), revision(&cr)), (&["PATCH WebService/aciservice".to_owned()][..], 2));
}
