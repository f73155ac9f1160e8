//! What an object was at rest with. A sweep in which Azure's lists show the same needs no reconcile to find out that there is
//! nothing to do. Why that is safe: `docs/sweeps.md`.

use crate::{
    cache::{
        cached_object::CachedObject,
        snapshot::{Place, Reader, Shown},
    },
    ctx::Ctx,
    object::{Object, Reference, hash, reached_network, virtual_network},
    observe::Observation,
};
use acivnet_api::conditions::types;
use acivnet_azure::{CallContext, Priority};
use acivnet_core::{
    conditions::is_true,
    names::Names,
    observed::Fact,
    outcome::Next,
    questions::{AzureQuestion, ClusterQuestion, Question},
};
use std::{sync::Arc, time::Duration};

/// What an object was at rest with.
pub(crate) struct AtRest {
    interval: Duration,
    seen: Box<[Seen]>,
    /// Of all that was seen, and of the administrator's settings.
    digest: u64,
}

/// Where something was seen.
enum Seen {
    /// In a list of Azure, by the hash of its key there.
    Listed(Arc<Place>, u64),
    /// In how others describe what they share with the object.
    Described(Reference),
}

impl AtRest {
    /// Of an object that a reconcile found ready, if whatever could change that is in a list of Azure, or would have it
    /// reconciled by itself.
    pub(super) fn of<S: Object>(ctx: &Ctx, cr: &S, observation: &Observation<'_>, next: Next) -> Option<Self> {
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
            match source(cr, question, observation.shown(question))? {
                Source::Watched => {}
                Source::Listed(Shown { place, key, digest }) => {
                    digests.push(*digest);
                    seen.push(Seen::Listed(Arc::clone(place), *key));
                }
                Source::Described(things) => {
                    digests.extend(things.iter().map(|thing| described(ctx, *thing)));
                    seen.extend(things.map(Seen::Described));
                }
            }
        }
        Some(Self { interval, seen: seen.into(), digest: hash(&digests) })
    }

    /// How long until the next sweep, if this one shows the same.
    async fn unchanged(&self, ctx: &Ctx, namespace: &str) -> Option<Duration> {
        let sweeps = ctx.pace.sweeps(self.interval, namespace);
        let now = ctx.clock.now();
        if sweeps.takes_nothing_for_granted(now) {
            return None;
        }
        let (oldest, since, lasts) = (sweeps.oldest(now), sweeps.last(now), sweeps.lasts());
        let known = ctx.identities.of(namespace, Some(oldest), false).await.ok()?;
        let context = CallContext { priority: Priority::Sweep, flow: namespace.to_owned(), ..CallContext::default() };
        let (azure, identity) = (ctx.azure.session(&known.identity).with_context(context), known.identity.key());
        let (snapshots, clock) = (&ctx.snapshots, ctx.clock.as_ref());
        let lists = Reader { snapshots, clock, azure: &azure, identity: &identity, oldest, since, lasts };
        let mut digests = vec![hash(&ctx.settings())];
        for one in &self.seen {
            digests.push(match one {
                Seen::Listed(place, key) => lists.digest(place, *key).await?,
                Seen::Described(thing) => described(ctx, *thing),
            });
        }
        (hash(&digests) == self.digest).then(|| sweeps.wait(ctx.clock.now()))
    }
}

/// How long until the next look at an object whose time has come, if it was at rest and everything is as it was then.
pub(crate) async fn still_at_rest<S: Object>(ctx: &Ctx, kept: &CachedObject<S>) -> Option<Duration> {
    let rest = kept.take_rest()?;
    let wait = rest.unchanged(ctx, &kept.key().namespace).await?;
    kept.rest(rest);
    ctx.metrics.reconcile(&S::kind(&()), "unchanged");
    Some(wait)
}

/// From where it is known that an answer is what it was.
enum Source<'a> {
    /// A watch: whoever it concerns is reconciled.
    Watched,
    Listed(&'a Shown),
    Described([Reference; 2]),
}

/// `None` of what is known from a question only.
fn source<'a, S: Object>(cr: &S, question: &Question, shown: Option<&'a Shown>) -> Option<Source<'a>> {
    match question {
        // an artifact never changes
        Question::Azure(AzureQuestion::FileDigest { .. }) => Some(Source::Watched),
        Question::Azure(_) => shown.map(Source::Listed),
        Question::Cluster(
            ClusterQuestion::ConfigMap { .. }
            | ClusterQuestion::ConfigMapFiles { .. }
            | ClusterQuestion::SourceDirectory(_)
            | ClusterQuestion::DelegatedSubnet(_)
            | ClusterQuestion::Deployments { .. },
        ) => Some(Source::Watched),
        Question::Cluster(ClusterQuestion::OtherDelegatedSubnets { virtual_network: network }) => {
            let own = virtual_network(cr.meta().namespace(), network);
            Some(Source::Described([own, reached_network(network)]))
        }
        Question::Cluster(
            ClusterQuestion::Secret(_) | ClusterQuestion::Fingerprints { .. } | ClusterQuestion::Probe(_),
        ) => None,
    }
}

/// A digest of the ways in which subnets describe a network that they share.
fn described(ctx: &Ctx, network: Reference) -> u64 {
    ctx.stores.subnets.get().map(|known| known.descriptions(network)).unwrap_or_default()
}
