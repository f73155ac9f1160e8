//! How fast the operator is under Azure's limits, and how soon it notices ended operations, measured in Azure's log.

use super::{
    actions::article,
    api_server::resources,
    azure,
    bed::{Bed, NAMESPACE, credentials},
    operator::Operator,
    wire::Disturbance,
};
use crate::{examples, many_objects::ManyObjects};
use acivnet_azure::NetworkLimits;
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
/// Length of the window in which Microsoft.Network counts, in seconds.
const WINDOW: f64 = 300.0;
/// Time between two lone changes, in seconds.
const BETWEEN: Duration = Duration::from_secs(41);
/// The namespace of those that others make meanwhile, under the same identity.
const OTHER: &str = "other";

/// What is applied at once, and what beside.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Deployments, each with a subnet in its own network.
    pub deployments: usize,
    /// Whether each network has a client subnet with a security group, which is twice the writes.
    pub client_subnets: bool,
    /// Of each sort so many lone changes one after another while it lasts: a new subnet in another namespace, and a new
    /// tag of a subnet that stands in the same.
    pub lone_changes: usize,
    /// Writes to Microsoft.Network in five minutes, as the operator is told.
    pub window: u32,
    /// Azure makes each web service within half a minute, so that networks are what takes time; else within three.
    pub quick_services: bool,
}

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
    /// When each deployment was ready, in seconds from when they were applied.
    pub deployments: Vec<f64>,
    /// Until the last write of all, in seconds from when they were applied.
    pub last_write: f64,
    /// Seconds from each lone change to its first write: in another namespace, and of what stands in the same.
    pub lone: [Vec<f64>; 2],
    window: u32,
}

impl Burst {
    /// The least seconds until the last of this many writes may be sent: a bucket of 200, and 10 a second; in five minutes no
    /// more than the window has.
    pub fn bound(&self) -> f64 {
        let mut times: Vec<f64> = Vec::with_capacity(self.writes);
        for number in 0..self.writes {
            let bucket = (number as f64 - 199.0).max(0.0) / 10.0;
            let window = number.checked_sub(self.window as usize).map_or(0.0, |before| times[before] + WINDOW);
            times.push(bucket.max(window));
        }
        times.last().copied().unwrap_or_default()
    }

    /// When this part of the deployments was ready: 0 for the first, 1 for all.
    pub fn ready(&self, part: f64) -> f64 {
        let number = (self.deployments.len() as f64 * part).ceil() as usize;
        self.deployments[number.max(1) - 1]
    }

    /// What one object needs after its last write.
    pub fn rest(&self) -> f64 {
        self.ready(1.0) - self.last_write
    }

    /// How many of the requests to Resource Manager were answered 429.
    pub fn refused_percent(&self) -> f64 {
        100.0 * self.refused as f64 / (self.reads + self.writes) as f64
    }
}

/// Applies it all at once, and waits until every deployment is ready.
pub async fn burst(load: Load) -> Burst {
    let limits = NetworkLimits { writes: load.window, ..NetworkLimits::default() };
    let bed = Bed::new(Disturbance::default()).await.with_network_limits(limits);
    add_namespace(&bed, OTHER);
    if load.quick_services {
        let seconds = json!({"BuildImage": 10, "FindImage": 5, "DeployService": 15});
        azure::admin(&bed.azure, Method::PATCH, "settings", json!({"seconds": seconds})).await;
    }
    let operator = Operator::start(&bed).await;
    (0..load.lone_changes).for_each(|number| bed.apply(network(number)));
    until_ready(&bed, load.lone_changes, Duration::from_secs(1)).await;
    // the buckets and the window are full again
    sleep(Duration::from_secs(600)).await;
    let before = log(&bed).len();
    let applied = bed.now();
    many(load).into_iter().for_each(|object| bed.apply(object));
    let (times, changed) = futures::join!(ready_times(&bed, load.deployments), lone_changes(&bed, load.lone_changes));
    operator.stop().await;
    let log = log(&bed).split_off(before);
    let made = ["/services", "/models"]
        .map(|end| log.iter().filter(|entry| entry.verb == "POST" && entry.path.ends_with(end)).count());
    let lone = changed.map(|changes| changes.into_iter().map(|(name, at)| first_write(&log, &name, at)).collect());
    let arm = log.iter().filter(|entry| entry.path.starts_with("/subscriptions/"));
    let (reads, writes): (Vec<&Entry>, Vec<&Entry>) = arm.partition(|entry| entry.verb == "GET");
    let since = |entry: &Entry, start: Timestamp| entry.time.duration_since(start).as_secs_f64();
    Burst {
        refused: reads.iter().chain(&writes).filter(|entry| entry.status == 429).count(),
        seconds: since(writes[writes.len() - 1], writes[0].time),
        last_write: since(writes[writes.len() - 1], applied),
        writes: writes.len(),
        reads: reads.len(),
        made,
        deployments: times,
        lone,
        window: load.window,
    }
}

/// Another namespace under the tenant's identity.
fn add_namespace(bed: &Bed, name: &str) {
    bed.cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let mut secret = credentials();
    secret["metadata"]["namespace"] = name.into();
    bed.cluster.apply(&secret);
}

fn many(Load { deployments, client_subnets, .. }: Load) -> Vec<Value> {
    let subscription = "00000000-0000-0000-0000-000000000001".to_owned();
    let (namespace, subnets) = (NAMESPACE.to_owned(), deployments);
    let objects =
        ManyObjects { namespace, subscription, subnets, subnets_of_a_network: 1, client_subnets, deployments };
    std::iter::once(objects.files()).chain(objects.objects()).collect()
}

/// Names of networks and when something was changed about them: new ones in another namespace, and new tags of what stands.
async fn lone_changes(bed: &Bed, changes: usize) -> [Vec<(String, Timestamp)>; 2] {
    let mut changed: [Vec<(String, Timestamp)>; 2] = Default::default();
    for number in 0..changes {
        sleep(BETWEEN).await;
        let mut new = network(changes + number);
        new["metadata"]["namespace"] = OTHER.into();
        bed.cluster.apply(&new);
        let mut tagged = network(number);
        tagged["spec"]["azure"]["tags"] = json!([{"name": "round", "value": "second"}]);
        bed.apply(tagged);
        for (changed, number) in changed.iter_mut().zip([changes + number, number]) {
            changed.push((name(number), bed.now()));
        }
    }
    changed
}

/// Seconds until a network was written.
fn first_write(log: &[Entry], name: &str, since: Timestamp) -> f64 {
    let end = format!("/virtualNetworks/{name}");
    let written = |entry: &&Entry| entry.verb == "PUT" && entry.path.ends_with(&end) && entry.time >= since;
    log.iter().find(written).map_or(f64::INFINITY, |entry| entry.time.duration_since(since).as_secs_f64())
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
    let ready = times(subnets, || bed.ready()).await;
    operator.stop().await;
    let log = log(&bed);
    let writes: Vec<&Entry> = log.iter().filter(|entry| entry.verb == "PUT").collect();
    let collided = writes.iter().filter(|entry| entry.status == 429 || entry.status == 409).count();
    OneNetwork { collided, writes: writes.len(), ready }
}

/// When so many deployments became ready, one after another, in seconds from now.
async fn ready_times(bed: &Bed, wanted: usize) -> Vec<f64> {
    times(wanted, || bed.ready_of(&resources::ACI_VNET_DEPLOYMENTS, NAMESPACE)).await
}

/// When a count rose to each number up to one, in seconds from now.
async fn times(wanted: usize, count: impl Fn() -> usize) -> Vec<f64> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < wanted {
        let elapsed = begun.elapsed();
        assert!(elapsed < LONGEST, "{} of {wanted} objects became ready within a day", times.len());
        times.resize(count().max(times.len()), elapsed.as_secs_f64());
        sleep(Duration::from_millis(250)).await;
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
