//! What is said, and when it is looked at again, while Azure refuses a change of what stands and works; and what is
//! remembered of what carried another's mark for a while.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{Origin, conditions::reasons};
use acivnet_core::{
    outcome::Next,
    plan::{Action, Held},
    retry::Retry,
    seen::Seen,
};
use common::*;
use serde_json::{Value, json};

const NO: Refusal = |_, _| Some(failure(400, "NotLikeThat", reasons::INVALID_SPEC, Retry::OnSpecChange));
const FORBIDDEN: Refusal = |_, _| Some(failure(403, "AuthorizationFailed", reasons::FORBIDDEN, Retry::Slowly));
const BUSY: Refusal = |_, _| Some(failure(429, "RetryableError", reasons::BUSY, Retry::Soon));

fn observed(conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition], type_: &str) -> Option<i64> {
    conditions.iter().find(|one| one.type_ == type_).and_then(|one| one.observed_generation)
}

fn rules(name: &str) -> (&'static str, Value) {
    let rule = json!({"name": name, "priority": 200, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"});
    ("/clientSubnet/networkSecurityGroup/securityRules", json!([rule]))
}

/// Each part of a network that stands, a change of it, and the condition that tells of it.
fn changes() -> Vec<(&'static str, (&'static str, Value))> {
    vec![
        ("VirtualNetworkReady", ("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.9.0.0/16"]))),
        ("Delegated", ("/subnet/serviceEndpoints", json!([{"service": "Microsoft.Storage"}]))),
        ("ClientSubnetReady", rules("web")),
        ("EgressReady", ("/azure/tags", json!([{"name": "a", "value": "b"}]))),
    ]
}

#[test]
fn a_refused_change_of_any_part_of_a_network_is_told() {
    for (part, change) in changes() {
        let mut world = World::default();
        let egress = json!({"type": "NATGateway", "natGateway": {"name": "nat-ml"}});
        let mut cr = subnet(&[("/egress", egress)]);
        world.settle(&mut cr);
        let mut cr = edited(&cr, &[change]);
        world.refuse = NO;
        let said = world.pass(&mut cr).report;
        let conditions = &said.status.conditions;
        assert_eq!(condition_of(conditions, part), "False/InvalidSpec", "{part}: {:?}", all_said(conditions));
        assert_eq!(condition_of(conditions, "Ready"), "False/InvalidSpec", "{part}");
        let ready = message(conditions, "Ready");
        assert!(ready.contains("is delegated to") && ready.contains("NotLikeThat happened"), "{ready}");
        assert_eq!(condition_of(conditions, "Stalled"), "True/InvalidSpec");
        assert!(!message(conditions, part).contains("as specified"));
        world.refuse = |_, _| None;
        world.settle(&mut cr);
        let conditions = &cr.status.as_ref().unwrap().conditions;
        assert_eq!(
            (condition_of(conditions, "Ready").as_str(), observed(conditions, "Ready")),
            ("True/Delegated", Some(2))
        );
    }
}

fn condition_of(conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition], type_: &str) -> String {
    said(conditions, type_)
}

#[test]
fn ready_speaks_of_the_generation_that_it_is_true_of() {
    let (mut world, cr) = World::with_network();
    let mut cr = edited(&cr, &[rules("web")]);
    let before = world.look(&cr).report.status.conditions;
    assert_eq!((said(&before, "Ready").as_str(), observed(&before, "Ready")), ("True/Delegated", Some(1)));
    world.refuse = BUSY;
    let busy = world.pass(&mut cr).report.status.conditions;
    assert_eq!((said(&busy, "Ready").as_str(), observed(&busy, "Ready")), ("True/Delegated", Some(1)), "it passes");
    world.refuse = |_, _| None;
    world.settle(&mut cr);
    assert_eq!(observed(&cr.status.unwrap().conditions, "Ready"), Some(2));
}

#[test]
fn drift_that_can_not_be_put_back_leaves_it_ready_and_is_told() {
    let (mut world, mut cr) = World::with_network();
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]);
    world.refuse = FORBIDDEN;
    let conditions = world.pass(&mut cr).report.status.conditions;
    assert_eq!((said(&conditions, "Ready").as_str(), observed(&conditions, "Ready")), ("True/Delegated", Some(1)));
    assert!(
        message(&conditions, "Ready").contains("AuthorizationFailed happened"),
        "{}",
        message(&conditions, "Ready")
    );
    assert_eq!(said(&conditions, "ClientSubnetReady"), "False/Forbidden");
}

#[test]
fn a_refused_change_of_a_service_is_told() {
    let environment = |name: &str| json!({"name": "myenv", "conda": {"configMap": {"name": "churn", "key": name}}});
    for change in [
        ("/description", json!("another")),
        ("/azure", json!({"tags": [{"name": "a", "value": "b"}]})),
        ("/telemetry", json!({"applicationInsights": "Enabled"})),
        ("/environment", environment("nothing.yml")),
    ] {
        let (mut world, cr) = World::serving(&[]);
        let mut cr = edited(&cr, std::slice::from_ref(&change));
        world.refuse = NO;
        let conditions = world.pass(&mut cr).report.status.conditions;
        let ready = conditions.iter().find(|one| one.type_ == "Ready").unwrap();
        let speaks_of = (ready.status.as_str(), ready.observed_generation);
        assert_eq!(speaks_of, ("True", Some(1)), "{change:?} {:?}", all_said(&conditions));
        assert!(
            ready.message.contains("10.0.1.4") && ready.message.contains("refused"),
            "it still answers: {}",
            ready.message
        );
        assert!(
            said(&conditions, "Stalled").starts_with("True/") || said(&conditions, "Reconciling").starts_with("True/")
        );
        assert!(said(&conditions, "ServiceHealthy").starts_with("True/"), "it does run");
        assert!(said(&conditions, "RolloutComplete").starts_with("False/"), "{change:?} {:?}", all_said(&conditions));
    }
}

#[test]
fn a_refused_change_beside_a_subnet_keeps_no_deployment_from_being_made() {
    let (mut world, cr) = World::with_network();
    let mut cr = edited(&cr, &[rules("web")]);
    world.refuse = NO;
    let conditions = world.pass(&mut cr).report.status.conditions;
    assert_eq!(condition_of(&conditions, "Ready"), "False/InvalidSpec");
    assert_eq!(condition_of(&conditions, "EgressReady"), "False/NoNATGateway", "as it is without spec.egress");
    world.refuse = |_, _| None;
    world.show(&cr);
    let mut made = deployment(&[]);
    world.settle(&mut made);
    assert_eq!(condition_of(&made.status.unwrap().conditions, "Ready"), "True/Serving");
}

#[test]
fn an_approval_that_is_open_makes_no_new_generation_ready() {
    let (mut world, cr) = World::serving(&[]);
    let mut cr = edited(&cr, &[("/resources", json!({"cpu": "2", "memory": "1G"}))]);
    let conditions = world.pass(&mut cr).report.status.conditions;
    assert_eq!((said(&conditions, "Ready").as_str(), observed(&conditions, "Ready")), ("True/Serving", Some(1)));
}

#[test]
fn what_was_refused_is_held_and_all_else_goes_on() {
    let (mut world, mut cr) = World::with_network();
    let before = world.arm_body(&subnet_id("amlsubnet1")).clone();
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["addressPrefix"] = "10.0.7.0/24".into();
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]);
    world.refuse = |node, request| if node.id.name() == "amlsubnet1" { NO(node, request) } else { None };
    let first = world.pass(&mut cr);
    assert_eq!(first.report.next, Next::Retry(Retry::Soon), "the group is being put right");
    // as the shell remembers it
    let write = |passed: &Passed<acivnet_api::DelegatedSubnet>| {
        let (step, request) = passed.plan.writes().find(|(step, _)| step.node.id.name() == "amlsubnet1").unwrap();
        acivnet_core::plan::digest_with_keys(&step.node, request, &passed.observed)
    };
    let cause =
        acivnet_core::failure::Cause::from(&failure(400, "NotLikeThat", reasons::INVALID_SPEC, Retry::OnSpecChange));
    let refusals = vec![acivnet_core::observed::Refusal { write: write(&first), cause: cause.clone() }];
    world.tick();
    let mut observed = world.observe(&cr);
    observed.refusals = refusals;
    let plan = acivnet_core::subject::decide(&cr, &observed, world.now());
    let step = plan.steps.iter().find(|step| step.node.id.name() == "amlsubnet1").unwrap();
    assert_eq!(step.action, Action::Hold(Held::Refused(cause)));
    assert_eq!(plan.writes().count(), 0);
    // mended in Azure, it is seen at once
    *world.arm_body(&subnet_id("amlsubnet1")) = before;
    assert!(world.settle(&mut cr).plan.settled());
}

#[test]
fn a_record_outlives_the_sight_of_anothers_mark() {
    let (mut world, mut cr) = World::with_network();
    let theirs = |world: &mut World, owner: Value, delegation: &str| {
        for id in [network(), group_id("amlnsg")] {
            world.arm_body(&id)["tags"]["acivnet-owner"] = owner.clone();
        }
        world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"][0]["name"] = delegation.into();
    };
    theirs(&mut world, "them/n/x".into(), "acivnet-00000000000000000000");
    for _ in 0..3 {
        let passed = world.pass(&mut cr);
        assert!(passed.plan.steps.iter().any(|step| matches!(step.seen, Seen::Foreign(Some(_)))));
        assert_eq!(passed.plan.writes().count(), 0, "nothing of it is touched");
    }
    let created = cr.status.as_ref().unwrap().resources.iter().filter(|one| one.origin == Some(Origin::Created));
    assert_eq!(created.count(), 4);
    theirs(&mut world, Value::Null, "0");
    world.settle(&mut cr);
    assert_eq!(said(&cr.status.as_ref().unwrap().conditions, "Ready"), "True/Delegated");
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    assert!(!world.arm.keys().any(|id| id.contains("microsoft.network")), "{:?}", world.arm.keys());
}

#[test]
fn what_stays_with_anothers_mark_is_told_when_the_object_goes() {
    let (mut world, cr) = World::with_network();
    world.arm_body(&group_id("amlnsg"))["tags"]["acivnet-owner"] = "them/n/x".into();
    let mut cr = deleted(&cr);
    let leaving = world.settle(&mut cr).report;
    let event = leaving.events.iter().find(|event| event.reason == "Orphaned").expect("what stays is told");
    assert!(leaving.release && event.warning && event.message.contains("NetworkSecurityGroup/amlnsg"), "{event:?}");
    assert!(!event.message.contains("amlsubnet1"), "{event:?}");
}

#[test]
fn what_others_made_anew_is_not_ours_when_their_mark_goes() {
    let (mut world, mut cr) = World::with_network();
    let body = world.arm.remove(&group_id("amlnsg").to_lowercase()).unwrap();
    world.arm_body(&subnet_id("default"))["properties"]["networkSecurityGroup"] = Value::Null;
    world.refuse = BUSY;
    world.pass(&mut cr);
    let mut theirs = body.clone();
    theirs["tags"]["acivnet-owner"] = "them/n/x".into();
    world.put_arm(&group_id("amlnsg"), theirs.clone());
    world.pass(&mut cr);
    theirs["tags"]["acivnet-owner"] = Value::Null;
    world.put_arm(&group_id("amlnsg"), theirs);
    let passed = world.pass(&mut cr);
    let step = passed.plan.steps.iter().find(|step| step.node.id.name() == "amlnsg").unwrap();
    assert_eq!(step.seen, Seen::Foreign(None));
}

#[test]
fn a_service_outlives_the_sight_of_anothers_mark() {
    let (mut world, mut cr) = World::serving(&[]);
    world.service()["kvTags"]["acivnet-owner"] = "them/n/x".into();
    for _ in 0..2 {
        assert_eq!(world.pass(&mut cr).plan.writes().count(), 0);
    }
    assert!(said(&cr.status.as_ref().unwrap().conditions, "Ready").starts_with("False/ServiceNameTaken"));
    world.service()["kvTags"]["acivnet-owner"] = Value::Null;
    world.settle(&mut cr);
    assert_eq!(world.service()["kvTags"]["acivnet-owner"], format!("{CLUSTER}/ml/{SERVICE}"));
    assert_eq!(said(&cr.status.as_ref().unwrap().conditions, "Ready"), "True/Serving");
}

#[test]
fn the_soonest_of_several_failures_counts() {
    let (mut world, mut cr) = World::with_network();
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]);
    world.arm_body(&network())["tags"]["acivnet-owner"] = Value::Null;
    world.refuse =
        |node, request| if node.kind.name == "VirtualNetwork" { NO(node, request) } else { BUSY(node, request) };
    let passed = world.pass(&mut cr);
    assert!(passed.plan.writes().count() >= 2);
    assert_eq!(passed.report.next, Next::Retry(Retry::Soon));
    world.refuse = NO;
    assert_eq!(world.pass(&mut cr).report.next, Next::Retry(Retry::OnSpecChange));
}
