//! An accepted and a refused example for every CEL rule.

mod deployment;
mod subnet;
mod texts;

use super::{change, create};
use acivnet_tests::{examples::Object, kube_bed::KubeBed, run};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is tried.
enum Try {
    /// A new object.
    New(Object),
    /// A change from one object to another.
    Change(Object, Object),
}

impl Try {
    /// The same new object with one more field set.
    fn edited(self, pointer: &str, value: impl Into<Value>) -> Self {
        match self {
            New(object) => New(object.with(pointer, value)),
            Change(old, new) => Change(old, new.with(pointer, value)),
        }
    }
}

/// A rule's message, what it takes, and what it refuses.
struct Rule {
    message: &'static str,
    accepted: Vec<Try>,
    refused: Vec<Try>,
}

fn rule(
    message: &'static str,
    accepted: impl IntoIterator<Item = Try>,
    refused: impl IntoIterator<Item = Try>,
) -> Rule {
    Rule { message, accepted: accepted.into_iter().collect(), refused: refused.into_iter().collect() }
}

use Try::{Change, New};

/// No example can break these, for the reason given.
const UNBREAKABLE: [(&str, &str); 1] =
    [("backend.type cannot change; create a new AciVnetDeployment", "there is one type only")];

#[test]
fn subnet_rules() {
    run(hold(&subnet::table()));
}

#[test]
fn deployment_rules() {
    run(hold(&deployment::table()));
}

#[test]
fn texts_of_a_subnet() {
    run(hold(&texts::of_subnet()));
}

#[test]
fn texts_of_a_deployment() {
    run(hold(&texts::of_deployment()));
}

/// The API server answers a pattern with the regular expression, which tells nobody how to write it.
#[test]
fn no_refusal_is_a_bare_pattern() {
    fn patterns(schema: &Value, at: &str, found: &mut Vec<String>) {
        let Value::Object(members) = schema else { return };
        if members.get("pattern").is_some_and(Value::is_string) {
            found.push(at.to_owned());
        }
        for (name, member) in members {
            patterns(member, &format!("{at}/{name}"), found);
        }
    }
    let mut found = Vec::new();
    for crd in acivnet_api::crds() {
        let crd = serde_json::to_value(&crd).expect("JSON");
        let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        assert!(spec.is_object());
        patterns(spec, "spec", &mut found);
    }
    assert_eq!(found, Vec::<String>::new(), "write them as rules with a message, in crates/api/src/rules.rs");
}

#[test]
fn every_rule_has_examples() {
    let tables = [subnet::table(), texts::of_subnet(), deployment::table(), texts::of_deployment()];
    let tried: BTreeSet<&str> = tables.iter().flatten().map(|rule| rule.message).collect();
    let unbreakable = UNBREAKABLE.iter().map(|(message, _)| *message);
    let known: BTreeSet<&str> = tried.iter().copied().chain(unbreakable).collect();
    let stated = stated_messages();
    let stated: BTreeSet<&str> = stated.iter().map(String::as_str).collect();
    assert_eq!(known, stated, "messages with examples, and messages in the definitions");
    let backend = acivnet_api::crds().map(|crd| serde_json::to_value(crd).expect("JSON"));
    let types = backend[0]
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/backend/properties/type/enum");
    assert_eq!(types.and_then(Value::as_array).map(Vec::len), Some(1), "give backend.type examples: it can change now");
}

async fn hold(table: &[Rule]) {
    let bed = KubeBed::shared().await;
    let namespace = bed.namespace("rules").await;
    let mut wrong = Vec::new();
    for Rule { message, accepted, refused } in table {
        assert!(!accepted.is_empty() && !refused.is_empty(), "{message}: needs an accepted and a refused example");
        for (number, example) in accepted.iter().enumerate() {
            if let Err(said) = attempt(bed, &namespace, example).await {
                wrong.push(format!("{message}\n  accepted example {number} is refused: {said}"));
            }
        }
        for (number, example) in refused.iter().enumerate() {
            match attempt(bed, &namespace, example).await {
                Err(said) if said.contains(message) => {}
                answer => wrong.push(format!("{message}\n  refused example {number}: {answer:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn attempt(bed: &KubeBed, namespace: &str, example: &Try) -> Result<(), String> {
    match example {
        New(object) => create(bed, namespace, object).await,
        Change(old, new) => change(bed, namespace, old, new).await,
    }
}

/// Every message of an `x-kubernetes-validations` in both definitions.
fn stated_messages() -> BTreeSet<String> {
    fn collect(schema: &Value, messages: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                for validation in
                    members.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten()
                {
                    let message = validation.get("message").and_then(Value::as_str);
                    messages
                        .insert(message.unwrap_or_else(|| panic!("a rule without message: {validation}")).to_owned());
                }
                members.values().for_each(|member| collect(member, messages));
            }
            Value::Array(list) => list.iter().for_each(|item| collect(item, messages)),
            _ => {}
        }
    }
    let mut messages = BTreeSet::new();
    for crd in acivnet_api::crds() {
        collect(&serde_json::to_value(&crd).expect("JSON"), &mut messages);
    }
    messages
}

const NAME: &str = "metadata.name must have at most 63 characters: the owner mark must fit an Azure tag";
const OWN_TAG: &str = "tags that begin with acivnet- are the controller's own marks";
