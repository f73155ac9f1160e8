//! A burst under Resource Manager's buckets, and how soon the end of an operation is seen, on paused time.

use acivnet_tests::{
    in_process::pacing::{Waited, burst, operations, quantile},
    results::Results,
};
use tokio::runtime::Builder;

/// Networks of the burst: with a subnet each they are 600 writes, three times the bucket.
const NETWORKS: usize = 300;
/// Operations of each duration; the first are those of which nothing is known.
const ROUNDS: usize = 55;
const UNLEARNED: usize = 5;

/// 300 networks at once.
pub fn at_once(results: &mut Results) {
    let burst = runtime().block_on(burst(NETWORKS));
    results.text(
        "Burst: 300 virtual networks with a subnet each, applied at once; real watches and controllers against the \
         simulated API server and Azure in one process, on paused time. Measured by Azure's log, from the first write to \
         the last.",
    );
    let times = burst.seconds / burst.bound();
    results.bar("time of the writes, by (writes − bucket) / refill", "≤ 1.05", format!("{times:.2}"), times <= 1.05);
    let share = 100.0 * burst.refused as f64 / (burst.reads + burst.writes) as f64;
    results.bar("requests answered 429", "≤ 0.5 %", format!("{share:.2} %"), share <= 0.5);
    let redundant = burst.writes - 2 * NETWORKS;
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

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}
