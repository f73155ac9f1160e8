//! Kubernetes, Azure and the wire to both, and how an operator is started between them.

use super::{
    api_server::{
        ApiServer, resources,
        store::{Key, Part},
        tokens::ISSUER,
    },
    azure::{self, Intruder, Intruders, ToAzure},
    wire::{Disturbance, Sent, Side, Wire},
};
use acivnet_azure::{Clock, Cloud, SplitMix, TokioClock};
use acivnet_operator::{
    ctx::{Ctx, Options, Outside},
    networks::Networks,
};
use acivnet_simulator::{SigningKey, Simulator};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::{BoxFuture, FutureExt as _};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// What a person does.
pub type Act = for<'b> fn(&'b Bed) -> BoxFuture<'b, ()>;

/// The namespace in which all happens.
pub const NAMESPACE: &str = "ml";
/// When all begins.
const BEGINNING: &str = "2026-11-22T12:00:00Z";

const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
const CLIENT: &str = "00000000-0000-0000-0000-00000000000c";
/// The client secret of the tenant's application.
const SECRET: &str = "open-sesame";
const PRINCIPAL: &str = "00000000-0000-0000-0000-0000000000c1";
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
/// The examples' resource group.
const GROUP: &str = "amlrg";
/// Its id.
pub const GROUP_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg";

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
    agenda: Mutex<BTreeMap<Instant, Act>>,
    intruders: Intruders,
}

impl Bed {
    /// A cluster with one tenant, its Azure with a workspace and things of others, and what is to disturb a run. Time
    /// has to be paused.
    pub async fn new(disturbance: Disturbance) -> Self {
        let clock = TokioClock::starting_at(BEGINNING.parse().expect("a time"));
        Self::on(Arc::new(clock), disturbance).await
    }

    /// The same on a clock of one's own.
    pub async fn on(clock: Arc<dyn Clock>, disturbance: Disturbance) -> Self {
        let key = key();
        let bed = Self {
            wire: Wire::with(disturbance),
            api: ApiServer::new(Arc::clone(&clock), Arc::clone(&key)),
            azure: azure::simulator(&seed(), Arc::clone(&clock), ISSUER, &key),
            clock,
            starts: AtomicU64::new(0),
            agenda: Mutex::default(),
            intruders: Intruders::default(),
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
        let (wire, simulator, intruders) = (self.wire.clone(), self.azure.clone(), self.intruders.clone());
        let http = Arc::new(ToAzure { wire, simulator, intruders });
        let random = Arc::new(SplitMix::new(seed));
        let outside = Outside { kube: self.client(), http, clock: Arc::clone(&self.clock), random };
        let address = azure::AUTHORITY;
        let cloud = Cloud::custom(azure::URL, azure::URL, address, address).expect("a cloud");
        let options =
            Options { cloud, pace: 1.0, stalled_after: Duration::from_secs(900), cluster: self.cluster_uid() };
        let networks = Networks::new(vec!["10.0.0.0/8".parse().expect("a network")], &[], String::new());
        networks.learn(&outside.kube).await.expect("the networks of the cluster");
        Ctx::new(outside, options, Arc::new(networks))
    }

    /// How often an operator was started.
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// Has something done later, while the operator works. At one moment one thing is done.
    pub fn later(&self, delay: Duration, act: Act) {
        self.agenda.lock().unwrap().insert(Instant::now() + delay, act);
    }

    /// When something is to be done next.
    pub fn next_act(&self) -> Option<Instant> {
        self.agenda.lock().unwrap().keys().next().copied()
    }

    /// Does what is to be done next.
    pub async fn act(&self) {
        let next = self.agenda.lock().unwrap().pop_first();
        if let Some((_, act)) = next {
            act(self).await;
        }
    }

    /// How many custom resources are ready.
    pub fn ready(&self) -> usize {
        let is_ready = |object: &&Value| {
            let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
            conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
        };
        let ours = [&resources::DELEGATED_SUBNETS, &resources::ACI_VNET_DEPLOYMENTS];
        self.api.with(|store| ours.iter().map(|kind| store.list(kind, "").filter(is_ready).count()).sum())
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

    /// Deletes an object of the tenant's namespace.
    pub fn delete(&self, resource: &'static resources::ResourceType, name: &str) {
        self.api.delete(&Self::key(resource, name));
    }

    /// An object of the tenant's namespace, if it stands.
    pub fn object(&self, resource: &'static resources::ResourceType, name: &str) -> Option<Value> {
        self.api.with(|store| store.get(&Self::key(resource, name)).cloned()).ok()
    }

    /// Sets an annotation of an object of the tenant's namespace.
    pub fn annotate(&self, resource: &'static resources::ResourceType, name: &str, annotation: &str, value: &str) {
        self.change(resource, name, |object| object["metadata"]["annotations"][annotation] = value.into());
    }

    /// Takes every finalizer off an object of the tenant's namespace, as somebody does who has lost patience.
    pub fn take_finalizers_off(&self, resource: &'static resources::ResourceType, name: &str) {
        self.change(resource, name, |object| object["metadata"]["finalizers"] = json!([]));
    }

    fn change(&self, resource: &'static resources::ResourceType, name: &str, change: impl FnOnce(&mut Value)) {
        let patch = |object: &mut Value| {
            change(object);
            Ok(())
        };
        // what is gone needs no change
        self.api.with(|store| store.patch(&Self::key(resource, name), Part::Main, patch)).ok();
    }

    /// Changes something in Azure past all rules, as a hand in the portal.
    pub fn portal(&self, method: Method, id: String, body: Value) -> BoxFuture<'_, ()> {
        async move {
            azure::admin(&self.azure, method, &format!("resources?id={id}"), body).await;
        }
        .boxed()
    }

    /// Has Azure do something wrong with a request to come; see the simulator's `Fault`.
    pub async fn fault(&self, fault: Value) {
        azure::admin(&self.azure, Method::POST, "faults", fault).await;
    }

    /// Has somebody put a resource into Azure right before the first such request is carried out.
    pub fn before(&self, request: fn(&Sent) -> bool, id: String, body: Value) {
        self.intruders.add(Intruder { before: request, id, body });
    }

    /// Lets the tenant prove itself by a client secret instead of its ServiceAccount.
    pub fn use_secret(&self) {
        self.delete(&resources::SERVICE_ACCOUNTS, "acivnet");
        let data = [("tenantID", TENANT), ("clientID", CLIENT), ("clientSecret", SECRET)]
            .map(|(key, text)| (key, STANDARD.encode(text)));
        let data: BTreeMap<_, _> = data.into_iter().collect();
        self.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acivnet-azure"}, "data": data}));
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
                let (mut parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let sent = Sent::new(Side::Kubernetes, &parts.method, &parts.uri, &body);
                wire.plant(&mut parts);
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
    json!({
        "tenants": [TENANT],
        "subscriptions": [{"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "test"}],
        "resourceGroups": [{"subscriptionId": SUBSCRIPTION, "name": GROUP, "location": "japaneast"}],
        "workspaces": [{
            "subscriptionId": SUBSCRIPTION, "resourceGroup": GROUP, "name": "amlws", "location": "japaneast",
            "storageAccount": "amlstorage",
        }],
        "applications": [{
            "tenantId": TENANT, "clientId": CLIENT, "objectId": PRINCIPAL, "displayName": "team-ml", "secrets": [SECRET],
            "federatedCredentials": [{
                "name": "cluster", "issuer": ISSUER, "subject": format!("system:serviceaccount:{NAMESPACE}:acivnet"),
                "audience": "api://AzureADTokenExchange",
            }],
        }],
        "roleAssignments": [{"principalId": PRINCIPAL, "role": "Contributor", "scope": GROUP_ID}],
    })
}

/// What others have in the same resource group.
fn foreign() -> [(String, Value); 2] {
    let id = |rest: &str| format!("{GROUP_ID}/providers/Microsoft.Network/{rest}");
    [
        (
            id("networkSecurityGroups/theirs"),
            json!({"location": "japaneast", "tags": {"team": "other"}, "properties": {"securityRules": []}}),
        ),
        (
            id("virtualNetworks/theirs"),
            json!({"location": "japaneast", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}, "subnets": []}}),
        ),
    ]
}
