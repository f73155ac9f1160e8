//! What must hold whatever stands, whatever was recorded, whatever fails: proved on random worlds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_core::outcome::Reconcile;
use common::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// How something stands in Azure before we look.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Absent,
    Ours,
    Unmarked,
    Theirs,
    Failed,
    Busy,
    Drifted,
}

fn stands() -> impl Strategy<Value = Stands> {
    use Stands::*;
    prop_oneof![3 => Just(Absent), 3 => Just(Ours), 1 => Just(Unmarked), 1 => Just(Theirs), 1 => Just(Failed), 1 => Just(Busy), 2 => Just(Drifted)]
}

fn mode() -> impl Strategy<Value = Value> {
    prop_oneof![4 => Just(Value::Null), 1 => Just(json!({"mode": "Detect"})), 1 => Just(json!({"mode": "Ignore"}))]
}

/// What a hand may have changed in a body of ours.
fn disturb(body: &mut Value, how: Stands) {
    match how {
        Stands::Absent | Stands::Ours => {}
        Stands::Unmarked | Stands::Theirs => {
            let owner = if how == Stands::Theirs { json!("them/n/x") } else { Value::Null };
            let delegation = if how == Stands::Theirs { "acivnet-ffffffffffffffffffff" } else { "0" };
            for place in ["tags", "kvTags", "properties"] {
                if body[place].get("acivnet-owner").is_some() {
                    body[place]["acivnet-owner"] = owner.clone();
                }
            }
            if body["properties"]["delegations"].get(0).is_some() {
                body["properties"]["delegations"][0]["name"] = delegation.into();
            }
        }
        Stands::Failed => (body["state"], body["properties"]["provisioningState"]) = ("Failed".into(), "Failed".into()),
        Stands::Busy => {
            (body["state"], body["properties"]["provisioningState"]) = ("Transitioning".into(), "Updating".into())
        }
        Stands::Drifted => {
            (body["description"], body["properties"]["securityRules"]) = ("mine".into(), json!([]));
            body["properties"]["delegations"] = json!([]);
        }
    }
}

/// The network as it stands, each part in its own way.
fn network_world(parts: &[Stands], recorded: bool) -> (World, DelegatedSubnet) {
    let (mut world, mut cr) = World::with_network();
    for (id, how) in [network(), group_id("amlnsg"), subnet_id("amlsubnet1"), subnet_id("default")].iter().zip(parts) {
        let mut body = world.arm.remove(&id.to_lowercase()).unwrap();
        disturb(&mut body, *how);
        if *how != Stands::Absent {
            world.put_arm(id, body);
        }
    }
    if !recorded {
        cr.status = None;
    }
    (world, cr)
}

fn service_world(service: Stands, models: &[Stands], recorded: bool) -> (World, AciVnetDeployment) {
    let (mut world, mut cr) = World::serving(&[("/azure", json!({"tags": [{"name": "team", "value": "a"}]}))]);
    disturb(world.service(), service);
    if service == Stands::Absent {
        world.services.clear();
    }
    let version = world.models.remove(0);
    for how in models.iter().filter(|how| **how != Stands::Absent) {
        let mut body = version.clone();
        disturb(&mut body, *how);
        world.register(&body);
    }
    if !recorded {
        cr.status = None;
    }
    (world, cr)
}

/// What is not ours at the beginning, by mark and record.
fn foreign(world: &World, cr: &impl Stored) -> Vec<(String, Value)> {
    let created = |id: &str| {
        cr.recorded().iter().any(|one| {
            one.origin == Some(acivnet_api::Origin::Created) && one.id.to_lowercase().ends_with(&id.to_lowercase())
        })
    };
    let owner = |body: &Value| {
        ["tags", "kvTags", "properties"]
            .iter()
            .find_map(|place| body[place]["acivnet-owner"].as_str().map(str::to_owned))
    };
    let delegation = |body: &Value| {
        body["properties"]["delegations"][0]["name"]
            .as_str()
            .filter(|name| name.starts_with("acivnet-"))
            .map(str::to_owned)
    };
    let all = world.arm.iter().chain(&world.services).map(|(id, body)| (id.clone(), body.clone()));
    let models = world.models.iter().map(|body| {
        (format!("{}/models/{}:{}", workspace(), body["name"].as_str().unwrap(), body["version"]), body.clone())
    });
    all.chain(models)
        .filter(|(id, body)| match (owner(body), delegation(body)) {
            (Some(owner), _) => owner.starts_with("them"),
            (_, Some(name)) => name == "acivnet-ffffffffffffffffffff",
            _ => !created(id) && !id.contains("/subnets/default"),
        })
        .collect()
}

fn untouched(world: &World, before: &[(String, Value)]) {
    for (id, body) in before {
        let settled = |body: &Value| {
            let mut body = body.clone();
            (body["state"], body["properties"]["provisioningState"]) = (Value::Null, Value::Null);
            for name in ["scoringUri", "etag"] {
                body[name] = Value::Null;
            }
            for name in ["ipConfigurations", "serviceAssociationLinks"] {
                body["properties"][name] = Value::Null;
            }
            body
        };
        let now = world.arm.get(id).or_else(|| world.services.get(id)).cloned();
        let now = now.or_else(|| {
            let label = id.rsplit('/').next().unwrap();
            let found = |body: &&Value| format!("{}:{}", body["name"].as_str().unwrap(), body["version"]) == label;
            world.models.iter().find(found).cloned()
        });
        assert!(now.as_ref().map(settled) == Some(settled(body)), "{id} is not ours and was written");
    }
}

/// Passes until nothing moves; then twice more, which must change nothing.
fn rest<S: Stored>(world: &mut World, cr: &mut S) -> bool {
    for _ in 0..40 {
        let passed = world.pass(cr);
        if passed.report.release {
            return true;
        }
        world.tick();
        if !passed.plan.moves() && !passed.plan.incomplete {
            break;
        }
    }
    world.pass(cr);
    let (writes, status) = (world.writes.len(), cr.status().cloned());
    for _ in 0..2 {
        world.now += 10;
        let passed = world.pass(cr);
        assert!(!passed.recorded || passed.plan.writes().next().is_none());
        assert_eq!(passed.report.events, vec![]);
        assert_eq!(world.writes.len(), writes, "planned twice it changes: {:?}", world.writes);
        assert!(cr.status() == status.as_ref(), "the status of nothing changed");
        if passed.report.release {
            return true;
        }
    }
    false
}

const PARTS: [&str; 12] = [
    "virtualNetworks/amlvnet1)",
    "subnets/amlsubnet1",
    "subnets/default",
    "amlnsg",
    "OtherDelegatedSubnets",
    "Deployments",
    "Models",
    "services/aciservice",
    "workspaces/amlws)",
    "ConfigMap",
    "DelegatedSubnet(",
    "Probe",
];

/// Something that goes wrong in a pass.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    None,
    /// Dies after the record, before the first write.
    BeforeWriting,
    /// Dies after the writes: nobody learns of them.
    AfterWriting,
    /// The writes are carried out and their answers are lost.
    AnswersLost,
    /// The writes are refused.
    Refused,
    /// This part can't be read.
    Unread(usize),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    use Mishap::*;
    prop_oneof![2 => Just(None), 1 => Just(BeforeWriting), 2 => Just(AfterWriting), 2 => Just(AnswersLost), 1 => Just(Refused), 2 => (0..PARTS.len()).prop_map(Unread)]
}

/// One pass with a mishap. Whether the object was released.
fn stumble<S: Stored>(world: &mut World, cr: &mut S, mishap: Mishap) -> bool {
    if let Mishap::Unread(part) = mishap {
        world.unread.insert(PARTS[part].into());
    }
    let mut look = world.look(cr);
    check_plan(&look);
    let released = look.report.release;
    if look.recorded && look.plan.writes().next().is_some() {
        cr.set_status(look.report.status.clone());
    }
    world.unread.clear();
    match mishap {
        Mishap::BeforeWriting => return false,
        Mishap::AfterWriting => {
            world.act(&mut look.plan);
            return false;
        }
        Mishap::Refused => {}
        Mishap::None | Mishap::AnswersLost | Mishap::Unread(_) => world.act(&mut look.plan),
    };
    if matches!(mishap, Mishap::Refused | Mishap::AnswersLost) {
        let writes = look.plan.steps.iter_mut().filter(|step| step.writes());
        writes.for_each(|step| step.result = Some(Err(unreachable())));
    }
    let report = cr.report(&Reconcile { observed: &look.observed, plan: &look.plan, now: world.now() });
    check_conditions(S::conditions(&report.status));
    cr.set_status(report.status);
    released
}

fn ours_left(world: &World) -> Vec<String> {
    let arm = world.arm.keys().filter(|id| **id != workspace().to_lowercase()).cloned();
    let models = world.models.iter().map(|body| body["name"].to_string());
    arm.chain(world.services.keys().cloned()).chain(models).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_network_comes_to_rest_and_strangers_stay(
        parts in prop::collection::vec(stands(), 4), recorded in any::<bool>(), suspended in any::<bool>(), mode in mode(), leaves in any::<bool>(),
    ) {
        let (mut world, cr) = network_world(&parts, recorded);
        let mut cr = edited(&cr, &[("/suspend", if suspended { true.into() } else { Value::Null }), ("/drift", mode)]);
        if leaves {
            cr = deleted(&cr);
        }
        let before = foreign(&world, &cr);
        rest(&mut world, &mut cr);
        untouched(&world, &before);
    }

    #[test]
    fn a_deployment_comes_to_rest_and_strangers_stay(
        service in stands(), models in prop::collection::vec(stands(), 0..4), recorded in any::<bool>(), mode in mode(), leaves in any::<bool>(), new_file in any::<bool>(),
    ) {
        let (mut world, mut cr) = service_world(service, &models, recorded);
        if mode != Value::Null {
            cr = edited(&cr, &[("/drift", mode)]);
        }
        if new_file {
            world.files.insert("score.py".into(), "s2".into());
        }
        if leaves {
            cr = deleted(&cr);
        }
        let before = foreign(&world, &cr);
        rest(&mut world, &mut cr);
        untouched(&world, &before);
    }

    #[test]
    fn whatever_goes_wrong_a_network_ends_as_undisturbed(mishaps in prop::collection::vec(mishap(), 0..14)) {
        let (undisturbed, _) = World::with_network();
        let (mut world, mut cr) = (World::default(), subnet(&[]));
        for mishap in &mishaps {
            stumble(&mut world, &mut cr, *mishap);
            world.tick();
        }
        world.settle(&mut cr);
        let bodies = |world: &World| world.arm.iter().map(|(id, body)| { let mut body = body.clone(); body["etag"] = Value::Null; (id.clone(), body) }).collect::<Vec<_>>();
        prop_assert_eq!(bodies(&world), bodies(&undisturbed));
        let mut cr = deleted(&cr);
        for mishap in &mishaps {
            if stumble(&mut world, &mut cr, *mishap) {
                prop_assert_eq!(ours_left(&world), Vec::<String>::new());
            }
            world.tick();
        }
        world.settle(&mut cr);
        prop_assert_eq!(ours_left(&world), Vec::<String>::new());
    }

    #[test]
    fn whatever_goes_wrong_a_deployment_ends_as_undisturbed(mishaps in prop::collection::vec(mishap(), 0..14)) {
        let (mut world, _) = World::with_network();
        let network = world.arm.keys().cloned().collect::<Vec<_>>();
        let mut cr = deployment(&[]);
        for mishap in &mishaps {
            stumble(&mut world, &mut cr, *mishap);
            world.tick();
        }
        world.settle(&mut cr);
        prop_assert_eq!((world.services.len(), world.models.len()), (1, 1), "{:?}", world.writes);
        let status = cr.status.clone().unwrap();
        prop_assert_eq!((status.model_label.as_deref(), status.revision), (Some("mymodel:1"), Some(1)));
        let mut cr = deleted(&cr);
        for mishap in &mishaps {
            if stumble(&mut world, &mut cr, *mishap) {
                prop_assert!(world.services.is_empty() && world.models.is_empty());
            }
            world.tick();
        }
        world.settle(&mut cr);
        prop_assert!(world.services.is_empty() && world.models.is_empty());
        prop_assert_eq!(world.arm.keys().cloned().collect::<Vec<_>>(), network);
    }

    /// Deleted in the middle of its creation, at any point.
    #[test]
    fn deleted_at_any_moment_nothing_stays(mishaps in prop::collection::vec(mishap(), 0..8)) {
        let (mut world, mut cr) = (World::default(), subnet(&[]));
        for mishap in &mishaps {
            stumble(&mut world, &mut cr, *mishap);
            world.tick();
        }
        prop_assert!(world.settle(&mut deleted(&cr)).report.release);
        prop_assert_eq!(ours_left(&world), Vec::<String>::new());
        let (mut world, _) = World::with_network();
        let mut cr = deployment(&[]);
        for mishap in &mishaps {
            stumble(&mut world, &mut cr, *mishap);
            world.tick();
        }
        prop_assert!(world.settle(&mut deleted(&cr)).report.release);
        prop_assert!(world.services.is_empty() && world.models.is_empty());
    }

    /// Foreign text carries secrets in the forms that they have: none of it gets out.
    #[test]
    fn no_secret_gets_out(before in "[ -~]{0,40}", form in 0..4_usize, place in 0..7_usize) {
        const CANARY: &str = "c4nary-c4nary-c4nary";
        let form = [format!("https://bob:{CANARY}@example.org/simple"), format!("https://x/y?sv=1&sig={CANARY}&se=2"), format!("AccountKey={CANARY};"), format!("Bearer {CANARY}")][form].clone();
        let text = format!("{before} {form}");
        let (mut world, mut cr) = World::serving(&[("/scoring/environmentVariables", json!([{"name": "FS_KEY", "value": CANARY}]))]);
        let failed = json!({"state": "Failed", "error": {"code": "AciDeploymentFailed", "message": text, "details": [{"code": "CrashLoopBackOff", "message": text}]}});
        match place {
            0 => for (name, value) in failed.as_object().unwrap() { world.service()[name] = value.clone(); },
            1 => {
                for (name, value) in failed.as_object().unwrap() { world.service()[name] = value.clone(); }
                world.log = format!("Traceback\nValueError: {text}");
            }
            2 => {
                world.service()["state"] = "Failed".into();
                let operation = json!({"state": "Failed", "operationDetails": {"subOperationType": "BuildEnvironment"}, "operationLogTail": format!("ERROR: {text}")});
                world.operations.values_mut().for_each(|one| *one = operation.clone());
            }
            3 => world.service()["description"] = text.into(),
            4 => world.service()["scoringUri"] = format!("http://bob:{CANARY}@10.0.1.4/score?sig={CANARY}").into(),
            5 => drop(world.files.insert("myenv.yml".into(), format!("dependencies: ['{}'\n", form.replace('\'', "")))),
            _ => world.service()["environmentImageRequest"]["environment"]["environmentVariables"]["FS_KEY"] = "other".into(),
        }
        for _ in 0..3 {
            let passed = world.pass(&mut cr);
            let out = format!("{} {:?}", serde_json::to_string(&cr.status).unwrap(), passed.report.events);
            prop_assert!(!out.contains("c4nary"), "{out}");
        }
    }
}
