//! Kubernetes, Azure and the wire to both, and how an operator is started between them.

use super::{
    api_server::{ApiServer, resources, store::Key, tokens::ISSUER},
    azure::{self, ToAzure},
    wire::{Interruption, Sent, Side, Wire},
};
use acivnet_azure::{Clock, Cloud, SplitMix, TokioClock};
use acivnet_operator::{
    ctx::{Ctx, Options, Outside},
    networks::Networks,
};
use acivnet_simulator::{SigningKey, Simulator};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The namespace in which all happens.
pub const NAMESPACE: &str = "ml";
/// When all begins.
const BEGINNING: &str = "2026-11-22T12:00:00Z";

const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
const CLIENT: &str = "00000000-0000-0000-0000-00000000000c";
const PRINCIPAL: &str = "00000000-0000-0000-0000-0000000000c1";
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
/// The examples' resource group.
const GROUP: &str = "amlrg";

/// What a case happens in.
pub struct Bed {
    /// Every request of the operator passes here.
    pub wire: Wire,
    /// Kubernetes.
    pub api: ApiServer,
    /// Azure.
    pub azure: Simulator,
    clock: Arc<dyn Clock>,
    starts: AtomicU64,
}

impl Bed {
    /// A cluster with one tenant, its Azure with a workspace and things of others, and the interruptions to come. Time
    /// has to be paused.
    pub async fn new(planned: Vec<Interruption>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(BEGINNING.parse().expect("a time")));
        let key = key();
        let bed = Self {
            wire: Wire::with(planned),
            api: ApiServer::new(Arc::clone(&clock), Arc::clone(&key)),
            azure: azure::simulator(&seed(), Arc::clone(&clock), ISSUER, &key),
            clock,
            starts: AtomicU64::new(0),
        };
        cluster().iter().for_each(|object| drop(bed.api.apply(object)));
        for (id, body) in foreign() {
            azure::admin(&bed.azure, Method::PUT, &format!("resources?id={id}"), body).await;
        }
        bed
    }

    /// An operator that remembers nothing. Each start draws other random numbers, the same in every run.
    pub async fn start_operator(&self) -> Arc<Ctx> {
        let seed = self.starts.fetch_add(1, Ordering::Relaxed);
        let http = Arc::new(ToAzure { wire: self.wire.clone(), simulator: self.azure.clone() });
        let random = Arc::new(SplitMix::new(seed));
        let outside = Outside { kube: self.client(), http, clock: Arc::clone(&self.clock), random };
        let address = azure::AUTHORITY;
        let cloud = Cloud::custom(azure::URL, azure::URL, address, address).expect("a cloud");
        let options = Options { cloud, pace: 1.0, stalled_after: Duration::from_secs(900), cluster: self.cluster_uid() };
        let networks = Networks::new(vec!["10.0.0.0/8".parse().expect("a network")], &[], String::new());
        networks.learn(&outside.kube).await.expect("the networks of the cluster");
        Ctx::new(outside, options, Arc::new(networks))
    }

    /// How often an operator was started.
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// The key of an object of the tenant's namespace.
    pub fn key(resource: &'static resources::ResourceType, name: &str) -> Key {
        Key::new(resource, NAMESPACE, name)
    }

    /// Makes or changes an object of the tenant's namespace.
    pub fn apply(&self, mut object: Value) {
        object["metadata"]["namespace"] = NAMESPACE.into();
        self.api.apply(&object);
    }

    /// The bodies of what belongs to others, etags included.
    pub async fn foreign(&self) -> Vec<Value> {
        let mut bodies = Vec::new();
        for (id, _) in foreign() {
            bodies.push(azure::admin(&self.azure, Method::GET, &format!("resources?id={id}"), Value::Null).await);
        }
        bodies
    }

    fn cluster_uid(&self) -> String {
        let key = Key::new(&resources::NAMESPACES, "", "kube-system");
        let namespace = self.api.with(|store| store.get(&key).cloned()).expect("kube-system");
        namespace["metadata"]["uid"].as_str().expect("a uid").to_owned()
    }

    /// The operator's client: every request takes the wire.
    fn client(&self) -> kube::Client {
        let (wire, api) = (self.wire.clone(), self.api.clone());
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let (wire, api) = (wire.clone(), api.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let sent = Sent::new(Side::Kubernetes, &parts.method, &parts.uri, &body);
                let carry = async { api.handle(Request::from_parts(parts, body)) };
                wire.take(sent, carry).await
            }
        });
        kube::Client::new(service, "default")
    }
}

/// The key of the API server and of Azure. One for the process: making one takes longer than a case.
fn key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    Arc::clone(KEY.get_or_init(|| Arc::new(SigningKey::generate().expect("a key"))))
}

fn cluster() -> Vec<Value> {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let annotations = json!({"azure.workload.identity/client-id": CLIENT, "azure.workload.identity/tenant-id": TENANT});
    vec![
        namespace("kube-system"),
        namespace(NAMESPACE),
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"},
            "spec": {"cidrs": ["10.96.0.0/12"]},
        }),
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "acivnet", "namespace": NAMESPACE, "annotations": annotations},
        }),
    ]
}

fn seed() -> Value {
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}");
    json!({
        "tenants": [TENANT],
        "subscriptions": [{"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "test"}],
        "resourceGroups": [{"subscriptionId": SUBSCRIPTION, "name": GROUP, "location": "japaneast"}],
        "workspaces": [{
            "subscriptionId": SUBSCRIPTION, "resourceGroup": GROUP, "name": "amlws", "location": "japaneast",
            "storageAccount": "amlstorage",
        }],
        "applications": [{
            "tenantId": TENANT, "clientId": CLIENT, "objectId": PRINCIPAL, "displayName": "team-ml", "secrets": [],
            "federatedCredentials": [{
                "name": "cluster", "issuer": ISSUER, "subject": format!("system:serviceaccount:{NAMESPACE}:acivnet"),
                "audience": "api://AzureADTokenExchange",
            }],
        }],
        "roleAssignments": [{"principalId": PRINCIPAL, "role": "Contributor", "scope": group}],
    })
}

/// What others have in the same resource group.
fn foreign() -> [(String, Value); 2] {
    let id = |rest: &str| format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network/{rest}");
    [
        (id("networkSecurityGroups/theirs"), json!({"location": "japaneast", "tags": {"team": "other"}, "properties": {"securityRules": []}})),
        (
            id("virtualNetworks/theirs"),
            json!({"location": "japaneast", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}, "subnets": []}}),
        ),
    ]
}
