//! One case on the real API server.

use super::namespace::Namespace;
use crate::{
    in_process::{
        api_server::{
            resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS, NAMESPACES},
            store::{finalizers, is_deleting},
        },
        bed::{Bed, NAMESPACE},
        end_state::EndState,
        scenario::{Run, Scenario},
        wire::{Sent, Side, Strike},
    },
    kube_bed::KubeBed,
};
use acivnet_api::FINALIZER;
use acivnet_operator::{controllers, monitoring::admin::Readiness, reconcile::pace::Pace};
use futures::FutureExt as _;
use http::Request;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep},
};

/// All the operator's own waits are this part of the real ones: a sweep every three seconds.
const PACE: f64 = 0.01;
/// What Azure is written for is named after this cluster, as on the simulated bed.
const CLUSTER: &str = "00000000-0000-4000-8000-000000000001";
/// How often an object and its endpoint are looked at, at a pace of 1: what the custom resources have as a default.
const INTERVAL: Duration = Duration::from_secs(300);
/// Long enough after a sweep's beginning for it to be over, and for another not to come into the middle of an act.
const AFTER_SWEEP: Duration = Duration::from_millis(500);
/// Longer than from one sweep to the next.
const SWEEP: Duration = Duration::from_millis(3_300);
/// This many of them without a write count as rest.
const SWEEPS: u32 = 3;
/// After the first of them the clock is put forward by this, as much as has to pass on the simulated bed: some things the
/// operator tries again when the clock says so, whatever its pace.
const REST: Duration = Duration::from_secs(1200);
/// How long until an operator that was stopped runs again.
const RESTART: Duration = Duration::from_millis(100);
/// How often the bed checks its progress.
const LOOK: Duration = Duration::from_millis(50);
/// How long a case may take to come to rest.
const LONGEST: Duration = Duration::from_secs(240);

/// How many cases run in parallel. Most of the time they wait.
const SIDE_BY_SIDE: usize = 40;

/// What all cases share.
pub struct World {
    bed: KubeBed,
    places: Semaphore,
    operator: kube::Client,
    keys: Value,
}

/// One operator that runs. Dropped, it is as if it had crashed.
struct Operator(JoinHandle<()>);

impl Drop for Operator {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Operator {
    async fn start(bed: &Bed) -> Self {
        bed.wire.start();
        let ctx = bed.operator(PACE, CLUSTER.to_owned()).await;
        let stop = std::future::pending::<()>().boxed().shared();
        Self(tokio::spawn(controllers::run(ctx, Arc::new(Readiness::default()), stop)))
    }
}

impl World {
    /// Starts an API server.
    pub async fn start() -> Self {
        let bed = KubeBed::start().await;
        let operator = Namespace::operator(&bed).await;
        let request = Request::get("/openid/v1/jwks").body(Vec::new()).expect("a request");
        let keys = bed.client().request_text(request).await.expect("the keys of the cluster");
        let places = Semaphore::new(SIDE_BY_SIDE);
        Self { bed, places, operator, keys: serde_json::from_str(&keys).expect("JSON") }
    }

    /// Runs a scenario, once there is a place for it; one request after the act is struck.
    ///
    /// # Errors
    /// What did not come to rest, or was touched although it belongs to others.
    pub async fn run(&self, scenario: &'static Scenario, strike: Option<&Strike>) -> Result<Run, String> {
        let _place = self.places.acquire().await.expect("places");
        let namespace = Namespace::new(&self.bed, self.operator.clone()).await;
        let name = namespace.name.clone();
        let bed = Bed::real(Arc::new(namespace), &name, &self.bed.url(), self.keys.clone()).await;
        let foreign = bed.foreign().await;
        (scenario.prepare)(&bed).await;
        let mut operator = Operator::start(&bed).await;
        rest(&bed, &mut operator, 1).await.map_err(|why| format!("beforehand, {why}"))?;
        sleep(Pace::new(PACE).sweeps(INTERVAL, NAMESPACE).wait(bed.now())).await;
        sleep(AFTER_SWEEP).await;
        let acted = bed.wire.count();
        strike.into_iter().for_each(|strike| bed.wire.strike(strike.clone()));
        (scenario.act)(&bed).await;
        rest(&bed, &mut operator, SWEEPS).await?;
        drop(operator);
        if bed.foreign().await != foreign {
            return Err("something that belongs to others was touched".into());
        }
        if bed.wire.waits() {
            return Err(format!("there never was the request {strike:?}"));
        }
        let (trace, answers, starts) = (bed.wire.trace(), bed.wire.answers(), bed.starts());
        Run { trace, answers, acted, end: EndState::of(&bed).await, starts, rights: bed.rights().await }.checked()
    }
}

/// Until nothing was written in so many sweeps over every object, and nobody is to do anything more. An operator that is
/// stopped is started again.
async fn rest(bed: &Bed, operator: &mut Operator, sweeps: u32) -> Result<(), String> {
    let begin = Instant::now();
    let mut quiet = Quiet::new(bed);
    loop {
        sleep(LOOK).await;
        if begin.elapsed() > LONGEST {
            let log = bed.wire.log(bed.wire.count().saturating_sub(20));
            return Err(format!("it did not come to rest within {LONGEST:?}; last requests:\n{}", log.join("\n")));
        }
        let stopped = bed.wire.is_stopped();
        if stopped {
            operator.0.abort();
            sleep(RESTART).await;
            *operator = Operator::start(bed).await;
        }
        let due = bed.next_act().is_some_and(|at| at <= Instant::now());
        if due {
            bed.act().await;
        }
        if stopped || due || bed.next_act().is_some() || bed.wire.writes_since(quiet.seen) > 0 {
            quiet = Quiet::new(bed);
        }
        match quiet.sweeps(bed) {
            enough if enough >= sweeps && !namespace_goes(bed) => return Ok(()),
            1.. if !quiet.rested => quiet.rested = bed.put_forward(REST),
            _ => {}
        }
    }
}

/// A time without a write.
struct Quiet {
    since: Instant,
    /// The number of the first request in it.
    seen: usize,
    /// The clock was put forward.
    rested: bool,
}

impl Quiet {
    fn new(bed: &Bed) -> Self {
        Self { since: Instant::now(), seen: bed.wire.count(), rested: false }
    }

    /// In how many sweeps nothing was written: so much time passed, and each object was looked at so often.
    fn sweeps(&self, bed: &Bed) -> u32 {
        let passed = (self.since.elapsed().as_secs_f64() / SWEEP.as_secs_f64()) as u32;
        if passed == 0 {
            return 0;
        }
        // each pass begins with a look at the identity of the namespace
        let is_look = |sent: &Sent| sent.side == Side::Kubernetes && sent.path().ends_with("/serviceaccounts/acivnet");
        let looks = bed.wire.count_since(self.seen, is_look);
        passed.min(looks.checked_div(objects(bed)).map_or(passed, |looks| u32::try_from(looks).unwrap_or(u32::MAX)))
    }
}

/// Whether the cluster is still at work on the namespace's deletion, for which it takes its time.
fn namespace_goes(bed: &Bed) -> bool {
    bed.cluster.list(&NAMESPACES).iter().any(is_deleting)
}

/// How many objects the operator looks at again and again.
fn objects(bed: &Bed) -> usize {
    let all = [&ACI_VNET_DEPLOYMENTS, &DELEGATED_SUBNETS].into_iter().flat_map(|resource| bed.cluster.list(resource));
    all.filter(|one| !is_deleting(one) || finalizers(one).contains(&FINALIZER)).count()
}
