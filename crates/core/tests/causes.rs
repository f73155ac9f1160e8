//! Each root cause: what `Ready` says, whether it counts as work or as stalled, and when to look again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::conditions::{reasons, types};
use acivnet_core::{observed::SignIn, outcome::Next, retry::Retry};
use common::*;
use serde_json::{Value, json};

/// What is expected of a cause.
struct Expected {
    reason: &'static str,
    /// Stalled at once, after a quarter of an hour, or never.
    stalled: Stalls,
    /// Part of the message.
    tells: &'static str,
    next: Next,
    /// What was written before it was found.
    writes: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum Stalls {
    AtOnce,
    Later,
    Never,
}

/// `case` says in words what is wrong.
fn check<S: Stored>(case: &str, mut world: World, mut cr: S, expected: &Expected) {
    let Expected { reason, stalled, tells, next, writes } = expected;
    let mut passed = world.pass(&mut cr);
    for _ in 0..4 {
        world.tick();
        passed = world.pass(&mut cr);
    }
    let conditions = S::conditions(&passed.report.status).to_vec();
    assert_eq!(said(&conditions, types::READY), format!("False/{reason}"), "{case}: {:?}", all_said(&conditions));
    assert!(message(&conditions, types::READY).contains(tells), "{case}: {}", message(&conditions, types::READY));
    let at_once = *stalled == Stalls::AtOnce;
    let (now, not) = if at_once { (types::STALLED, types::RECONCILING) } else { (types::RECONCILING, types::STALLED) };
    assert_eq!((said(&conditions, now), said(&conditions, not)), (format!("True/{reason}"), "-".into()), "{case}");
    assert_eq!(passed.report.next, *next, "{case}");
    assert_eq!(world.writes, *writes, "{case}");
    assert_eq!(told(&passed.report), Vec::<String>::new(), "{case}: told on the transition only");
    world.now += 1000;
    let late = world.pass(&mut cr);
    let conditions = S::conditions(&late.report.status);
    let late_type = if *stalled == Stalls::Never { types::RECONCILING } else { types::STALLED };
    assert_eq!(said(conditions, late_type), format!("True/{reason}"), "{case}: after a quarter of an hour");
    let before = S::conditions(&late.report.status).to_vec();
    let again = world.pass(&mut cr);
    assert_eq!(S::conditions(&again.report.status), before, "{case}: stays as it is, in the same second too");
}

fn refused(reason: &'static str, code: &str) -> SignIn {
    SignIn::Refused(failure(0, code, reason, Retry::Slowly))
}

const SLOWLY: Next = Next::Retry(Retry::Slowly);

#[test]
fn of_the_identity() {
    for reason in [
        reasons::SERVICE_ACCOUNT_NOT_FOUND,
        reasons::ANNOTATION_MISSING,
        reasons::FEDERATION_MISSING,
        reasons::SECRET_MISSING,
        reasons::CREDENTIALS_REFUSED,
        reasons::FORBIDDEN,
    ] {
        let expected =
            Expected { reason, stalled: Stalls::Later, tells: "AADSTS1 happened", next: SLOWLY, writes: &[] };
        let mut world = World { identity: refused(reason, "AADSTS1"), ..World::default() };
        let case = format!("the identity of a subnet is refused: {reason}");
        check(&case, World { identity: refused(reason, "AADSTS1"), ..World::default() }, subnet(&[]), &expected);
        let passed = world.pass(&mut subnet(&[]));
        assert_eq!(said(&passed.report.status.conditions, types::CREDENTIALS_VALID), format!("False/{reason}"));
        let (mut world, _) = World::with_network();
        world.identity = refused(reason, "AADSTS1");
        check(&format!("the identity of a deployment is refused: {reason}"), world, deployment(&[]), &expected);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn of_a_deployment() {
    let waiting = Expected {
        reason: reasons::WAITING_FOR_SUBNET,
        stalled: Stalls::Never,
        tells: "DelegatedSubnet amlsubnet1 does not exist",
        next: SLOWLY,
        writes: &[],
    };
    check("the subnet does not exist", World::default(), deployment(&[]), &waiting);

    type Case = (&'static str, fn(&mut World), Vec<(&'static str, Value)>, Expected);
    let cases: Vec<Case> = vec![
        (
            "the subnet is still being created",
            |world| subnet_says(world, "False", reasons::PROGRESSING),
            vec![],
            Expected {
                tells: "DelegatedSubnet amlsubnet1 is not ready: Progressing",
                writes: &["POST ModelVersion/mymodel"],
                ..waiting
            },
        ),
        (
            "the subnet is not delegated",
            |world| subnet_says(world, "False", reasons::SUBNET_NOT_DELEGATED),
            vec![],
            Expected {
                reason: reasons::SUBNET_NOT_DELEGATED,
                stalled: Stalls::Later,
                tells: "not ready: SubnetNotDelegated",
                next: SLOWLY,
                writes: &["POST ModelVersion/mymodel"],
            },
        ),
        (
            "the network is in another region",
            |world| subnet_says(world, "False", reasons::REGION_MISMATCH),
            vec![],
            Expected {
                reason: reasons::REGION_MISMATCH,
                stalled: Stalls::AtOnce,
                tells: "RegionMismatch",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "the subnet has no free address",
            |world| {
                world.subnets.get_mut("amlsubnet1").unwrap()["status"]["capacity"] =
                    json!({"total": 11, "used": 11, "available": 0})
            },
            vec![],
            Expected {
                reason: reasons::SUBNET_FULL,
                stalled: Stalls::Later,
                tells: "all 11 addresses",
                next: SLOWLY,
                writes: &["POST ModelVersion/mymodel"],
            },
        ),
        (
            "the network is in another resource group than the workspace",
            |_| {},
            vec![("/workspace/resourceGroup", json!("elsewhere"))],
            Expected {
                reason: reasons::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP,
                stalled: Stalls::AtOnce,
                tells: "resource group amlrg, but the workspace is in elsewhere",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "the workspace does not exist",
            |world| drop(world.arm.remove(&workspace().to_lowercase())),
            vec![],
            Expected {
                reason: reasons::WORKSPACE_NOT_FOUND,
                stalled: Stalls::Later,
                tells: "workspaces/amlws does not exist",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "somebody's web service has the name",
            |world| {
                drop(world.services.insert(SERVICE.into(), json!({"name": SERVICE, "state": "Healthy", "kvTags": {}})))
            },
            vec![],
            Expected {
                reason: reasons::SERVICE_NAME_TAKEN,
                stalled: Stalls::AtOnce,
                tells: "carries no mark of ours",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "another object's web service has the name",
            |world| {
                drop(world.services.insert(
                    SERVICE.into(),
                    json!({"name": SERVICE, "state": "Healthy", "kvTags": {"acivnet-owner": "c/n/other"}}),
                ))
            },
            vec![],
            Expected {
                reason: reasons::SERVICE_NAME_TAKEN,
                stalled: Stalls::AtOnce,
                tells: "belongs to c/n/other",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "the model's ConfigMap key is missing",
            |world| drop(world.files.remove("model.pkl")),
            vec![],
            Expected {
                reason: reasons::CONFIG_MAP_NOT_FOUND,
                stalled: Stalls::Later,
                tells: "ConfigMap churn with key model.pkl",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "the conda file has a URL with a password",
            |world| {
                drop(world.files.insert("myenv.yml".into(), "dependencies: ['https://bob:hunter22@x/simple']".into()))
            },
            vec![],
            Expected {
                reason: reasons::CONDA_FILE_INVALID,
                stalled: Stalls::AtOnce,
                tells: "myenv.yml",
                next: SLOWLY,
                writes: &[],
            },
        ),
        (
            "the identity may not write",
            |world| world.refuse = |_, _| Some(failure(403, "AuthorizationFailed", reasons::FORBIDDEN, Retry::Slowly)),
            vec![],
            Expected {
                reason: reasons::FORBIDDEN,
                stalled: Stalls::Later,
                tells: "AuthorizationFailed",
                next: SLOWLY,
                writes: &["POST ModelVersion/mymodel"; 5],
            },
        ),
        (
            "the quota of container groups is used up",
            |world| {
                world.refuse = |node, _| {
                    let refused = || failure(400, "ContainerGroupQuotaReached", reasons::QUOTA_EXCEEDED, Retry::Slowly);
                    (node.kind.name == "WebService").then(refused)
                };
            },
            vec![],
            Expected {
                reason: reasons::QUOTA_EXCEEDED,
                stalled: Stalls::AtOnce,
                tells: "ContainerGroupQuotaReached",
                next: SLOWLY,
                writes: &[
                    "POST ModelVersion/mymodel",
                    "POST WebService/aciservice",
                    "POST WebService/aciservice",
                    "POST WebService/aciservice",
                    "POST WebService/aciservice",
                ],
            },
        ),
        (
            "the list of model versions can't be read",
            |world| assert!(world.unread.insert("Models".into())),
            vec![],
            Expected {
                reason: reasons::AZURE_UNREACHABLE,
                stalled: Stalls::Never,
                tells: "ServiceUnavailable",
                next: Next::Retry(Retry::Backoff),
                writes: &[],
            },
        ),
    ];
    for (case, setting, changes, expected) in cases {
        let (mut world, _) = World::with_network();
        setting(&mut world);
        check(case, world, deployment(&changes), &expected);
    }
}

fn subnet_says(world: &mut World, status: &str, reason: &str) {
    world.subnets.get_mut("amlsubnet1").unwrap()["status"]["conditions"] =
        json!([condition(types::READY, status, reason)]);
}

/// What Azure tells only after it took the service.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn of_a_service_that_failed() {
    let details = |code: &str| json!({"state": "Failed", "error": {"code": "AciDeploymentFailed", "details": [{"code": code, "message": "it went wrong"}]}});
    let log = "Traceback (most recent call last):\n  File \"score.py\", line 3\nKeyError: 'AZUREML_MODEL_DIR'\n";
    for (ending, log, build_log, reason, stalled, tells, image) in [
        (
            details("CrashLoopBackOff"),
            log,
            "",
            reasons::SCORING_SCRIPT_CRASHED,
            Stalls::AtOnce,
            "KeyError: 'AZUREML_MODEL_DIR'",
            "True/Built",
        ),
        (
            details("ContainerGroupQuotaReached"),
            "",
            "",
            reasons::QUOTA_EXCEEDED,
            Stalls::AtOnce,
            "it went wrong",
            "True/Built",
        ),
        (details("SubnetIsFull"), "", "", reasons::SUBNET_FULL, Stalls::Later, "it went wrong", "True/Built"),
        (
            details("SubnetMissingRequiredDelegation"),
            "",
            "",
            reasons::SUBNET_NOT_DELEGATED,
            Stalls::Later,
            "it went wrong",
            "True/Built",
        ),
        (details("Strange"), "", "", reasons::SERVICE_FAILED, Stalls::Later, "it went wrong", "False/Progressing"),
        (
            json!({"state": "Failed"}),
            "",
            "Collecting x\nERROR: No matching distribution found for nosuch==9\n",
            reasons::IMAGE_BUILD_FAILED,
            Stalls::AtOnce,
            "No matching distribution found for nosuch==9",
            "False/ImageBuildFailed",
        ),
    ] {
        let (mut world, _) = World::with_network();
        (world.ending, world.log) = (ending, log.into());
        let mut cr = deployment(&[]);
        world.pass(&mut cr);
        world.pass(&mut cr);
        if !build_log.is_empty() {
            let operation = world.operations.values_mut().next().unwrap();
            (operation["state"], operation["operationLogTail"]) = ("Failed".into(), build_log.into());
        }
        world.tick();
        let passed = world.pass(&mut cr);
        let conditions = &passed.report.status.conditions;
        assert_eq!(said(conditions, types::READY), format!("False/{reason}"));
        assert!(message(conditions, types::READY).contains(tells), "{}", message(conditions, types::READY));
        assert_eq!(said(conditions, types::SERVICE_HEALTHY), format!("False/{reason}"));
        assert_eq!(said(conditions, types::ENVIRONMENT_READY), image);
        assert_eq!(said(conditions, types::STALLED) == "-", stalled != Stalls::AtOnce);
        assert_eq!(reasons_told(&passed.report), [reason]);
        assert_eq!(passed.report.status.endpoint, None);
        // left alone for a while, then the same content once more; a crash is left for an hour
        let writes = world.writes.len();
        for (seconds, tried) in [(500, false), (200, reason != reasons::SCORING_SCRIPT_CRASHED), (3000, true)] {
            world.now += seconds;
            let passed = world.look(&cr);
            assert_eq!(passed.plan.writes().next().is_some(), tried, "{reason} after {seconds} s more");
        }
        world.ending = json!({"state": "Healthy"});
        assert_eq!(reasons_told(&world.pass(&mut cr).report), ["Retrying"]);
        world.settle(&mut cr);
        assert_eq!(world.writes.len(), writes + 2, "deleted and created");
        assert_eq!(said(&cr.status.unwrap().conditions, types::READY), "True/Serving");
    }
}

#[test]
fn a_corrected_script_is_tried_at_once() {
    let (mut world, _) = World::with_network();
    world.ending = json!({"state": "Failed", "error": {"details": [{"code": "CrashLoopBackOff", "message": "m"}]}});
    let mut cr = deployment(&[]);
    for _ in 0..4 {
        world.pass(&mut cr);
        world.tick();
    }
    world.ending = json!({"state": "Healthy"});
    world.files.insert("score.py".into(), "corrected".into());
    world.writes.clear();
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
}

#[test]
fn the_same_content_is_tried_at_once_when_a_person_asks() {
    let (mut world, _) = World::with_network();
    world.ending =
        json!({"state": "Failed", "error": {"details": [{"code": "ContainerGroupQuotaReached", "message": "m"}]}});
    let mut cr = deployment(&[]);
    for _ in 0..4 {
        world.pass(&mut cr);
        world.tick();
    }
    world.ending = json!({"state": "Healthy"});
    world.writes.clear();
    world.pass(&mut cr);
    assert_eq!(world.writes, Vec::<String>::new(), "nobody asked");
    let asked = (acivnet_api::RECONCILE_REQUESTED_AT.to_owned(), "now".to_owned());
    cr.metadata.annotations = Some([asked].into());
    world.settle(&mut cr);
    assert_eq!(world.writes, ["DELETE WebService/aciservice", "POST WebService/aciservice"]);
    assert_eq!(cr.status.as_ref().unwrap().last_handled_reconcile_at.as_deref(), Some("now"));
}
