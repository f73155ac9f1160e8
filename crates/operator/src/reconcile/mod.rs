//! The shell in seven lines: all reads, then all decisions, then all writes.

pub(crate) mod apart;
pub mod pace;

use crate::{
    act::{act, end_turns},
    cache::cached_object::Summary,
    ctx::Ctx,
    kubernetes::{
        self,
        definition::{self, Fate},
        lease,
    },
    object::{Object, ObjectKey},
    observe::Observation,
    per_object::attempts::Attempts,
    publish,
};
use acivnet_core::{plan::Done, report::Next, retry::Retry, subject::names};
use apart::Decided;
use std::{mem::take, sync::Arc, time::Duration};
use tokio::time::Instant;

/// One pass over one object. In how long to look again; without a time, when something changes.
pub async fn reconcile<S: Object>(ctx: &Ctx, cr: &S) -> Option<Duration> {
    let (again, word) = match pass(ctx, cr).await {
        Ok(Outcome { next: Next::Sweep(interval), .. }) => {
            ctx.per_object.settled(names(cr.meta()).2);
            let sweeps = ctx.pace.sweeps(interval, names(cr.meta()).0);
            (Some(sweeps.wait(ctx.clock.now())), "settled")
        }
        Ok(Outcome { next: Next::Retry(Retry::After(_) | Retry::Soon), turn: Some(wait), progress }) => {
            (Some(at_its_turn(ctx, cr, wait, progress)), "again")
        }
        Ok(Outcome { next: Next::Retry(retry), progress, .. }) => (Some(again(ctx, cr, retry, progress)), "again"),
        Ok(Outcome { next: Next::Never, .. }) => {
            ctx.per_object.update(names(cr.meta()).2, |entry| entry.attempts = Attempts::default());
            (None, "released")
        }
        Err(error) if lease::is_over(&error) => (Some(again(ctx, cr, Retry::Soon, false)), "again"),
        Err(error) => after_error(ctx, cr, &error),
    };
    ctx.metrics.reconcile(&S::kind(&()), word);
    again
}

/// A read or write of our own objects was refused or got no answer. What was written stands; the next pass reads it.
fn after_error<S: Object>(ctx: &Ctx, cr: &S, error: &kube::Error) -> (Option<Duration>, &'static str) {
    match kubernetes::status(error) {
        // somebody wrote first, or the object is gone: the watch brings what stands
        409 => (Some(again(ctx, cr, Retry::Soon, false)), "conflict"),
        404 => (None, "gone"),
        _ => {
            let (namespace, name, _) = names(cr.meta());
            let error = kubernetes::text(error);
            tracing::warn!(kind = %S::kind(&()), namespace, name, error, "the object can't be read or written");
            (Some(again(ctx, cr, Retry::Backoff, false)), "failed")
        }
    }
}

fn again<S: Object>(ctx: &Ctx, cr: &S, retry: Retry, progress: bool) -> Duration {
    let look = ctx.per_object.next_look(names(cr.meta()).2, ctx.pace);
    let attempt = attempt(ctx, cr, retry, progress, look.is_some());
    let wait = ctx.pace.before(retry, attempt, ctx.random.unit());
    match retry {
        Retry::Soon => look.unwrap_or(wait),
        // nothing is written meanwhile, and all else is looked at as ever
        Retry::Slowly | Retry::OnSpecChange => {
            let interval = Duration::from_secs(cr.look_seconds());
            let sweep = ctx.pace.sweeps(interval, names(cr.meta()).0).wait(ctx.clock.now());
            ctx.per_object.read(names(cr.meta()).2, |entry| entry.refused_writes.due()).unwrap_or(wait).min(sweep)
        }
        Retry::After(_) | Retry::Steadily | Retry::Backoff => wait,
    }
}

/// It is told when its turn to write has come; what else of it runs is looked at before.
fn at_its_turn<S: Object>(ctx: &Ctx, cr: &S, wait: Duration, progress: bool) -> Duration {
    attempt(ctx, cr, Retry::Steadily, progress, true);
    ctx.per_object.next_look_at_own(names(cr.meta()).2, ctx.pace).map_or(wait, |look| look.min(wait))
}

/// Which attempt in a row this is, counted from 0. `runs` tells whether it is to look at something that runs in Azure.
fn attempt<S: Object>(ctx: &Ctx, cr: &S, retry: Retry, progress: bool, runs: bool) -> u32 {
    let now = ctx.clock.now();
    ctx.per_object.update(names(cr.meta()).2, |entry| entry.attempts.attempt(cr.meta(), retry, progress, runs, now))
}

struct Outcome {
    next: Next,
    /// Azure took a write.
    progress: bool,
    /// It has to write where the turn is another's: how long to wait for it.
    turn: Option<Duration>,
}

async fn pass<S: Object>(ctx: &Ctx, cr: &S) -> Result<Outcome, kube::Error> {
    if cr.deleting() && !publish::is_held(cr) {
        return Ok(Outcome { next: Next::Never, progress: false, turn: None });
    }
    let fate = if cr.deleting() { definition::fate(ctx, cr).await? } else { Fate::Stays };
    match fate {
        Fate::Stays => look_and_act(ctx, cr).await,
        Fate::Goes => {
            let mut left = cr.clone();
            left.leave();
            look_and_act(ctx, &left).await
        }
        Fate::Unknown(wait) => Ok(Outcome { next: Next::Retry(Retry::After(wait)), progress: false, turn: None }),
    }
}

async fn look_and_act<S: Object>(ctx: &Ctx, cr: &S) -> Result<Outcome, kube::Error> {
    let who = ObjectKey::new::<S>(names(cr.meta()).0, names(cr.meta()).1);
    let (uid, looked) = (names(cr.meta()).2, Instant::now());
    let priority = ctx.per_object.read(uid, |entry| entry.attempts.priority(Summary::of(cr)));
    let mut sight = Observation::of(ctx, cr, priority, is_steady(cr)).await;
    if !cr.asked() {
        sight.observed.refusals = ctx.per_object.update(uid, |entry| entry.refused_writes.standing(cr.meta()));
    }
    ctx.per_object.update(uid, |entry| entry.certificate_end = cr.certificate_end(&sight.observed));
    let (mut blueprint, mut plan) = apart::decided(ctx, cr, &mut sight.observed).await;
    if sight.is_shared() && !plan.settled() {
        sight.observe_each(cr).await;
        (blueprint, plan) = apart::decided(ctx, cr, &mut sight.observed).await;
    }
    ctx.per_object.note_operations(uid, (&blueprint, &plan), looked, ctx.pace);
    if let Some(azure) = &mut sight.azure {
        azure.hide(sight.secrets.scrubber());
        azure.hurry(priority.of_write(cr.drifts(&sight.observed) && !cr.deleting()));
    }
    let (observed, blueprint, plan) = (Arc::new(take(&mut sight.observed)), Arc::new(blueprint), Arc::new(plan));
    let decided = Decided { observed, blueprint: Arc::clone(&blueprint), plan: Arc::clone(&plan) };
    let (Some(azure), true) = (&sight.azure, plan.writes().next().is_some()) else {
        let said = apart::reported(ctx, cr, &decided, None).await;
        let turn = end_turns(ctx, &who, &blueprint, &plan, &Done::default());
        let cr = publish::keep(ctx, cr, sight.known.as_deref(), &said).await?;
        publish::publish(ctx, cr, &said).await?;
        return Ok(Outcome { next: said.next, progress: false, turn });
    };
    let cr = publish::hold(ctx, cr, sight.known.as_deref()).await?;
    let before = apart::reported(ctx, &cr, &decided, None).await;
    let cr = publish::record(ctx, cr, &before).await?;
    let Some(done) = act(ctx, azure, (&who, cr.meta()), &sight.secrets, &blueprint, &plan).await else {
        return Ok(Outcome { next: Next::Retry(Retry::Soon), progress: false, turn: None });
    };
    ctx.per_object.update(uid, |entry| {
        entry.refused_writes.learn(ctx, cr.meta(), &decided.observed, (&blueprint, &plan, &done));
    });
    let said = apart::reported(ctx, &cr, &decided, Some(&done)).await;
    let next = match ctx.per_object.update(uid, |entry| entry.repeated_writes.count(&blueprint, &plan, &done)) {
        0 => said.next,
        repeats => later(ctx, said.next, repeats),
    };
    let published = publish::publish(ctx, cr, &said).await;
    let turn = end_turns(ctx, &who, &blueprint, &plan, &done);
    published?;
    Ok(Outcome { next, progress: done.results.iter().any(|(_, result)| result.is_ok()), turn })
}

/// What Azure took and reads do not show is written again, but later each time, and no earlier than Azure asks.
fn later(ctx: &Ctx, next: Next, repeats: u32) -> Next {
    let wait = ctx.pace.before(Retry::Backoff, repeats, ctx.random.unit());
    match next {
        Next::Retry(Retry::After(asked)) => Next::Retry(Retry::After(asked.max(wait))),
        _ => Next::Retry(Retry::After(wait)),
    }
}

/// Nothing is known to be going on: the object settled, and nobody asks for a look of its own.
fn is_steady<S: Object>(cr: &S) -> bool {
    cr.had_settled() && !cr.deleting() && !cr.asked()
}

#[cfg(test)]
mod tests;
