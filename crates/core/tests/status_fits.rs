//! No status that is made can be refused by its own definition: whatever stands in Azure, whatever was recorded, whatever
//! names, ids and messages say. Checked against the definitions as they are installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, DelegatedSubnet, ResourceStatus, conditions::reasons};
use acivnet_core::{
    failure::{Cause, Failure},
    observed::{Fact, Refusal, SignIn},
    outcome::{Reconcile, Report},
    plan::{Progress, Request, Step, digest_with_keys},
    retry::Retry,
    subject::{Subject, decide},
};
use common::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::LazyLock};

/// Most characters that Kubernetes takes of a condition's message (`metav1.Condition`).
const LONGEST_MESSAGE: usize = 32_768;

static SCHEMAS: LazyLock<[Value; 2]> = LazyLock::new(|| {
    acivnet_api::crds().map(|crd| {
        let crd = serde_json::to_value(crd).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"].clone()
    })
});

static VALIDATORS: LazyLock<[jsonschema::Validator; 2]> =
    LazyLock::new(|| SCHEMAS.each_ref().map(|schema| jsonschema::validator_for(schema).unwrap()));

/// Refuses a status for what the API server refuses it for, or takes away silently.
fn check(schema: &Value, status: &Value) {
    let at = SCHEMAS.iter().position(|known| std::ptr::eq(known, schema)).unwrap();
    let errors: Vec<String> =
        VALIDATORS[at].iter_errors(status).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n").chars().take(2000).collect::<String>());
    known_members(schema, status, "status");
    let types: Vec<&Value> = status["conditions"].as_array().into_iter().flatten().map(|one| &one["type"]).collect();
    assert_eq!(types.len(), types.iter().map(|one| one.to_string()).collect::<BTreeSet<_>>().len(), "{types:?}");
    for one in status["conditions"].as_array().into_iter().flatten() {
        let message = one["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.chars().count() <= LONGEST_MESSAGE);
    }
}

/// What the schema does not name would be pruned, and what was remembered there lost.
fn known_members(schema: &Value, value: &Value, at: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let known = schema["properties"].get(name);
                known_members(known.unwrap_or_else(|| panic!("{at}.{name} is not in the schema")), member, name);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| known_members(&schema["items"], item, at)),
        _ => {}
    }
}

/// Texts as nobody wants them: long, not Latin, with control characters, with secrets by form.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-z]{1,12}",
        2 => (1usize..3000).prop_map(|n| "x".repeat(n)),
        1 => (1usize..1200).prop_map(|n| "語🦀".repeat(n)),
        1 => "\\PC{0,600}",
        1 => Just("a\u{0}\n\r\t\u{1b}[31m\u{202e}\u{feff}".repeat(90)),
        1 => (1usize..60).prop_map(|n| format!("{} has it, ", subnet_id(&"s".repeat(80))).repeat(n)),
        1 => Just(String::new()),
    ]
}

/// Azure's bodies, disturbed.
fn disturb(world: &mut World, text: &str, many: usize) {
    let name = |n: usize| format!("{text}{n}");
    for (id, body) in &mut world.arm {
        body["tags"][name(0)] = text.into();
        let properties = &mut body["properties"];
        if id.contains("networksecuritygroups") {
            let rule = |n| json!({"name": name(n), "properties": {"description": text, "priority": n}});
            properties["securityRules"] = (0..many).map(rule).collect();
        }
        if id.contains("/subnets/") {
            let holder =
                |n| json!({"id": format!("/x/containerGroups/{}/ipConfigurations/i", name(n).replace('/', ""))});
            properties["ipConfigurations"] = (0..many).map(holder).collect();
            properties["serviceAssociationLinks"] = (0..many).map(|n| json!({"name": name(n)})).collect();
            properties["serviceEndpoints"] = (0..many).map(|n| json!({"service": name(n)})).collect();
        }
        if !id.contains("/subnets/") && id.contains("virtualnetworks") {
            properties["addressSpace"]["addressPrefixes"] = (0..many).map(name).collect();
        }
    }
    for service in world.services.values_mut() {
        service["description"] = text.into();
        service["kvTags"][name(0)] = text.into();
        service["error"] = json!({"code": text, "message": text, "details": [{"code": text, "message": text}]});
    }
    for model in &mut world.models {
        model["description"] = text.into();
        model["kvTags"] = (0..many).map(|n| (name(n), Value::from(text))).collect::<serde_json::Map<_, _>>().into();
    }
    world.log = text.repeat(3);
}

/// A status as an earlier operator, or a person, may have left it.
fn burden<S: Stored>(cr: &mut S, keys: usize)
where
    S::Status: serde::de::DeserializeOwned,
{
    let mut status = serde_json::to_value(cr.status().cloned().unwrap_or_default()).unwrap();
    for one in status["resources"].as_array_mut().into_iter().flatten() {
        one["keys"] = (0..keys.min(ResourceStatus::MOST_KEYS)).map(|n| format!("[old-{n}]")).collect();
    }
    cr.set_status(serde_json::from_value(status).unwrap());
}

/// How a pass ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Well,
    Refused,
    Earlier,
    Unread,
    NoIdentity,
}

fn ends() -> impl Strategy<Value = Ends> {
    use Ends::*;
    prop_oneof![Just(Well), Just(Refused), Just(Earlier), Just(Unread), Just(NoIdentity)]
}

fn failure_with(text: &str) -> Failure {
    let (code, message) = (text.to_owned(), text.to_owned());
    Failure { status: 400, code, message, retry: Retry::OnSpecChange, reason: reasons::INVALID_SPEC }
}

/// What is said before the writes and after them.
fn reports<S: Stored>(world: &World, cr: &S, ends: Ends, text: &str) -> Vec<Report<S::Status>> {
    let mut observed = world.observe(cr);
    let now = world.now();
    match ends {
        Ends::Unread => observed.facts.values_mut().for_each(|fact| *fact = Fact::Unread(failure_with(text))),
        Ends::NoIdentity => observed.identity = SignIn::Refused(failure_with(text)),
        Ends::Earlier => {
            let plan = decide(cr, &observed, now);
            let refused = |(step, request): (&Step, &Request)| Refusal {
                write: digest_with_keys(&step.node, request, &observed),
                cause: Cause::from(&failure_with(text)),
            };
            let refusals = plan.writes().map(refused).collect();
            observed.refusals = refusals;
        }
        Ends::Well | Ends::Refused => {}
    }
    let mut plan = decide(cr, &observed, now);
    let repeated = |(step, request): (&Step, &Request)| {
        let write = digest_with_keys(&step.node, request, &observed);
        observed.refusals.iter().any(|one| one.write == write)
    };
    assert!(!plan.writes().any(repeated), "what was refused is repeated");
    let before = cr.report(&Reconcile { observed: &observed, plan: &plan, now });
    for step in plan.steps.iter_mut().filter(|step| step.writes()) {
        step.result = Some(match ends {
            Ends::Refused => Err(failure_with(text)),
            _ => Ok(Progress::Carried),
        });
    }
    vec![before, cr.report(&Reconcile { observed: &observed, plan: &plan, now })]
}

fn all_fit<S: Stored>(schema: &Value, world: &World, cr: &mut S, ends: Ends, text: &str) {
    // twice: what was said once is read, and kept, the next time
    for _ in 0..2 {
        for said in reports(world, cr, ends, text) {
            check(schema, &serde_json::to_value(&said.status).unwrap());
            for event in &said.events {
                assert!(event.message.chars().count() <= 1024 && event.reason.len() <= 128, "{event:?}");
            }
            cr.set_status(said.status);
        }
    }
}

/// The largest spec: 100 rules, 40 tags, everything named.
fn large_subnet(mark: &str, extra: &[(&str, Value)]) -> Vec<(&'static str, Value)> {
    let tags: Vec<Value> =
        (0..40).map(|n| json!({"name": format!("{mark}{n}-{}", "t".repeat(490)), "value": "v".repeat(256)})).collect();
    let rules: Vec<Value> = (0..100)
        .map(|n| json!({"name": format!("{mark}-rule-{n}"), "priority": 101 + n, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}))
        .collect();
    let group = json!({"name": "amlnsg", "preset": "ComputeInstance", "securityRules": rules});
    let mut all = vec![("/azure/tags", tags.into()), ("/clientSubnet/networkSecurityGroup", group)];
    for (path, value) in extra {
        if let Some(path) = ["/suspend", "/drift", "/adoption"].into_iter().find(|known| known == path) {
            all.push((path, value.clone()));
        }
    }
    all
}

#[test]
fn two_largest_specs_share_the_keys_of_what_was_adopted() {
    let mut world = World::default();
    let stands =
        json!({"location": "japaneast", "properties": {"provisioningState": "Succeeded", "securityRules": []}});
    world.put_arm(&group_id("amlnsg"), stands);
    let mut cr = subnet(&large_subnet("a", &[("/adoption", "IfUnowned".into())]));
    world.settle(&mut cr);
    let mut cr = edited(&cr, &large_subnet("b", &[]));
    let said = world.look(&cr).report;
    let most = said.status.resources.iter().map(|one| one.keys.len()).max().unwrap();
    assert!(most > 280, "both specs are remembered: {most}");
    check(&SCHEMAS[1], &serde_json::to_value(&said.status).unwrap());
    world.settle(&mut cr);
    let rules = world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"].clone();
    let old = rules.as_array().unwrap().iter().filter(|rule| rule["name"].as_str().unwrap().starts_with("a-")).count();
    assert_eq!((old, cr.status.as_ref().unwrap().settled_generation), (0, Some(2)), "it converges");
}

#[test]
fn spec_after_spec_that_is_refused_fills_the_keys_and_no_more() {
    let mut world = World::default();
    let stands =
        json!({"location": "japaneast", "properties": {"provisioningState": "Succeeded", "securityRules": []}});
    world.put_arm(&group_id("amlnsg"), stands);
    let mut cr = subnet(&large_subnet("a", &[("/adoption", "IfUnowned".into())]));
    world.settle(&mut cr);
    world.refuse = |_, _| Some(failure(400, "Surprise", reasons::AZURE_REFUSED, Retry::OnSpecChange));
    for mark in ["b", "c", "d", "e"] {
        cr = edited(&cr, &large_subnet(mark, &[]));
        world.pass(&mut cr);
        check(&SCHEMAS[1], &serde_json::to_value(cr.status.as_ref().unwrap()).unwrap());
    }
    world.refuse = |_, _| None;
    world.settle(&mut cr);
    let rules = world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"].clone();
    let ours = rules.as_array().unwrap().iter().filter(|rule| rule["name"].as_str().unwrap().starts_with("e-")).count();
    assert_eq!((ours, rules.as_array().unwrap().len()), (100, 101), "nothing that was taken is forgotten");
}

#[test]
fn more_steps_than_fit_are_counted() {
    let (mut world, _) = World::with_network();
    let mut cr = subnet(&large_subnet("a", &[("/drift", json!({"mode": "Detect"}))]));
    world.settle(&mut cr);
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = json!([]);
    let said = world.pass(&mut cr).report;
    let actions = &said.status.plan.as_ref().unwrap().actions;
    assert_eq!((actions.len(), actions[63].resource.as_str()), (64, "and 38 more"));
    assert_eq!(said.status.drift.len(), 101);
    let drifted = message(&said.status.conditions, "DriftDetected");
    assert!(drifted.ends_with(" more") && drifted.chars().count() <= acivnet_core::scrub::LONGEST, "{drifted}");
    check(&SCHEMAS[1], &serde_json::to_value(&said.status).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_subnets_status_fits(
        text in hostile(), many in 0usize..300, keys in 0usize..400, ends in ends(), mode in "Correct|Detect|Ignore",
        suspended in any::<bool>(), leaves in any::<bool>(), new in any::<bool>(), asked in any::<bool>(),
    ) {
        let (mut world, _) = World::with_network();
        let mut cr = subnet(&large_subnet("a", &[("/drift", json!({"mode": mode}))]));
        world.settle(&mut cr);
        disturb(&mut world, &text, many);
        burden(&mut cr, keys);
        if new {
            cr = edited(&cr, &large_subnet("b", &[("/suspend", suspended.into()), ("/adoption", "Force".into())]));
        }
        if asked {
            cr.metadata.annotations.get_or_insert_default().insert("acivnet.dev/reconcile-requested-at".into(), text.clone());
        }
        if leaves {
            cr = deleted(&cr);
        }
        all_fit::<DelegatedSubnet>(&SCHEMAS[1], &world, &mut cr, ends, &text);
        prop_assert!(!cr.asked(), "a look that was asked for is not taken again and again");
    }

    #[test]
    fn a_deployments_status_fits(
        text in hostile(), many in 0usize..300, keys in 0usize..400, ends in ends(), mode in "Correct|Detect|Ignore",
        failed in any::<bool>(), leaves in any::<bool>(), new in any::<bool>(), probe in hostile(),
    ) {
        let tags: Vec<Value> = (0..40).map(|n| json!({"name": format!("a{n}"), "value": "v"})).collect();
        let (mut world, mut cr) = World::serving(&[("/azure", json!({"tags": tags})), ("/drift", json!({"mode": mode}))]);
        disturb(&mut world, &text, many);
        burden(&mut cr, keys);
        if failed {
            world.service()["state"] = "Failed".into();
        }
        world.probe = Err(failure_with(&probe));
        if new {
            let tags: Vec<Value> = (0..40).map(|n| json!({"name": format!("b{n}"), "value": "v"})).collect();
            cr = edited(&cr, &[("/azure", json!({"tags": tags})), ("/description", "d".repeat(1024).into())]);
        }
        cr = annotated(&cr, "acivnet.dev/restart-requested-at", &text);
        if leaves {
            cr = deleted(&cr);
        }
        all_fit::<AciVnetDeployment>(&SCHEMAS[0], &world, &mut cr, ends, &text);
    }
}
