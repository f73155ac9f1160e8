use super::*;
use crate::kubernetes::mock::{Mock, refused};
use crate::{
    cache::{cached_object::Storage, packed::Packed},
    object::CustomResource,
};
use acivnet_azure::Priority;
use futures::FutureExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::reflector::{self, store::Writer};
use serde_json::json;

struct Bed {
    relations: Relations,
    subnets: Writer<CachedObject<DelegatedSubnet>>,
}

fn deployment(name: &str, subnet: &str, address: Option<&str>) -> AciVnetDeployment {
    let file = |key: &str| json!({"configMap": {"name": format!("{name}-files"), "key": key}});
    serde_json::from_value(json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "AciVnetDeployment",
        "metadata": {"name": name, "namespace": "ml", "uid": name, "generation": 1},
        "spec": {"backend": {"type": "AzureMLWebService"}, "network": {"subnetRef": {"name": subnet}}, "workspace": {"name": "amlws"},
            "model": {"name": "m", "source": file("model.pkl")}, "scoring": {"script": file("score.py")},
            "environment": {"name": "e", "conda": file("e.yml")}, "resources": {"cpu": "1", "memory": "1G"},
            "probe": {"request": {"configMap": {"name": "samples", "key": "sample.json"}}}},
        "status": {"endpoint": {"addresses": address.into_iter().collect::<Vec<_>>(), "moves": 0}, "revision": 1}}))
    .unwrap()
}

fn unhealthy(mut deployment: AciVnetDeployment) -> AciVnetDeployment {
    let condition = json!({"type": "ServiceHealthy", "status": "False", "reason": "Creating", "message": "m", "lastTransitionTime": "2026-11-22T12:00:00Z"});
    deployment.status.as_mut().unwrap().conditions.push(serde_json::from_value(condition).unwrap());
    deployment
}

fn subnet(name: &str, network: &str, ready: &str) -> DelegatedSubnet {
    serde_json::from_value(json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
        "metadata": {"name": name, "namespace": "ml", "uid": format!("s-{name}"), "generation": 1},
        "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
            "virtualNetwork": {"name": network}, "subnet": {"name": name, "addressPrefix": "10.0.1.0/24"}},
        "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R", "message": "m", "lastTransitionTime": "2026-11-22T12:00:00Z"}]}}))
    .unwrap()
}

fn applied<S: Object>(object: S) -> Event<CachedObject<S>> {
    Event::Apply(Packed::of(object).unwrap().cached(&Storage::default()))
}

fn deleted<S: Object>(object: S) -> Event<CachedObject<S>> {
    Event::Delete(Packed::of(object).unwrap().cached(&Storage::default()))
}

impl Bed {
    fn new() -> Self {
        let (deployments, mut deployment_writer) = reflector::store();
        let (subnets, mut subnet_writer) = reflector::store();
        let (config_maps, _) = reflector::store();
        let ctx = Mock::new(|_| refused(404, "NotFound")).ctx();
        for one in [deployment("a", "one", None), deployment("b", "two", None)] {
            deployment_writer.apply_watcher_event(&applied(one));
        }
        for one in [subnet("one", "v", "False"), subnet("two", "v", "False"), subnet("three", "w", "False")] {
            subnet_writer.apply_watcher_event(&applied(one));
        }
        ctx.stores.fill(subnets, deployments, config_maps);
        let relations = Relations::new(ctx);
        Self { relations, subnets: subnet_writer }
    }

    /// Names of those who were told to look.
    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        let queue = &self.relations.ctx.queue;
        while let Some(key) = queue.next(|_| Some((Priority::Sweep, 0))).now_or_never() {
            queue.done(&key, None);
            let kind = if key.resource == CustomResource::DelegatedSubnet { "subnet" } else { "deployment" };
            told.push(format!("{kind} {}", key.name));
        }
        told.sort();
        told
    }
}

#[tokio::test]
async fn deployments_look_when_their_subnet_shows_something_new() {
    let mut bed = Bed::new();
    bed.relations.subnet(&applied(subnet("one", "v", "False")));
    assert!(bed.told().is_empty(), "it is as it was listed");
    let mut relabelled = subnet("one", "v", "False");
    relabelled.status.as_mut().unwrap().subnet_label = Some("v/one".into());
    bed.relations.subnet(&applied(relabelled));
    assert!(bed.told().is_empty(), "nothing that deployments look at");
    bed.relations.subnet(&applied(subnet("one", "v", "True")));
    assert_eq!(bed.told(), ["deployment a"]);
}

#[tokio::test]
async fn subnets_look_when_a_deployment_moves_or_goes() {
    let mut bed = Bed::new();
    for (event, told) in [
        (applied(deployment("a", "one", None)), 0),
        (applied(deployment("a", "one", Some("10.0.1.4"))), 1),
        (applied(unhealthy(deployment("a", "one", Some("10.0.1.4")))), 1),
        (deleted(deployment("a", "one", Some("10.0.1.4"))), 1),
        (applied(deployment("c", "nowhere", None)), 0),
    ] {
        bed.relations.deployment(&event);
        assert_eq!(bed.told(), vec!["subnet one"; told]);
    }
}

#[tokio::test]
async fn those_who_share_a_network_look_when_one_is_gone() {
    let mut bed = Bed::new();
    let gone = subnet("one", "V", "False");
    bed.subnets.apply_watcher_event(&deleted(gone.clone()));
    bed.relations.subnet(&deleted(gone));
    assert_eq!(bed.told(), ["deployment a", "subnet two"]);
}

#[tokio::test]
async fn those_of_another_namespace_look_only_when_who_has_gone_had_reached_the_network() {
    let mut bed = Bed::new();
    let reached = |mut one: DelegatedSubnet| {
        let id = virtual_network_of(&one).to_string();
        let record = json!({"kind": "VirtualNetwork", "id": id, "state": "Drifted"});
        one.status.as_mut().unwrap().resources = vec![serde_json::from_value(record).unwrap()];
        one
    };
    let two = applied(reached(subnet("two", "v", "False")));
    bed.subnets.apply_watcher_event(&two);
    bed.relations.subnet(&two);
    assert!(bed.told().is_empty(), "deployments see nothing new in it");
    let mut stranger = subnet("evil", "v", "False");
    stranger.metadata.namespace = Some("strangers".into());
    bed.relations.subnet(&deleted(stranger.clone()));
    assert!(bed.told().is_empty(), "whoever names a network makes nobody else work");
    bed.relations.subnet(&deleted(reached(stranger)));
    assert_eq!(bed.told(), ["subnet two"]);
}

#[tokio::test]
async fn deployments_look_when_a_config_map_they_name_changes() {
    let mut bed = Bed::new();
    for (name, told) in
        [("a-files", &["deployment a"][..]), ("samples", &["deployment a", "deployment b"]), ("other", &[])]
    {
        let metadata = ObjectMeta { name: Some(name.into()), namespace: Some("ml".into()), ..ObjectMeta::default() };
        bed.relations.config_map(&Event::Apply(PartialObjectMeta { metadata, ..PartialObjectMeta::default() }));
        assert_eq!(bed.told(), told, "{name}");
    }
}
