//! One reconcile: all reads, then all decisions, then all writes.

pub(crate) mod apart;
mod at_rest;
pub mod pace;
mod short_look;

pub(crate) use at_rest::still_at_rest;
pub use short_look::reconcile_due;

use crate::{
    act::{NotLeading, act, end_turns},
    cache::{at_rest::AtRest, cached_object::Summary},
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
use acivnet_api::conditions::reasons;
use acivnet_azure::Azure;
use acivnet_core::{
    names::Names,
    observed::Observed,
    outcome::{Next, Report},
    plan::Plan,
    retry::Retry,
    seen::Seen,
};
use apart::{decide, report};
use at_rest::at_rest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::time::Duration;

/// What is known of an object after a reconcile.
#[derive(Default)]
pub struct Reconciled {
    /// In how long to look at it again; without a time, when something changes.
    pub again: Option<Duration>,
    /// What it is at rest with, if sweeps can tell that it still is.
    pub(crate) rest: Option<AtRest>,
}

/// Reconciles one object.
pub async fn reconcile<S: Object>(ctx: &Ctx, cr: &S) -> Reconciled {
    let mut rest = None;
    let (again, word) = match unless_gone(ctx, cr).await {
        Ok(Outcome { next: Next::Sweep(interval), rest: found, .. }) => {
            rest = found;
            ctx.per_object.settled(cr.meta().uid());
            let sweeps = ctx.pace.sweeps(interval, cr.meta().namespace());
            (Some(sweeps.wait(ctx.clock.now())), "settled")
        }
        Ok(Outcome { next: Next::Retry(Retry::After(_) | Retry::Soon), turn: Some(wait), progress, .. }) => {
            (Some(at_its_turn(ctx, cr, wait, progress)), "again")
        }
        Ok(Outcome { next: Next::Retry(retry), progress, failed, .. }) => {
            (Some(again(ctx, cr, retry, progress, failed)), "again")
        }
        Ok(Outcome { next: Next::Never, .. }) => {
            ctx.per_object.update(cr.meta().uid(), |entry| entry.attempts = Attempts::default());
            (None, "released")
        }
        Err(Stopped::NotLeading) => (Some(again(ctx, cr, Retry::Soon, false, true)), "again"),
        Err(Stopped::Kubernetes(error)) => after_error(ctx, cr, &error),
    };
    ctx.metrics.reconcile(&S::kind(&()), word);
    Reconciled { again, rest }
}

/// Reconciles what has something to do. An object that is being deleted and carries no finalizer of ours is as good as gone;
/// one that is deleted with its definition leaves in Azure what it stands for.
async fn unless_gone<S: Object>(ctx: &Ctx, cr: &S) -> Result<Outcome, Stopped> {
    if cr.deleting() && !publish::is_held(cr) {
        return Ok(Outcome::look_again(Next::Never));
    }
    let fate = if cr.deleting() { definition::fate(ctx, cr).await? } else { Fate::Stays };
    match fate {
        Fate::Stays => drive(ctx, cr).await,
        Fate::Goes => {
            let mut left = cr.clone();
            left.orphan();
            drive(ctx, &left).await
        }
        Fate::Unknown(wait) => Ok(Outcome::look_again(Next::Retry(Retry::After(wait)))),
    }
}

/// The steps that ARCHITECTURE.md draws. What shared lists answered is read again by itself before anything is done about it.
async fn drive<S: Object>(ctx: &Ctx, cr: &S) -> Result<Outcome, Stopped> {
    let mut observation = observe(ctx, cr).await; // reads
    let mut plan = decide(ctx, cr, &mut observation.observed).await; // pure
    if observation.is_shared() && !plan.settled() {
        observation.observe_each(cr).await; // reads
        plan = decide(ctx, cr, &mut observation.observed).await; // pure
    }
    let (uid, key) = (cr.meta().uid(), key_of(cr));
    let sooner = ctx.per_object.note_operations((uid, &key), &plan, observation.begun, ctx.pace);
    sooner.iter().for_each(|(other, at)| ctx.queue.due_by(other, *at));
    let Some(azure) = azure_for_writes(cr, &mut observation, &plan) else {
        return without_writes(ctx, cr, observation, plan).await;
    };
    let recorded = record(ctx, cr, &mut observation, &mut plan).await?; // writes
    act(ctx, &azure, (&key, recorded.meta()), &observation.secrets, &mut plan).await?; // writes
    learn_refusals(ctx, recorded.meta(), &observation.observed, &plan);
    let report = report(ctx, &recorded, &mut observation.observed, &mut plan).await; // pure
    publish(ctx, recorded, &report, &plan).await // writes
}

/// Reads all that decisions ask for. What had settled may be answered by lists that others read too.
async fn observe<'a, S: Object>(ctx: &'a Ctx, cr: &S) -> Observation<'a> {
    let uid = cr.meta().uid();
    let summary = Summary::within(ctx, cr);
    let priority = ctx.per_object.read(uid, |entry| entry.attempts.priority(summary));
    let mut observation = Observation::of(ctx, cr, (priority, summary.order(S::RESOURCE)), is_steady(cr)).await;
    if !cr.asked() {
        observation.observed.refusals = ctx.per_object.update(uid, |entry| entry.refused_writes.standing(cr.meta()));
    }
    ctx.per_object.update(uid, |entry| entry.certificate_end = cr.certificate_end(&observation.observed));
    observation
}

/// Azure for the writes of a plan, if it has any. Errors of writes may quote secrets, and the drift of what had settled can
/// wait.
fn azure_for_writes<S: Object>(cr: &S, observation: &mut Observation<'_>, plan: &Plan) -> Option<Azure> {
    plan.writes().next()?;
    let mut azure = observation.azure.take()?;
    azure.hide(observation.secrets.scrubber());
    let priority = observation.priority.of_write(cr.drifts(&observation.observed) && !cr.deleting());
    azure.set_urgency(priority, plan.writes_to_come().saturating_sub(1));
    Some(azure)
}

/// Reports what was read where nothing is to be written to Azure, or nothing can be.
async fn without_writes<S: Object>(
    ctx: &Ctx,
    cr: &S,
    mut observation: Observation<'_>,
    mut plan: Plan,
) -> Result<Outcome, Stopped> {
    let report = report(ctx, cr, &mut observation.observed, &mut plan).await; // pure
    let turn = end_turns(ctx, &key_of(cr), &plan);
    note_only_operations(ctx, cr.meta().uid(), report.next, turn, &plan);
    let rest = plan.settled().then(|| at_rest(cr, &observation, report.next)).flatten();
    let kept = publish::keep(ctx, cr, observation.known.as_deref(), &report).await?; // writes
    publish::publish(ctx, kept, &report).await?; // writes
    Ok(Outcome { turn, rest, failed: failed(&plan), ..Outcome::look_again(report.next) })
}

/// Holds the object and its credentials, and writes down the ids of what is created. The object as answered.
async fn record<S: Object>(
    ctx: &Ctx,
    cr: &S,
    observation: &mut Observation<'_>,
    plan: &mut Plan,
) -> Result<S, kube::Error> {
    let held = publish::hold(ctx, cr, observation.known.as_deref()).await?;
    let report = report(ctx, &held, &mut observation.observed, plan).await;
    publish::record(ctx, held, &report).await
}

/// What Azure refused and somebody has to mend is repeated later each time.
fn learn_refusals(ctx: &Ctx, meta: &ObjectMeta, observed: &Observed, plan: &Plan) {
    ctx.per_object.update(meta.uid(), |entry| entry.refused_writes.learn(ctx, meta, observed, plan));
}

/// Publishes a report, and passes on the turns in virtual networks whatever becomes of that.
async fn publish<S: Object>(ctx: &Ctx, cr: S, report: &Report<S::Status>, plan: &Plan) -> Result<Outcome, Stopped> {
    let repeats = ctx.per_object.update(cr.meta().uid(), |entry| entry.repeated_writes.count(plan));
    let next = if repeats == 0 { report.next } else { later(ctx, report.next, repeats) };
    let writer = key_of(&cr);
    let uid = cr.meta().uid().to_owned();
    let published = publish::publish(ctx, cr, report).await;
    let turn = end_turns(ctx, &writer, plan);
    if repeats == 0 {
        note_only_operations(ctx, &uid, next, turn, plan);
    }
    published?;
    Ok(Outcome { next, progress: plan.successes().next().is_some(), turn, failed: failed(plan), rest: None })
}

/// Whether short looks at what runs may stand for the next reconciles.
fn note_only_operations(ctx: &Ctx, uid: &str, next: Next, turn: Option<Duration>, plan: &Plan) {
    if turn.is_none() && matches!(next, Next::Retry(Retry::Soon | Retry::After(_))) {
        ctx.per_object.note_only_operations(uid, plan);
    }
}

/// Whether something of it could not be read or written. What was held back because too much was asked is no failure of the
/// object, nor is it one that waits for another.
fn failed(plan: &Plan) -> bool {
    let unread = plan.steps.iter().filter_map(|step| match &step.seen {
        Seen::Unread(failure) => Some(failure),
        _ => None,
    });
    plan.failures().map(|(_, failure)| failure).chain(unread).any(|failure| failure.reason != reasons::THROTTLED)
}

fn key_of<S: Object>(cr: &S) -> ObjectKey {
    ObjectKey::new::<S>(cr.meta().namespace(), cr.meta().name())
}

/// Nothing is known to be going on: the object settled, and nobody asks for a look of its own.
fn is_steady<S: Object>(cr: &S) -> bool {
    cr.had_settled() && !cr.deleting() && !cr.asked()
}

/// What a reconcile came to.
struct Outcome {
    next: Next,
    /// Azure took a write.
    progress: bool,
    /// It has to write where the turn is another's: how long to wait for it.
    turn: Option<Duration>,
    /// What it is at rest with.
    rest: Option<AtRest>,
    /// Something of it could not be read or written.
    failed: bool,
}

impl Outcome {
    /// Nothing was done but to find out when to look again.
    fn look_again(next: Next) -> Self {
        Self { next, progress: false, turn: None, failed: true, rest: None }
    }
}

/// Why a reconcile ended early.
enum Stopped {
    /// This process may no longer write: the one that holds the lease looks for itself.
    NotLeading,
    /// A read or write of our own objects was refused or got no answer.
    Kubernetes(kube::Error),
}

impl From<NotLeading> for Stopped {
    fn from(_: NotLeading) -> Self {
        Self::NotLeading
    }
}

impl From<kube::Error> for Stopped {
    fn from(error: kube::Error) -> Self {
        if lease::is_over(&error) { Self::NotLeading } else { Self::Kubernetes(error) }
    }
}

/// A read or write of our own objects was refused or got no answer. What was written stands; the next reconcile reads it.
fn after_error<S: Object>(ctx: &Ctx, cr: &S, error: &kube::Error) -> (Option<Duration>, &'static str) {
    match kubernetes::status(error) {
        // somebody wrote first, or the object is gone: the watch brings what stands
        409 => (Some(again(ctx, cr, Retry::Soon, false, true)), "conflict"),
        404 => (None, "gone"),
        _ => {
            let (namespace, name) = (cr.meta().namespace(), cr.meta().name());
            let error = kubernetes::text(error);
            tracing::warn!(kind = %S::kind(&()), namespace, name, error, "the object can't be read or written");
            (Some(again(ctx, cr, Retry::Backoff, false, true)), "failed")
        }
    }
}

fn again<S: Object>(ctx: &Ctx, cr: &S, retry: Retry, progress: bool, failed: bool) -> Duration {
    let look = ctx.per_object.next_look(cr.meta().uid(), ctx.pace);
    let attempt = attempt(ctx, cr, retry, progress, !failed || look.is_some());
    let wait = ctx.pace.before(retry, attempt, ctx.random.unit());
    match retry {
        Retry::Soon => look.unwrap_or(wait),
        // nothing is written meanwhile, and all else is looked at as ever
        Retry::Slowly | Retry::OnSpecChange => {
            let interval = Duration::from_secs(cr.look_seconds());
            let sweep = ctx.pace.sweeps(interval, cr.meta().namespace()).wait(ctx.clock.now());
            ctx.per_object.read(cr.meta().uid(), |entry| entry.refused_writes.due()).unwrap_or(wait).min(sweep)
        }
        // what is asked for a running operation is kept to the moment
        Retry::After(_) if ctx.per_object.waits_only(cr.meta().uid()) => look.unwrap_or(wait),
        Retry::After(_) | Retry::Steadily | Retry::Backoff => wait,
    }
}

/// It is told when its turn to write has come; what else of it runs is looked at before.
fn at_its_turn<S: Object>(ctx: &Ctx, cr: &S, wait: Duration, progress: bool) -> Duration {
    attempt(ctx, cr, Retry::Steadily, progress, true);
    ctx.per_object.next_look_at_own(cr.meta().uid(), ctx.pace).map_or(wait, |look| look.min(wait))
}

/// Which attempt in a row this is, counted from 0. `runs` tells whether it is to look at something that runs in Azure, or
/// nothing failed.
fn attempt<S: Object>(ctx: &Ctx, cr: &S, retry: Retry, progress: bool, runs: bool) -> u32 {
    let now = ctx.clock.now();
    ctx.per_object.update(cr.meta().uid(), |entry| entry.attempts.attempt(cr.meta(), retry, progress, runs, now))
}

/// What Azure took and reads do not show is written again, but later each time, and no earlier than Azure asks.
fn later(ctx: &Ctx, next: Next, repeats: u32) -> Next {
    let wait = ctx.pace.before(Retry::Backoff, repeats, ctx.random.unit());
    match next {
        Next::Retry(Retry::After(asked)) => Next::Retry(Retry::After(asked.max(wait))),
        _ => Next::Retry(Retry::After(wait)),
    }
}

#[cfg(test)]
mod tests;
