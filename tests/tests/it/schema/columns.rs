//! What `kubectl get` shows.

use super::api;
use acivnet_tests::{
    examples::{self, Object},
    kube_bed::KubeBed,
    run,
};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

fn condition(type_: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": "True", "reason": reason, "message": message, "lastTransitionTime": "2026-11-19T08:00:00Z"})
}

/// Header and row of a table. The age is the clock's.
async fn table(bed: &KubeBed, namespace: &str, object: &Object, status: Value, wide: bool) -> [Vec<String>; 2] {
    let api = api(bed, namespace, object);
    if api.get_opt(object.name()).await.expect("a read").is_none() {
        api.create(&PostParams::default(), &object.typed()).await.expect("the object is made");
        api.patch_status(object.name(), &PatchParams::default(), &Patch::Merge(json!({"status": status})))
            .await
            .expect("status is taken");
    }
    let short = if object.0["kind"] == "DelegatedSubnet" { "dsub" } else { "acivd" };
    let output: &[&str] = if wide { &["-o", "wide"] } else { &[] };
    let text = bed.kubectl(&[&["get", short, "-n", namespace], output].concat()).await.said();
    let lines: Vec<&str> = text.lines().collect();
    let [header, row] = lines.as_slice() else { panic!("one header and one row expected:\n{text}") };
    let words =
        |line: &str| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let (header, mut row): (Vec<String>, Vec<String>) = (words(header), words(row));
    let age = header.iter().position(|name| name == "AGE").expect("AGE");
    row[age] = "AGE".into();
    [header, row]
}

#[test]
fn subnets() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("columns").await;
        let status = json!({
            "observedGeneration": 1, "subnetLabel": "amlvnet1/amlsubnet1", "capacity": {"total": 251, "used": 1, "available": 250},
            "conditions": [
                condition("EgressReady", "NATGateway", "by nat-ml"), condition("Ready", "Delegated", "subnet is delegated"),
            ],
        });
        let [header, row] = table(bed, &namespace, &examples::subnet(), status.clone(), false).await;
        assert_eq!(header, ["NAME", "READY", "REASON", "SUBNET", "PREFIX", "USED", "FREE", "AGE"]);
        assert_eq!(row, ["amlsubnet1", "True", "Delegated", "amlvnet1/amlsubnet1", "10.0.1.0/24", "1", "250", "AGE"]);
        let [header, row] = table(bed, &namespace, &examples::subnet(), status, true).await;
        assert_eq!(header[8..], ["EGRESS", "LOCATION", "MANAGEMENT", "MESSAGE"]);
        assert_eq!(row[8..], ["NATGateway", "japaneast", "Create", "subnet is delegated"]);
    });
}

#[test]
fn deployments() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("columns").await;
        let status = json!({
            "observedGeneration": 1, "modelLabel": "mymodel:1", "revision": 1, "probeSummary": "200", "subnetLabel": "amlvnet1/amlsubnet1",
            "endpoint": {"scoringURI": "http://10.0.1.4/score", "addresses": ["10.0.1.4"], "moves": 0},
            "conditions": [condition("Ready", "Serving", "answered 200")],
        });
        let [header, row] = table(bed, &namespace, &examples::deployment(), status.clone(), false).await;
        assert_eq!(header, ["NAME", "READY", "REASON", "URL", "MODEL", "REV", "PROBE", "AGE"]);
        assert_eq!(row, ["aciservice", "True", "Serving", "http://10.0.1.4/score", "mymodel:1", "1", "200", "AGE"]);
        let [header, row] = table(bed, &namespace, &examples::deployment(), status, true).await;
        assert_eq!(header[8..], ["IP", "MOVES", "BACKEND", "SUBNET", "MESSAGE"]);
        assert_eq!(row[8..], ["10.0.1.4", "0", "AzureMLWebService", "amlvnet1/amlsubnet1", "answered 200"]);
    });
}

#[test]
fn the_category_lists_both_kinds() {
    run(async {
        let bed = KubeBed::shared().await;
        let namespace = bed.namespace("category").await;
        for object in [examples::subnet(), examples::deployment()] {
            let made = api(bed, &namespace, &object)
                .create(&PostParams::default(), &object.typed())
                .await
                .expect("the object is made");
            assert_eq!(made.data.pointer("/status"), Some(&json!({"observedGeneration": -1})), "{}", made.name_any());
        }
        let names = bed.kubectl(&["get", "acivnet", "-n", &namespace, "-o", "name"]).await.said();
        assert_eq!(names, "acivnetdeployment.acivnet.dev/aciservice\ndelegatedsubnet.acivnet.dev/amlsubnet1\n");
        let all = bed.kubectl(&["get", "all", "-n", &namespace, "-o", "name"]).await.said();
        assert_eq!(all, "", "ours are not in the category all");
    });
}
