//! What both kinds have in common, and the one way from facts to a plan.

use crate::{
    blueprint::Blueprint,
    observed::Observed,
    plan::{Done, Limits, Plan, plan},
    questions::Question,
    report::Report,
};
use acivnet_api::{Drift, DriftMode, ResourceStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use std::collections::BTreeMap;

/// A custom resource that decisions are made about.
pub trait Subject: kube::Resource<DynamicType = ()> {
    /// Its status.
    type Status: Clone + Default + PartialEq + Serialize;

    /// What to read, given what is known. Called again with the answers until nothing new is asked.
    fn questions(&self, observed: &Observed) -> Vec<Question>;
    /// What should stand.
    fn describe(&self, observed: &Observed, now: Timestamp) -> Blueprint;
    /// What the plan may do.
    fn limits(&self) -> Limits;
    /// What to say. Without `done` it is what is recorded before anything is written.
    fn report(&self, pass: &Pass<'_>, done: Option<&Done>) -> Report<Self::Status>;
    /// What of a status is memory: recorded resources, and the hash of the approved plan.
    fn memory(status: &Self::Status) -> (&[ResourceStatus], Option<&str>);
    /// The status as last read.
    fn status(&self) -> Option<&Self::Status>;
    /// The generation that had settled, if one had.
    fn settled_generation(&self) -> Option<i64>;
    /// The drift settings of the spec.
    fn drift(&self) -> Option<&Drift>;

    /// `status.resources`: ids recorded before they were created.
    fn recorded(&self) -> &[ResourceStatus] {
        self.status().map(|status| Self::memory(status).0).unwrap_or_default()
    }

    /// Whether a person asked for its deletion.
    fn deleting(&self) -> bool {
        self.meta().deletion_timestamp.is_some()
    }

    /// `metadata.generation`.
    fn generation(&self) -> i64 {
        self.meta().generation.unwrap_or_default()
    }

    /// Whether this generation had settled before, so that a difference is drift.
    fn had_settled(&self) -> bool {
        self.settled_generation() == Some(self.generation())
    }

    /// Seconds between two looks when nothing changes.
    fn interval_seconds(&self) -> u64 {
        let seconds = self.drift().and_then(|drift| drift.interval_seconds).unwrap_or(Drift::DEFAULT_INTERVAL_SECONDS);
        u64::from(seconds.unsigned_abs())
    }

    /// What to do about drift.
    fn drift_mode(&self) -> DriftMode {
        self.drift().and_then(|drift| drift.mode).unwrap_or_default()
    }
}

/// One pass: all that was read and decided.
pub struct Pass<'a> {
    /// What was read.
    pub observed: &'a Observed,
    /// What should stand.
    pub blueprint: &'a Blueprint,
    /// What to do about it.
    pub plan: &'a Plan,
    /// When.
    pub now: Timestamp,
}

/// From facts to a plan.
pub fn decide<S: Subject>(subject: &S, observed: &Observed, now: Timestamp) -> (Blueprint, Plan) {
    let blueprint = subject.describe(observed, now);
    let plan = plan(&blueprint, observed, subject.recorded(), &subject.limits());
    (blueprint, plan)
}

/// The questions that are not answered yet, in order and once each.
pub fn open_questions<S: Subject>(subject: &S, observed: &Observed) -> Vec<Question> {
    let asked: BTreeMap<Question, ()> = subject.questions(observed).into_iter().map(|question| (question, ())).collect();
    asked.into_keys().filter(|question| !observed.facts.contains_key(question)).collect()
}

/// Whether the report holds what must be in status before anything is written: ids of what is created, tag keys, and the
/// approval of a plan.
pub fn needs_record<S: Subject>(subject: &S, report: &Report<S::Status>) -> bool {
    let unknown = |one: &ResourceStatus| {
        let known = subject.recorded().iter().find(|known| known.kind == one.kind && known.id.eq_ignore_ascii_case(&one.id));
        known.is_none_or(|known| one.keys.iter().any(|key| !known.keys.contains(key)))
    };
    let (resources, approved) = S::memory(&report.status);
    resources.iter().any(unknown) || approved.is_some() && approved != subject.status().and_then(|last| S::memory(last).1)
}

/// Namespace, name and uid: empty text when absent, which no object of an API server has.
pub fn names(meta: &ObjectMeta) -> (&str, &str, &str) {
    (
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
        meta.uid.as_deref().unwrap_or_default(),
    )
}
