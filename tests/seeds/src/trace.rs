//! What happened, in order: hashed as it comes, and kept in words when somebody wants to read it.

use acivnet_azure::Clock;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// When every simulation begins.
const BEGINNING: &str = "2026-11-22T12:00:00Z";

/// Simulated time since the beginning, in nanoseconds. Clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Time(Arc<AtomicU64>);

impl Time {
    /// How long the simulation has lasted.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Moves on.
    pub fn set(&self, elapsed: Duration) {
        self.0.store(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let beginning: Timestamp = BEGINNING.parse().expect("a time");
        beginning + SignedDuration::try_from(self.elapsed()).expect("a short time")
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Requests to Kubernetes and Azure.
    pub requests: u64,
    /// Those among them that may change something; renewals of a Lease are none.
    pub writes: u64,
    /// How often the Lease got another holder.
    pub holders: u64,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

/// The record of one simulation.
pub struct Trace {
    time: Time,
    state: Mutex<State>,
}

struct State {
    hash: Sha256,
    lines: Option<Vec<String>>,
    counts: Counts,
    last_write: Duration,
}

impl Trace {
    /// An empty record; `keep` keeps it in words as well.
    pub fn new(time: Time, keep: bool) -> Self {
        let lines = keep.then(Vec::new);
        let state = State { hash: Sha256::new(), lines, counts: Counts::default(), last_write: Duration::ZERO };
        Self { time, state: Mutex::new(state) }
    }

    /// Adds a line.
    pub fn note(&self, what: &str) {
        let line = format!("{:9.3} {what}", self.time.elapsed().as_secs_f64());
        let mut state = self.state.lock().unwrap();
        state.hash.update(line.as_bytes());
        state.hash.update(b"\n");
        if let Some(lines) = &mut state.lines {
            lines.push(line);
        }
    }

    /// Adds a fault.
    pub fn fault(&self, kind: &'static str, what: &str) {
        self.note(&format!("!! {kind} {what}"));
        *self.state.lock().unwrap().counts.faults.entry(kind).or_default() += 1;
    }

    /// Adds that this process holds the Lease, which another held before or nobody.
    pub fn holder(&self, process: &str) {
        self.note(&format!("{process} holds the lease"));
        self.state.lock().unwrap().counts.holders += 1;
    }

    /// Adds a request; its number.
    pub fn request(&self, what: &str, writes: bool) -> u64 {
        let number = {
            let mut state = self.state.lock().unwrap();
            state.counts.requests += 1;
            if writes {
                state.counts.writes += 1;
                state.last_write = self.time.elapsed();
            }
            state.counts.requests
        };
        self.note(&format!("{number:5} {what}"));
        number
    }

    /// How long nothing was written.
    pub fn quiet(&self) -> Duration {
        self.time.elapsed().saturating_sub(self.state.lock().unwrap().last_write)
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.state.lock().unwrap().counts.clone()
    }

    /// The record in words; empty when it was not kept.
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap().lines.clone().unwrap_or_default()
    }

    /// SHA-256 of all lines, in hex.
    pub fn hash(&self) -> String {
        let digest = self.state.lock().unwrap().hash.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
