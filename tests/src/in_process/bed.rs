//! Kubernetes, Azure and the wire to both, and how an operator is started between them.

use super::{
    api_server::{ApiServer, resources, store::Key, tokens::ISSUER},
    azure::{self, Setting},
    clock::Forward,
    cluster::Cluster,
    concurrent_changes::{ConcurrentChange, ConcurrentChanges},
    planted_bugs::Plant,
    schedule::Schedule,
    transport::Transport,
    wire::{Disturbance, Sent, Wire},
};
use crate::azure_roles::{self, Given};
use acivnet_azure::{Clock, Cloud, ModelLimits, NetworkLimits, SplitMix, TokioClock};
use acivnet_operator::{
    ctx::{Ctx, Options, Outside},
    kubernetes::networks::Networks,
};
use acivnet_simulator::{SigningKey, Simulator};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::{BoxFuture, FutureExt as _};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// What a person does.
pub type Action = for<'b> fn(&'b Bed) -> BoxFuture<'b, ()>;

/// The namespace of all objects.
pub const NAMESPACE: &str = "ml";
/// On real time, Azure's durations are this part of the real ones. `Retry-After` is in whole seconds and at least one.
const REAL_AZURE: f64 = 0.002;
/// On real time, people wait for this part of the time that they say, and faults of Azure last as much shorter.
const REAL_HASTE: f64 = 0.05;
/// The start time.
const BEGINNING: &str = "2026-11-22T12:00:00Z";

pub(super) const TENANT: &str = "00000000-0000-0000-0000-00000000000a";
pub(super) const CLIENT: &str = "00000000-0000-0000-0000-00000000000c";
/// The client secret of the tenant's application.
pub(super) const SECRET: &str = "open-sesame";
/// Object id of the tenant's application.
pub const PRINCIPAL: &str = "00000000-0000-0000-0000-0000000000c1";
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
/// The examples' resource group.
const GROUP: &str = "amlrg";
/// Its id.
pub const GROUP_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg";

/// Everything around an operator in a case. Clones share it.
#[derive(Clone)]
pub struct Bed {
    /// Every request of the operator passes here.
    pub wire: Wire,
    /// Kubernetes.
    pub cluster: Arc<dyn Cluster>,
    api: Option<ApiServer>,
    /// Azure.
    pub azure: Simulator,
    clock: Arc<dyn Clock>,
    /// The same clock on a real bed, where it can be put forward.
    forward: Option<Arc<Forward>>,
    /// People wait for this part of the time that they say, and faults of Azure last as much shorter.
    haste: f64,
    plant: Option<Plant>,
    /// What the operator takes for the cluster's id, where it was told one.
    cluster_id: Option<String>,
    /// What the operator takes for the limits of Microsoft.Network.
    network_limits: NetworkLimits,
    starts: Arc<AtomicU64>,
    schedule: Schedule,
    concurrent_changes: ConcurrentChanges,
}

impl Bed {
    /// A cluster with one tenant, its Azure with a workspace and things of others, and what is to disturb a run. Time
    /// has to be paused.
    pub async fn new(disturbance: Disturbance) -> Self {
        let clock = TokioClock::starting_at(BEGINNING.parse().expect("a time"));
        Self::on(Arc::new(clock), disturbance).await
    }

    /// The same with another clock.
    pub async fn on(clock: Arc<dyn Clock>, disturbance: Disturbance) -> Self {
        let key = key();
        let api = ApiServer::new(Arc::clone(&clock), Arc::clone(&key));
        let setting = Setting {
            seed: seed(ISSUER, NAMESPACE),
            clock: Arc::clone(&clock),
            time_scale: 1.0,
            issuer: ISSUER.to_owned(),
            keys: key.jwks(),
            key,
        };
        let wire = Wire::with(disturbance.interruptions);
        let bed = Self::of(wire, Arc::new(api.clone()), azure::simulator(setting), clock);
        let bed = Self { api: Some(api), plant: disturbance.plant, ..bed };
        cluster().iter().for_each(|object| bed.cluster.apply(object));
        bed.settle_others().await;
        bed
    }

    /// A tenant's namespace `namespace` of a real cluster, whose tokens are `issuer`'s, with an Azure of its own on real
    /// time.
    pub async fn real(cluster: Arc<dyn Cluster>, namespace: &str, issuer: &str, keys: Value) -> Self {
        let forward = Arc::new(Forward::default());
        let clock: Arc<dyn Clock> = Arc::clone(&forward) as Arc<dyn Clock>;
        let setting = Setting {
            seed: seed(issuer, namespace),
            clock: Arc::clone(&clock),
            time_scale: REAL_AZURE,
            issuer: issuer.to_owned(),
            keys,
            key: key(),
        };
        let bed = Self::of(Wire::on_real_time(), cluster, azure::simulator(setting), clock);
        let bed = Self { haste: REAL_HASTE, forward: Some(forward), ..bed };
        bed.cluster.apply(&account());
        bed.settle_others().await;
        bed
    }

    fn of(wire: Wire, cluster: Arc<dyn Cluster>, azure: Simulator, clock: Arc<dyn Clock>) -> Self {
        Self {
            wire,
            cluster,
            api: None,
            azure,
            clock,
            forward: None,
            haste: 1.0,
            plant: None,
            cluster_id: None,
            network_limits: NetworkLimits::default(),
            starts: Arc::default(),
            schedule: Schedule::default(),
            concurrent_changes: ConcurrentChanges::default(),
        }
    }

    /// Another cluster, with another uid, into which these objects were restored from a backup of this one. Azure is the
    /// same, and so is who signs the tokens of ServiceAccounts.
    pub fn second_cluster(&self, objects: Vec<Value>) -> Self {
        let api = ApiServer::new(Arc::clone(&self.clock), key());
        let bed = Self::of(Wire::with(Vec::new()), Arc::new(api.clone()), self.azure.clone(), Arc::clone(&self.clock));
        let bed = Self { api: Some(api), ..bed };
        // uids are counted: one more than in the first cluster
        bed.cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}));
        cluster().into_iter().chain(objects).for_each(|object| bed.cluster.apply(&object));
        assert_ne!(bed.cluster_uid(), self.cluster_uid());
        bed
    }

    /// The bed, whose operators are told the cluster's id.
    pub fn with_cluster_id(self, id: String) -> Self {
        Self { cluster_id: Some(id), ..self }
    }

    /// The bed, whose operators are told limits of Microsoft.Network.
    pub fn with_network_limits(self, network_limits: NetworkLimits) -> Self {
        Self { network_limits, ..self }
    }

    async fn settle_others(&self) {
        for (id, body) in foreign() {
            azure::admin(&self.azure, Method::PUT, &format!("resources?id={id}"), body).await;
        }
    }

    /// The simulated API server, for whoever takes the place of the operator's watches. A real bed has none.
    pub fn api(&self) -> &ApiServer {
        self.api.as_ref().expect("the API server is simulated")
    }

    /// An operator that remembers nothing. Each start draws other random numbers, the same in every run.
    pub async fn start_operator(&self) -> Arc<Ctx> {
        self.operator(1.0, self.cluster_id.clone().unwrap_or_else(|| self.cluster_uid())).await
    }

    /// An operator that remembers nothing, at a pace, which takes the cluster's uid for another one.
    pub async fn operator(&self, pace: f64, cluster: String) -> Arc<Ctx> {
        let seed = self.starts.fetch_add(1, Ordering::Relaxed);
        let transport = self.transport();
        let (kube, clock) = (transport.client(), Arc::clone(&self.clock));
        let outside = Outside { kube, http: Arc::new(transport), clock, random: Arc::new(SplitMix::new(seed)) };
        let address = azure::AUTHORITY;
        let cloud = Cloud::custom(azure::URL, azure::URL, address, address).expect("a cloud");
        let cloud = cloud.with_network_limits(self.network_limits);
        let options = Options {
            cloud,
            pace,
            stalled_after: Duration::from_secs(900).mul_f64(pace),
            cluster,
            models: ModelLimits::default(),
            namespaces: Vec::new(),
        };
        let pods = "10.244.0.0/16".parse().expect("a network");
        let networks = Networks::new(vec!["10.0.0.0/8".parse().expect("a network")], &[pods], String::new());
        networks.learn(&outside.kube).await.expect("the networks of the cluster");
        Ctx::new(outside, options, Arc::new(networks))
    }

    /// The transport of an operator that starts, with the bug that is planted in it.
    fn transport(&self) -> Transport {
        Transport {
            wire: self.wire.clone(),
            azure: self.azure.clone(),
            cluster: Arc::clone(&self.cluster),
            concurrent_changes: self.concurrent_changes.clone(),
            bug: self.plant.map(|plant| plant()),
        }
    }

    /// How often an operator was started.
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// Schedules an action, while the operator works.
    pub fn later(&self, delay: Duration, act: Action) {
        self.schedule.add(delay.mul_f64(self.haste), act);
    }

    /// The same for times that are too long to wait for on real time: there the clock is moved forward.
    pub fn hours_later(&self, delay: Duration, act: Action) {
        match self.put_forward(delay) {
            true => self.schedule.add(Duration::ZERO, act),
            false => self.schedule.add(delay, act),
        }
    }

    /// Runs an action once the first such request was carried out, before its answer.
    pub fn after(&self, request: fn(&Sent) -> bool, act: Action) {
        self.concurrent_changes.add(ConcurrentChange::Person { after: request, act, bed: self.clone() });
    }

    /// The time, as operator and Azure see it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Puts the clock of operator and Azure forward, on real time; elsewhere time passes by itself.
    pub fn put_forward(&self, by: Duration) -> bool {
        self.forward.iter().for_each(|clock| clock.by(by));
        self.forward.is_some()
    }

    /// When the next action is due.
    pub fn next_act(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// Does the next action.
    pub async fn act(&self) {
        if let Some(act) = self.schedule.take() {
            act(self).await;
        }
    }

    /// How many custom resources are ready.
    pub fn ready(&self) -> usize {
        self.ready_of(&resources::DELEGATED_SUBNETS, "") + self.ready_of(&resources::ACI_VNET_DEPLOYMENTS, "")
    }

    /// How many of a kind are, in a namespace or, with an empty name, in all.
    pub fn ready_of(&self, kind: &'static resources::ResourceType, namespace: &str) -> usize {
        let is_ready = |object: &&Value| {
            let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
            conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
        };
        self.api().with(|store| store.list(kind, namespace).filter(is_ready).count())
    }

    /// The key of an object of the tenant's namespace.
    pub fn key(resource: &'static resources::ResourceType, name: &str) -> Key {
        Key::new(resource, NAMESPACE, name)
    }

    /// Makes or changes an object of the tenant's namespace.
    pub fn apply(&self, mut object: Value) {
        object["metadata"]["namespace"] = NAMESPACE.into();
        self.cluster.apply(&object);
    }

    /// Deletes an object of the tenant's namespace.
    pub fn delete(&self, resource: &'static resources::ResourceType, name: &str) {
        self.cluster.delete(&Self::key(resource, name));
    }

    /// An object of the tenant's namespace, if it stands.
    pub fn object(&self, resource: &'static resources::ResourceType, name: &str) -> Option<Value> {
        self.cluster.get(&Self::key(resource, name))
    }

    /// Sets an annotation of an object of the tenant's namespace.
    pub fn annotate(&self, resource: &'static resources::ResourceType, name: &str, annotation: &str, value: &str) {
        self.cluster.merge(&Self::key(resource, name), &json!({"metadata": {"annotations": {annotation: value}}}));
    }

    /// Removes every finalizer from an object of the tenant's namespace, as an impatient user does.
    pub fn take_finalizers_off(&self, resource: &'static resources::ResourceType, name: &str) {
        self.cluster.merge(&Self::key(resource, name), &json!({"metadata": {"finalizers": []}}));
    }

    /// Changes something in Azure without permission checks, like somebody in the portal.
    pub fn portal(&self, method: Method, id: String, body: Value) -> BoxFuture<'_, ()> {
        async move {
            azure::admin(&self.azure, method, &format!("resources?id={id}"), body).await;
        }
        .boxed()
    }

    /// Adds a fault of Azure for a later request; see the simulator's `Fault`.
    pub async fn fault(&self, mut fault: Value) {
        shorten(&mut fault, self.haste);
        azure::admin(&self.azure, Method::POST, "faults", fault).await;
    }

    /// Adds a resource in Azure right before the first such request is carried out.
    pub fn before(&self, request: fn(&Sent) -> bool, id: String, body: Value) {
        self.concurrent_changes.add(ConcurrentChange::InAzure { before: request, id, body });
    }

    /// Patches an object of the tenant's namespace right before the first such request is carried out.
    pub fn patched_before(&self, request: fn(&Sent) -> bool, key: Key, patch: Value) {
        self.concurrent_changes.add(ConcurrentChange::InKubernetes { before: request, key, patch });
    }

    /// Lets the tenant prove itself by a client secret instead of its ServiceAccount.
    pub fn use_secret(&self) {
        self.delete(&resources::SERVICE_ACCOUNTS, "acivnet");
        self.apply(credentials());
    }

    /// What the tenant asked of Azure: by role that gave it, and what none gave.
    pub async fn rights(&self) -> Value {
        let path = format!("rights?principalId={PRINCIPAL}");
        azure::admin(&self.azure, Method::GET, &path, Value::Null).await
    }

    /// The bodies of what belongs to others, etags included.
    pub async fn foreign(&self) -> Vec<Value> {
        let mut bodies = Vec::new();
        for (id, _) in foreign() {
            bodies.push(azure::admin(&self.azure, Method::GET, &format!("resources?id={id}"), Value::Null).await);
        }
        bodies
    }

    /// Uid of the namespace `kube-system`.
    pub fn cluster_uid(&self) -> String {
        let key = Key::new(&resources::NAMESPACES, "", "kube-system");
        let namespace = self.cluster.get(&key).expect("kube-system");
        namespace["metadata"]["uid"].as_str().expect("a uid").to_owned()
    }
}

/// The Secret by which the tenant proves itself.
pub(super) fn credentials() -> Value {
    let data = [("tenantID", TENANT), ("clientID", CLIENT), ("clientSecret", SECRET)]
        .map(|(key, text)| (key, STANDARD.encode(text)));
    let data: BTreeMap<_, _> = data.into_iter().collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acivnet-azure"}, "data": data})
}

/// The key of the API server and of Azure. One for the process: making one takes longer than a case.
fn key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    Arc::clone(KEY.get_or_init(|| Arc::new(SigningKey::generate().expect("a key"))))
}

/// A fault, and the one that follows it, last this part of the time that they say.
fn shorten(fault: &mut Value, part: f64) {
    if let Some(seconds) = fault["seconds"].as_f64() {
        fault["seconds"] = (seconds * part).into();
    }
    fault.get_mut("then").into_iter().for_each(|then| shorten(then, part));
}

fn cluster() -> Vec<Value> {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    vec![
        namespace("kube-system"),
        namespace(NAMESPACE),
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"},
            "spec": {"cidrs": ["10.96.0.0/12"]},
        }),
        account(),
    ]
}

/// The ServiceAccount by which the tenant proves itself.
fn account() -> Value {
    let annotations = json!({"azure.workload.identity/client-id": CLIENT, "azure.workload.identity/tenant-id": TENANT});
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "acivnet", "namespace": NAMESPACE, "annotations": annotations},
    })
}

fn seed(issuer: &str, namespace: &str) -> Value {
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
                "name": "cluster", "issuer": issuer, "subject": format!("system:serviceaccount:{namespace}:acivnet"),
                "audience": "api://AzureADTokenExchange",
            }],
        }],
        "roleAssignments": azure_roles::assignments(PRINCIPAL, &roles()),
    })
}

/// The tenant's roles towards Azure: those that we ship, and nothing else.
pub fn roles() -> Vec<Given> {
    azure_roles::all(GROUP_ID, "amlws", "amlstorage")
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
