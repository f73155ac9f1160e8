//! Everything that comes from outside, and everything that is kept between two reconciles.

use crate::{
    act::{slots::Slots, writers::Writers},
    cache::{
        config_maps::{self, ConfigMaps},
        digests::Digests,
        remote_files::RemoteFiles,
        secrets::{self, fingerprints::Salts},
        snapshot::{Reader, Snapshots},
        stores::Stores,
    },
    controllers::{queue::Queue, secret_watches::SecretWatches},
    kubernetes::{definition::Definitions, identity::Identities, networks::Networks},
    monitoring::{admin::Signals, metrics::Metrics, pulse::Pulse},
    object::ObjectKey,
    observe::probe::Prober,
    per_object::PerObject,
    publish::events::RecentEvents,
    reconcile::{
        apart,
        pace::{Pace, Sweeps},
    },
};
use acivnet_azure::{Azure, Clock, Cloud, Connector, Fence, Http, IdentityKey, ModelLimits, Observer, Random};
use acivnet_core::observed;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// How many files behind URIs are uploaded at once. Each takes some 5 MiB of memory: a block is held until it is sent.
pub(crate) const UPLOADS: usize = 4;
/// How many of them for one identity, so that the large files of one team leave room for others.
pub(crate) const UPLOADS_OF_ONE: usize = 2;

/// How many objects that are too large for the cache are reconciled at once, at up to some 10 MiB each.
pub(crate) const LARGE_RECONCILES: usize = 2;
/// How many ConfigMaps and Secrets are read at once: each may have a MiB (Kubernetes' limit), and takes some five times
/// that while it is parsed.
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

impl Outside {
    /// Azure as it is asked through this.
    fn connector(&self, cloud: Cloud, fence: Arc<dyn Fence>, observer: Arc<dyn Observer>, pace: Pace) -> Connector {
        Connector::new(acivnet_azure::ConnectorConfig {
            cloud,
            http: Arc::clone(&self.http),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            observer,
            scale: pace.scale(),
            fence,
        })
    }
}

/// What the administrator set, as far as reconciles need it.
#[derive(Clone)]
pub struct Options {
    /// Endpoints of Azure.
    pub cloud: Cloud,
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

/// The context of every reconcile.
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
    /// What earlier reconciles of each object left behind.
    pub per_object: PerObject,
    /// Which objects wait for a reconcile, and whose turn it is.
    pub(crate) queue: Queue,
    pub(crate) identities: Identities,
    pub(crate) config_maps: ConfigMaps,
    pub(crate) secret_watches: SecretWatches,
    /// At reconciles of objects that are too large for the cache.
    pub(crate) large_reconciles: Semaphore,
    /// At reads of what may be large.
    pub(crate) large_reads: Semaphore,
    pub(crate) remote_files: RemoteFiles,
    /// At decisions about so much that another thread makes them.
    pub(crate) apart: Semaphore,
    /// At uploads out of URIs: each holds a block of its file in memory.
    pub(crate) uploads: Slots,
    pub(crate) digests: Digests,
    pub(crate) snapshots: Snapshots,
    pub(crate) salts: Salts,
    /// Events that stand for others of their kind.
    pub(crate) recent_events: RecentEvents,
    /// At writes in virtual networks.
    pub(crate) writers: Writers,
    pub(crate) definitions: Definitions,
    pub(crate) options: Options,
}

impl Ctx {
    /// A context that has seen nothing yet, of an operator that is alone.
    pub fn new(outside: Outside, options: Options, networks: Arc<Networks>) -> Arc<Self> {
        Self::within(Arc::new(()), outside, options, networks, &Signals::default())
    }

    /// A context that has seen nothing yet and writes to Azure as long as `fence` allows.
    pub fn within(
        fence: Arc<dyn Fence>,
        outside: Outside,
        options: Options,
        networks: Arc<Networks>,
        signals: &Signals,
    ) -> Arc<Self> {
        let Signals { metrics, pulse, .. } = signals.clone();
        let pace = Pace::new(options.pace);
        let azure = outside.connector(options.cloud.clone(), fence, Arc::<Metrics>::clone(&metrics), pace);
        let Outside { kube, http, clock, random } = outside;
        let identities = Identities::new(kube.clone(), Arc::clone(&clock), Arc::clone(&metrics));
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
            per_object: PerObject::default(),
            queue: Queue::default(),
            identities,
            config_maps: ConfigMaps::default(),
            secret_watches: SecretWatches::default(),
            large_reconciles: Semaphore::new(LARGE_RECONCILES),
            large_reads: Semaphore::new(LARGE_READS),
            apart: Semaphore::new(apart::AT_ONCE),
            remote_files: RemoteFiles::new(options.models.clone()),
            uploads: Slots::new(UPLOADS, UPLOADS_OF_ONE),
            digests: Digests::default(),
            snapshots: Snapshots::default(),
            salts: Salts::default(),
            recent_events: RecentEvents::default(),
            writers: Writers::default(),
            definitions: Definitions::default(),
            options,
        });
        ctx.metrics.tell_of(&ctx);
        ctx
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, key: &ObjectKey, uid: &str) {
        self.writers.forget(key, self.pace).iter().for_each(|next| self.queue.want(next));
        self.per_object.forget(uid);
        self.remote_files.forget(uid);
        if !self.stores.any_in(&key.namespace) {
            self.identities.forget(&key.namespace);
        }
    }

    /// Where ConfigMaps are read.
    pub(crate) fn config_map_source(&self) -> config_maps::Source<'_> {
        config_maps::Source { kube: &self.kube, stores: &self.stores, large_reads: &self.large_reads }
    }

    /// Where Secrets are read.
    pub(crate) fn secret_source(&self) -> secrets::Source<'_> {
        secrets::Source { kube: &self.kube, watches: &self.secret_watches, large_reads: &self.large_reads }
    }

    /// Azure's lists as a sweep sees them.
    pub(crate) fn lists<'a>(&'a self, sweeps: Sweeps, azure: &'a Azure, identity: &'a IdentityKey) -> Reader<'a> {
        let now = self.clock.now();
        let (oldest, since, lasts) = (sweeps.oldest(now), sweeps.last(now), sweeps.lasts());
        Reader { snapshots: &self.snapshots, clock: self.clock.as_ref(), azure, identity, oldest, since, lasts }
    }

    /// What makes sample requests.
    pub(crate) fn prober(&self) -> Prober<'_> {
        Prober {
            kube: &self.kube,
            http: self.http.as_ref(),
            networks: &self.networks,
            clock: self.clock.as_ref(),
            pace: self.pace,
            metrics: &self.metrics,
            per_object: &self.per_object,
        }
    }

    /// The settings that decisions need.
    pub fn settings(&self) -> observed::Settings {
        observed::Settings {
            cluster: self.options.cluster.clone(),
            scoring_networks: self.networks.scoring().to_vec(),
            refused_networks: self.networks.refused(),
            pods_unknown: !self.networks.pods_known(),
            stalled_after_seconds: i64::try_from(self.options.stalled_after.as_secs()).unwrap_or(i64::MAX),
        }
    }
}
