//! An hour in which nothing changes, and a restart, with real watches and controllers on paused time.

use acivnet_tests::{
    in_process::{
        bed::{Bed, NAMESPACE},
        operator::Operator,
        wire::{Disturbance, Sent, Side},
    },
    many_objects::ManyObjects,
    results::Results,
};
use http::Method;
use std::time::Duration;
use tokio::{runtime::Builder, time::sleep};

/// Longest time, on the bed's clock, in which everything becomes ready.
const LONGEST: u32 = 24 * 60;

/// 1,000 deployments over 100 subnets.
pub fn measure(results: &mut Results) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(hour(results));
}

async fn hour(results: &mut Results) {
    let bed = Bed::new(Disturbance::default()).await;
    let subscription = "00000000-0000-0000-0000-000000000001".to_owned();
    let objects = ManyObjects {
        namespace: NAMESPACE.into(),
        subscription,
        subnets: 100,
        subnets_of_a_network: 10,
        client_subnets: true,
        deployments: 1000,
    };
    bed.apply(objects.files());
    objects.objects().into_iter().for_each(|object| bed.apply(object));
    let operator = Operator::start(&bed).await;
    until_ready(&bed, objects.len()).await;
    sleep(Duration::from_secs(900)).await;
    let before = bed.wire.count();
    sleep(Duration::from_secs(3600)).await;
    let hour = Quiet::since(&bed, before);
    operator.stop().await;
    let before = bed.wire.count();
    let operator = Operator::start(&bed).await;
    sleep(Duration::from_secs(10)).await;
    let restart = Quiet::since(&bed, before);
    operator.stop().await;
    results.text(
        "Steady hour and restart: 1,000 deployments over 100 subnets in 10 virtual networks, one identity, resource \
         group and workspace, sweeps every 300 s; real watches and controllers against the simulated API server and \
         Azure in one process, on paused time. Azure's lists have pages of 100.",
    );
    for (what, quiet) in [("an hour of sweeps", &hour), ("a restart", &restart)] {
        results.bar(format!("writes to Azure in {what}"), "0", quiet.azure_writes, quiet.azure_writes == 0);
        results.bar(format!("writes to Kubernetes in {what}"), "0", quiet.writes, quiet.writes == 0);
    }
    results.bar("reads of Azure in an hour of sweeps", "≤ 400", hour.reads, hour.reads <= 400);
    results.bar("reads of Azure at a restart", "pages", restart.reads, restart.reads <= 40);
}

/// What was sent in a time in which nothing changed.
struct Quiet {
    reads: usize,
    azure_writes: usize,
    writes: usize,
}

impl Quiet {
    fn since(bed: &Bed, start: usize) -> Self {
        let sent: Vec<Sent> = bed.wire.trace().into_iter().skip(start).collect();
        let count = |which: &dyn Fn(&Sent) -> bool| sent.iter().filter(|sent| which(sent)).count();
        Self {
            reads: count(&|sent| sent.side == Side::Azure && sent.method == Method::GET),
            azure_writes: count(&Sent::writes_azure),
            writes: count(&Sent::writes_kubernetes),
        }
    }
}

async fn until_ready(bed: &Bed, wanted: usize) {
    for _ in 0..LONGEST {
        sleep(Duration::from_secs(60)).await;
        let ready = bed.ready();
        if ready == wanted {
            return;
        }
    }
    panic!("{} of {wanted} objects became ready within a day", bed.ready());
}
