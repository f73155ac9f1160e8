//! One case on the real API server.

use super::namespace::Namespace;
use crate::{
    in_process::{
        api_server::{
            resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS},
            store::{finalizers, is_deleting},
        },
        bed::Bed,
        end_state::EndState,
        scenario::{Run, Scenario},
        wire::{Sent, Side, Strike},
    },
    kube_bed::KubeBed,
};
use acivnet_api::FINALIZER;
use acivnet_operator::{admin::Readiness, controllers};
use futures::FutureExt as _;
use http::Request;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

/// All the operator's own waits are this part of the real ones: a sweep every three seconds.
const PACE: f64 = 0.01;
/// What Azure is written for is named after this cluster, as on the simulated bed.
const CLUSTER: &str = "00000000-0000-4000-8000-000000000001";
/// Longer than from one sweep to the next.
const SWEEP: Duration = Duration::from_millis(3_300);
/// How long until an operator that was stopped runs again.
const RESTART: Duration = Duration::from_millis(100);
/// How long a case may take to come to rest.
const LONGEST: Duration = Duration::from_secs(240);

/// What all cases share.
pub struct World {
    bed: KubeBed,
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
        Self { bed, operator, keys: serde_json::from_str(&keys).expect("JSON") }
    }

    /// Runs a scenario; one request after the act is struck.
    ///
    /// # Errors
    /// What did not come to rest, or was touched although it belongs to others.
    pub async fn run(&self, scenario: &'static Scenario, strike: Option<&Strike>) -> Result<Run, String> {
        let namespace = Namespace::new(&self.bed, self.operator.clone()).await;
        let name = namespace.name.clone();
        let bed = Bed::real(Arc::new(namespace), &name, &self.bed.url(), self.keys.clone()).await;
        let foreign = bed.foreign().await;
        (scenario.prepare)(&bed).await;
        let mut operator = Operator::start(&bed).await;
        rest(&bed, &mut operator, 1).await.map_err(|why| format!("beforehand, {why}"))?;
        let acted = bed.wire.count();
        strike.into_iter().for_each(|strike| bed.wire.strike(strike.clone()));
        (scenario.act)(&bed).await;
        rest(&bed, &mut operator, 3).await?;
        drop(operator);
        if bed.foreign().await != foreign {
            return Err("something that belongs to others was touched".into());
        }
        if bed.wire.waits() {
            return Err(format!("there never was the request {strike:?}"));
        }
        let (trace, answers, starts) = (bed.wire.trace(), bed.wire.answers(), bed.starts());
        Ok(Run { trace, answers, acted, end: EndState::of(&bed).await, starts })
    }
}

/// Until nothing was written for so long, each object was looked at as often as sweeps pass in that time, and nobody is
/// to do anything more. An operator that is stopped is started again.
async fn rest(bed: &Bed, operator: &mut Operator, sweeps: u32) -> Result<(), String> {
    let begin = Instant::now();
    let (mut last, mut seen) = (Instant::now(), bed.wire.count());
    loop {
        sleep(Duration::from_millis(25)).await;
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
        if stopped || due || bed.wire.writes_since(seen) > 0 {
            (last, seen) = (Instant::now(), bed.wire.count());
        }
        let quiet = last.elapsed() > SWEEP * sweeps && bed.next_act().is_none();
        if quiet && looks_since(bed, seen) >= sweeps as usize * objects(bed) {
            return Ok(());
        }
    }
}

/// How many passes began: each begins with a look at the identity of the namespace.
fn looks_since(bed: &Bed, start: usize) -> usize {
    let looks = |sent: &&Sent| sent.side == Side::Kubernetes && sent.path().ends_with("/serviceaccounts/acivnet");
    bed.wire.trace().iter().skip(start).filter(looks).count()
}

/// How many objects the operator looks at again and again.
fn objects(bed: &Bed) -> usize {
    let all = [&ACI_VNET_DEPLOYMENTS, &DELEGATED_SUBNETS].into_iter().flat_map(|resource| bed.cluster.list(resource));
    all.filter(|one| !is_deleting(one) || finalizers(one).contains(&FINALIZER)).count()
}
