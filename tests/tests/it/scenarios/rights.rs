//! The rights that `deploy/operator` gives suffice, and none of them is unused.

use super::text;
use acivnet_tests::{
    repository, run,
    tenant::{Form, Tenant},
    world::World,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const OPERATOR: &str = "system:serviceaccount:acivnet-system:acivnet-operator";

/// One thing that may be done: group, resource with subresource, name where one is given, verb.
type Right = (String, String, Option<String>, String);

#[test]
fn suffice_and_none_is_unused() {
    run(async {
        let world = World::shared().await;
        for form in [Form::ServiceAccount, Form::Secret] {
            let tenant = Tenant::with_identity(world, "rights", form).await;
            tenant.how_to().await;
            tenant.delete(&tenant.deployment()).await;
            tenant.delete(&tenant.subnet()).await;
            tenant.gone(&tenant.subnet()).await;
        }
        let rights = rights();
        assert!(rights.len() > 10, "{rights:?}");
        let unused = || async {
            let used = requests(world);
            let unused: Vec<_> =
                rights.iter().filter(|right| !used.iter().any(|request| covers(right, request))).collect();
            if unused.is_empty() { Ok(()) } else { Err(format!("rights that nothing used: {unused:#?}")) }
        };
        acivnet_tests::eventually("every right is used", unused).await.unwrap_or_else(|why| panic!("{why}"));
        let refused: Vec<_> = audit(world)
            .into_iter()
            .filter(|event| text(event, "/annotations/authorization.k8s.io~1decision") == "forbid")
            .collect();
        assert!(refused.is_empty(), "requests that were refused: {refused:#?}");
    });
}

/// Every right of the operator, taken apart.
fn rights() -> BTreeSet<Right> {
    ["cluster-role.yaml", "lease-role.yaml"].into_iter().flat_map(rights_in).collect()
}

/// Those of the role that a file begins with.
fn rights_in(file: &str) -> BTreeSet<Right> {
    let text = std::fs::read_to_string(repository().join("deploy/operator").join(file)).expect("a role");
    let role: Value = serde_saphyr::from_str(text.split("---").next().unwrap_or_default()).expect("YAML");
    let texts = |rule: &Value, name: &str| -> Vec<String> {
        rule[name].as_array().into_iter().flatten().map(|one| one.as_str().expect("a text").to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().expect("rules") {
        let names = texts(rule, "resourceNames").into_iter().map(Some).collect::<Vec<_>>();
        let names = if names.is_empty() { vec![None] } else { names };
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for name in &names {
                    rights.extend(
                        texts(rule, "verbs")
                            .into_iter()
                            .map(|verb| (group.clone(), resource.clone(), name.clone(), verb)),
                    );
                }
            }
        }
    }
    rights
}

fn covers(right: &Right, request: &Right) -> bool {
    let (group, resource, name, verb) = right;
    (group, resource, verb) == (&request.0, &request.1, &request.3) && (name.is_none() || *name == request.2)
}

/// What the operator asked the API server.
fn audit(world: &World) -> Vec<Value> {
    world.bed.audit().into_iter().filter(|event| text(event, "/user/username") == OPERATOR).collect()
}

fn requests(world: &World) -> BTreeSet<Right> {
    let right = |event: &Value| {
        let word = |name: &str| event.pointer(&format!("/objectRef/{name}")).and_then(Value::as_str);
        let resource = word("resource")?;
        let resource = word("subresource").map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}"));
        Some((
            word("apiGroup").unwrap_or_default().to_owned(),
            resource,
            word("name").map(str::to_owned),
            text(event, "/verb").to_owned(),
        ))
    };
    audit(world).iter().filter_map(right).collect()
}

/// Whoever may use the operator's account can do no more than that.
#[test]
fn the_operator_can_not_read_other_secrets() {
    run(async {
        let world = World::shared().await;
        let tenant = Tenant::new(world, "secrets").await;
        let config = world.bed.config_of("acivnet-system", "acivnet-operator").await;
        let client = kube::Client::try_from(config).expect("a client");
        for (verb, resource, subresource, name) in [
            ("get", "secrets", "", "other"),
            ("list", "secrets", "", ""),
            ("create", "serviceaccounts", "token", "default"),
            ("update", "acivnetdeployments", "", "aciservice"),
            ("delete", "acivnetdeployments", "", "aciservice"),
            ("create", "configmaps", "", ""),
        ] {
            let group = if resource == "acivnetdeployments" { "acivnet.dev" } else { "" };
            let attributes = json!({"namespace": tenant.namespace, "verb": verb, "group": group, "resource": resource, "subresource": subresource, "name": name});
            let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
            let review: k8s_openapi::api::authorization::v1::SelfSubjectAccessReview =
                serde_json::from_value(review).expect("a review");
            let answer = kube::Api::all(client.clone()).create(&Default::default(), &review).await.expect("an answer");
            assert!(!answer.status.expect("a status").allowed, "{verb} {resource}/{subresource} {name}");
        }
    });
}
