//! Kubernetes writes from apply to Ready, on paused time.

use acivnet_tests::{
    in_process::{
        actions,
        counts::{Counts, counts},
    },
    results::Results,
};
use tokio::runtime::Builder;

/// What the article takes; its subnet is written once more when it gets its occupant.
pub fn measure(results: &mut Results) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let count = |act| runtime.block_on(counts(actions::nothing, act, false)).expect("it settles");
    let (network, article): (Counts, Counts) = (count(actions::network), count(actions::article));
    for (what, bar, measured) in [
        ("Kubernetes writes of a DelegatedSubnet until Ready", 4, network.subnet_writes),
        ("Kubernetes writes of an AciVnetDeployment until Ready", 6, article.deployment_writes),
        ("events of a DelegatedSubnet", 4, network.subnet_events),
        ("events of an AciVnetDeployment", 4, article.deployment_events),
    ] {
        results.bar(what, format!("≤ {bar}"), measured, measured <= bar);
    }
}
