//! Metrics of what changes when a status is written.

use crate::{ctx::Ctx, monitoring::object_state::ObjectState, object::Object};
use acivnet_core::names::Names;

/// Counts what a status that was written says for the first time: an address that moved, a generation that is Ready.
pub(crate) fn count<S: Object>(ctx: &Ctx, before: &S, after: &S) {
    ctx.metrics.moves(u64::from(after.moves().saturating_sub(before.moves())));
    let settles = after.had_settled() && !before.had_settled() && !after.deleting();
    if !settles || ObjectState::of(after).ready() != "True" {
        return;
    }
    let (meta, now) = (after.meta(), ctx.clock.now());
    let since = match before.settled_generation() {
        None => meta.creation_timestamp.as_ref().map(|time| time.0),
        // what one reconcile could do took no time that counts
        Some(_) => {
            Some(ctx.per_object.read(meta.uid(), |entry| entry.attempts.since(after.generation())).unwrap_or(now))
        }
    };
    let change = if before.settled_generation().is_none() { "created" } else { "changed" };
    if let Some(since) = since {
        ctx.metrics.ready_after(&S::kind(&()), change, now.duration_since(since).as_secs_f64().max(0.0));
    }
}
