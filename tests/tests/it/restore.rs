//! Objects of one cluster, restored into another with another uid while Azure stays as it is: `docs/operations.md`.

use acivnet_tests::{
    in_process::{
        actions::{self, service},
        api_server::resources::{
            ACI_VNET_DEPLOYMENTS, CONFIG_MAPS, DELEGATED_SUBNETS, ResourceType, SECRETS, SERVICE_ACCOUNTS,
        },
        azure::dump,
        bed::{Action, Bed},
        driver::Driver,
        wire::{Disturbance, Sent},
    },
    kstatus,
    kube_bed::KubeBed,
    operator::Operator,
    run,
    simulator::Entry,
    tenant::{Form, Tenant},
    world::World,
};
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a backup of the tenant's namespace holds.
const BACKED_UP: [&ResourceType; 5] =
    [&CONFIG_MAPS, &SECRETS, &SERVICE_ACCOUNTS, &DELEGATED_SUBNETS, &ACI_VNET_DEPLOYMENTS];
/// What Velero leaves out of `metadata`, as it leaves out `status` (`resetMetadata` and `resetStatus` in its
/// pkg/restore/restore.go, release 1.15). Finalizers, labels and annotations come back.
const RESET: [&str; 9] = [
    "generateName",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
];

fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// A cluster in which `act` stands, and whose operator is gone.
async fn lost(act: Action) -> Bed {
    let bed = Bed::new(Disturbance::default()).await;
    let mut driver = Driver::start(&bed).await;
    act(&bed).await;
    driver.until_stable().await.expect("it comes to rest");
    assert_eq!(bed.ready(), 2);
    bed
}

/// What is restored, each object changed by `change`.
fn backup(bed: &Bed, change: impl Fn(&mut Value)) -> Vec<Value> {
    let mut objects: Vec<Value> =
        BACKED_UP.iter().flat_map(|resource| bed.cluster.list(resource)).map(restored).collect();
    objects.iter_mut().for_each(change);
    objects
}

/// An object as Velero gives it back.
fn restored(mut object: Value) -> Value {
    object.as_object_mut().expect("an object").remove("status");
    let meta = object["metadata"].as_object_mut().expect("metadata");
    RESET.iter().for_each(|name| drop(meta.remove(*name)));
    labels(meta)["velero.io/restore-name"] = json!("moved");
    object
}

fn labels(meta: &mut Map<String, Value>) -> &mut Value {
    meta.entry("labels").or_insert_with(|| json!({}))
}

fn ours(object: &mut Value) -> Option<&mut Value> {
    let is_ours = object["apiVersion"].as_str().is_some_and(|version| version.starts_with("acivnet.dev/"));
    is_ours.then(|| &mut object["spec"])
}

async fn settled(bed: &Bed) {
    Driver::start(bed).await.until_stable().await.unwrap_or_else(|why| panic!("{why}"));
}

/// The writes to Azure of a cluster's operator.
fn writes(bed: &Bed) -> Vec<Sent> {
    bed.wire.trace().into_iter().filter(Sent::writes_azure).collect()
}

fn none(writes: &[Sent]) -> bool {
    writes.is_empty()
}

/// The network and the deployment.
fn both(bed: &Bed) -> [Value; 2] {
    [(&DELEGATED_SUBNETS, "amlsubnet1"), (&ACI_VNET_DEPLOYMENTS, "aciservice")]
        .map(|(resource, name)| bed.cluster.get(&Bed::key(resource, name)).expect("it was restored"))
}

fn reasons(bed: &Bed) -> [String; 2] {
    both(bed).map(|object| kstatus::condition(&object, "Ready").1.to_owned())
}

/// Where what both name came from, but for what they only refer to.
fn origins(bed: &Bed) -> BTreeSet<String> {
    let resources = both(bed).map(|object| object["status"]["resources"].as_array().cloned().unwrap_or_default());
    let origins = resources.into_iter().flatten().map(|one| one["origin"].as_str().unwrap_or_default().to_owned());
    origins.filter(|origin| origin != "Referenced").collect()
}

/// Told the first cluster's id, the operator finds everything by its marks and has nothing to write.
#[test]
fn by_the_old_clusters_id_nothing_is_written() {
    for act in [actions::article as Action, service::article_with_generated_keys, service::article_with_tls] {
        paused(async {
            let first = lost(act).await;
            let before = dump(&first.azure).await;
            let second = first.second_cluster(backup(&first, |_| ())).with_cluster_id(first.cluster_uid());
            settled(&second).await;
            assert_eq!(second.ready(), 2, "{:#?}", both(&second));
            assert!(none(&writes(&second)));
            assert_eq!(dump(&first.azure).await, before);
            assert_eq!(origins(&second), ["Created".to_owned()].into());
        });
    }
}

/// They are still ours to delete.
#[test]
fn by_the_old_clusters_id_they_are_deleted_as_ever() {
    paused(async {
        let first = lost(actions::article).await;
        let second = first.second_cluster(backup(&first, |_| ())).with_cluster_id(first.cluster_uid());
        let mut driver = Driver::start(&second).await;
        driver.until_stable().await.expect("it comes to rest");
        actions::delete_all(&second).await;
        driver.until_stable().await.expect("it comes to rest");
        let left = dump(&first.azure).await;
        assert_eq!(
            (left["services"].as_array().map(Vec::len), left["models"].as_array().map(Vec::len)),
            (Some(0), Some(0))
        );
        let network = left["resources"].as_object().expect("resources").keys().find(|id| id.contains("/amlvnet1"));
        assert_eq!(network, None);
    });
}

/// With an id of its own it takes the first cluster's things for another's, and leaves them alone.
#[test]
fn by_another_id_nothing_is_touched() {
    paused(async {
        let first = lost(actions::article).await;
        let second = first.second_cluster(backup(&first, |_| ()));
        settled(&second).await;
        assert!(none(&writes(&second)));
        assert_eq!(reasons(&second), ["AdoptionRefused", "ServiceNameTaken"]);
    });
}

/// Suspended, it tells what taking over would write; resumed, it takes over without a gap: nothing is deleted, and the
/// service is neither made anew nor given other content.
#[test]
fn by_force_it_takes_over_without_a_gap() {
    paused(async {
        let first = lost(actions::article).await;
        let service = |dump: &Value| {
            let service = dump["services"][0].clone();
            (service["createdTime"].clone(), service["scoringUri"].clone(), service["environmentImageRequest"].clone())
        };
        let before = service(&dump(&first.azure).await);
        let second = first.second_cluster(backup(&first, |object| {
            if let Some(spec) = ours(object) {
                (spec["adoption"], spec["suspend"]) = (json!("Force"), json!(true));
            }
        }));
        let mut driver = Driver::start(&second).await;
        driver.until_stable().await.expect("it comes to rest");
        assert!(none(&writes(&second)));
        println!("{:#}", json!(both(&second).map(|object| object["status"]["plan"].clone())));
        for (resource, name) in [(&DELEGATED_SUBNETS, "amlsubnet1"), (&ACI_VNET_DEPLOYMENTS, "aciservice")] {
            second.cluster.merge(&Bed::key(resource, name), &json!({"spec": {"suspend": false}}));
        }
        driver.until_stable().await.expect("it comes to rest");
        assert_eq!(second.ready(), 2, "{:#?}", both(&second));
        let writes = writes(&second);
        assert!(!none(&writes));
        let destroys = |sent: &&Sent| sent.method == Method::DELETE || sent.creates();
        assert_eq!(writes.iter().find(destroys).map(ToString::to_string), None);
        assert_eq!(service(&dump(&first.azure).await), before);
        assert_eq!(origins(&second), ["Adopted".to_owned()].into());
    });
}

/// The same with real API servers and operators.
#[test]
fn by_force_on_real_api_servers() {
    run(async {
        let first = World::start().await;
        let tenant = Tenant::with_identity(&first, "moved", Form::Secret).await;
        tenant.how_to().await;
        first.stop_operator().await;
        let backup = backup_of(&first.bed, &tenant.namespace).await;
        let second = KubeBed::start().await;
        let uid = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
        assert_ne!(first.bed.kubectl(&uid).await.said(), second.kubectl(&uid).await.said());
        second.kubectl(&["create", "namespace", &tenant.namespace]).await.said();
        second.kubectl_with(&["create", "-f", "-"], &backup.to_string()).await.said();
        let since = first.azure.requests(0).await.len() as u64;
        let operator = Operator::start(&second, &first.azure).await;
        for kind in ["delegatedsubnets", "acivnetdeployments"] {
            let wait =
                ["wait", "--for=condition=Ready", "--all", kind, "-n", tenant.namespace.as_str(), "--timeout=120s"];
            second.kubectl(&wait).await.said();
        }
        operator.stop().await;
        let writes = tenant.writes(since).await;
        let makes = |path: &str| ["/services", "/models", "/assets"].iter().any(|end| path.ends_with(end));
        let destroys = |entry: &&Entry| entry.verb == "DELETE" || entry.verb == "POST" && makes(&entry.path);
        assert_eq!(format!("{:?}", writes.iter().filter(destroys).collect::<Vec<_>>()), "[]");
        assert!(writes.iter().any(|entry| entry.path.ends_with(&tenant.service)), "the service is marked: {writes:?}");
    });
}

/// What is restored of a namespace, as a list: what every namespace has by itself is there already.
async fn backup_of(bed: &KubeBed, namespace: &str) -> Value {
    let kinds = "configmaps,secrets,delegatedsubnets,acivnetdeployments";
    let list = bed.kubectl(&["get", kinds, "-n", namespace, "-o", "json"]).await.said();
    let mut list: Value = serde_json::from_str(&list).expect("JSON");
    let items = list["items"].as_array_mut().expect("a list");
    items.retain(|object| object["metadata"]["name"] != "kube-root-ca.crt");
    for object in items.iter_mut() {
        *object = restored(object.take());
        if let Some(spec) = ours(object) {
            spec["adoption"] = json!("Force");
        }
    }
    list
}
