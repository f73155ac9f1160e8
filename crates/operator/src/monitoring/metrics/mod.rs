//! The metrics of `/metrics`: counters, and what is counted when `/metrics` is requested.

mod fleet;

pub(crate) use fleet::MOST_NAMED;

use crate::ctx::Ctx;
use acivnet_azure::{Observer, RequestKind, Sent, Waited};
use fleet::Fleet;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry, Unit},
};
use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

/// Labels of `acivnet_azure_requests_total`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AzureRequestLabels {
    verb: String,
    class: &'static str,
    status: u16,
}

/// Labels of `acivnet_kubernetes_writes_total`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KubernetesWriteLabels {
    kind: String,
    verb: &'static str,
}

/// Labels of what is held back before it is sent to Azure.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HeldLabels {
    class: &'static str,
    sort: &'static str,
}

/// Labels of the counters that tell a result.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    kind: String,
    result: &'static str,
}

/// Labels of the time that requests to Azure took.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AzureTimeLabels {
    class: &'static str,
    verb: String,
}

/// Labels of `acivnet_azure_errors_total`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AzureErrorLabels {
    class: &'static str,
    error: &'static str,
}

/// Label of the time that probes took.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProbeLabels {
    result: &'static str,
}

/// Labels of the time until objects were Ready.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChangeLabels {
    kind: String,
    change: &'static str,
}

/// Seconds, each the upper end of a bucket.
type Buckets = [f64; 11];
type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// Of requests and probes: those of Azure may take a minute.
const REQUESTS: Buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Of objects: Azure takes seconds for a subnet, and up to twenty minutes for a first web service.
const OBJECTS: Buckets = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 3600.0];

fn times<L: Clone + std::hash::Hash + Eq>(buckets: fn() -> Histogram) -> Times<L> {
    Family::new_with_constructor(buckets)
}

/// The commit that this was built from, as the build says: `ACIVNET_REVISION`.
const REVISION: &str = match option_env!("ACIVNET_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// All metrics of one operator.
pub struct Metrics {
    registry: Registry,
    azure_requests: Family<AzureRequestLabels, Counter>,
    kubernetes_writes: Family<KubernetesWriteLabels, Counter>,
    reconciles: Family<ResultLabels, Counter>,
    watch_failures: Family<ResultLabels, Counter>,
    azure_waits: Family<HeldLabels, Counter<f64, AtomicU64>>,
    azure_closings: Family<HeldLabels, Counter>,
    azure_times: Times<AzureTimeLabels>,
    azure_errors: Family<AzureErrorLabels, Counter>,
    probes: Times<ProbeLabels>,
    moves: Counter,
    ready_times: Times<ChangeLabels>,
    leader: Gauge,
    fleet: Arc<Fleet>,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = || Histogram::new(REQUESTS);
        let mut metrics = Self {
            registry: Registry::default(),
            azure_requests: Family::default(),
            kubernetes_writes: Family::default(),
            reconciles: Family::default(),
            watch_failures: Family::default(),
            azure_waits: Family::default(),
            azure_closings: Family::default(),
            azure_times: times(requests),
            azure_errors: Family::default(),
            probes: times(requests),
            moves: Counter::default(),
            ready_times: times(|| Histogram::new(OBJECTS)),
            leader: Gauge::default(),
            fleet: Arc::default(),
        };
        metrics.register_work();
        metrics.register_azure();
        metrics.register_models();
        metrics.register_process();
        metrics
    }
}

impl Metrics {
    /// Registers a metric under its name, with the text that `/metrics` shows beside it.
    fn register(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.registry.register(name, help, metric);
    }

    fn register_seconds(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.registry.register_with_unit(name, help, Unit::Seconds, metric);
    }

    fn register_work(&mut self) {
        let requests = self.azure_requests.clone();
        self.register("acivnet_azure_requests", "Requests to Azure; status 0 means no answer", requests);
        let writes = self.kubernetes_writes.clone();
        self.register("acivnet_kubernetes_writes", "Writes to the Kubernetes API", writes);
        self.register("acivnet_reconciles", "Reconciles of objects", self.reconciles.clone());
        let failures = self.watch_failures.clone();
        let help = "Watches of the Kubernetes API that broke or failed to start";
        self.register("acivnet_watch_failures", help, failures);
    }

    fn register_azure(&mut self) {
        let help = "Time that requests to Azure waited before they were sent";
        self.register_seconds("acivnet_azure_waits", help, self.azure_waits.clone());
        let help = "How often Azure throttled the operator, which then paused its requests";
        self.register("acivnet_azure_throttled", help, self.azure_closings.clone());
        let help = "Time from sending a request to Azure until its answer";
        self.register_seconds("acivnet_azure_request_duration", help, self.azure_times.clone());
        let help = "Requests to Azure that got an error or no answer";
        self.register("acivnet_azure_errors", help, self.azure_errors.clone());
    }

    fn register_models(&mut self) {
        let help = "How long sample requests to models took";
        self.register_seconds("acivnet_probe_duration", help, self.probes.clone());
        self.register("acivnet_endpoint_moves", "How often a model got another address", self.moves.clone());
        let help = "Time until an object was Ready, from its creation or a change of its spec";
        self.register_seconds("acivnet_ready_duration", help, self.ready_times.clone());
    }

    fn register_process(&mut self) {
        let build = [("version", env!("CARGO_PKG_VERSION")), ("revision", REVISION)];
        self.register("acivnet_build", "Version and commit of this operator", Info::new(build));
        let help = "1 on the replica that works, 0 on a standby";
        self.register("acivnet_leader", help, self.leader.clone());
        self.registry.register_collector(Box::new(Process));
        self.registry.register_collector(Box::new(Arc::clone(&self.fleet)));
    }

    /// Counts one request to Azure. `status` is 0 when there was no answer.
    pub fn azure_request(&self, verb: &str, class: &'static str, status: u16) {
        self.azure_requests.get_or_create(&AzureRequestLabels { verb: verb.to_owned(), class, status }).inc();
    }

    /// Counts one write to the Kubernetes API, whatever its answer.
    pub fn kubernetes_write(&self, kind: &str, verb: &'static str) {
        self.kubernetes_writes.get_or_create(&KubernetesWriteLabels { kind: kind.to_owned(), verb }).inc();
    }

    /// Counts one reconcile.
    pub fn reconcile(&self, kind: &str, result: &'static str) {
        self.reconciles.get_or_create(&ResultLabels { kind: kind.to_owned(), result }).inc();
    }

    /// Counts one failure of a watch; `result` tells what was done about it.
    pub fn watch_failure(&self, kind: &str, result: &'static str) {
        self.watch_failures.get_or_create(&ResultLabels { kind: kind.to_owned(), result }).inc();
    }

    /// Begins the series of a kind at 0: Prometheus sees no increase in what begins with its first failure.
    pub(crate) fn watches(&self, kind: &str) {
        for result in ["started", "listed"] {
            drop(self.watch_failures.get_or_create(&ResultLabels { kind: kind.to_owned(), result }));
        }
    }

    /// Notes a sample request.
    pub(crate) fn probe(&self, result: &'static str, took: Duration) {
        self.probes.get_or_create(&ProbeLabels { result }).observe(took.as_secs_f64());
    }

    /// Counts changes of addresses.
    pub(crate) fn moves(&self, more: u64) {
        self.moves.inc_by(more);
    }

    /// Notes that an object is Ready as its spec says, and after how many seconds.
    pub(crate) fn ready_after(&self, kind: &str, change: &'static str, seconds: f64) {
        self.ready_times.get_or_create(&ChangeLabels { kind: kind.to_owned(), change }).observe(seconds);
    }

    /// From now on it is told what a term knows, until it ends.
    pub(crate) fn tell_of(&self, ctx: &Arc<Ctx>) {
        self.fleet.follow(ctx);
    }

    /// Whether objects are told of by namespace and name.
    pub fn name_objects(&self, named: bool) {
        self.fleet.name_objects(named);
    }

    /// Says whether this operator works or stands by.
    pub fn leader(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// The text that Prometheus reads (OpenMetrics 1.0).
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# the metrics could not be written: {error}\n"),
        }
    }
}

impl Observer for Metrics {
    fn answered(&self, sent: &Sent<'_>) {
        let class = sent.class.as_str();
        self.azure_request(sent.verb, class, sent.status);
        let seconds = sent.time.as_secs_f64();
        self.azure_times.get_or_create(&AzureTimeLabels { class, verb: sent.verb.to_owned() }).observe(seconds);
        if let Some(error) = error(sent.status) {
            self.azure_errors.get_or_create(&AzureErrorLabels { class, error }).inc();
        }
    }

    fn waited(&self, waited: &Waited) {
        let held = HeldLabels { class: waited.class.as_str(), sort: waited.kind.as_str() };
        self.azure_waits.get_or_create(&held).inc_by(waited.time.as_secs_f64());
    }

    fn closed(&self, scope: &'static str, kind: RequestKind) {
        self.azure_closings.get_or_create(&HeldLabels { class: scope, sort: kind.as_str() }).inc();
    }
}

/// The word for an answer that is an error. That something is not there, or is as it was, is an answer like others.
fn error(status: u16) -> Option<&'static str> {
    match status {
        0 => Some("unanswered"),
        401 | 403 => Some("unauthorized"),
        409 | 412 => Some("conflict"),
        429 => Some("throttled"),
        404 | 410 | ..400 => None,
        400..500 => Some("refused"),
        500.. => Some("server"),
    }
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(bytes) = resident_memory() else { return Ok(()) };
        let gauge = ConstGauge::new(bytes);
        let about = encoder.encode_descriptor(
            "process_resident_memory",
            "Resident memory of the operator",
            Some(&Unit::Bytes),
            gauge.metric_type(),
        )?;
        gauge.encode(about)
    }
}

/// `VmRSS` of this process in bytes. `None` where there is no `/proc`.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_azure::Class;
    use std::time::Duration;

    #[test]
    fn an_answer_of_azure_is_counted_with_its_time_and_error() {
        let metrics = Metrics::default();
        for (status, millis) in [(200, 40), (404, 40), (409, 40), (429, 40), (503, 70_000), (0, 40)] {
            let (class, time) = (Class::ResourceManager, Duration::from_millis(millis));
            metrics.answered(&Sent { verb: "GET", class, status, remaining: None, time });
        }
        let text = metrics.text();
        let named = |name: &str| text.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
        let mut errors = named("acivnet_azure_errors_total{");
        errors.sort_unstable();
        let error = |word: &str| format!(r#"acivnet_azure_errors_total{{class="arm",error="{word}"}} 1"#);
        assert_eq!(errors, ["conflict", "server", "throttled", "unanswered"].map(error));
        for line in [
            r#"acivnet_azure_request_duration_seconds_bucket{le="0.05",class="arm",verb="GET"} 5"#,
            r#"acivnet_azure_request_duration_seconds_count{class="arm",verb="GET"} 6"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_and_labels_are_as_documented() {
        let metrics = Metrics::default();
        metrics.azure_request("PUT", "arm", 201);
        metrics.kubernetes_write("DelegatedSubnet", "update");
        metrics.reconcile("DelegatedSubnet", "settled");
        metrics.waited(&Waited {
            class: Class::ResourceManager,
            kind: RequestKind::Write,
            time: Duration::from_millis(1500),
        });
        metrics.closed("network", RequestKind::Read);
        metrics.watches("DelegatedSubnet");
        metrics.watch_failure("DelegatedSubnet", "started");
        metrics.probe("passed", Duration::from_millis(30));
        metrics.moves(2);
        metrics.ready_after("DelegatedSubnet", "created", 42.0);
        let text = metrics.text();
        for line in [
            r#"acivnet_azure_requests_total{verb="PUT",class="arm",status="201"} 1"#,
            r#"acivnet_kubernetes_writes_total{kind="DelegatedSubnet",verb="update"} 1"#,
            r#"acivnet_reconciles_total{kind="DelegatedSubnet",result="settled"} 1"#,
            r#"acivnet_azure_waits_seconds_total{class="arm",sort="write"} 1.5"#,
            r#"acivnet_azure_throttled_total{class="network",sort="read"} 1"#,
            r#"acivnet_probe_duration_seconds_bucket{le="0.05",result="passed"} 1"#,
            r#"acivnet_ready_duration_seconds_bucket{le="60.0",kind="DelegatedSubnet",change="created"} 1"#,
            "acivnet_endpoint_moves_total 2",
            r#"acivnet_watch_failures_total{kind="DelegatedSubnet",result="started"} 1"#,
            r#"acivnet_watch_failures_total{kind="DelegatedSubnet",result="listed"} 0"#,
            concat!(r#"acivnet_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#"",revision=""#),
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let reference = include_str!("../../../../../docs/reference/metrics.md");
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let missing: Vec<&str> = names.filter(|name| !reference.contains(&format!("`{name}"))).collect();
        assert_eq!(missing, [""; 0], "docs/reference/metrics.md");
        let resident = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(resident.parse::<u64>().unwrap() > 1 << 20, "{resident}");
    }
}
