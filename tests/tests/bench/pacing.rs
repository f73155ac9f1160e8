//! A burst under Resource Manager's buckets, and how soon the end of an operation is seen, on paused time.

use acivnet_tests::{
    in_process::pacing::{Burst, Load, WRITES_OF_EACH, Waited, burst, operations, quantile, served},
    results::Results,
};
use tokio::runtime::Builder;

/// Deployments of the burst: with a network and a subnet each they are 600 writes to Resource Manager, three times the
/// bucket.
const DEPLOYMENTS: usize = 300;
/// Lone changes of each sort while the larger burst runs.
const LONE_CHANGES: usize = 7;
const PLAIN: Load =
    Load { deployments: DEPLOYMENTS, client_subnets: false, lone_changes: 0, window: 1_000, quick_services: false };
const WITH_CLIENTS: Load = Load { client_subnets: true, quick_services: true, ..PLAIN };
/// Operations of each duration; the first are those of which nothing is known.
const ROUNDS: usize = 55;
const UNLEARNED: usize = 5;

/// 300 deployments at once.
pub fn at_once(results: &mut Results) {
    let (alone, burst) = (run(Load { deployments: 1, ..PLAIN }), run(PLAIN));
    results.text(format!(
        "Burst: 300 deployments, each with a subnet in a virtual network of its own, applied at once; real watches \
         and controllers against the simulated API server and Azure in one process, on paused time. From the first to \
         the last write to Resource Manager, in Azure's log: {:.0} s, of {:.0} s that its bucket takes: what has begun \
         is finished before more begins. Every deployment was ready after {:.0} s, one alone is after {:.0} s.",
        burst.seconds,
        burst.bound(),
        burst.ready(1.0),
        alone.ready(1.0),
    ));
    all_ready(results, "burst", &burst, &alone);
    let share = burst.refused_percent();
    results.bar("requests answered 429", "≤ 0.5 %", format!("{share:.2} %"), share <= 0.5);
    let [services, models] = burst.made;
    let redundant = burst.writes + services + models - (WRITES_OF_EACH + 2) * DEPLOYMENTS;
    results.bar("redundant writes", "0", redundant, redundant == 0);
    with_clients(results);
}

/// The same with client subnets and security groups, which is more than Microsoft.Network accepts in five minutes, and with
/// lone changes meanwhile.
fn with_clients(results: &mut Results) {
    let alone = run(Load { deployments: 1, ..WITH_CLIENTS });
    let burst = run(Load { lone_changes: LONE_CHANGES, ..WITH_CLIENTS });
    results.text(format!(
        "With a client subnet and a security group each, services that Azure makes within half a minute, and \
         {LONE_CHANGES} lone changes of each sort, it is {} writes and {} reads, the last write after {:.0} s: \
         Microsoft.Network accepts 1,000 writes in five minutes. One deployment alone is ready after {:.0} s, {:.0} s of \
         which follow its last write.",
        burst.writes,
        burst.reads,
        burst.last_write,
        alone.ready(1.0),
        alone.rest(),
    ));
    let what = |of: &str| format!("burst with client subnets: {of}");
    let (whole, first) = (burst.ready(1.0), burst.ready(0.0) / alone.ready(0.0));
    results.bar(what("first ready, by one alone"), "≤ 1.5", format!("{first:.2}"), first <= 1.5);
    for (part, most) in [(0.25, 0.3), (0.5, 0.55), (0.75, 0.8)] {
        let (at, name) = (burst.ready(part), format!("{:.0} % ready, by the whole", part * 100.0));
        let measured = format!("{:.2} ({at:.0} s)", at / whole);
        results.bar(what(&name), format!("≤ {most}"), measured, at <= most * whole);
    }
    all_ready(results, "burst with client subnets", &burst, &alone);
    results.bar(what("requests answered 429"), "0", burst.refused, burst.refused == 0);
    for (name, lone) in ["a new object of another namespace", "what stands in the same"].iter().zip(&burst.lone) {
        let p99 = quantile(lone.iter().copied(), 0.99);
        let name = what(&format!("first write of a lone change of {name}, p99"));
        results.bar(name, "≤ 1 s", format!("{p99:.2} s"), p99 <= 1.0);
    }
}

fn all_ready(results: &mut Results, what: &str, burst: &Burst, alone: &Burst) {
    let (whole, bound) = (burst.ready(1.0), burst.bound() + alone.rest());
    let name = format!("{what}: all ready, by the bound of its writes and what one needs after its last");
    results.bar(name, "≤ 1.02", format!("{:.3} ({whole:.0} s)", whole / bound), whole <= 1.02 * bound);
}

fn run(load: Load) -> Burst {
    runtime().block_on(burst(load))
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
