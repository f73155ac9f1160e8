//! Leader election by a `Lease` of `coordination.k8s.io`, with a fence. Why it is our own:
//! `docs/decisions/2026-11-25-lease-and-fence.md`.
//!
//! # Guarantees
//! - At most one operator writes at a time: the term of a holder (`Term`) ends before a candidate may take the lease. A
//!   holder counts from before it sent its renewal, a candidate from when it saw the last one.
//! - A lease that is given back is taken within two fifteenths of its duration, while the API server answers.
//!
//! # Assumptions
//! - The monotonic clocks of two machines differ in their rate by less than a hundredth. No wall clock is compared.
//! - The API server accepts an update only of the version that was read.
//! - Whoever writes asks the term first: to Azure through [`acivnet_azure::Fence`], to Kubernetes through `within`.
//!
//! # Errors
//! None stops an election: a lease that can't be read or written is tried again, and a term that isn't renewed in time ends.

mod decision;
mod term;
mod within;

pub(crate) use term::Term;
pub(crate) use within::{is_over, within};

use crate::{kubernetes, monitoring::metrics::Metrics};
use acivnet_azure::{Clock, Random};
use decision::{Decision, decide};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{Api, api::PostParams};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Name of the lease.
pub const NAME: &str = "acivnet";
/// The annotation of the lease in which its holder leaves a note for the next: how long operations took.
const NOTE: &str = "acivnet.dev/durations";

/// What a holder notes on the lease whenever it renews it.
type Note = Box<dyn Fn() -> String + Send + Sync>;

/// What the administrator set.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Namespace of the lease: the operator's own.
    pub namespace: String,
    /// How long a lease lasts that is not renewed, 3 to 300 seconds.
    pub duration: Duration,
}

/// One candidate, and its lease while it holds it.
pub(crate) struct Election {
    leases: Api<Lease>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Arc<Metrics>,
    identity: String,
    duration: Duration,
    /// As the API server answered last; none when it is not there.
    current: Option<Lease>,
    /// What was seen last, even if it is not there any more, and since when it is so.
    seen: Option<(LeaseSpec, Instant)>,
    failing: bool,
    note: Option<Note>,
}

/// What an election needs of the world.
pub(crate) struct Dependencies {
    pub(crate) kube: kube::Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Election {
    pub(crate) fn new(settings: &LeaseSettings, dependencies: Dependencies) -> Self {
        let Dependencies { kube, clock, random, metrics } = dependencies;
        Self {
            leases: Api::namespaced(kube, &settings.namespace),
            identity: format!("{}_{:016x}", host(), random.next()),
            clock,
            random,
            metrics,
            duration: settings.duration,
            current: None,
            seen: None,
            failing: false,
            note: None,
        }
    }

    /// What the last holder noted. It may be anybody's: who can write the lease can write this.
    pub(crate) fn noted(&self) -> &str {
        let annotations = self.current.as_ref().and_then(|lease| lease.metadata.annotations.as_ref());
        annotations.and_then(|all| all.get(NOTE)).map(String::as_str).unwrap_or_default()
    }

    /// From now on each renewal notes this, up to the return of the lease: no write of its own.
    pub(crate) fn notes(&mut self, note: impl Fn() -> String + Send + Sync + 'static) {
        self.note = Some(Box::new(note));
    }

    /// Waits until the lease is ours. `waits` is called whenever it was found to be another's.
    pub(crate) async fn win(&mut self, waits: impl Fn()) -> Arc<Term> {
        loop {
            match self.attempt().await {
                Ok(Some(term)) => {
                    self.failing = false;
                    return term;
                }
                Ok(None) => {
                    self.failing = false;
                    waits();
                }
                Err(error) => self.failed(&error),
            }
            // every second of fifteen, so that a lease that was given back is taken within two
            sleep(self.duration.mul_f64((0.75 + self.random.unit() / 2.0) / 15.0)).await;
        }
    }

    async fn attempt(&mut self) -> Result<Option<Arc<Term>>, kube::Error> {
        self.look().await?;
        let unchanged = self.seen.as_ref().map_or(Duration::ZERO, |(_, since)| since.elapsed());
        let seen = self.seen.as_ref().map(|(spec, _)| spec);
        if decide(&self.identity, seen, unchanged, self.duration) == Decision::Wait {
            return Ok(None);
        }
        let sent = Instant::now();
        match self.write(self.claimed()).await {
            Ok(()) => Ok(Some(Arc::new(Term::new(sent, self.duration)))),
            // another candidate was faster
            Err(error) if kubernetes::status(&error) == 409 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Renews the lease; ends when the term is over, because it was not renewed in time or is another's.
    pub(crate) async fn keep(&mut self, term: &Term) {
        loop {
            sleep(self.duration.mul_f64(2.0 / 15.0)).await;
            match self.renew(term).await {
                Ok(true) => self.failing = false,
                Ok(false) => term.end(),
                Err(error) => self.failed(&error),
            }
            if term.is_over() {
                return;
            }
        }
    }

    /// Whether it is still ours.
    async fn renew(&mut self, term: &Term) -> Result<bool, kube::Error> {
        let sent = Instant::now();
        match self.write(self.claimed()).await {
            Ok(()) => return Ok(term.renew(sent)),
            Err(error) => match kubernetes::status(&error) {
                // deleted by somebody: others may have taken their chance
                404 => return Ok(false),
                // an answer was lost, somebody annotated it, or it is another's
                409 => self.look().await?,
                _ => return Err(error),
            },
        }
        if self.holder() != Some(&self.identity) {
            return Ok(false);
        }
        let sent = Instant::now();
        self.write(self.claimed()).await?;
        Ok(term.renew(sent))
    }

    /// Gives the lease back, so that nobody has to wait for its end. The term has to be over.
    pub(crate) async fn release(&mut self) {
        let mut lease = self.claimed();
        lease.spec.get_or_insert_default().holder_identity = Some(String::new());
        self.note = None;
        match self.write(lease).await {
            Ok(()) => tracing::info!("the lease was given back"),
            Err(error) => tracing::warn!(error = kubernetes::text(&error), "the lease could not be given back"),
        }
    }

    async fn look(&mut self) -> Result<(), kube::Error> {
        let found = within_time(self.duration, self.leases.get_opt(NAME)).await?;
        self.note(found);
        Ok(())
    }

    /// The lease with our name in it.
    fn claimed(&self) -> Lease {
        let mut lease = self.current.clone().unwrap_or_default();
        lease.metadata.name = Some(NAME.into());
        let now = MicroTime(self.clock.now());
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() != Some(&self.identity) {
            spec.holder_identity = Some(self.identity.clone());
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
        }
        spec.lease_duration_seconds = i32::try_from(self.duration.as_secs()).ok();
        spec.renew_time = Some(now);
        if let Some(note) = self.note.as_ref().map(|note| note()).filter(|note| !note.is_empty()) {
            lease.metadata.annotations.get_or_insert_default().insert(NOTE.to_owned(), note);
        }
        lease
    }

    async fn write(&mut self, lease: Lease) -> Result<(), kube::Error> {
        let params = PostParams { field_manager: Some(crate::FIELD_MANAGER.into()), ..PostParams::default() };
        let written = if self.current.is_some() {
            self.metrics.kubernetes_write("Lease", "update");
            within_time(self.duration, self.leases.replace(NAME, &params, &lease)).await?
        } else {
            self.metrics.kubernetes_write("Lease", "create");
            within_time(self.duration, self.leases.create(&params, &lease)).await?
        };
        self.note(Some(written));
        Ok(())
    }

    fn note(&mut self, mut found: Option<Lease>) {
        if let Some(lease) = &mut found {
            lease.metadata.managed_fields = None;
            let spec = lease.spec.clone().unwrap_or_default();
            if self.seen.as_ref().is_none_or(|(seen, _)| *seen != spec) {
                self.seen = Some((spec, Instant::now()));
            }
        }
        self.current = found;
    }

    fn holder(&self) -> Option<&String> {
        self.current.as_ref()?.spec.as_ref()?.holder_identity.as_ref()
    }

    /// The first of several failures in a row is worth a line.
    fn failed(&mut self, error: &kube::Error) {
        let error = kubernetes::text(error);
        if std::mem::replace(&mut self.failing, true) {
            tracing::debug!(error, "the lease can't be read or written");
        } else {
            tracing::warn!(error, "the lease can't be read or written; it is tried again until it can");
        }
    }
}

/// A request about the lease gets a fifth of its duration: another connection may be better.
async fn within_time<T>(
    duration: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    timeout(duration / 5, request).await.unwrap_or_else(|late| Err(kube::Error::Service(late.into())))
}

/// Name of this machine: that of the Pod.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { NAME.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
