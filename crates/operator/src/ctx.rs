//! Everything that comes from outside, and what is remembered between two passes.

use crate::{
    admin::Around,
    apart,
    config_maps::ConfigMaps,
    definition::Definitions,
    digests::Digests,
    events::Told,
    fingerprints::Salts,
    identity::Identities,
    memory::Memory,
    metrics::Metrics,
    networks::Networks,
    pace::Pace,
    pauses::Pauses,
    probe::Probes,
    pulse::Pulse,
    queue::{Queue, Who},
    refusals::Refusals,
    remote_files::RemoteFiles,
    repeats::Repeats,
    running::Running,
    secret_watches::SecretWatches,
    shown::Certificates,
    snapshot::Snapshots,
    stores::Stores,
    turns::Turns,
    writers::Writers,
};
use acivnet_azure::{Clock, Connector, Fence, Http, ModelLimits, Random};
use acivnet_core::{names::Names, observed};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// How many files of URIs are uploaded at once, at some 5 MiB of memory each.
pub(crate) const UPLOADS: usize = 4;
/// How many of them for one identity.
pub(crate) const UPLOADS_OF_ONE: usize = 2;

/// How many passes over objects that are too large for the cache go on at once, at some 10 MiB each at most.
pub(crate) const LARGE_PASSES: usize = 2;
/// How many ConfigMaps and Secrets are read at once: each may have a MiB, and takes some
/// five times that while it is taken apart.
pub(crate) const LARGE_READS: usize = 3;

/// What the world gives.
#[derive(Clone)]
pub struct Outside {
    /// The Kubernetes API.
    pub kube: kube::Client,
    /// Everything else that leaves the process: Azure and the probe.
    pub http: Arc<dyn Http>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub random: Arc<dyn Random>,
}

/// What the administrator set, as far as passes need it.
#[derive(Clone)]
pub struct Options {
    /// Endpoints of Azure.
    pub cloud: acivnet_azure::Cloud,
    /// Scale of the operator's own waits.
    pub pace: f64,
    /// How long before a cause that a person has to remove counts as stalled.
    pub stalled_after: Duration,
    /// What names the cluster: the uid of its namespace `kube-system`, or what the administrator says.
    pub cluster: String,
    /// What models behind a URI may be.
    pub models: ModelLimits,
    /// Namespaces to work in; none of them: all.
    pub namespaces: Vec<String>,
}

/// The context of every pass.
pub struct Ctx {
    /// The Kubernetes API.
    pub kube: kube::Client,
    /// Requests that are not for Azure: the probe's.
    pub http: Arc<dyn Http>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub random: Arc<dyn Random>,
    /// The one source of waits.
    pub pace: Pace,
    /// Azure, and the gate for writes to it.
    pub azure: Connector,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Whether the work goes on.
    pub(crate) pulse: Arc<Pulse>,
    /// Where an endpoint may lie.
    pub networks: Arc<Networks>,
    /// What the watches know.
    pub stores: Stores,
    /// Attempts and results of earlier passes.
    pub memory: Memory,
    /// Which objects wait for a pass, and whose turn it is.
    pub(crate) queue: Queue,
    pub(crate) running: Running,
    pub(crate) identities: Identities,
    pub(crate) config_maps: ConfigMaps,
    pub(crate) secret_watches: SecretWatches,
    /// At passes over objects that are too large for the cache.
    pub(crate) large_passes: Semaphore,
    /// At reads of what may be large.
    pub(crate) large_reads: Semaphore,
    pub(crate) remote_files: RemoteFiles,
    /// At decisions about so much that another thread makes them.
    pub(crate) apart: Semaphore,
    /// At uploads out of URIs: each holds a block of its file in memory.
    pub(crate) uploads: Turns,
    /// What models behind a URI may be.
    pub(crate) models: ModelLimits,
    pub(crate) digests: Digests,
    pub(crate) snapshots: Snapshots,
    pub(crate) probes: Probes,
    pub(crate) salts: Salts,
    /// Writes that had to be made again.
    pub(crate) repeats: Repeats,
    /// Events that stand for others of their kind.
    pub(crate) told: Told,
    /// Writes that Azure refused.
    pub(crate) refusals: Refusals,
    pub(crate) pauses: Pauses,
    /// When the certificates end that objects name.
    pub(crate) certificates: Certificates,
    /// At writes in virtual networks.
    pub(crate) writers: Writers,
    /// Namespaces to work in; none of them: all.
    pub(crate) namespaces: Vec<String>,
    pub(crate) definitions: Definitions,
    cluster: String,
    stalled_after: Duration,
}

impl Ctx {
    /// A context that has seen nothing yet, of an operator that is alone.
    pub fn new(outside: Outside, options: Options, networks: Arc<Networks>) -> Arc<Self> {
        Self::within(Arc::new(()), outside, options, networks, &Around::default())
    }

    /// A context that has seen nothing yet and writes to Azure as long as `fence` allows.
    pub fn within(
        fence: Arc<dyn Fence>,
        outside: Outside,
        options: Options,
        networks: Arc<Networks>,
        around: &Around,
    ) -> Arc<Self> {
        let Around { metrics, pulse, .. } = around.clone();
        let Outside { kube, http, clock, random } = outside;
        let pace = Pace::new(options.pace);
        let azure = Connector::new(acivnet_azure::Settings {
            cloud: options.cloud,
            http: Arc::clone(&http),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            observer: Arc::<Metrics>::clone(&metrics),
            scale: pace.scale(),
            fence,
        });
        let ctx = Arc::new(Self {
            kube,
            http,
            clock,
            random,
            pace,
            azure,
            metrics,
            pulse,
            networks,
            stores: Stores::default(),
            memory: Memory::default(),
            queue: Queue::default(),
            running: Running::default(),
            identities: Identities::default(),
            config_maps: ConfigMaps::default(),
            secret_watches: SecretWatches::default(),
            large_passes: Semaphore::new(LARGE_PASSES),
            large_reads: Semaphore::new(LARGE_READS),
            apart: Semaphore::new(apart::AT_ONCE),
            remote_files: RemoteFiles::default(),
            uploads: Turns::new(UPLOADS, UPLOADS_OF_ONE),
            models: options.models,
            digests: Digests::default(),
            snapshots: Snapshots::default(),
            probes: Probes::default(),
            salts: Salts::default(),
            repeats: Repeats::default(),
            told: Told::default(),
            refusals: Refusals::default(),
            pauses: Pauses::default(),
            certificates: Certificates::default(),
            writers: Writers::default(),
            namespaces: options.namespaces,
            definitions: Definitions::default(),
            cluster: options.cluster,
            stalled_after: options.stalled_after,
        });
        ctx.metrics.tell_of(&ctx);
        ctx
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, who: &Who, meta: &ObjectMeta) {
        self.writers.forget(who, self.pace).iter().for_each(|next| self.queue.want(next));
        self.memory.forget(meta);
        self.repeats.forget(meta);
        self.refusals.forget(meta);
        self.running.forget(meta);
        self.pauses.forget(meta);
        self.certificates.forget(meta.uid());
        self.probes.forget(meta.uid());
        self.remote_files.forget(meta.uid());
        if !self.stores.any_in(&who.namespace) {
            self.identities.forget(&who.namespace);
        }
    }

    /// The settings that decisions need.
    pub fn settings(&self) -> observed::Settings {
        observed::Settings {
            cluster: self.cluster.clone(),
            scoring_networks: self.networks.scoring().to_vec(),
            refused_networks: self.networks.refused(),
            pods_unknown: !self.networks.pods_known(),
            stalled_after_seconds: i64::try_from(self.stalled_after.as_secs()).unwrap_or(i64::MAX),
        }
    }
}
