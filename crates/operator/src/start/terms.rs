//! Working as a leader, for one term after another, or alone.

use super::unless;
use crate::{
    controllers::{self, Stop},
    ctx::{Ctx, Options, Outside},
    kubernetes::{
        lease::{self, Election, Term},
        networks::Networks,
    },
    monitoring::admin::Signals,
};
use acivnet_azure::Fence;
use futures::{
    FutureExt,
    future::{Either, select},
};
use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::time::sleep;

/// How long the reconciles under way may take after a signal to end: less than the 60 s after which Kubernetes kills the
/// Pod (`terminationGracePeriodSeconds` in `deploy/operator`).
const LAST_RECONCILES: Duration = Duration::from_secs(50);
/// How long reconciles whose write Azure is about to answer may go on writing to Kubernetes before the lease is given
/// back. A standby waits no longer than that for a leader that stops.
const HAND_OVER: Duration = Duration::from_millis(500);
/// What ends a term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TermEnd {
    /// Nothing was under way when it was time to stop.
    WorkDone,
    /// It is time to stop, and reconciles are under way.
    HandOver,
    /// Another may lead.
    Loss,
}

/// What outlives a term.
pub(super) struct Operator {
    pub(super) outside: Outside,
    pub(super) options: Options,
    pub(super) networks: Arc<Networks>,
    pub(super) signals: Signals,
    pub(super) stop: Stop,
}

impl Operator {
    /// Works until `stop`, as the only replica.
    pub(super) async fn work_alone(&self) {
        self.signals.metrics.leader(true);
        let ctx = self.ctx(Arc::new(()), self.outside.kube.clone());
        self.finish(pin!(self.work(ctx))).await;
    }

    /// Works whenever it holds the lease, and begins anew each time: what it knew may have changed under another. Only how long
    /// operations take is told by one to the next.
    pub(super) async fn lead_in_turn(&self, settings: &lease::LeaseSettings) {
        let Outside { kube, clock, random, .. } = self.outside.clone();
        let dependencies = lease::Dependencies { kube, clock, random, metrics: Arc::clone(&self.signals.metrics) };
        let mut election = Election::new(settings, dependencies);
        while let Some(term) = unless(self.stop.clone(), election.win(|| self.signals.readiness.set())).await {
            tracing::info!("leads from now on");
            self.signals.metrics.leader(true);
            self.term(&mut election, &term).await;
            self.signals.metrics.leader(false);
        }
    }

    /// Works until the lease is lost, or until `stop`: then no write starts any more, and the lease is given back.
    async fn term(&self, election: &mut Election, term: &Arc<Term>) {
        let kube = lease::within(term, self.outside.kube.clone());
        let fence: Arc<Term> = Arc::clone(term);
        let ctx = self.ctx(fence, kube);
        ctx.per_object.know_durations(election.noted());
        let noting = Arc::downgrade(&ctx);
        election.notes(move || noting.upgrade().map(|ctx| ctx.per_object.durations()).unwrap_or_default());
        let mut work = pin!(self.work(ctx));
        let end = {
            let mut keeping = pin!(election.keep(term));
            let handing_over = pin!(self.stop.clone().then(|()| {
                term.close();
                sleep(HAND_OVER)
            }));
            match select(select(work.as_mut(), handing_over), keeping.as_mut()).await {
                Either::Left((Either::Left(_), _)) => TermEnd::WorkDone,
                Either::Left((Either::Right(_), _)) => TermEnd::HandOver,
                Either::Right(_) => TermEnd::Loss,
            }
        };
        if end == TermEnd::Loss {
            tracing::warn!("the lease is lost; another may lead, so what was under way is dropped");
            return;
        }
        term.end();
        election.release().await;
        match end {
            TermEnd::HandOver => self.finish(work).await,
            TermEnd::WorkDone | TermEnd::Loss => tracing::info!("ended"),
        }
    }

    fn ctx(&self, fence: Arc<dyn Fence>, kube: kube::Client) -> Arc<Ctx> {
        let outside = Outside { kube, ..self.outside.clone() };
        Ctx::within(fence, outside, self.options.clone(), Arc::clone(&self.networks), &self.signals)
    }

    async fn work(&self, ctx: Arc<Ctx>) {
        controllers::run(ctx, Arc::clone(&self.signals.readiness), self.stop.clone()).await;
    }

    /// Lets what is under way come to its end, within a limit from `stop` on.
    async fn finish(&self, work: Pin<&mut impl Future<Output = ()>>) {
        let overdue = pin!(self.stop.clone().then(|()| sleep(LAST_RECONCILES)));
        match select(work, overdue).await {
            Either::Left(_) => tracing::info!("ended"),
            Either::Right(_) => tracing::warn!("ended before the last reconciles did"),
        }
    }
}
