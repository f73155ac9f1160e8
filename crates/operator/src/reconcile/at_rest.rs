//! Objects at rest. A sweep in which Azure's lists show what they showed before needs no reconcile to find out that there is
//! nothing to do. Why that is safe: `docs/decisions/2026-11-30-objects-at-rest.md`.

use crate::{
    cache::{
        at_rest::{AtRest, Seen},
        cached_object::CachedObject,
        snapshot::Shown,
    },
    ctx::Ctx,
    object::{Object, hash},
    observe::Observation,
};
use acivnet_api::conditions::types;
use acivnet_azure::{CallContext, Priority};
use acivnet_core::{
    conditions::is_true,
    observed::Fact,
    outcome::Next,
    questions::{AzureQuestion, ClusterQuestion, Question},
};
use std::{sync::Arc, time::Duration};

/// What an object is at rest with that a reconcile found ready, if whatever could change that is in a list of Azure, or would
/// have it reconciled by itself.
pub(super) fn at_rest<S: Object>(cr: &S, observation: &Observation<'_>, next: Next) -> Option<AtRest> {
    let Next::Sweep(interval) = next else { return None };
    if !observation.is_shared() || !is_true(cr.conditions(), types::READY) {
        return None;
    }
    let mut digests = vec![hash(&observation.observed.settings)];
    let mut seen = Vec::new();
    for (question, fact) in &observation.observed.facts {
        if matches!(fact, Fact::Unread(_)) {
            return None;
        }
        match source(question)? {
            Source::Watched => {}
            Source::Lists => {
                let Shown { place, key, digest } = observation.shown(question)?;
                digests.push(*digest);
                seen.push(Seen::Listed(Arc::clone(place), *key));
            }
            Source::Others => {
                digests.extend(observation.described.iter().map(|(_, digest)| *digest));
                seen.extend(observation.described.iter().map(|(thing, _)| Seen::Described(*thing)));
            }
        }
    }
    Some(AtRest { interval, seen: seen.into(), digest: hash(&digests) })
}

/// How long until the next sweep, if this one shows the same.
async fn while_unchanged(ctx: &Ctx, namespace: &str, rest: &AtRest) -> Option<Duration> {
    let sweeps = ctx.pace.sweeps(rest.interval, namespace);
    let now = ctx.clock.now();
    if sweeps.takes_nothing_for_granted(now) {
        return None;
    }
    let known = ctx.identities.of(namespace, Some(sweeps.oldest(now)), false).await.ok()?;
    let context = CallContext { priority: Priority::Sweep, flow: namespace.to_owned(), ..CallContext::default() };
    let (azure, identity) = (ctx.azure.session(&known.identity).with_context(context), known.identity.key());
    let lists = ctx.lists(sweeps, &azure, &identity);
    let mut digests = vec![hash(&ctx.settings())];
    for one in &rest.seen {
        digests.push(match one {
            Seen::Listed(place, key) => lists.digest(place, *key).await?,
            Seen::Described(thing) => ctx.stores.descriptions(*thing),
        });
    }
    (hash(&digests) == rest.digest).then(|| sweeps.wait(ctx.clock.now()))
}

/// How long until the next look at an object whose time has come, if it was at rest and everything is as it was then.
pub(crate) async fn still_at_rest<S: Object>(ctx: &Ctx, kept: &CachedObject<S>, rest: AtRest) -> Option<Duration> {
    let wait = while_unchanged(ctx, &kept.key().namespace, &rest).await?;
    kept.rest(rest);
    ctx.metrics.reconcile(&S::kind(&()), "unchanged");
    Some(wait)
}

/// From where it is known whether an answer is what it was.
enum Source {
    /// A watch: whoever it concerns is reconciled.
    Watched,
    /// Azure's lists.
    Lists,
    /// How others describe what they share with the object.
    Others,
}

/// `None` of what is known from asking only.
fn source(question: &Question) -> Option<Source> {
    match question {
        // an artifact never changes
        Question::Azure(AzureQuestion::FileDigest { .. }) => Some(Source::Watched),
        Question::Azure(
            AzureQuestion::Resource(..)
            | AzureQuestion::Models { .. }
            | AzureQuestion::NewestModel { .. }
            | AzureQuestion::Operation { .. }
            | AzureQuestion::FailureReason(_)
            | AzureQuestion::ServiceLog(_)
            | AzureQuestion::RemoteFile(_),
        ) => Some(Source::Lists),
        Question::Cluster(
            ClusterQuestion::ConfigMap { .. }
            | ClusterQuestion::ConfigMapFiles { .. }
            | ClusterQuestion::SourceDirectory(_)
            | ClusterQuestion::DelegatedSubnet(_)
            | ClusterQuestion::Deployments { .. },
        ) => Some(Source::Watched),
        Question::Cluster(ClusterQuestion::OtherDelegatedSubnets { .. }) => Some(Source::Others),
        Question::Cluster(
            ClusterQuestion::Secret(_) | ClusterQuestion::Fingerprints { .. } | ClusterQuestion::Probe(_),
        ) => None,
    }
}
