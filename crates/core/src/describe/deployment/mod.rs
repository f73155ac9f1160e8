//! An `AciVnetDeployment` as a [`Subject`]: its questions and limits, and the one match on its backend. Its nodes are
//! in the backend's folder.

pub mod conda;
mod conditions;
mod crash;
mod expectation;
mod files;
mod inputs;
mod match_spec;
mod model;
mod network;
mod place;
mod probe;
mod report;
mod script;
mod secrets;
mod serving;
mod status;
mod tls;
mod variables;
mod web_service;

pub use crash::LINES as CRASH_LINES;
pub use script::SOURCE_DIRECTORY;
pub use web_service::{DEFAULT_BASE_IMAGE, DELETIONS_AT_ONCE};

use super::size;
use crate::{
    blueprint::Blueprint,
    conditions::without_progress,
    failure::Cause,
    observed::{Fact, Observed},
    outcome::{Reconcile, Report},
    questions::Question,
    restart,
    subject::{Policy, Remembered, Subject},
};
use acivnet_api::{
    APPROVE_PLAN, AciVnetDeployment, AciVnetDeploymentStatus, BackendType, DeletionPolicy, ReplaceApproval,
};
use jiff::Timestamp;
use place::{Scope, subnet_missing, subnet_question, workspace_of};
use report::replace_approval;
use serving::Backend;
use web_service::WebService;

impl Subject for AciVnetDeployment {
    fn questions(&self, observed: &Observed) -> Vec<Question> {
        let mut questions = Vec::new();
        if self.leaves_nothing() {
            return questions;
        }
        if !self.deleting() {
            questions.push(subnet_question(self));
            questions.extend(inputs::questions(self));
            questions.extend(secrets::questions(self));
        }
        let Some(scope) = scope(self, observed) else { return questions };
        questions.extend(backend(self).questions(&scope));
        questions
    }

    fn describe(&self, observed: &Observed, now: Timestamp) -> Blueprint {
        if self.leaves_nothing() {
            return Blueprint::default();
        }
        let Some(scope) = scope(self, observed) else { return without_workspace(self, observed) };
        let backend = backend(self);
        if self.deleting() {
            return backend.gone(scope, now);
        }
        size::too_large(&self.spec).map_or_else(|| backend.present(scope, now), Err).unwrap_or_else(Blueprint::blocked)
    }

    fn approved_plans(&self) -> Option<Vec<String>> {
        Some(approvals(self))
    }

    fn remembered(status: &AciVnetDeploymentStatus) -> Remembered<'_> {
        Remembered {
            resources: &status.resources,
            approved: status.approved.as_deref(),
            settled_generation: status.settled_generation,
            last_handled: status.last_handled_reconcile_at.as_deref(),
        }
    }

    fn without_progress(status: &AciVnetDeploymentStatus) -> AciVnetDeploymentStatus {
        AciVnetDeploymentStatus {
            resources: Vec::new(),
            model: None,
            model_label: None,
            subnet_label: None,
            azure: None,
            resources_resolved: None,
            base_image: None,
            conditions: without_progress(&status.conditions),
            ..status.clone()
        }
    }

    fn report(&self, reconcile: &Reconcile<'_>) -> Report<AciVnetDeploymentStatus> {
        report::report(self, backend(self), reconcile)
    }

    fn secret_keys(&self, secret: &str) -> Vec<&str> {
        secrets::keys_of(self, secret)
    }

    fn certificate_end(&self, observed: &Observed) -> Option<Timestamp> {
        tls::end(self, observed)
    }

    fn policy(&self) -> Policy<'_> {
        Policy {
            suspend: self.spec.suspend == Some(true),
            drift: self.spec.drift.as_ref(),
            deletion: self.spec.deletion.as_ref(),
            adoption: self.spec.adoption.unwrap_or_default(),
        }
    }

    fn look_seconds(&self) -> u64 {
        let probe = self.spec.probe.as_ref().map(|probe| u64::from(probe::interval_seconds(probe)));
        self.interval_seconds().min(probe.unwrap_or(u64::MAX))
    }

    fn orphan(&mut self) {
        self.spec.deletion.get_or_insert_default().policy = Some(DeletionPolicy::Orphan);
    }

    /// Whether a person asks for a restart, or the files differ from those of the revision served last. The version
    /// number that Azure gave the model is not an input: a version that vanishes is drift.
    fn has_new_inputs(&self, observed: &Observed) -> bool {
        restart::is_open(self) || backend(self).has_new_inputs(self, observed)
    }
}

/// The only match on `spec.backend.type`: everything else knows a backend by this trait.
fn backend(cr: &AciVnetDeployment) -> &'static dyn Backend {
    match cr.spec.backend.type_ {
        BackendType::AzureMLWebService => &WebService,
    }
}

/// Azure's name of the service behind a deployment.
pub(super) fn service_name(cr: &AciVnetDeployment) -> &str {
    backend(cr).name(cr)
}

fn scope<'a>(cr: &'a AciVnetDeployment, observed: &'a Observed) -> Option<Scope<'a>> {
    Some(Scope { cr, observed, workspace: workspace_of(cr, observed)? })
}

/// Hashes of the plans that may delete and create. A plan that needs no approval must have been shown in `status.plan`
/// before.
fn approvals(cr: &AciVnetDeployment) -> Vec<String> {
    let annotated = cr.metadata.annotations.as_ref().and_then(|all| all.get(APPROVE_PLAN));
    let status = cr.status.as_ref();
    let seen = status.and_then(|status| status.approved.as_ref());
    let shown = status.and_then(|status| status.plan.as_ref()?.hash.as_ref());
    let shown = shown.filter(|_| replace_approval(cr) == ReplaceApproval::Automatic);
    annotated.into_iter().chain(seen).chain(shown).cloned().collect()
}

fn without_workspace(cr: &AciVnetDeployment, observed: &Observed) -> Blueprint {
    match observed.fact(&subnet_question(cr)) {
        Fact::Unread(failure) => Blueprint { incomplete: true, ..Blueprint::blocked(Cause::from(&failure)) },
        Fact::Absent | Fact::Present(_) => Blueprint::blocked(subnet_missing(cr)),
    }
}
