//! One version of the operator follows another and goes back again, while objects are at rest, roll out, or go: nothing
//! more is written to Azure than one version alone would write, and what is at rest is not touched at all.
//!
//! `ACIVNET_PREVIOUS=<program>` is the version before, such as the last release's binary. Without it, it is this one, as
//! another replica that knows nothing.

use acivnet_tests::{
    kstatus,
    many_objects::ManyObjects,
    replica::{Replica, Run},
    run,
    simulator::Entry,
    tenant::Tenant,
    world::World,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::sleep;

const THIS: &str = env!("CARGO_BIN_EXE_acivnet-replica");
const PACE: f64 = 0.02;
/// Sweeps are 300 s apart: long enough that each object is looked at.
const SWEEP: Duration = Duration::from_secs(300);

fn crowd(tenant: &Tenant<'_>) -> ManyObjects {
    ManyObjects {
        namespace: tenant.namespace.clone(),
        subscription: tenant.subscription.clone(),
        subnets: 5,
        subnets_of_a_network: 5,
        client_subnets: true,
        deployments: 45,
    }
}

fn api(tenant: &Tenant<'_>, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("acivnet.dev", "v1alpha1", kind));
    Api::namespaced_with(tenant.world.bed.client(), &tenant.namespace, &resource)
}

async fn objects(tenant: &Tenant<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in ["DelegatedSubnet", "AciVnetDeployment"] {
        let listed = api(tenant, kind).list(&ListParams::default()).await.expect("a list");
        all.extend(listed.items.into_iter().map(|one| serde_json::to_value(one).expect("JSON")));
    }
    all
}

fn is_settled(object: &Value) -> bool {
    object.pointer("/status/settledGeneration") == object.pointer("/metadata/generation")
        && kstatus::condition(object, "Ready").0 == "True"
}

async fn until_settled(tenant: &Tenant<'_>, count: usize) {
    let ask = || async {
        let all = objects(tenant).await;
        let settled = all.iter().filter(|one| is_settled(one)).count();
        if (all.len(), settled) == (count, count) { Ok(()) } else { Err(format!("{settled} of {} are", all.len())) }
    };
    acivnet_tests::eventually("all are settled", ask).await.unwrap_or_else(|why| panic!("{why}"));
}

/// resourceVersions by name, of those whose names are not excepted.
async fn versions(tenant: &Tenant<'_>, except: &[&str]) -> BTreeMap<String, String> {
    let text = |one: &Value, at: &str| one.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = objects(tenant)
        .await
        .into_iter()
        .map(|one| (text(&one, "/metadata/name"), text(&one, "/metadata/resourceVersion")));
    all.filter(|(name, _)| !except.contains(&name.as_str())).collect()
}

/// One leads after the other, which is told to end.
async fn follow(before: &mut Replica, program: &str, tenant: &Tenant<'_>) -> Replica {
    let how = Run { program, pace: PACE, lease_seconds: 5 };
    let next = Replica::start(how, &tenant.world.bed, &tenant.world.azure).await;
    before.signal(Signal::SIGTERM);
    assert!(before.ended().await, "it ends by itself");
    next.leads().await;
    next
}

async fn rest() {
    sleep(SWEEP.mul_f64(PACE * 1.5)).await;
}

/// Writes about one web service.
fn about<'e>(writes: &'e [Entry], name: &str) -> Vec<&'e str> {
    let ending = format!("/services/{name}");
    writes
        .iter()
        .filter(|entry| entry.path.to_lowercase().ends_with(&ending))
        .map(|entry| entry.verb.as_str())
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story")]
fn a_version_follows_another_and_goes_back() {
    run(async {
        let previous = std::env::var("ACIVNET_PREVIOUS").unwrap_or_else(|_| THIS.to_owned());
        let world = World::without_operator().await;
        let tenant = Tenant::new(&world, "upgraded").await;
        let crowd = crowd(&tenant);
        tenant.put::<ConfigMap>("churn", crowd.files()).await;
        for object in crowd.objects() {
            let kind = object["kind"].as_str().expect("a kind");
            let name = object["metadata"]["name"].as_str().expect("a name");
            let applied = api(&tenant, kind).patch(name, &PatchParams::apply("tests"), &Patch::Apply(&object)).await;
            applied.expect("the object is taken");
        }
        let how = Run { program: &previous, pace: PACE, lease_seconds: 5 };
        let mut first = Replica::start(how, &world.bed, &world.azure).await;
        until_settled(&tenant, 50).await;
        rest().await;

        let (rolled, deleted) = (["service-0", "service-1", "service-2"], ["service-3", "service-4"]);
        let touched: Vec<&str> = rolled.into_iter().chain(deleted).collect();
        // subnets count the deployments in them
        let subnets = ["subnet-0", "subnet-1", "subnet-2", "subnet-3", "subnet-4"];
        let except: Vec<&str> = touched.iter().copied().chain(subnets).collect();
        let (at_rest, mark) = (versions(&tenant, &except).await, tenant.mark().await);
        let deployments = api(&tenant, "AciVnetDeployment");
        let variables = json!({"spec": {"scoring": {"environmentVariables": [{"name": "MODE", "value": "new"}]}}});
        for name in rolled {
            deployments.patch(name, &PatchParams::default(), &Patch::Merge(&variables)).await.expect("a change");
        }
        for name in deleted {
            deployments.delete(name, &DeleteParams::default()).await.expect("the deletion begins");
        }
        let begun = || async { if tenant.writes(mark).await.is_empty() { Err("nothing".to_owned()) } else { Ok(()) } };
        acivnet_tests::eventually("something is under way", begun).await.expect("a write");
        let mut second = follow(&mut first, THIS, &tenant).await;
        until_settled(&tenant, 48).await;
        rest().await;
        let writes = tenant.writes(mark).await;
        for name in deleted {
            assert_eq!(about(&writes, name), ["DELETE"], "{name}");
        }
        let (files, others): (Vec<&Entry>, Vec<&Entry>) = writes.iter().partition(|entry| uploads(entry));
        let strange: Vec<_> = others.iter().filter(|entry| !touched.iter().any(|name| mentions(entry, name))).collect();
        assert!(strange.is_empty(), "nobody asked for this: {strange:#?}");
        // script and environment of each that rolls, registered and put
        assert!(files.len() <= 4 * rolled.len(), "uploaded again: {files:#?}");
        assert_eq!(versions(&tenant, &except).await, at_rest, "what is at rest is not touched");

        let (at_rest, mark) = (versions(&tenant, &[]).await, tenant.mark().await);
        let mut third = follow(&mut second, &previous, &tenant).await;
        rest().await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "a rollback writes nothing to Azure");
        assert_eq!(versions(&tenant, &[]).await, at_rest, "nor to an object");
        let last = follow(&mut third, THIS, &tenant).await;
        rest().await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "nor does the next upgrade");
        assert_eq!(versions(&tenant, &[]).await, at_rest);
        let reads = tenant.requests(mark).await.len();
        assert!(reads < 20 * at_rest.len(), "two restarts and four sweeps of 48 objects: {reads} reads");
        drop(last);
    });
}

/// Whether a write is about one service: its id, or its model by which it is known.
fn mentions(entry: &Entry, name: &str) -> bool {
    let path = entry.path.to_lowercase().replace("%3a", ":");
    let model = format!("{}:", name.replace("service", "model"));
    path.split('/').any(|part| part == name || part.starts_with(&model))
}

/// Whether a write uploads a file, which is named by its content and not by whose it is.
fn uploads(entry: &Entry) -> bool {
    entry.path.starts_with("/artifact/") || entry.path.starts_with("//")
}
