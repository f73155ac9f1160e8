//! How fast the operator is under Azure's limits, and how soon it notices ended operations, measured in Azure's log.

use super::{
    actions::article,
    azure,
    bed::{Bed, NAMESPACE},
    operator::Operator,
    wire::Disturbance,
};
use crate::{examples, many_objects::ManyObjects};
use acivnet_simulator::request_log::Entry;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest time, on the bed's clock, in which everything becomes ready.
const LONGEST: Duration = Duration::from_hours(24);
/// How often readiness is checked where its time matters.
const CLOSELY: Duration = Duration::from_millis(50);

/// Writes to Resource Manager that a deployment with a network of its own needs: the network and its subnet.
pub const WRITES_OF_EACH: usize = 2;

/// Many deployments created at once, each with its own network.
#[derive(Debug)]
pub struct Burst {
    /// Requests that Resource Manager counts as writes or deletes.
    pub writes: usize,
    /// Those that it counts as reads.
    pub reads: usize,
    /// Those that it answered 429.
    pub refused: usize,
    /// Seconds from the first write to the last.
    pub seconds: f64,
    /// Creations of web services, and registrations of models.
    pub made: [usize; 2],
    /// Seconds from when they were applied until everything is ready.
    pub ready: f64,
    /// Until the first tenth of the objects, and until half of them were.
    pub first: [f64; 2],
}

impl Burst {
    /// The least seconds for this many writes: a bucket of 200, and 10 a second.
    pub fn bound(&self) -> f64 {
        (self.writes as f64 - 200.0).max(0.0) / 10.0
    }

    /// How many of the requests to Resource Manager were answered 429.
    pub fn refused_percent(&self) -> f64 {
        100.0 * self.refused as f64 / (self.reads + self.writes) as f64
    }
}

/// Deployments, each with a subnet in its own network, all applied at once. With client subnets they are
/// twice the writes, and three times the reads.
pub async fn burst(deployments: usize, client_subnets: bool) -> Burst {
    let bed = Bed::new(Disturbance::default()).await;
    let operator = Operator::start(&bed).await;
    sleep(Duration::from_secs(5)).await;
    let subscription = "00000000-0000-0000-0000-000000000001".to_owned();
    let (namespace, subnets) = (NAMESPACE.to_owned(), deployments);
    let objects =
        ManyObjects { namespace, subscription, subnets, subnets_of_a_network: 1, client_subnets, deployments };
    bed.apply(objects.files());
    objects.objects().into_iter().for_each(|object| bed.apply(object));
    let times = ready_times(&bed, objects.len()).await;
    let (ready, first) = (times[times.len() - 1], [10, 2].map(|part| times[times.len() / part]));
    operator.stop().await;
    let log = log(&bed);
    let made = ["/services", "/models"]
        .map(|end| log.iter().filter(|entry| entry.verb == "POST" && entry.path.ends_with(end)).count());
    let arm = log.iter().filter(|entry| entry.path.starts_with("/subscriptions/"));
    let (reads, writes): (Vec<&Entry>, Vec<&Entry>) = arm.partition(|entry| entry.verb == "GET");
    let refused = reads.iter().chain(&writes).filter(|entry| entry.status == 429).count();
    let seconds = writes[writes.len() - 1].time.duration_since(writes[0].time).as_secs_f64();
    Burst { writes: writes.len(), reads: reads.len(), refused, seconds, made, ready, first }
}

/// Many subnets in one virtual network.
#[derive(Debug)]
pub struct OneNetwork {
    /// Writes that Azure refused because another one was running in the network.
    pub collided: usize,
    /// Writes to Resource Manager.
    pub writes: usize,
    /// When each was ready, in seconds.
    pub ready: Vec<f64>,
}

/// Subnets in one virtual network, all applied at once.
pub async fn one_network(subnets: usize) -> OneNetwork {
    let bed = Bed::new(Disturbance::default()).await;
    let operator = Operator::start(&bed).await;
    sleep(Duration::from_secs(5)).await;
    let subscription = "00000000-0000-0000-0000-000000000001".to_owned();
    let (namespace, subnets_of_a_network) = (NAMESPACE.to_owned(), subnets);
    let objects =
        ManyObjects { namespace, subscription, subnets, subnets_of_a_network, client_subnets: false, deployments: 0 };
    objects.objects().into_iter().for_each(|object| bed.apply(object));
    let ready = ready_times(&bed, subnets).await;
    operator.stop().await;
    let log = log(&bed);
    let writes: Vec<&Entry> = log.iter().filter(|entry| entry.verb == "PUT").collect();
    let collided = writes.iter().filter(|entry| entry.status == 429 || entry.status == 409).count();
    OneNetwork { collided, writes: writes.len(), ready }
}

/// When these objects became ready, one after another, in seconds from now.
async fn ready_times(bed: &Bed, wanted: usize) -> Vec<f64> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < wanted {
        let elapsed = begun.elapsed();
        assert!(elapsed < LONGEST, "{} of {wanted} objects became ready within a day", times.len());
        times.resize(bed.ready().max(times.len()), elapsed.as_secs_f64());
        sleep(Duration::from_secs(1)).await;
    }
    times
}

/// How many seconds the how-to's network takes beside many objects of another namespace that has no identity.
pub async fn beside(others: usize) -> f64 {
    let bed = Bed::new(Disturbance::default()).await;
    let objects = ManyObjects {
        // before the other one by name
        namespace: "a-crowd".to_owned(),
        subscription: "00000000-0000-0000-0000-000000000001".to_owned(),
        subnets: others,
        subnets_of_a_network: 16,
        client_subnets: false,
        deployments: 0,
    };
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": objects.namespace}});
    bed.cluster.apply(&namespace);
    objects.objects().iter().for_each(|object| bed.cluster.apply(object));
    let operator = Operator::start(&bed).await;
    bed.apply(examples::subnet().0);
    let begun = Instant::now();
    until_ready(&bed, 1, CLOSELY).await;
    let took = begun.elapsed().as_secs_f64();
    operator.stop().await;
    took
}

/// An operation that was waited for.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// Seconds from its end to the first request that shows that it was seen.
    pub late: f64,
    /// Reads of the resource and of its operation until then.
    pub polls: usize,
}

/// Operations of this many seconds without `Retry-After`, one after another.
pub async fn operations(seconds: u32, rounds: usize) -> Vec<Waited> {
    let bed = taking([seconds, 0], false).await;
    let operator = Operator::start(&bed).await;
    for round in 0..rounds {
        one_more(&bed, round).await;
    }
    operator.stop().await;
    let log = log(&bed);
    (0..rounds).map(|round| waited(&log, round, f64::from(seconds))).collect()
}

/// A bed on which a network, and then a subnet, is made in this many seconds.
pub(super) async fn taking([network, subnet]: [u32; 2], retry_after: bool) -> Bed {
    let bed = Bed::new(Disturbance::default()).await;
    let durations = json!({"PutVirtualNetworkOperation": network, "PutSubnetOperation": subnet});
    azure::admin(&bed.azure, Method::PATCH, "settings", json!({"retryAfter": retry_after, "seconds": durations})).await;
    bed
}

/// Makes another network, and waits until it is ready.
pub(super) async fn one_more(bed: &Bed, round: usize) {
    bed.apply(network(round));
    until_ready(bed, round + 1, Duration::from_secs(1)).await;
}

/// Services one after another in the how-to's subnet, each created in this many seconds: the seconds from when Azure
/// says `Healthy` until the object says `Ready`, after its probe.
pub async fn served(seconds: u32, rounds: usize) -> Vec<f64> {
    let bed = Bed::new(Disturbance::default()).await;
    azure::admin(&bed.azure, Method::PATCH, "settings", json!({"seconds": {"DeployService": seconds}})).await;
    let operator = Operator::start(&bed).await;
    article(&bed).await;
    let mut late = Vec::new();
    for round in 0..rounds {
        let name = format!("service-{round}");
        bed.apply(examples::deployment().named(&name).0);
        // the first two are the how-to's own
        until_ready(&bed, round + 3, CLOSELY).await;
        late.push(bed.now().duration_since(healthy_since(&bed, &name).await).as_secs_f64());
    }
    operator.stop().await;
    late
}

/// When Azure finished a service.
async fn healthy_since(bed: &Bed, service: &str) -> Timestamp {
    let dump = azure::dump(&bed.azure).await;
    let services = dump["services"].as_array().expect("services");
    let service = services.iter().find(|one| one["name"] == service).expect("the service");
    assert_eq!(service["state"], "Healthy");
    service["updatedTime"].as_str().expect("a time").parse().expect("a time")
}

/// From the PUT of a network to the PUT of its subnet, which follows as soon as the network is seen to stand.
pub(super) fn waited(log: &[Entry], round: usize, seconds: f64) -> Waited {
    let (network, subnet) = (format!("/virtualNetworks/{}", name(round)), format!("/{}/subnets/aci", name(round)));
    let put = |end: &str| log.iter().position(|entry| entry.verb == "PUT" && entry.path.ends_with(end));
    let (begun, seen) = (put(&network).expect("a network"), put(&subnet).expect("a subnet"));
    let between = &log[begun..=seen];
    let took = between[between.len() - 1].time.duration_since(between[0].time).as_secs_f64();
    let polls = between.iter().filter(|entry| is_poll(entry, &network)).count();
    Waited { late: took - seconds, polls }
}

/// Whether it is a read of the resource whose id ends like this, or of an operation.
pub(super) fn is_poll(entry: &Entry, resource: &str) -> bool {
    entry.verb == "GET" && (entry.path.ends_with(resource) || entry.path.contains("/operations/"))
}

/// The value below which this part of all lies.
pub fn quantile(values: impl Iterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).ceil() as usize]
}

pub(super) fn name(n: usize) -> String {
    format!("net{n:03}")
}

pub(super) fn network(n: usize) -> Value {
    json!({
        "apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet", "metadata": {"name": name(n)},
        "spec": {
            "azure": {"subscriptionID": "00000000-0000-0000-0000-000000000001", "resourceGroup": "amlrg", "location": "japaneast"},
            "virtualNetwork": {"name": name(n), "addressPrefixes": ["10.0.0.0/16"]},
            "subnet": {"name": "aci", "addressPrefix": "10.0.1.0/24"},
        },
    })
}

pub(super) fn log(bed: &Bed) -> Vec<Entry> {
    bed.azure.with(|world| world.log.since(0).cloned().collect())
}

pub(super) async fn until_ready(bed: &Bed, wanted: usize, look: Duration) {
    let begun = Instant::now();
    while bed.ready() != wanted {
        assert!(begun.elapsed() < LONGEST, "{} of {wanted} objects became ready within a day", bed.ready());
        sleep(look).await;
    }
}
