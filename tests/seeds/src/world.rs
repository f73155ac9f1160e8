//! Kubernetes, Azure and time, and how an operator runs between them.

use crate::{
    essence::essence,
    invariants,
    network::Together,
    outside::{self, ToAzure},
    plants::Plant,
    servers::Troubles,
    trace::{Time, Trace},
};
use acivnet_azure::{Cloud, SplitMix};
use acivnet_operator::{args::Settings, ctx::Outside, start::operate};
use acivnet_tests::in_process::{azure, bed::Bed, end_state::EndState, wire::Disturbance};
use futures::FutureExt as _;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The name of the operator's host.
pub const OPERATOR: &str = "operator";
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
    plant: Option<Plant>,
    seed: u64,
    starts: AtomicU64,
    violations: Mutex<Vec<String>>,
}

impl World {
    /// A world in which nothing has happened yet. `keep` keeps the trace in words.
    pub fn new(seed: u64, plant: Option<Plant>, keep: bool) -> Self {
        let time = Time::default();
        let bed = Bed::on(Arc::new(time.clone()), Disturbance::default()).now_or_never().expect("a bed at once");
        bed.azure.with(|azure| azure.time_scale = PACE);
        Self {
            bed,
            trace: Trace::new(time.clone(), keep),
            time,
            kubernetes: Troubles::default(),
            azure: Troubles::default(),
            plant,
            seed,
            starts: AtomicU64::new(0),
            violations: Mutex::default(),
        }
    }

    /// Runs an operator until its host ends.
    pub async fn operate(&self) {
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        self.trace.note(&format!("operator started, {start} before"));
        let connections = Together::start();
        let outside = Outside {
            kube: outside::kubernetes(self.plant, connections.clone()),
            http: Arc::new(ToAzure::new(self.plant, connections)),
            clock: Arc::new(self.time.clone()),
            random: Arc::new(SplitMix::new(self.seed.rotate_left(32) ^ start)),
        };
        let never = futures::future::pending().boxed().shared();
        operate(outside, String::new(), settings(), None, never).await;
    }

    /// What stands, as far as two ways to it have it in common.
    pub fn end_state(&self) -> EndState {
        essence(&EndState::of(&self.bed).now_or_never().expect("a look waits for nothing"))
    }

    /// Looks whether what always holds does hold.
    pub fn check(&self) {
        let found = invariants::broken(&self.bed);
        self.violations.lock().unwrap().extend(found);
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether something did not hold.
    pub fn is_broken(&self) -> bool {
        !self.violations.lock().unwrap().is_empty()
    }

    /// What did not hold.
    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }
}

fn settings() -> Settings {
    let address = azure::AUTHORITY;
    Settings {
        cloud: Cloud::custom(azure::URL, azure::URL, address, address).expect("a cloud"),
        azure_ca_file: None,
        admin_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        scoring_networks: vec!["10.0.0.0/8".parse().expect("a network")],
        cluster_networks: Vec::new(),
        lease: None,
        stalled_after: Duration::from_secs(900),
        pace: PACE,
    }
}
