//! What kstatus (Flux, `kpt`, `kubectl`-like waiters) makes of every state that the reports can be in.

#[path = "../../../crates/core/tests/common/mod.rs"]
mod common;

use acivnet_api::conditions::reasons;
use acivnet_core::{observed::SignIn, outcome::Next, retry::Retry};
use acivnet_tests::kstatus::{
    Kstatus::{self, Current, Failed, InProgress, Terminating},
    read,
};
use common::{Stored, World, annotated, deleted, deployment, edited, failure, network, subnet};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A pass, and what kstatus says of the object behind it.
fn after_pass<S: Stored>(world: &mut World, cr: &mut S) -> Kstatus {
    world.pass(cr);
    told(cr)
}

fn told<S: Stored>(cr: &S) -> Kstatus {
    read(&serde_json::to_value(cr).expect("JSON"))
}

/// In progress from the first sight on, current at the end, nothing else on the way.
fn comes_to_be<S: Stored>(world: &mut World, mut cr: S) -> S {
    for _ in 0..30 {
        let passed = world.pass(&mut cr);
        let settled = matches!(passed.report.next, Next::Sweep(_));
        assert_eq!(told(&cr), if settled { Current } else { InProgress }, "{:?}", passed.plan.steps);
        if settled {
            return cr;
        }
        world.tick();
    }
    panic!("never settles");
}

#[test]
fn of_an_unseen_object() {
    let mut object = serde_json::to_value(subnet(&[])).expect("JSON");
    object["status"] = json!({"observedGeneration": -1});
    assert_eq!(read(&object), InProgress, "the default of the schema");
}

#[test]
fn while_things_come_to_be() {
    let mut world = World::default();
    let network = comes_to_be(&mut world, subnet(&[]));
    world.show(&network);
    let service = comes_to_be(&mut world, deployment(&[]));
    comes_to_be(&mut world, edited(&service, &[("/description", json!("new"))]));
    world.files.insert("model.pkl".into(), "m2".into());
    comes_to_be(&mut world, edited(&service, &[]));
}

/// A change of the spec is in progress before the controller has looked at it.
#[test]
fn of_an_edit() {
    let (_, cr) = World::serving(&[]);
    assert_eq!(told(&cr), Current);
    assert_eq!(told(&edited(&cr, &[("/description", json!("new"))])), InProgress);
}

#[test]
fn of_what_waits_for_a_person() {
    let (mut world, cr) = World::serving(&[]);
    let mut bigger = edited(&cr, &[("/resources/cpu", json!("2"))]);
    assert_eq!(after_pass(&mut world, &mut bigger), Failed, "an approval");
    let hash =
        bigger.status.as_ref().and_then(|status| status.plan.clone()).and_then(|plan| plan.hash).expect("a plan");
    comes_to_be(&mut world, annotated(&bigger, acivnet_api::APPROVE_PLAN, &hash));

    let (mut world, cr) = World::serving(&[]);
    let mut suspended = edited(&cr, &[("/suspend", json!(true)), ("/description", json!("new"))]);
    assert_eq!(after_pass(&mut world, &mut suspended), Failed, "`suspend: true`");

    let mut world = World::default();
    world.put_arm(&network(), json!({"location": "japaneast", "properties": {"provisioningState": "Succeeded"}}));
    assert_eq!(after_pass(&mut world, &mut subnet(&[])), Failed, "a network that is not ours");
}

#[test]
fn of_detected_drift() {
    let (mut world, mut network_cr) = World::with_network();
    network_cr = edited(&network_cr, &[("/drift", json!({"mode": "Detect"}))]);
    world.settle(&mut network_cr);
    world.arm_body(&network())["tags"] = json!({});
    assert_eq!(after_pass(&mut world, &mut network_cr), Current, "it is the person's wish that nothing happens");
}

/// Roles spread slowly: such a cause is work for a quarter of an hour, and a failure from then on.
#[test]
fn of_what_may_heal_by_itself() {
    for reason in [reasons::FORBIDDEN, reasons::FEDERATION_MISSING, reasons::SERVICE_ACCOUNT_NOT_FOUND] {
        let identity = SignIn::Refused(failure(0, "AADSTS1", reason, Retry::Slowly));
        let mut world = World { identity, ..World::default() };
        let mut cr = subnet(&[]);
        assert_eq!(after_pass(&mut world, &mut cr), InProgress, "{reason}, fresh");
        world.now += 1000;
        assert_eq!(after_pass(&mut world, &mut cr), Failed, "{reason}, old");
        world.identity = SignIn::Valid;
        comes_to_be(&mut world, cr);
    }
}

/// What passes without a person never counts as failed.
#[test]
fn of_what_passes() {
    let mut world = World::default();
    world.unread.insert("virtualNetworks".into());
    let mut cr = subnet(&[]);
    for _ in 0..3 {
        assert_eq!(after_pass(&mut world, &mut cr), InProgress, "Azure can't be reached");
        world.now += 1000;
    }
    let mut waiting = deployment(&[]);
    for _ in 0..3 {
        assert_eq!(after_pass(&mut world, &mut waiting), InProgress, "the subnet is not there");
        world.now += 1000;
    }
    let (mut world, mut cr) = World::serving(&[]);
    world.probe = Ok(500);
    world.now += 1000;
    assert_eq!(after_pass(&mut world, &mut cr), InProgress, "the probe fails");
}

/// A failure as soon as Azure gives it up, and work again while it is tried once more.
#[test]
fn of_what_broke() {
    let error = |code: &str| json!({"code": "AciDeploymentFailed", "message": "m", "details": [{"code": code, "message": "m"}]});
    for code in ["CrashLoopBackOff", "ContainerGroupQuotaReached"] {
        let (mut world, _) = World::with_network();
        world.ending = json!({"state": "Failed", "error": error(code)});
        let mut cr = deployment(&[]);
        let mut seen = BTreeSet::new();
        for _ in 0..100 {
            seen.insert(after_pass(&mut world, &mut cr));
            world.tick();
        }
        assert_eq!(seen, BTreeSet::from([InProgress, Failed]), "{code}");
    }
}

#[test]
fn of_what_goes() {
    let (mut world, cr) = World::serving(&[]);
    let mut going = deleted(&cr);
    assert_eq!(told(&going), Terminating);
    assert_eq!(after_pass(&mut world, &mut going), Terminating);
    world.unread.insert("services".into());
    assert_eq!(after_pass(&mut world, &mut going), Terminating, "blocked");
}

#[test]
fn of_abnormal_conditions_beside_ready() {
    let condition = |type_: &str| json!({"type": type_, "status": "True", "reason": "R", "message": "m"});
    let object = |types: &[&str]| -> Value {
        json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": types.iter().map(|one| condition(one)).collect::<Vec<_>>()}})
    };
    assert_eq!(read(&object(&["Ready", "Reconciling"])), InProgress);
    assert_eq!(read(&object(&["Ready", "Stalled"])), Failed);
    assert_eq!(read(&object(&["Ready"])), Current);
}
