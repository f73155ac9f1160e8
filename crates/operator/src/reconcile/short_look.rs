//! Short looks at what runs: one question about each operation, as long as an object waits for nothing else. What has ended, and
//! what can't be told, is for a reconcile, whose reads alone decide.

use super::{Reconciled, reconcile};
use crate::{cache::cached_object::Summary, ctx::Ctx, object::Object, observe::session};
use acivnet_azure::Priority;
use acivnet_core::{id::ResourceId, names::Names};
use std::time::Duration;
use tokio::time::Instant;

/// Reconciles one object whose time has come and of which nobody wants anything; if it waits for operations only, they are
/// asked first, and while they all run that is all.
pub async fn reconcile_due<S: Object>(ctx: &Ctx, cr: &S) -> Reconciled {
    let Some(wait) = while_all_runs(ctx, cr).await else { return reconcile(ctx, cr).await };
    ctx.metrics.reconcile(&S::kind(&()), "again");
    Reconciled { again: Some(wait), rest: None }
}

/// How long until the next look, if everything was asked about and runs.
async fn while_all_runs<S: Object>(ctx: &Ctx, cr: &S) -> Option<Duration> {
    let uid = cr.meta().uid();
    let looks = ctx.per_object.short_looks(uid, ctx.pace)?;
    if !looks.is_empty() {
        all_run(ctx, cr, looks).await?;
    }
    ctx.per_object.next_look(uid, ctx.pace)
}

/// Asks about operations. Nothing if one does not run, or can't be asked about.
async fn all_run<S: Object>(ctx: &Ctx, cr: &S, looks: Vec<ResourceId>) -> Option<()> {
    let order = Summary::within(ctx, cr).order(S::RESOURCE);
    let (_, azure) = session(ctx, cr, (Priority::Operation, order), true).await.ok()?;
    for id in looks {
        let looked = Instant::now();
        let glance = azure.glance(&id).await;
        if !ctx.per_object.note_glance(cr.meta().uid(), &id, looked, glance) {
            return None;
        }
    }
    Some(())
}
