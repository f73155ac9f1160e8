//! The whole operator under Azure's limits, on a clock that jumps. `make bench` measures more of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, and say so")]

use acivnet_tests::in_process::{
    first_operations::{after_restart, at_once, despite, with_retry_after},
    pacing::{Load, WRITES_OF_EACH, beside, burst, one_network, operations, quantile},
    sweeps::{AtRest, Happened, SWEEP},
};
use serde_json::json;

/// Deployments without client subnets, and nothing beside them.
const PLAIN: Load =
    Load { deployments: 1, client_subnets: false, lone_changes: 0, window: 1_000, quick_services: false };

#[tokio::test(start_paused = true)]
async fn a_burst_is_written_once_and_hardly_refused() {
    let burst = burst(Load { deployments: 150, ..PLAIN }).await;
    assert_eq!(burst.writes, 150 * WRITES_OF_EACH, "nothing twice");
    assert_eq!(burst.made, [150, 150]);
    assert!(burst.refused * 200 <= burst.reads + burst.writes, "{burst:?}");
    assert!(burst.seconds <= burst.bound() + 10.0, "{burst:?}; an operation takes 4 s");
}

#[tokio::test(start_paused = true)]
async fn what_is_begun_is_finished_before_more_begins() {
    let load = Load { client_subnets: true, window: 160, ..PLAIN };
    let alone = burst(load).await;
    let many = burst(Load { deployments: 60, lone_changes: 2, ..load }).await;
    assert!(many.ready(0.0) <= 1.1 * alone.ready(0.0), "{many:?}; alone {alone:?}");
    // without an order all would be begun, and none finished before the window has room again after 300 s
    assert!(many.ready(0.35) <= 1.1 * alone.ready(0.0), "{many:?}; alone {alone:?}");
    assert_eq!((many.refused, many.made), (0, [60, 60]), "{many:?}");
    assert!(quantile(many.lone.iter().flatten().copied(), 1.0) <= 1.0, "a lone change waits for nothing: {many:?}");
}

#[tokio::test(start_paused = true)]
async fn operations_are_seen_to_end() {
    let waited = operations(45, 15).await;
    assert!(waited.iter().all(|one| one.late >= 0.0 && one.polls <= 12), "{waited:?}");
    let late = waited.iter().skip(5).map(|one| one.late);
    assert!(quantile(late.clone(), 0.5) <= 1.5 && quantile(late, 1.0) <= 5.0, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_of_many_operations_to_end_tells_when_the_others_do() {
    for seconds in [20, 45] {
        let waited = at_once(seconds, 100).await;
        let late = waited.iter().map(|one| one.late);
        assert!(quantile(late.clone(), 0.5) <= 1.0 && quantile(late, 0.99) <= 3.0, "{waited:?}");
        assert!(waited.iter().all(|one| one.late >= 0.0 && one.polls <= 12), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_learned_outlives_the_process() {
    let waited = after_restart(45, 6).await;
    assert!(waited.late <= 1.0 && waited.polls <= 12, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn azure_is_asked_again_when_it_wants_to_be_and_not_before() {
    for seconds in [3, 13, 33] {
        let asked = with_retry_after(seconds).await;
        assert!(asked.after.iter().all(|after| (0.0..=0.3).contains(after)), "{asked:?}");
        assert!(asked.waited.late <= 0.3 && asked.waited.polls <= 12, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_lies_or_is_lost_holds_up_nothing_and_writes_nothing() {
    for answer in [
        json!({"status": 200, "body": {"status": "InProgress"}, "headers": {"Retry-After": 300}}),
        json!({"status": 200, "body": {"status": "InProgress"}}),
        json!({"status": 200, "body": {"status": "Succeeded"}}),
        json!({"status": 404, "body": {"error": {"code": "OperationNotFound"}}}),
    ] {
        let (writes, ready) = despite(answer.clone()).await;
        assert!(writes == 2 && ready <= 200.0, "{answer}: {writes} writes, ready after {ready} s");
    }
}

#[tokio::test(start_paused = true)]
async fn writes_in_one_network_queue_and_its_subnets_are_ready_one_by_one() {
    let many = 60;
    let made = one_network(many).await;
    assert_eq!((made.collided, made.writes), (0, many + 1), "{made:?}");
    let last = made.ready[many - 1];
    let half = made.ready.iter().filter(|time| **time <= last / 2.0).count();
    assert!(half >= many / 3, "{half} in half the time: {made:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_shows_the_same_reconciles_nothing_but_one_in_twelve_does() {
    let rest = AtRest::reach().await;
    let Happened { unchanged, settled, writes } = rest.wait(24 * SWEEP).await;
    assert_eq!((unchanged, settled, writes), (22 * rest.objects, 2 * rest.objects, 0));
    rest.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sweep_sees_what_somebody_changed_in_azure_in_a_status_or_about_a_common_network() {
    let rest = AtRest::reach().await;
    assert_eq!(rest.opened_group(SWEEP).await, ["PUT"]);
    rest.wait(2 * SWEEP).await;
    assert!(rest.mends_status(SWEEP).await);
    rest.wait(2 * SWEEP).await;
    let ready = rest.described_anew(SWEEP).await;
    assert_eq!(ready["status"], "False", "{ready}");
    rest.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_with_many_objects_delays_no_other() {
    let (alone, beside) = (beside(0).await, beside(5_000).await);
    assert!(beside <= alone * 2.0, "{beside} s instead of {alone} s");
}
