//! Requests by scenario, as exact numbers: whoever changes one sees it, and says why.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking, and say so")]

use acivnet_tests::{
    examples,
    in_process::{
        actions,
        api_server::resources::DELEGATED_SUBNETS,
        bed::{Action, Bed},
        counts::{Counts, counts},
        driver::Driver,
        wire::{Disturbance, Sent},
    },
};
use http::Method;
use serde_json::json;
use std::time::Duration;
use tokio::runtime::Builder;

fn counted(prepare: Action, act: Action, restart: bool) -> Counts {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(counts(prepare, act, restart)).unwrap_or_else(|why| panic!("{why}"))
}

/// Writes to Azure, then writes and events about the subnet, then about the deployment.
fn written(counts: &Counts) -> [usize; 5] {
    let Counts { azure_writes, subnet_writes, subnet_events, deployment_writes, deployment_events, .. } = *counts;
    [azure_writes, subnet_writes, subnet_events, deployment_writes, deployment_events]
}

/// The bars are 4 writes for a `DelegatedSubnet` and 6 for an `AciVnetDeployment`, from apply to Ready, and 4 events each.
/// The fourth write of the article's subnet tells of its new occupant. A security group is written within the pause that
/// Azure asks for, so that drift is told of when it is found and when it is over.
#[test]
fn writes_of_each_scenario() {
    for (name, prepare, act, expected) in [
        ("create network", actions::nothing as Action, actions::network as Action, [4, 3, 4, 0, 0]),
        ("create article", actions::nothing, actions::article, [13, 4, 4, 6, 4]),
        ("tag", actions::article, actions::tag, [3, 2, 1, 2, 1]),
        ("drift", actions::article, actions::portal::no_rules, [1, 2, 1, 0, 0]),
    ] {
        assert_eq!(written(&counted(prepare, act, false)), expected, "{name}");
    }
}

/// What the later arguments, sources and policies write. A key is a write of its own, and a renewed certificate one; a
/// service and a network that equal the spec are adopted by their tags alone. A new image is told of twice, while it is
/// built and when its container starts. An upload that is there already is asked for
/// once more, which counts.
#[test]
fn writes_of_changes_and_policies() {
    let wrong: Vec<String> = [
        ("telemetry", actions::article as Action, actions::service::telemetry as Action, [1, 0, 0, 4, 2]),
        ("data collection", actions::article, actions::service::data_collection, [6, 0, 0, 5, 4]),
        ("keys rotated", actions::service::article_with_keys, actions::service::other_keys, [2, 0, 0, 2, 2]),
        ("tls renewed", actions::service::article_with_tls, actions::service::other_certificate, [1, 0, 0, 4, 2]),
        ("extra files changed", actions::sources::extra_files, actions::sources::other_extra_files, [4, 0, 0, 4, 2]),
        ("restart", actions::article, actions::adoption::restart, [3, 0, 0, 4, 2]),
        ("adoption", actions::adoption::by_hand, actions::adoption::adopt, [3, 5, 2, 6, 2]),
        ("orphan", actions::adoption::leaving_orphans, actions::delete_all, [0, 2, 1, 2, 1]),
        ("compute instance", actions::network, actions::parts::instance, [1, 3, 1, 0, 0]),
        ("egress", actions::network, actions::parts::egress, [4, 3, 4, 0, 0]),
    ]
    .into_iter()
    .map(|(name, prepare, act, expected)| (name, written(&counted(prepare, act, false)), expected))
    .filter(|(_, written, expected)| written != expected)
    .map(|(name, written, expected)| format!("{name}: {written:?} instead of {expected:?}"))
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A sweep reads five lists, and the workspace twice for its endpoints; four of them, after a restart five, and the first
/// two reads of another fall into the time. Nobody writes.
#[test]
fn nothing_happens_quietly() {
    for (name, restart, reads) in [("no-op", false, 30), ("restart", true, 37)] {
        let counts = counted(actions::article, actions::nothing, restart);
        assert_eq!((counts.azure_reads, written(&counts)), (reads, [0; 5]), "{name}");
    }
}

/// What is others' to write, and Secrets with the same values, cost Azure nothing, with the operator that was there before
/// as with one that is started anew: a patch would restart the model.
#[test]
fn what_others_own_is_left_quietly() {
    for (name, prepare, act) in [
        (
            "a day of refreshed Secrets",
            actions::of_others::article_of_secrets as Action,
            actions::of_others::day_of_refreshes as Action,
        ),
        ("tags spelled by a policy", actions::tag_network, actions::of_others::tag_by_policy),
        ("a network grown by others", actions::network, actions::of_others::grown),
    ] {
        for restart in [false, true] {
            let counts = counted(prepare, act, restart);
            assert_eq!(
                (counts.azure_writes, counts.subnet_events, counts.deployment_events),
                (0, 0, 0),
                "{name}: {counts}"
            );
        }
    }
}

/// What `VirtualNetworkReady` says.
fn network_message(bed: &Bed) -> String {
    let subnet = bed.object(&DELEGATED_SUBNETS, examples::subnet().name()).unwrap();
    let conditions = subnet["status"]["conditions"].as_array().unwrap();
    let network = conditions.iter().find(|one| one["type"] == "VirtualNetworkReady").unwrap();
    format!("{} {}", network["reason"].as_str().unwrap(), network["message"].as_str().unwrap())
}

fn suspended(bed: &Bed) -> actions::Done<'_> {
    bed.apply(examples::subnet().with("/spec/suspend", true).0);
    actions::nothing(bed)
}

/// Each write of a network that fails is asked once for Azure's reason, which the status tells as long as the network has
/// failed. The first is also asked once whether it runs; those that repair what has failed are not. An operator that is started
/// anew does not know the reason, and asks for nothing.
#[tokio::test(start_paused = true)]
async fn a_failed_network_is_asked_once_for_its_reason() {
    let bed = Bed::new(Disturbance::default()).await;
    let fault = json!({
        "method": "PUT", "path": "/virtualNetworks/amlvnet1$", "times": 1000,
        "operation": "Failed", "code": "QuotaExceeded", "message": "no virtual network is left",
    });
    bed.fault(fault).await;
    actions::network(&bed).await;
    bed.later(Duration::from_secs(200), suspended);
    let counted = || {
        let sent = bed.wire.trace();
        let count = |which: fn(&Sent) -> bool| sent.iter().filter(|sent| which(sent)).count();
        let asked = count(|sent| sent.method == Method::GET && sent.path().contains("/operations/"));
        [asked, count(|sent| sent.is(Method::PUT, "/virtualNetworks/amlvnet1"))]
    };
    Driver::start(&bed).await.until_stable().await.unwrap();
    let state = "VirtualNetwork/amlvnet1: provisioningState is Failed";
    let why = "QuotaExceeded: no virtual network is left; free some of it, or ask for more quota";
    assert_eq!(network_message(&bed), format!("QuotaExceeded {state}: {why}"));
    let [asked, written] = counted();
    assert!(written > 1 && asked == written + 1, "{written} writes, {asked} questions");
    Driver::start(&bed).await.until_stable().await.unwrap();
    assert_eq!((network_message(&bed), counted()), (format!("AzureRefused {state}"), [asked, written]));
}
