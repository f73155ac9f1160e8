//! Decisions about so much that the one thread of all objects would be held too long: they are made on another thread.

use crate::{ctx::Ctx, object::Object};
use acivnet_core::{
    blueprint::Blueprint,
    observed::Observed,
    plan::{Done, Plan},
    report::Report,
    subject::{Pass, Subject, decide},
};
use std::{mem::take, panic::resume_unwind, sync::Arc};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// How many such decisions are made at once.
pub(crate) const AT_ONCE: usize = 1;

/// What was read, what should stand, and what to do about it.
pub(crate) struct Decided {
    pub observed: Arc<Observed>,
    pub blueprint: Arc<Blueprint>,
    pub plan: Arc<Plan>,
}

/// From facts to a plan.
pub(crate) async fn decided<S: Object>(ctx: &Ctx, cr: &S, observed: &mut Observed) -> (Blueprint, Plan) {
    let now = ctx.clock.now();
    if !observed.is_large() {
        return decide(cr, observed, now);
    }
    let (cr, facts) = (cr.clone(), take(observed));
    let work = move || {
        let decided = decide(&cr, &facts, now);
        (facts, decided)
    };
    let (facts, decided) = apart(&ctx.apart, work).await;
    *observed = facts;
    decided
}

/// What is said of a pass.
pub(crate) async fn reported<S: Object>(
    ctx: &Ctx,
    cr: &S,
    Decided { observed, blueprint, plan }: &Decided,
    done: Option<&Done>,
) -> Report<<S as Subject>::Status> {
    let now = ctx.clock.now();
    if !observed.is_large() {
        return cr.report(&Pass { observed, blueprint, plan, now }, done);
    }
    let (cr, done) = (cr.clone(), done.cloned());
    let (observed, blueprint, plan) = (Arc::clone(observed), Arc::clone(blueprint), Arc::clone(plan));
    let work = move || {
        let pass = Pass { observed: &observed, blueprint: &blueprint, plan: &plan, now };
        cr.report(&pass, done.as_ref())
    };
    apart(&ctx.apart, work).await
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
