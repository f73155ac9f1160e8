//! Requests by scenario, as exact numbers: whoever changes one sees it, and says why.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, and say so")]

use acivnet_tests::in_process::{
    acts,
    bed::Act,
    counts::{Counts, counts},
};
use tokio::runtime::Builder;

fn counted(prepare: Act, act: Act, restart: bool) -> Counts {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(counts(prepare, act, restart)).unwrap_or_else(|why| panic!("{why}"))
}

/// Writes to Azure, then writes and events about the subnet, then about the deployment.
fn written(counts: &Counts) -> [usize; 5] {
    let Counts { azure_writes, subnet_writes, subnet_events, deployment_writes, deployment_events, .. } = *counts;
    [azure_writes, subnet_writes, subnet_events, deployment_writes, deployment_events]
}

/// The bars are 4 writes for a `DelegatedSubnet` and 6 for an `AciVnetDeployment`, from apply to Ready, and 4 events each.
/// The fourth write of the article's subnet tells of its new occupant.
#[test]
fn writes_of_each_scenario() {
    for (name, prepare, act, expected) in [
        ("create network", acts::nothing as Act, acts::network as Act, [4, 3, 4, 0, 0]),
        ("create article", acts::nothing, acts::article, [13, 4, 4, 6, 4]),
        ("tag", acts::article, acts::tag, [3, 2, 1, 2, 1]),
        ("drift", acts::article, acts::portal::no_rules, [1, 3, 1, 0, 0]),
    ] {
        assert_eq!(written(&counted(prepare, act, false)), expected, "{name}");
    }
}

/// A sweep reads five lists, and the workspace twice for its endpoints; four of them, after a restart five, and the first
/// two reads of another fall into the time. Nobody writes.
#[test]
fn nothing_happens_quietly() {
    for (name, restart, reads) in [("no-op", false, 30), ("restart", true, 37)] {
        let counts = counted(acts::article, acts::nothing, restart);
        assert_eq!((counts.azure_reads, written(&counts)), (reads, [0; 5]), "{name}");
    }
}
