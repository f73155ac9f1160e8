//! A burst under Resource Manager's buckets, and how soon the end of an operation is seen, on paused time.

use acivnet_tests::{
    in_process::pacing::{WRITES_OF_EACH, Waited, burst, operations, quantile, served},
    results::Results,
};
use tokio::runtime::Builder;

/// Deployments of the burst: with a network and a subnet each they are 600 writes to Resource Manager, three times the
/// bucket.
const DEPLOYMENTS: usize = 300;
/// Operations of each duration; the first are those of which nothing is known.
const ROUNDS: usize = 55;
const UNLEARNED: usize = 5;

/// 300 deployments at once.
pub fn at_once(results: &mut Results) {
    let [burst, larger] = [false, true].map(|clients| runtime().block_on(burst(DEPLOYMENTS, clients)));
    results.text(format!(
        "Burst: 300 deployments, each with a subnet in a virtual network of its own, applied at once; real watches \
         and controllers against the simulated API server and Azure in one process, on paused time. From the first to \
         the last write to Resource Manager, in Azure's log: {:.0} s. Everything was ready after {:.0} s. With a \
         client subnet and a security group each it is {} writes in {:.0} s, with {:.2} % answered 429: \
         Microsoft.Network accepts 1,000 in five minutes, so the last ones come after 300 s.",
        burst.seconds,
        burst.ready,
        larger.writes,
        larger.seconds,
        larger.refused_percent()
    ));
    let times = burst.seconds / burst.bound();
    results.bar("time of the writes, by (writes − bucket) / refill", "≤ 1.05", format!("{times:.2}"), times <= 1.05);
    let share = burst.refused_percent();
    results.bar("requests answered 429", "≤ 0.5 %", format!("{share:.2} %"), share <= 0.5);
    let [services, models] = burst.made;
    let redundant = burst.writes + services + models - (WRITES_OF_EACH + 2) * DEPLOYMENTS;
    results.bar("redundant writes", "0", redundant, redundant == 0);
}

/// Operations of 20, 45, 70 and 300 s without `Retry-After`.
pub fn waits(results: &mut Results) {
    for seconds in [20, 45, 70, 300] {
        let mut waited = runtime().block_on(operations(seconds, ROUNDS));
        let learned = waited.split_off(UNLEARNED);
        let late = |part| quantile(learned.iter().map(|one| one.late), part);
        let most = |all: &[Waited]| all.iter().map(|one| one.polls).max().unwrap_or_default();
        let what = |of: &str| format!("operations of {seconds} s: {of}");
        results.bar(what("seen after, p50"), "≤ 1.5 s", format!("{:.2} s", late(0.5)), late(0.5) <= 1.5);
        results.bar(what("seen after, p99"), "≤ 5 s", format!("{:.2} s", late(0.99)), late(0.99) <= 5.0);
        results.bar(what("polls of each"), "≤ 12", most(&learned), most(&learned) <= 12);
        results.bar(what("polls of each of the first five"), "≤ 12", most(&waited), most(&waited) <= 12);
    }
}

/// Services that Azure makes in one, four and eight minutes, after one whose image it builds beforehand.
pub fn until_ready(results: &mut Results) {
    for seconds in [60, 240, 480] {
        let mut first = runtime().block_on(served(seconds, ROUNDS));
        let learned = first.split_off(UNLEARNED);
        let late = |part| quantile(learned.iter().copied(), part);
        let most = first.iter().copied().fold(0.0, f64::max);
        let what = |of: &str| format!("services made in {seconds} s: from Healthy to Ready, {of}");
        results.bar(what("p50"), "≤ 2 s", format!("{:.2} s", late(0.5)), late(0.5) <= 2.0);
        results.bar(what("p95"), "≤ 5 s", format!("{:.2} s", late(0.95)), late(0.95) <= 5.0);
        let share = most / f64::from(seconds);
        results.bar(what("the worst of the first five"), "half of it", format!("{most:.1} s"), share <= 0.5);
    }
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}
