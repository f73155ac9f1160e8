//! Kubernetes, Azure and time, and how an operator runs between them.

use crate::{
    clients::{self, ToAzure},
    comparable::comparable,
    invariants,
    leadership::{Leadership, Process},
    network::Together,
    planted_bugs::Plant,
    servers::Troubles,
    trace::{Time, Trace},
};
use acivnet_azure::{Cloud, SplitMix};
use acivnet_operator::{cli::args::Settings, ctx::Outside, kubernetes::lease, start::operate};
use acivnet_tests::in_process::{
    azure,
    bed::Bed,
    end_state::EndState,
    wire::{Disturbance, Sent},
};
use futures::FutureExt as _;
use serde_json::json;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The names of the operators' hosts. One alone runs on the first and needs no Lease.
pub const OPERATORS: [&str; 2] = ["operator-1", "operator-2"];
/// The namespace of the Lease.
const LEASES: &str = "acivnet-system";
/// Scale of the operator's own waits and of Azure's durations: ten simulated minutes hold a hundred.
pub const PACE: f64 = 0.1;

/// One simulated world.
pub struct World {
    /// Kubernetes and Azure.
    pub bed: Bed,
    /// The time.
    pub time: Time,
    /// What happened.
    pub trace: Trace,
    /// What the API server does wrong.
    pub kubernetes: Troubles,
    /// What the server of Azure does wrong.
    pub azure: Troubles,
    /// Who holds the Lease.
    pub leadership: Leadership,
    /// How many operators there are.
    operators: usize,
    plant: Option<Plant>,
    seed: u64,
    starts: AtomicU64,
    violations: Mutex<Vec<String>>,
}

impl World {
    /// A world for so many operators, in which nothing has happened yet. `keep` keeps the trace in words.
    pub fn new(seed: u64, operators: usize, plant: Option<Plant>, keep: bool) -> Self {
        let time = Time::default();
        let bed = Bed::on(Arc::new(time.clone()), Disturbance::default()).now_or_never().expect("a bed at once");
        bed.azure.with(|azure| azure.time_scale = PACE);
        bed.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LEASES}}));
        Self {
            bed,
            trace: Trace::new(time.clone(), keep),
            time,
            kubernetes: Troubles::default(),
            azure: Troubles::default(),
            leadership: Leadership::default(),
            operators,
            plant,
            seed,
            starts: AtomicU64::new(0),
            violations: Mutex::default(),
        }
    }

    /// Runs an operator until its host ends.
    pub async fn operate(self: &Arc<Self>, host: &'static str) {
        let process = Process { host, number: self.starts.fetch_add(1, Ordering::Relaxed) };
        self.trace.note(&format!("{process} starts"));
        let connections = Together::start();
        let outside = Outside {
            kube: clients::kubernetes(process, self.plant, connections.clone()),
            http: Arc::new(ToAzure::new(process, self, connections)),
            clock: Arc::new(self.time.clone()),
            random: Arc::new(SplitMix::new(self.seed.rotate_left(32) ^ process.number)),
        };
        let never = futures::future::pending().boxed().shared();
        operate(outside, String::new(), settings(self.elects()), None, never).await;
    }

    /// The hosts of its operators.
    pub fn operators(&self) -> &'static [&'static str] {
        &OPERATORS[..self.operators]
    }

    /// Whether the operators elect a leader.
    fn elects(&self) -> bool {
        self.operators > 1
    }

    /// The API server took a Lease of this process.
    pub fn leads(&self, process: &str) {
        if self.leadership.took(process) {
            self.trace.holder(process);
        }
    }

    /// A process hands over a piece of a write to Azure.
    pub fn handed_over(&self, process: Process, sent: &Sent) {
        let holder = self.leadership.holder();
        if self.elects() && holder.as_deref() != Some(&process.to_string()) {
            let holder = holder.as_deref().unwrap_or("nobody");
            self.violated([format!("{process} sent a write while {holder} held the lease: {sent}")]);
        }
    }

    /// The comparable part of the present state.
    pub fn end_state(&self) -> EndState {
        comparable(&EndState::of(&self.bed).now_or_never().expect("a look waits for nothing"))
    }

    /// Checks the invariants.
    pub fn check(&self) {
        self.violated(invariants::broken(&self.bed));
    }

    /// An invariant was broken.
    pub fn violated(&self, what: impl IntoIterator<Item = String>) {
        self.violations.lock().unwrap().extend(what);
    }

    /// What is wrong with the operators.
    pub fn plant(&self) -> Option<Plant> {
        self.plant
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether an invariant was broken.
    pub fn is_broken(&self) -> bool {
        !self.violations.lock().unwrap().is_empty()
    }

    /// The broken invariants.
    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }
}

fn settings(elects: bool) -> Settings {
    let lease = lease::LeaseSettings { namespace: LEASES.into(), duration: Duration::from_secs(15) };
    let address = azure::AUTHORITY;
    Settings {
        cloud: Cloud::custom(azure::URL, azure::URL, address, address).expect("a cloud"),
        azure_ca_file: None,
        admin_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        metrics_per_object: true,
        scoring_networks: vec!["10.0.0.0/8".parse().expect("a network")],
        cluster_networks: vec!["10.244.0.0/16".parse().expect("a network")],
        lease: elects.then_some(lease),
        namespaces: Vec::new(),
        cluster_id: None,
        scoring_proxy: None,
        stalled_after: Duration::from_secs(900),
        pace: PACE,
        models: acivnet_azure::ModelLimits::default(),
    }
}
