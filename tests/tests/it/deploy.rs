//! What `deploy` ships, taken by a real API server.

use acivnet_tests::{kube_bed::KubeBed, repository, run};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

/// The objects of a kustomization.
async fn objects(bed: &KubeBed, folder: &str) -> Vec<Value> {
    let path = repository().join(folder);
    let text = bed.kubectl(&["kustomize", path.to_str().expect("a path")]).await.said();
    text.split("\n---\n")
        .map(|one| serde_saphyr::from_str(one).unwrap_or_else(|error| panic!("{error}: {one}")))
        .collect()
}

fn of_kind<'o>(objects: &'o [Value], kind: &str) -> &'o Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// The ConfigMap's name with its hash reaches every place that refers to it, so that a changed file is a changed object.
#[test]
fn the_example_follows_its_files() {
    run(async {
        let bed = KubeBed::shared().await;
        let objects = objects(bed, "deploy/examples/article").await;
        let name = of_kind(&objects, "ConfigMap").pointer("/metadata/name").and_then(Value::as_str).expect("a name");
        assert!(name.starts_with("churn-") && name.len() > "churn-".len(), "{name}");
        let deployment = of_kind(&objects, "AciVnetDeployment");
        for place in ["model/source", "scoring/script", "environment/conda", "probe/request"] {
            let refers = deployment.pointer(&format!("/spec/{place}/configMap/name")).and_then(Value::as_str);
            assert_eq!(refers, Some(name), "{place}");
        }
    });
}

/// Places in a schema that name an object of the namespace, by its kind.
fn references(schema: &Value, place: &str, found: &mut BTreeSet<(String, String)>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        let kind = match name.as_str() {
            "configMap" => "ConfigMap",
            "secretRef" | "secretKeyRef" => "Secret",
            _ => {
                references(member, &place, found);
                references(&member["items"], &place, found);
                continue;
            }
        };
        found.insert((kind.to_owned(), format!("{place}/name")));
    }
}

/// A generated name reaches every place of an `AciVnetDeployment` that names a ConfigMap or a Secret.
#[test]
fn kustomize_knows_every_reference() {
    let crd = acivnet_api::crds().into_iter().next().expect("a definition");
    let crd = serde_json::to_value(crd).expect("JSON");
    let mut wanted = BTreeSet::new();
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    references(crd.pointer(spec).expect("a schema"), "spec", &mut wanted);
    let text = fs::read_to_string(repository().join("deploy/kustomize/name-reference.yaml")).expect("the file");
    let known: Value = serde_saphyr::from_str(&text).expect("YAML");
    let word = |value: &Value| value.as_str().expect("a text").to_owned();
    let of_kind = known["nameReference"].as_array().expect("a list").iter();
    let known: BTreeSet<_> = of_kind
        .flat_map(|one| one["fieldSpecs"].as_array().expect("a list").iter().map(|at| (&one["kind"], &at["path"])))
        .map(|(kind, path)| (word(kind), word(path)))
        .collect();
    assert_eq!(known, wanted);
}

#[test]
fn the_example_is_applied_whole() {
    run(async {
        let bed = KubeBed::shared().await;
        bed.kubectl(&["create", "namespace", "ml"]).await.said();
        let folder = repository().join("deploy/examples/article");
        let folder = folder.to_str().expect("a path");
        let said = bed.kubectl(&["apply", "--server-side", "-k", folder]).await.said();
        assert_eq!(said.lines().filter(|line| line.ends_with("serverside-applied")).count(), 3, "{said}");
        bed.kubectl(&["delete", "-k", folder, "--wait=false"]).await.said();
    });
}

/// A manifest of the operator.
fn manifest(file: &str) -> Value {
    let text = fs::read_to_string(repository().join("deploy/operator").join(file)).expect("a manifest");
    serde_saphyr::from_str(&text).expect("YAML")
}

/// Probes have time, what the operator can't learn of the cluster is asked for, and the policy is about its Pods.
#[test]
fn the_operator_is_shipped_for_a_cluster_with_tenants() {
    let deployment = manifest("deployment.yaml");
    let container = deployment.pointer("/spec/template/spec/containers/0").expect("a container");
    for probe in ["livenessProbe", "readinessProbe"] {
        assert!(container[probe]["timeoutSeconds"].as_u64() >= Some(5), "{probe}");
    }
    let env = container["env"].as_array().expect("settings");
    assert!(env.iter().any(|one| one["name"] == "ACIVNET_CLUSTER_NETWORKS"), "{env:?}");
    let policy = manifest("network-policy.yaml");
    let labels = deployment.pointer("/spec/template/metadata/labels").expect("labels");
    assert_eq!(policy.pointer("/spec/podSelector/matchLabels"), Some(labels));
    let port = &policy["spec"]["ingress"][0]["ports"][0]["port"];
    assert_eq!(port, &container["ports"][0]["name"], "nothing else is served");
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let kustomization = manifest("kustomization.yaml");
    assert!(kustomization["resources"].as_array().expect("files").contains(&json!("network-policy.yaml")));
}

/// The namespace of the operator enforces `restricted`; the operator's Pods are admitted to it.
#[test]
fn the_operator_is_admitted_to_its_namespace() {
    run(async {
        let bed = KubeBed::shared().await;
        let objects = objects(bed, "deploy/operator").await;
        let level = of_kind(&objects, "Namespace").pointer("/metadata/labels/pod-security.kubernetes.io~1enforce");
        assert_eq!(level, Some(&json!("restricted")));
        let deployment = of_kind(&objects, "Deployment");
        assert_eq!(deployment.pointer("/spec/replicas"), Some(&json!(2)));
        let budget = of_kind(&objects, "PodDisruptionBudget").pointer("/spec/selector");
        assert_eq!(deployment.pointer("/spec/selector"), budget, "the budget is that of the operator's Pods");
        let mut pod = deployment.pointer("/spec/template").expect("a template").clone();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = "admitted".into();
        let create = ["create", "--dry-run=server", "-n", "acivnet-system", "-f-"];
        bed.kubectl_with(&create, &pod.to_string()).await.said();
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
        let said = bed.kubectl_with(&create, &pod.to_string()).await.refused();
        assert!(said.contains("violates PodSecurity"), "{said}");
    });
}
