//! The conditions of an `AciVnetDeployment` other than `Ready`, `Reconciling` and `Stalled`.

use super::{network::no_egress, report::Reporter, serving::State};
use crate::{
    conditions::{Conditions, find},
    kind::Change,
    plan::{Action, Held, Step},
    report, scrub,
    seen::Seen,
    subject::Subject,
};
use acivnet_api::{
    AciVnetDeploymentStatus,
    conditions::{reasons, types},
};

/// Causes that prove that the environment's image was built: they occur when the image is started.
const AFTER_THE_BUILD: [&str; 9] = [
    reasons::SCORING_SCRIPT_CRASHED,
    reasons::OUT_OF_MEMORY,
    reasons::WORKER_CRASHED,
    reasons::IMAGE_NOT_PULLED,
    reasons::NO_NAT_GATEWAY,
    reasons::QUOTA_EXCEEDED,
    reasons::REGION_CAPACITY,
    reasons::SUBNET_FULL,
    reasons::SUBNET_NOT_DELEGATED,
];

/// Added to the probe's message while the networks of the cluster's Pods are unknown.
const PODS_UNKNOWN: &str = "the operator does not know the networks of its cluster's Pods and can't refuse their addresses; ask its \
                            administrator to set --cluster-networks";

impl Reporter<'_> {
    pub(super) fn parts(&self, conditions: &mut Conditions<'_>, status: &AciVnetDeploymentStatus) {
        self.network(conditions);
        self.model_ready(conditions, status);
        self.environment(conditions);
        self.service_healthy(conditions);
        self.probe_passed(conditions);
        report::drift_condition(conditions, self.reconcile, self.cr.drift_mode(), &status.drift);
        self.rollout(conditions);
        let (supported, reason, message) = self.backend.words().supported;
        conditions.set(types::BACKEND_SUPPORTED, Some(supported), reason, message);
    }

    /// Reason and message of the cause, if it has one of these reasons.
    fn own(&self, reasons: &[&str]) -> Option<(&'static str, String)> {
        let cause = self.cause.as_ref().filter(|cause| reasons.contains(&cause.reason))?;
        Some((cause.reason, cause.message.clone()))
    }

    fn network(&self, conditions: &mut Conditions<'_>) {
        let name = &self.cr.spec.network.subnet_ref.name;
        let own = self.own(&[
            reasons::SUBNET_NOT_DELEGATED,
            reasons::SUBNET_IN_USE_BY_OTHER,
            reasons::SUBNET_FULL,
            reasons::NO_NAT_GATEWAY,
            reasons::REGION_MISMATCH,
            reasons::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP,
        ]);
        let status = self.subnet.as_ref().and_then(|subnet| subnet.status.as_ref());
        let ready = status.and_then(|status| find(&status.conditions, types::READY));
        let (met, reason, message) = match (own, ready) {
            (Some((reason, message)), _) => (false, reason, message),
            (_, Some(ready)) if ready.status == "True" => {
                let ready = format!("DelegatedSubnet {name} is ready");
                let no_egress = self.subnet.as_ref().and_then(no_egress);
                (
                    true,
                    reasons::DELEGATED,
                    no_egress.map_or(ready.clone(), |why| scrub::clean(&format!("{ready}, but {why}"))),
                )
            }
            (_, Some(ready)) => {
                (false, reasons::SUBNET_NOT_READY, format!("DelegatedSubnet {name} is not ready: {}", ready.reason))
            }
            (_, None) => {
                let message = format!("DelegatedSubnet {name} does not exist or was not checked yet");
                (false, reasons::SUBNET_NOT_READY, message)
            }
        };
        conditions.set(types::NETWORK_READY, Some(met), reason, message);
    }

    fn model_ready(&self, conditions: &mut Conditions<'_>, status: &AciVnetDeploymentStatus) {
        let step = self.model_step();
        let failed = step.and_then(Step::failure).map(|failure| failure.message.clone());
        // refused in an earlier reconcile, and not repeated in this one
        let held = step.filter(|step| step.was_refused(self.reconcile.observed)).and_then(Step::refusal);
        let failed = failed.or(held.map(|cause| cause.message));
        let own = self.own(&[
            reasons::CONFIG_MAP_NOT_FOUND,
            reasons::MODEL_UNREADABLE,
            reasons::MODEL_NOT_FOUND,
            reasons::READING_MODEL,
        ]);
        let (met, reason, message) = match (step.map(|step| &step.seen), failed, own) {
            (_, Some(message), _) => (false, reasons::REGISTRATION_FAILED, message),
            (Some(Seen::Settled | Seen::Drifted(_)), ..) => {
                let label = status.model_label.as_deref().unwrap_or_default();
                (true, reasons::REGISTERED, format!("registered as {label}"))
            }
            (_, _, Some((reason, message))) => (false, reason, message),
            (None | Some(Seen::Unread(_)), ..) => {
                return conditions.keep_or_unknown(types::MODEL_READY, "not checked yet");
            }
            _ => (false, reasons::PROGRESSING, "not registered yet".to_owned()),
        };
        conditions.set(types::MODEL_READY, Some(met), reason, message);
    }

    fn environment(&self, conditions: &mut Conditions<'_>) {
        let own = self.own(&[reasons::IMAGE_BUILD_FAILED, reasons::CONDA_FILE_INVALID]);
        let built = (true, reasons::BUILT, "the image of the environment is built".to_owned());
        let building = (false, reasons::BUILDING, "the image of the environment is being built".to_owned());
        let none = || format!("the image is built when the {} is created", self.backend.words().service);
        let (met, reason, message) = match (own, self.serving.state) {
            (Some((reason, message)), _) => (false, reason, message),
            (_, State::Healthy | State::Unhealthy | State::Starting) => built,
            (_, State::Building) => building,
            (_, State::Failed | State::Undocumented) if self.own(&AFTER_THE_BUILD).is_some() => built,
            (_, State::Failed | State::Undocumented) => {
                return conditions.keep_or_unknown(types::ENVIRONMENT_READY, "not known");
            }
            (_, State::Unread) => return conditions.keep_or_unknown(types::ENVIRONMENT_READY, "not checked yet"),
            (_, State::Absent) => (false, reasons::PROGRESSING, none()),
        };
        conditions.set(types::ENVIRONMENT_READY, Some(met), reason, message);
    }

    fn service_healthy(&self, conditions: &mut Conditions<'_>) {
        let cause = self.cause.as_ref().map(|cause| (false, cause.reason, cause.message.clone()));
        let (provider, service) = (self.backend.words().provider, self.backend.words().service);
        let (met, reason, message) = match self.serving.state {
            State::Healthy => (true, reasons::HEALTHY, format!("{provider} says the {service} is healthy")),
            State::Building | State::Starting => match self.ends_by_itself() {
                Some(cause) => (false, cause.reason, cause.message),
                None => (false, reasons::CREATING, format!("{provider} is working on the {service}")),
            },
            State::Unhealthy | State::Failed | State::Undocumented => {
                let word = format!("{provider} says the {service} is {}", self.serving.word);
                cause.unwrap_or((false, reasons::SERVICE_FAILED, word))
            }
            State::Unread => return conditions.keep_or_unknown(types::SERVICE_HEALTHY, "not checked yet"),
            State::Absent => cause.unwrap_or((false, reasons::ABSENT, format!("the {service} does not exist yet"))),
        };
        conditions.set(types::SERVICE_HEALTHY, Some(met), reason, message);
    }

    fn probe_passed(&self, conditions: &mut Conditions<'_>) {
        let (met, reason, message) = match (self.cr.spec.probe.is_some(), self.probed(), self.probe_failure()) {
            (false, ..) => (None, reasons::NOT_CONFIGURED, "spec.probe is absent".to_owned()),
            (_, Some((true, _)), _) => {
                (Some(true), reasons::PASSED, "the sample request was answered as expected".to_owned())
            }
            (_, _, Some(failure)) => (Some(false), failure.reason, failure.message),
            _ if self.blind() => return conditions.keep_or_unknown(types::PROBE_PASSED, "not probed yet"),
            _ => match &self.serving.address {
                Err(cause) => (Some(false), cause.reason, cause.message.clone()),
                Ok(_) => (None, reasons::PROGRESSING, "not probed yet".to_owned()),
            },
        };
        let unchecked = self.cr.spec.probe.is_some() && self.reconcile.observed.settings.pods_unknown;
        let message = if unchecked { format!("{message}; {PODS_UNKNOWN}") } else { message };
        conditions.set(types::PROBE_PASSED, met, reason, message);
    }

    fn rollout(&self, conditions: &mut Conditions<'_>) {
        let step = self.step();
        // if nothing could be described, nothing new is known of an object that had settled
        let known = !self.drifts || !self.reconcile.plan.steps.is_empty();
        if let Some(cause) =
            self.refusal().filter(|_| known && self.serving.state.exists() && !self.serving.state.has_failed())
        {
            return conditions.set(types::ROLLOUT_COMPLETE, Some(false), cause.reason, cause.message);
        }
        let (met, reason, message) = match step.map(|step| (&step.seen, step.change, &step.action)) {
            Some((Seen::Settled, ..)) => (true, reasons::COMPLETE, "what the spec asks for is running"),
            Some((Seen::Drifted(_), Some(Change::Live), _)) => {
                (true, reasons::COMPLETE, "what the spec asks for is running")
            }
            Some((_, _, Action::Hold(Held::Approval))) => {
                (false, reasons::APPROVAL_REQUIRED, "a change waits for approval")
            }
            None | Some((Seen::Unread(_), ..)) => {
                return conditions.keep_or_unknown(types::ROLLOUT_COMPLETE, "not checked yet");
            }
            Some(_) => (false, reasons::PROGRESSING, "what the spec asks for is not running yet"),
        };
        conditions.set(types::ROLLOUT_COMPLETE, Some(met), reason, message);
    }
}
