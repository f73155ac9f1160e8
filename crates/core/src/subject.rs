//! What both kinds have in common, and the one way from facts to a plan.

use crate::{
    blueprint::Blueprint,
    fit,
    names::Names,
    observed::Observed,
    outcome::{Next, Reconcile, Report},
    plan::{Limits, Plan, plan},
    questions::Question,
    seen::ABSENT,
};
use acivnet_api::{
    AdoptedPolicy, Adoption, Deletion, DeletionPolicy, Drift, DriftMode, Origin, RECONCILE_REQUESTED_AT, ResourceStatus,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::object::HasStatus};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a spec says of how its object is kept: the same fields in both kinds.
pub struct Policy<'a> {
    /// `spec.suspend`.
    pub suspend: bool,
    /// `spec.drift`.
    pub drift: Option<&'a Drift>,
    /// `spec.deletion`.
    pub deletion: Option<&'a Deletion>,
    /// `spec.adoption`: what is done about what exists and is not ours.
    pub adoption: Adoption,
}

/// What a status keeps for later reconciles.
#[derive(Default)]
pub struct Remembered<'a> {
    /// `status.resources`: ids recorded before they were created.
    pub resources: &'a [ResourceStatus],
    /// Hash of the plan that a person approved, while it is carried out.
    pub approved: Option<&'a str>,
    /// `status.settledGeneration`: the generation that had settled, if one had.
    pub settled_generation: Option<i64>,
    /// `status.lastHandledReconcileAt`: what a person last asked for a look with, once they had it.
    pub last_handled: Option<&'a str>,
}

/// A custom resource that decisions are made about.
pub trait Subject: Resource<DynamicType = ()> + HasStatus<Status: Clone + Default + PartialEq + Serialize> {
    /// What to read, given what is known. Called again with the answers until nothing new is asked.
    fn questions(&self, observed: &Observed) -> Vec<Question>;
    /// What should stand.
    fn describe(&self, observed: &Observed, now: Timestamp) -> Blueprint;
    /// What to say. Before the plan is carried out: what is recorded before anything is written.
    fn report(&self, reconcile: &Reconcile<'_>) -> Report<Self::Status>;
    /// What of a status is memory.
    fn remembered(status: &Self::Status) -> Remembered<'_>;
    /// A status without what only tells how far work has come: of two that are alike without it the later may wait.
    fn without_progress(status: &Self::Status) -> Self::Status;
    /// What the spec says of how the object is kept.
    fn policy(&self) -> Policy<'_>;
    /// Leaves to Azure what it stands for, whatever its spec says of its deletion.
    fn orphan(&mut self);
    /// Whether something outside the spec that it is made from, such as a file, is not what it was when it settled: then
    /// a difference is an open change and not drift.
    fn has_new_inputs(&self, observed: &Observed) -> bool;

    /// The keys of a Secret whose values it needs: no others are kept.
    fn secret_keys(&self, _secret: &str) -> Vec<&str> {
        Vec::new()
    }

    /// When the certificate that its Secret holds ends, if there is one.
    fn certificate_end(&self, _observed: &Observed) -> Option<Timestamp> {
        None
    }

    /// Hashes of the plans that may delete and create. None where that waits for no approval.
    fn approved_plans(&self) -> Option<Vec<String>> {
        None
    }

    /// What the plan may do.
    fn limits(&self) -> Limits {
        let (stays, approval) = (!self.deleting(), self.approved_plans());
        let identity = approval.as_ref().map(|_| format!("{}/{}", self.meta().uid(), self.generation()));
        Limits {
            suspended: self.policy().suspend && stays,
            leave_drift: self.had_settled() && stays && self.drift_mode() != DriftMode::Correct,
            approval,
            identity: identity.unwrap_or_default(),
        }
    }

    /// What the status as last read keeps.
    fn memory(&self) -> Remembered<'_> {
        self.status().map(Self::remembered).unwrap_or_default()
    }

    /// `status.resources`: ids recorded before they were created.
    fn recorded(&self) -> &[ResourceStatus] {
        self.memory().resources
    }

    /// The generation that had settled, if one had.
    fn settled_generation(&self) -> Option<i64> {
        self.memory().settled_generation
    }

    /// Whether a person asked for its deletion.
    fn deleting(&self) -> bool {
        self.meta().deletion_timestamp.is_some()
    }

    /// Region of the resources that it stands for; empty where the object does not say.
    fn region(&self) -> &str {
        ""
    }

    /// `metadata.generation`.
    fn generation(&self) -> i64 {
        self.meta().generation.unwrap_or_default()
    }

    /// Whether a person asks for a look by annotation, and has not had it yet.
    fn asked(&self) -> bool {
        requested(self.meta(), RECONCILE_REQUESTED_AT).is_some_and(|asked| self.memory().last_handled != Some(&asked))
    }

    /// Whether this generation had settled before.
    fn had_settled(&self) -> bool {
        self.settled_generation() == Some(self.generation())
    }

    /// Whether a difference is drift: spec and files are those that had settled before.
    fn drifts(&self, observed: &Observed) -> bool {
        self.had_settled() && !self.has_new_inputs(observed)
    }

    /// Whether what was adopted outlives the object.
    fn retains_adopted(&self) -> bool {
        self.policy().deletion.and_then(|deletion| deletion.adopted).unwrap_or_default() == AdoptedPolicy::Retain
    }

    /// Whether anything was made, or may have been made, that goes with the object: its id is recorded before.
    fn made_something(&self) -> bool {
        let stays = |one: &ResourceStatus| {
            let adopted = one.origin == Some(Origin::Adopted) && self.retains_adopted();
            adopted || one.origin == Some(Origin::Referenced)
        };
        !self.recorded().iter().all(stays)
    }

    /// Whether it is being deleted and nothing in Azure has to go with it.
    fn leaves_nothing(&self) -> bool {
        let orphan = self.policy().deletion.and_then(|deletion| deletion.policy) == Some(DeletionPolicy::Orphan);
        self.deleting() && (orphan || !self.made_something())
    }

    /// Seconds between two looks when nothing changes.
    fn interval_seconds(&self) -> u64 {
        let seconds =
            self.policy().drift.and_then(|drift| drift.interval_seconds).unwrap_or(Drift::DEFAULT_INTERVAL_SECONDS);
        u64::from(seconds.unsigned_abs())
    }

    /// Seconds between two looks at all that it is about, a probe too.
    fn look_seconds(&self) -> u64 {
        self.interval_seconds()
    }

    /// What to do about drift.
    fn drift_mode(&self) -> DriftMode {
        self.policy().drift.and_then(|drift| drift.mode).unwrap_or_default()
    }
}

/// From facts to a plan.
pub fn decide<S: Subject>(subject: &S, observed: &Observed, now: Timestamp) -> Plan {
    let limits = subject.limits();
    let leave_drift = limits.leave_drift && !subject.has_new_inputs(observed);
    plan(subject.describe(observed, now), observed, subject.recorded(), &Limits { leave_drift, ..limits })
}

/// The questions that are not answered yet, in order and once each.
pub fn open_questions<S: Subject>(subject: &S, observed: &Observed) -> Vec<Question> {
    let asked: BTreeMap<Question, ()> =
        subject.questions(observed).into_iter().map(|question| (question, ())).collect();
    asked.into_keys().filter(|question| !observed.facts.contains_key(question)).collect()
}

/// Whether the report holds what must be in status before anything is written: ids of what is created, tag keys that are
/// written, and the approval of a plan.
pub fn needs_record<S: Subject>(subject: &S, report: &Report<S::Status>) -> bool {
    let unknown = |one: &ResourceStatus| {
        let same = |known: &&ResourceStatus| known.kind == one.kind && crate::id::same(&known.id, &one.id);
        let known = subject.recorded().iter().find(same);
        let written = matches!(one.state.as_deref(), Some(ABSENT | "Drifted" | "Failed"));
        let adopted = |one: &ResourceStatus| one.origin == Some(Origin::Adopted);
        let learns = |known: &ResourceStatus| {
            adopted(known) != adopted(one) || one.keys.iter().any(|key| !known.keys.contains(key))
        };
        written && known.is_none_or(learns)
    };
    let Remembered { resources, approved, .. } = S::remembered(&report.status);
    let known = subject.memory().approved;
    resources.iter().filter(|one| one.origin != Some(Origin::Referenced)).any(unknown)
        || approved.is_some() && approved != known
}

/// Whether something of the object stands in Azure, which must not be left behind when the object is deleted: also what was
/// found there without having been written since the object is there.
pub fn stands<S: Subject>(report: &Report<S::Status>) -> bool {
    let ours = |one: &ResourceStatus| matches!(one.origin, Some(Origin::Created | Origin::Adopted));
    S::remembered(&report.status).resources.iter().any(|one| ours(one) && one.state.as_deref() != Some(ABSENT))
}

/// Whether the status of a report may be left unwritten for a while: it tells of progress only, and another look comes
/// before the next sweep.
pub fn may_wait<S: Subject>(subject: &S, report: &Report<S::Status>) -> bool {
    let goes_on = matches!(report.next, Next::Retry(_));
    goes_on && subject.status().is_some_and(|last| S::without_progress(last) == S::without_progress(&report.status))
}

/// What a person asks for by an annotation, as it is remembered in the status: long texts are cut.
pub fn requested(meta: &ObjectMeta, annotation: &str) -> Option<String> {
    meta.annotations.as_ref()?.get(annotation).map(fit::value)
}
