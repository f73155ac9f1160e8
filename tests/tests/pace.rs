//! How fast the whole operator is under Azure's limits, on a clock that jumps: its two controllers against the simulated
//! API server and the simulated Azure, in one process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say so"
)]

use acivnet_operator::{admin::Readiness, controllers};
use acivnet_tests::in_process::{
    api_server::resources::DELEGATED_SUBNETS,
    azure,
    bed::{Bed, NAMESPACE},
    wire::{Disturbance, Side},
};
use futures::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

const LONGEST: Duration = Duration::from_secs(3600);

fn subnet(name: &str) -> Value {
    json!({
        "apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet", "metadata": {"name": name},
        "spec": {
            "azure": {"subscriptionID": "00000000-0000-0000-0000-000000000001", "resourceGroup": "amlrg", "location": "japaneast"},
            "virtualNetwork": {"name": name, "addressPrefixes": ["10.0.0.0/16"]},
            "subnet": {"name": "aci", "addressPrefix": "10.0.1.0/24"},
        },
    })
}

/// An operator at work until the end of `act`.
async fn with_operator(bed: &Bed, act: impl Future<Output = ()>) {
    let ctx = bed.start_operator().await;
    let (end, ended) = futures::channel::oneshot::channel::<()>();
    let stop = ended.map(drop).boxed().shared();
    let running = tokio::spawn(controllers::run(ctx, Arc::new(Readiness::default()), stop));
    act.await;
    end.send(()).unwrap();
    running.await.unwrap();
}

fn ready(bed: &Bed) -> usize {
    let is_ready = |object: &&Value| {
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        conditions.clone().any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    bed.api().with(|store| store.list(&DELEGATED_SUBNETS, NAMESPACE).filter(is_ready).count())
}

/// How many seconds until so many are ready.
async fn until_ready(bed: &Bed, count: usize, grain: Duration) -> f64 {
    let begin = Instant::now();
    while ready(bed) < count {
        assert!(begin.elapsed() < LONGEST, "only {} of {count} are ready", ready(bed));
        sleep(grain).await;
    }
    begin.elapsed().as_secs_f64()
}

/// How many seconds until so many writes were sent to Azure.
async fn until_written(bed: &Bed, count: usize) -> f64 {
    let begin = Instant::now();
    while bed.wire.trace().iter().filter(|sent| sent.writes_azure()).count() < count {
        assert!(begin.elapsed() < LONGEST, "fewer than {count} writes were sent");
        sleep(Duration::from_millis(200)).await;
    }
    begin.elapsed().as_secs_f64()
}

/// Verb and status of every request to Resource Manager from `start` on.
fn requests(bed: &Bed, start: usize) -> Vec<(Method, String)> {
    let (trace, log) = (bed.wire.trace(), bed.wire.log(start));
    let pairs = trace.into_iter().skip(start).zip(log);
    let arm = pairs.filter(|(sent, _)| sent.side == Side::Azure && sent.target.contains("/subscriptions/"));
    arm.map(|(sent, line)| (sent.method, line.split_whitespace().nth(1).unwrap_or_default().to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn three_hundred_networks_at_once() {
    const OBJECTS: usize = 300;
    let bed = Bed::new(Disturbance::default()).await;
    with_operator(&bed, async {
        sleep(Duration::from_secs(5)).await;
        let start = bed.wire.count();
        (0..OBJECTS).for_each(|n| bed.apply(subnet(&format!("net{n:03}"))));
        let written = until_written(&bed, 2 * OBJECTS);
        let (took, written) = futures::join!(until_ready(&bed, OBJECTS, Duration::from_millis(200)), written);
        let requests = requests(&bed, start);
        let writes = requests.iter().filter(|(method, _)| *method != Method::GET).count();
        let refused = requests.iter().filter(|(_, status)| status == "429").count();
        let bound = (writes as f64 - 200.0) / 10.0;
        println!(
            "{OBJECTS} networks: the last write after {written:.1} s, {:.2} x the bound of {bound:.1} s, all ready after {took:.1} s; \
             {writes} writes, {} reads, {refused} answered 429",
            written / bound,
            requests.len() - writes
        );
        assert_eq!(writes, 2 * OBJECTS, "a network and a subnet each, and nothing twice");
        assert!(refused * 200 <= requests.len(), "{refused} of {} were answered 429", requests.len());
        assert!(written <= 1.05 * bound, "the last write after {written} s, and {bound} s are needed for them");
        assert!(took <= written + 10.0, "all ready {} s after the last write, which takes 4 s", took - written);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn operations_are_seen_to_end() {
    const ROUNDS: usize = 25;
    let bed = Bed::new(Disturbance::default()).await;
    let seconds = json!({"PutVirtualNetworkOperation": 45, "PutSubnetOperation": 70});
    azure::admin(&bed.azure, Method::PATCH, "settings", json!({"retryAfter": false, "seconds": seconds})).await;
    with_operator(&bed, async {
        let mut late = Vec::new();
        for round in 0..ROUNDS {
            let start = bed.wire.count();
            bed.apply(subnet(&format!("net{round:03}")));
            let took = until_ready(&bed, round + 1, Duration::from_millis(50)).await;
            let looks = requests(&bed, start).iter().filter(|(method, _)| *method == Method::GET).count();
            late.push(((took - 115.0) / 2.0, looks));
        }
        println!("seconds late by operation, and reads: {late:.2?}");
        let mut learned: Vec<f64> = late.iter().skip(5).map(|(late, _)| *late).collect();
        learned.sort_by(f64::total_cmp);
        assert!(learned[learned.len() / 2] <= 1.5 && learned[learned.len() - 1] <= 5.0, "{learned:?}");
    })
    .await;
}
