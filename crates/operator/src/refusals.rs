//! Writes that Azure refused for a cause that somebody has to remove. They are repeated later each time, an hour apart where
//! only another spec helps; looks go on at each sweep meanwhile. Losing this costs one more refusal.

use crate::ctx::Ctx;
use acivnet_core::{
    failure::Cause,
    names::Names,
    observed::{Observed, Refusal},
    plan::{Plan, digest_with_keys},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// By uid and place, an id in lower case: what was refused there last.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<String, Refused>>);

struct Refused {
    generation: i64,
    by_place: BTreeMap<String, Write>,
}

struct Write {
    digest: String,
    cause: Cause,
    attempt: u32,
    due: Instant,
}

impl Refusals {
    /// What is not due again. Another spec makes all due.
    pub(crate) fn standing(&self, meta: &ObjectMeta) -> Vec<Refusal> {
        let now = Instant::now();
        let mut all = self.lock();
        let uid = meta.uid();
        if all.get(uid).is_some_and(|known| known.generation != meta.generation.unwrap_or_default()) {
            all.remove(uid);
        }
        let writes = all.get(uid).into_iter().flat_map(|known| known.by_place.values());
        let standing = writes.filter(|write| write.due > now);
        standing.map(|write| Refusal { write: write.digest.clone(), cause: write.cause.clone() }).collect()
    }

    /// Learns from a reconcile that wrote.
    pub(crate) fn learn(&self, ctx: &Ctx, meta: &ObjectMeta, observed: &Observed, plan: &Plan) {
        let mut all = self.lock();
        let (generation, uid) = (meta.generation.unwrap_or_default(), meta.uid());
        let known = all.remove(uid).filter(|known| known.generation == generation);
        let mut by_place = known.map(|known| known.by_place).unwrap_or_default();
        by_place.retain(|place, _| plan.steps.iter().any(|step| step.node.id.folded() == *place));
        for (step, request) in plan.writes() {
            let (place, digest) = (step.node.id.folded(), digest_with_keys(&step.node, request, observed));
            let before = by_place.remove(&place).filter(|before| before.digest == digest);
            let Some(failure) = step.failure().filter(|failure| failure.needs_somebody()) else { continue };
            let attempt = before.map_or(0, |before| before.attempt.saturating_add(1));
            let due = Instant::now() + ctx.pace.before(failure.retry, attempt, ctx.random.unit());
            by_place.insert(place, Write { digest, cause: Cause::from(failure), attempt, due });
        }
        if !by_place.is_empty() {
            all.insert(uid.to_owned(), Refused { generation, by_place });
        }
    }

    /// In how long the first of those that are not due yet will be.
    pub(crate) fn due(&self, meta: &ObjectMeta) -> Option<Duration> {
        let (all, now) = (self.lock(), Instant::now());
        let writes = all.get(meta.uid())?.by_place.values().filter(|write| write.due > now);
        writes.map(|write| write.due - now).min()
    }

    /// It stands as it should, or is gone.
    pub(crate) fn forget(&self, meta: &ObjectMeta) {
        self.lock().remove(meta.uid());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
