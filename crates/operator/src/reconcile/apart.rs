//! Decisions about so much that the one thread of all objects would be held too long: they are made on another thread.

use crate::{ctx::Ctx, object::Object};
use acivnet_core::{
    observed::Observed,
    outcome::{Reconcile, Report},
    plan::Plan,
    subject,
};
use std::{mem::take, panic::resume_unwind};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// How many such decisions are made at once.
pub(crate) const AT_ONCE: usize = 1;

/// From facts to a plan.
pub(crate) async fn decide<S: Object>(ctx: &Ctx, cr: &S, observed: &mut Observed) -> Plan {
    let now = ctx.clock.now();
    if !observed.is_large() {
        return subject::decide(cr, observed, now);
    }
    let (cr, facts) = (cr.clone(), take(observed));
    let work = move || {
        let plan = subject::decide(&cr, &facts, now);
        (facts, plan)
    };
    let plan;
    (*observed, plan) = apart(&ctx.apart, work).await;
    plan
}

/// From facts, a plan and what came of it to what is said.
pub(crate) async fn report<S: Object>(
    ctx: &Ctx,
    cr: &S,
    observed: &mut Observed,
    plan: &mut Plan,
) -> Report<S::Status> {
    let now = ctx.clock.now();
    if !observed.is_large() {
        return cr.report(&Reconcile { observed, plan, now });
    }
    let (cr, facts, steps) = (cr.clone(), take(observed), take(plan));
    let work = move || {
        let report = cr.report(&Reconcile { observed: &facts, plan: &steps, now });
        (facts, steps, report)
    };
    let report;
    (*observed, *plan, report) = apart(&ctx.apart, work).await;
    report
}

/// Does work on another thread, when it is its turn.
async fn apart<T: Send + 'static>(turns: &Semaphore, work: impl FnOnce() -> T + Send + 'static) -> T {
    let _turn = turns.acquire().await;
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // the runtime ends, and this task with it
            Err(_) => std::future::pending().await,
        },
    }
}
