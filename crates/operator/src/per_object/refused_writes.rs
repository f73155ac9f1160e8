//! Writes that Azure refused for a cause that somebody has to remove. They are repeated later each time, an hour apart
//! where only another spec helps; looks go on at each sweep meanwhile. Losing this costs one more refusal.

use crate::ctx::Ctx;
use acivnet_core::{
    failure::Cause,
    observed::{Observed, Refusal},
    plan::{Plan, digest_with_keys},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{collections::BTreeMap, mem::take, time::Duration};
use tokio::time::Instant;

/// What was refused last, for one generation.
#[derive(Default, PartialEq)]
pub(crate) struct RefusedWrites {
    generation: i64,
    /// By id of the resource in lower case.
    by_place: BTreeMap<String, Write>,
}

#[derive(PartialEq)]
struct Write {
    digest: String,
    cause: Cause,
    attempt: u32,
    due: Instant,
}

impl RefusedWrites {
    /// What is not due again. Another spec makes all due.
    pub(crate) fn standing(&mut self, meta: &ObjectMeta) -> Vec<Refusal> {
        let now = Instant::now();
        if self.generation != meta.generation.unwrap_or_default() {
            *self = Self::default();
        }
        let standing = self.by_place.values().filter(|write| write.due > now);
        standing.map(|write| Refusal { write: write.digest.clone(), cause: write.cause.clone() }).collect()
    }

    /// Learns from a reconcile that wrote.
    pub(crate) fn learn(&mut self, ctx: &Ctx, meta: &ObjectMeta, observed: &Observed, plan: &Plan) {
        let generation = meta.generation.unwrap_or_default();
        let known = Some(take(self)).filter(|known| known.generation == generation);
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
            *self = Self { generation, by_place };
        }
    }

    /// In how long the first of those that are not due yet will be.
    pub(crate) fn due(&self) -> Option<Duration> {
        let now = Instant::now();
        let writes = self.by_place.values().filter(|write| write.due > now);
        writes.map(|write| write.due - now).min()
    }
}
