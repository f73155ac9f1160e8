//! Two operators, of which one works: stopped, killed and ended as processes are.
//!
//! `ACIVNET_WHOLE=1` takes the figures of the issue; without it a slice is run.

use acivnet_azure::{Random, SplitMix};
use acivnet_tests::{
    examples::Object,
    replica::{Replica, Run},
    results::Results,
    run,
    simulator::Entry,
    tenant::Tenant,
    world::World,
};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PROGRAM: &str = env!("CARGO_BIN_EXE_acivnet-replica");
const SEED: u64 = 4;

fn moments() -> usize {
    if std::env::var_os("ACIVNET_WHOLE").is_some() { 50 } else { 6 }
}

/// The how-to without a probe: from a process of its own the operator can't reach the simulated containers.
async fn stand(tenant: &Tenant<'_>) -> [Object; 2] {
    let objects = [tenant.subnet(), tenant.deployment().without("/spec/probe")];
    tenant.files(&[]).await;
    for object in &objects {
        tenant.apply(object).await;
        tenant.ready(object).await;
    }
    objects
}

/// Changes the subnet and the deployment without end, so that there is always something to write to Azure.
async fn churn(tenant: &Tenant<'_>, objects: &[Object; 2]) {
    for count in 0u64.. {
        for object in objects {
            tenant
                .merge(object, json!({"spec": {"azure": {"tags": [{"name": "count", "value": count.to_string()}]}}}))
                .await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Writes whose lateness would matter: a blob is named by its content.
async fn writes(tenant: &Tenant<'_>, since: u64) -> Vec<Entry> {
    tenant.writes(since).await.into_iter().filter(|entry| !entry.path.starts_with("//")).collect()
}

/// Waits for a write of the new leader and gives those after `since` that are not its own.
async fn strangers(tenant: &Tenant<'_>, since: u64, leader: &Replica) -> (usize, Vec<Entry>) {
    let ask = || async {
        let (ids, writes) = (leader.request_ids(), writes(tenant, since).await);
        let known = |entry: &Entry| entry.client_request_id.as_ref().is_some_and(|id| ids.contains(id));
        let (ours, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(known);
        if ours.len() < 3 { Err("the new leader has not written".to_owned()) } else { Ok((ours.len(), others)) }
    };
    let (_, unknown) = acivnet_tests::eventually("the new leader writes", ask).await.expect("writes");
    // what it was about to log when it was asked
    sleep(Duration::from_millis(300)).await;
    let ids = leader.request_ids();
    let late = unknown.into_iter().filter(|entry| entry.client_request_id.as_ref().is_none_or(|id| !ids.contains(id)));
    (writes(tenant, since).await.len(), late.collect())
}

#[test]
fn a_leader_that_was_stopped_writes_nothing_after_another_took_over() {
    run(async {
        let world = World::without_operator().await;
        let how = Run { program: PROGRAM, pace: 0.02, lease_seconds: 3 };
        let mut leader = Replica::start(how, &world.bed, &world.azure).await;
        leader.leads().await;
        let mut standby = Replica::start(how, &world.bed, &world.azure).await;
        let tenant = Tenant::new(&world, "stopped").await;
        let objects = stand(&tenant).await;
        let random = SplitMix::new(SEED);
        let (mut own, mut late) = (0, Vec::new());
        let stopping = async {
            for moment in 0..moments() {
                sleep(Duration::from_millis(300).mul_f64(1.0 + random.unit())).await;
                leader.signal(Signal::SIGSTOP);
                standby.leads().await;
                let mark = tenant.mark().await;
                leader.signal(Signal::SIGCONT);
                leader.stands_by().await;
                let (count, strange) = strangers(&tenant, mark, &standby).await;
                own += count;
                late.extend(strange.into_iter().map(|entry| (moment, entry)));
                std::mem::swap(&mut leader, &mut standby);
            }
        };
        tokio::select! {
            () = churn(&tenant, &objects) => {}
            () = stopping => {}
        }
        let mut results =
            Results::new("leader-stopped", "A leader that is stopped by SIGSTOP and woken after a take-over");
        results.text(format!("Leases of {} s; {own} writes by new leaders.", how.lease_seconds));
        results.bar("moments", "50", moments(), moments() >= 50);
        results.bar("writes by former leaders", "0", late.len(), late.is_empty());
        results.publish();
        assert!(late.is_empty(), "writes by former leaders: {late:#?}");
    });
}

/// Waits for another holder than this one.
async fn taken_from(leases: &Api<Lease>, holder: Option<&str>) -> LeaseSpec {
    let ask = || async {
        let spec = leases.get("acivnet").await.map_err(|error| error.to_string())?.spec.unwrap_or_default();
        let now = spec.holder_identity.as_deref().unwrap_or_default();
        if now.is_empty() || Some(now) == holder { Err(format!("{now} holds it")) } else { Ok(spec) }
    };
    acivnet_tests::eventually("the lease has another holder", ask).await.expect("another holder")
}

#[test]
fn another_takes_over_from_one_that_was_killed_or_told_to_end() {
    run(async {
        let world = World::without_operator().await;
        let how = Run { program: PROGRAM, pace: 0.02, lease_seconds: 15 };
        let leases = Api::<Lease>::namespaced(world.bed.client(), "acivnet-system");
        let mut leader = Replica::start(how, &world.bed, &world.azure).await;
        let mut holder = taken_from(&leases, None).await;
        let tenant = Tenant::new(&world, "ended").await;
        let [subnet, _] = stand(&tenant).await;
        let mut results = Results::new("leader-take-over", "Another replica takes over");
        results.text(format!(
            "Leases of {} s. Times count from the signal, as seen in the API server.",
            how.lease_seconds
        ));
        for (count, signal) in
            [Signal::SIGTERM, Signal::SIGTERM, Signal::SIGKILL, Signal::SIGTERM].into_iter().enumerate()
        {
            let standby = Replica::start(how, &world.bed, &world.azure).await;
            standby.stands_by().await;
            let begin = Instant::now();
            leader.signal(signal);
            let next = taken_from(&leases, holder.holder_identity.as_deref()).await;
            let (taken, most) = (begin.elapsed().as_secs_f64(), if signal == Signal::SIGKILL { 20.0 } else { 2.0 });
            results.bar(
                format!("{signal}: another holds the lease"),
                format!("≤ {most} s"),
                format!("{taken:.2} s"),
                taken <= most,
            );
            assert_eq!(leader.ended().await, signal == Signal::SIGTERM, "who is told to end does so in order");
            assert_eq!(
                next.lease_transitions,
                holder.lease_transitions.map(|before| before + 1),
                "one change of holder"
            );
            (leader, holder) = (standby, next);
            let changed =
                subnet.clone().with("/spec/azure/tags", json!([{"name": "change", "value": count.to_string()}]));
            tenant.apply(&changed).await;
            tenant.ready(&changed).await;
            let worked = begin.elapsed().as_secs_f64();
            results.text(format!("{signal}: the first change was carried out after {worked:.2} s."));
        }
        results.publish();
    });
}
