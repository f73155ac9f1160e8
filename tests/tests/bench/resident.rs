//! Memory, processor time and restart of the released program, against a real API server and the simulated Azure.

use crate::process::{Azure, Memory, Operator};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_tests::{kube_bed::KubeBed, many_objects::ManyObjects, results::Results, run};
use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fmt::Debug, time::Duration};
use tokio::time::Instant;

/// The pace at which sweeps are watched.
const PACE: f64 = 0.1;
/// For how long in production, in seconds: twelve sweeps, of which one takes nothing for granted.
const HOUR: f64 = 3600.0;

/// Bars: memory at rest in MiB, processor time at rest in percent of a core, and seconds until everything is observed after a
/// restart.
struct Bars {
    memory: f64,
    idle: f64,
    observed: f64,
}

/// One tenant with 1,000 deployments over 100 subnets.
pub fn thousand(results: &mut Results) {
    run(measure(results, 1, &Bars { memory: 18.5, idle: 0.4, observed: 4.0 }));
}

/// Ten such tenants.
pub fn ten_thousand(results: &mut Results) {
    run(measure(results, 10, &Bars { memory: 52.0, idle: 1.0, observed: 24.0 }));
}

async fn measure(results: &mut Results, tenants: usize, bars: &Bars) {
    let all: Vec<ManyObjects> = (0..tenants).map(objects).collect();
    let (deployments, objects) = (tenants * 1000, tenants * all[0].len());
    let bed = KubeBed::start().await;
    let seeds: Vec<Value> = all.iter().enumerate().map(|(number, objects)| seed(number, objects, &bed)).collect();
    let azure = Azure::start(&bed, &merged(&seeds)).await;
    for (number, objects) in all.iter().enumerate() {
        apply(&bed, number, objects).await;
    }
    let maker = Operator::start(&bed, &azure, 0.05);
    until_ready(&bed, objects).await;
    until_quiet(&maker).await;
    maker.stop();
    let (_, before) = azure.requests().await;
    let operator = Operator::start(&bed, &azure, PACE);
    let observed = operator.until_settled(objects).await;
    let (cpu, passes) = (operator.process.cpu(), operator.counter("acivnet_reconciles_total", "").await);
    let watched = HOUR * PACE;
    tokio::time::sleep(Duration::from_secs_f64(watched)).await;
    let Memory { resident: rss, file, most } = operator.process.memory();
    let taken = operator.process.cpu() - cpu;
    let busy = taken / watched * PACE * 100.0;
    let swept = (operator.counter("acivnet_reconciles_total", "").await - passes) / objects as f64;
    let writes = azure.requests().await.1 - before;
    let kubernetes = operator.kubernetes_writes().await;
    let about = |what: &str| format!("{what} at {deployments}");
    results.bar(
        about("resident memory"),
        format!("≤ {} MiB", bars.memory),
        format!("{rss:.1} MiB"),
        rss <= bars.memory,
    );
    let (seconds, sweep) = (observed.as_secs_f64(), taken / swept);
    results.text(format!(
        "{deployments} deployments over {} subnets in {tenants} namespace(s), each with one identity, resource group \
         and workspace: the released program against a real API server and the simulated Azure as another process. \
         After a restart {swept:.1} sweeps over all objects in {watched:.0} s, which stand for an hour, to which \
         processor time is scaled: {busy:.2} % of a core, {sweep:.2} s a sweep. Every object was observed {seconds:.1} s \
         after the restart. \
         Peak memory: {most:.1} MiB. Of the resident memory, {file:.1} MiB are pages of the program's file.",
        tenants * 100
    ));
    let (idle, restart) = (format!("≤ {} % of a core", bars.idle), format!("≤ {} s", bars.observed));
    results.bar(about("idle processor time"), idle, format!("{busy:.2} %"), busy <= bars.idle);
    results.bar(about("restart: every object observed"), restart, format!("{seconds:.1} s"), seconds <= bars.observed);
    results.bar(about("restart and sweeps: writes to Azure"), "0", writes, writes == 0);
    results.bar(about("restart and sweeps: writes to Kubernetes"), "0", kubernetes, kubernetes == 0.0);
}

fn objects(number: usize) -> ManyObjects {
    let subscription = format!("00000001-0000-4000-8000-{number:012}");
    ManyObjects {
        namespace: format!("crowd-{number}"),
        subscription,
        subnets: 100,
        subnets_of_a_network: 10,
        client_subnets: true,
        deployments: 1000,
    }
}

fn guid(kind: u32, number: usize) -> String {
    format!("{kind:08}-0000-4000-8000-{number:012}")
}

fn seed(number: usize, objects: &ManyObjects, bed: &KubeBed) -> Value {
    let (tenant, client, principal) = (guid(2, number), guid(3, number), guid(4, number));
    let scope = format!("/subscriptions/{}/resourceGroups/amlrg", objects.subscription);
    let credential = json!({
        "name": "bed", "issuer": bed.url(), "subject": format!("system:serviceaccount:{}:acivnet", objects.namespace),
        "audience": "api://AzureADTokenExchange",
    });
    json!({
        "tenants": [tenant],
        "subscriptions": [{"subscriptionId": objects.subscription, "tenantId": tenant}],
        "resourceGroups": [{"subscriptionId": objects.subscription, "name": "amlrg", "location": "japaneast"}],
        "workspaces": [{
            "subscriptionId": objects.subscription, "resourceGroup": "amlrg", "name": "amlws", "location": "japaneast",
            "storageAccount": format!("amlstorage{number}"),
        }],
        "applications": [{
            "tenantId": tenant, "clientId": client, "objectId": principal, "secrets": [],
            "federatedCredentials": [credential],
        }],
        "roleAssignments": [{"principalId": principal, "role": "Contributor", "scope": scope}],
    })
}

fn merged(seeds: &[Value]) -> Value {
    let mut all = json!({});
    for (name, items) in seeds.iter().flat_map(|seed| seed.as_object().expect("a seed")) {
        let place = all[name].take();
        let mut list = place.as_array().cloned().unwrap_or_default();
        list.extend(items.as_array().expect("a list").iter().cloned());
        all[name] = list.into();
    }
    all
}

/// What the administrator and the tenant apply.
async fn apply(bed: &KubeBed, number: usize, objects: &ManyObjects) {
    let namespace: Namespace = typed(json!({"metadata": {"name": objects.namespace}}));
    Api::<Namespace>::all(bed.client()).create(&Default::default(), &namespace).await.expect("a namespace");
    let annotations = json!({
        "azure.workload.identity/client-id": guid(3, number), "azure.workload.identity/tenant-id": guid(2, number),
    });
    put::<ServiceAccount>(
        bed,
        objects,
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "acivnet", "annotations": annotations},
        }),
    )
    .await;
    put::<ConfigMap>(bed, objects, objects.files()).await;
    let puts = objects.objects().into_iter().map(|object| async move {
        if object["kind"] == "DelegatedSubnet" {
            put::<DelegatedSubnet>(bed, objects, object).await;
        } else {
            put::<AciVnetDeployment>(bed, objects, object).await;
        }
    });
    stream::iter(puts).buffer_unordered(8).collect::<Vec<()>>().await;
}

async fn put<K>(bed: &KubeBed, objects: &ManyObjects, object: Value)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
    let api = Api::<K>::namespaced(bed.client(), &objects.namespace);
    api.patch(&name, &PatchParams::apply("bench").force(), &Patch::Apply(object)).await.expect("it is taken");
}

fn typed<K: DeserializeOwned>(object: Value) -> K {
    serde_json::from_value(object).expect("an object")
}

/// Waits until nothing has been told for longer than any news is held back.
async fn until_quiet(operator: &Operator) {
    let (mut written, mut since) = (operator.kubernetes_writes().await, Instant::now());
    while since.elapsed() < Duration::from_secs(50) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = operator.kubernetes_writes().await;
        if now > written {
            (written, since) = (now, Instant::now());
        }
    }
}

/// Waits until every object is ready; the columns of `kubectl get` would tell the same.
async fn until_ready(bed: &KubeBed, wanted: usize) {
    loop {
        let subnets = Api::<DelegatedSubnet>::all(bed.client()).list(&Default::default()).await.expect("a list");
        let deployments = Api::<AciVnetDeployment>::all(bed.client()).list(&Default::default()).await.expect("a list");
        let subnets = subnets.items.iter().filter_map(|one| one.status.as_ref()).map(|status| &status.conditions);
        let deployments = deployments.items.iter().filter_map(|one| one.status.as_ref()).map(|one| &one.conditions);
        let ready = |conditions: &&Vec<_>| acivnet_core::conditions::is_true(conditions, "Ready");
        let count = subnets.filter(ready).count() + deployments.filter(ready).count();
        eprintln!("{count} of {wanted} objects are ready");
        if count == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}
