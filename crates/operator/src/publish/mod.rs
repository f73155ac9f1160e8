//! Status, events and finalizers: the only writes to our own objects.

pub(crate) mod events;
pub(crate) mod transitions;

use crate::{
    FIELD_MANAGER,
    ctx::Ctx,
    kubernetes::{self, identity::NamespaceIdentity},
    object::Object,
    per_object::status_backoff::StatusBackoff,
};
use acivnet_api::FINALIZER;
use acivnet_core::{
    names::Names,
    outcome::{Next, Report},
    subject::{may_wait, needs_record, stands},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

fn api<S: Object>(ctx: &Ctx, cr: &S) -> Api<S> {
    Api::namespaced(ctx.kube.clone(), cr.meta().namespace())
}

/// Whether the object carries our finalizer.
pub(crate) fn is_held<S: Object>(cr: &S) -> bool {
    cr.finalizers().iter().any(|one| one == FINALIZER)
}

/// Keeps our finalizer where it has to be: on an object of which something stands in Azure, though nothing had to be
/// written, and on the Secret while an object carries it. Somebody may have made either anew. The object as answered.
pub(crate) async fn keep<S: Object>(
    ctx: &Ctx,
    cr: &S,
    known: Option<&NamespaceIdentity>,
    report: &Report<S::Status>,
) -> Result<S, kube::Error> {
    if !cr.deleting() && (is_held(cr) || stands::<S>(report)) { hold(ctx, cr, known).await } else { Ok(cr.clone()) }
}

/// Puts our finalizer on the object, and on the Secret that its identity needs. The object as answered.
pub(crate) async fn hold<S: Object>(ctx: &Ctx, cr: &S, known: Option<&NamespaceIdentity>) -> Result<S, kube::Error> {
    if let Some(known) = known {
        ctx.identities.hold(cr.meta().namespace(), known).await?;
    }
    if is_held(cr) {
        return Ok(cr.clone());
    }
    let finalizers = cr.finalizers().iter().map(String::as_str).chain([FINALIZER]).collect::<Vec<_>>();
    set_finalizers(ctx, cr, &finalizers).await
}

async fn set_finalizers<S: Object>(ctx: &Ctx, cr: &S, finalizers: &[&str]) -> Result<S, kube::Error> {
    let version = cr.resource_version().unwrap_or_default();
    let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
    ctx.metrics.kubernetes_write(&S::kind(&()), "patch");
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    api(ctx, cr).patch(cr.meta().name(), &params, &Patch::Merge(&patch)).await
}

/// Writes the status before anything is created, if it holds ids that the object does not. The object as answered.
pub(crate) async fn record<S: Object>(ctx: &Ctx, cr: S, report: &Report<S::Status>) -> Result<S, kube::Error> {
    if !needs_record(&cr, report) {
        return Ok(cr);
    }
    let recorded = put_status(ctx, &cr, &report.status).await?;
    events::write(ctx, &cr, &report.events).await;
    Ok(recorded)
}

/// Writes the status if it changed, then the events, and lets the object go when it is released. A status that tells of
/// progress only is left for a later reconcile while the last write is fresh; at rest it is always exact.
pub(crate) async fn publish<S: Object>(ctx: &Ctx, cr: S, report: &Report<S::Status>) -> Result<(), kube::Error> {
    let unchanged = cr.status() == Some(&report.status);
    let waits = !unchanged && may_wait(&cr, report) && !status_backoff_is_over(ctx, &cr);
    let cr = if unchanged || waits { cr } else { put_status(ctx, &cr, &report.status).await? };
    if !matches!(report.next, Next::Retry(_)) {
        ctx.per_object.update(cr.meta().uid(), |entry| entry.status_backoff = StatusBackoff::default());
    }
    events::write(ctx, &cr, &report.events).await;
    if report.release { release(ctx, &cr).await } else { Ok(()) }
}

fn status_backoff_is_over<S: Object>(ctx: &Ctx, cr: &S) -> bool {
    ctx.per_object.update(cr.meta().uid(), |entry| entry.status_backoff.is_over(ctx.pace))
}

/// PUT of the whole status: a merge patch would never remove a key. The resourceVersion read is the condition.
async fn put_status<S: Object>(ctx: &Ctx, cr: &S, status: &S::Status) -> Result<S, kube::Error> {
    let mut next = cr.clone();
    *next.status_mut() = Some(status.clone());
    ctx.metrics.kubernetes_write(&S::kind(&()), "update");
    let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
    let written = api(ctx, cr).replace_status(cr.meta().name(), &params, &next).await?;
    ctx.per_object.update(cr.meta().uid(), |entry| entry.status_backoff.written());
    transitions::count(ctx, cr, &next);
    Ok(written)
}

/// Lets the object go. The last one of its namespace lets the Secret go first: afterwards nobody would know of it.
async fn release<S: Object>(ctx: &Ctx, cr: &S) -> Result<(), kube::Error> {
    if !is_held(cr) {
        return Ok(());
    }
    let namespace = cr.meta().namespace();
    if !others_hold(ctx, cr).await? {
        ctx.identities.release(namespace).await?;
    }
    let rest = cr.finalizers().iter().map(String::as_str).filter(|one| *one != FINALIZER).collect::<Vec<_>>();
    match set_finalizers(ctx, cr, &rest).await {
        Err(error) if kubernetes::status(&error) == 404 => Ok(()),
        other => other.map(drop),
    }
}

/// Whether another object of the namespace carries our finalizer.
async fn others_hold<S: Object>(ctx: &Ctx, cr: &S) -> Result<bool, kube::Error> {
    let (namespace, uid) = (cr.meta().namespace(), cr.meta().uid());
    Ok(ctx.stores.held(&ctx.kube, namespace).await?.iter().any(|held| held != uid))
}

#[cfg(test)]
mod tests;
