//! Counters for people and alarms.

use acivnet_azure::{Observer, Sent, Waited, throttle::Sort};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::{Registry, Unit},
};
use std::sync::atomic::AtomicU64;

/// Labels of `acivnet_azure_requests_total`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AzureRequest {
    verb: String,
    class: &'static str,
    status: u16,
}

/// Labels of `acivnet_kubernetes_writes_total`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KubernetesWrite {
    kind: String,
    verb: &'static str,
}

/// Labels of what is held back before it is sent to Azure.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Held {
    class: &'static str,
    sort: &'static str,
}

/// Labels of the counters that tell a result.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    kind: String,
    result: &'static str,
}

/// All counters of one operator.
pub struct Metrics {
    registry: Registry,
    azure_requests: Family<AzureRequest, Counter>,
    kubernetes_writes: Family<KubernetesWrite, Counter>,
    reconciles: Family<Outcome, Counter>,
    watch_failures: Family<Outcome, Counter>,
    azure_waits: Family<Held, Counter<f64, AtomicU64>>,
    azure_closings: Family<Held, Counter>,
    leader: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let (azure_requests, kubernetes_writes, reconciles, watch_failures) = Default::default();
        let (azure_waits, azure_closings): (Family<Held, Counter<f64, AtomicU64>>, _) = Default::default();
        let leader = Gauge::default();
        registry.register(
            "acivnet_azure_requests",
            "Requests to Azure; status 0 when there was no answer",
            Family::clone(&azure_requests),
        );
        registry.register(
            "acivnet_kubernetes_writes",
            "Writes to the Kubernetes API",
            Family::clone(&kubernetes_writes),
        );
        registry.register("acivnet_reconciles", "Passes over one object", Family::clone(&reconciles));
        registry.register(
            "acivnet_watch_failures",
            "Watches of the Kubernetes API that broke or could not be started",
            Family::clone(&watch_failures),
        );
        registry.register_with_unit(
            "acivnet_azure_waits",
            "Time that requests to Azure waited for their turn",
            Unit::Seconds,
            Family::clone(&azure_waits),
        );
        registry.register(
            "acivnet_azure_throttled",
            "Times that Azure said it was asked too often, and nothing was sent for a while",
            Family::clone(&azure_closings),
        );
        registry.register("acivnet_leader", "1 while this operator works, 0 while it stands by", leader.clone());
        registry.register_collector(Box::new(Process));
        Self {
            registry,
            azure_requests,
            kubernetes_writes,
            reconciles,
            watch_failures,
            azure_waits,
            azure_closings,
            leader,
        }
    }
}

impl Metrics {
    /// Counts one request to Azure. `status` is 0 when there was no answer.
    pub fn azure_request(&self, verb: &str, class: &'static str, status: u16) {
        self.azure_requests.get_or_create(&AzureRequest { verb: verb.to_owned(), class, status }).inc();
    }

    /// Counts one write to the Kubernetes API, whatever its answer.
    pub fn kubernetes_write(&self, kind: &str, verb: &'static str) {
        self.kubernetes_writes.get_or_create(&KubernetesWrite { kind: kind.to_owned(), verb }).inc();
    }

    /// Counts one pass.
    pub fn reconcile(&self, kind: &str, result: &'static str) {
        self.reconciles.get_or_create(&Outcome { kind: kind.to_owned(), result }).inc();
    }

    /// Counts one failure of a watch; `result` tells what was done about it.
    pub fn watch_failure(&self, kind: &str, result: &'static str) {
        self.watch_failures.get_or_create(&Outcome { kind: kind.to_owned(), result }).inc();
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
        self.azure_request(sent.verb, sent.class.as_str(), sent.status);
    }

    fn waited(&self, waited: &Waited) {
        let held = Held { class: waited.class.as_str(), sort: waited.sort.as_str() };
        self.azure_waits.get_or_create(&held).inc_by(waited.time.as_secs_f64());
    }

    fn closed(&self, scope: &'static str, sort: Sort) {
        self.azure_closings.get_or_create(&Held { class: scope, sort: sort.as_str() }).inc();
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
            "Resident memory",
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
    fn names_and_labels_are_as_documented() {
        let metrics = Metrics::default();
        metrics.azure_request("PUT", "arm", 201);
        metrics.kubernetes_write("DelegatedSubnet", "update");
        metrics.reconcile("DelegatedSubnet", "settled");
        metrics.waited(&Waited { class: Class::ResourceManager, sort: Sort::Write, time: Duration::from_millis(1500) });
        metrics.closed("network", Sort::Read);
        metrics.watch_failure("DelegatedSubnet", "started");
        let text = metrics.text();
        for line in [
            r#"acivnet_azure_requests_total{verb="PUT",class="arm",status="201"} 1"#,
            r#"acivnet_kubernetes_writes_total{kind="DelegatedSubnet",verb="update"} 1"#,
            r#"acivnet_reconciles_total{kind="DelegatedSubnet",result="settled"} 1"#,
            r#"acivnet_azure_waits_seconds_total{class="arm",sort="write"} 1.5"#,
            r#"acivnet_azure_throttled_total{class="network",sort="read"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let reference = include_str!("../../../docs/reference/metrics.md");
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let missing: Vec<&str> = names.filter(|name| !reference.contains(&format!("`{name}"))).collect();
        assert_eq!(missing, [""; 0], "docs/reference/metrics.md");
        let resident = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(resident.parse::<u64>().unwrap() > 1 << 20, "{resident}");
    }
}
