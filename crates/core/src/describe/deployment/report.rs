//! `Ready`, events and the next look of an `AciVnetDeployment`.

use super::{
    network::without_egress,
    place::{subnet_of, workspace_of},
    probe, secrets,
    serving::{Backend, Serving, State},
    tls,
};
use crate::{
    blueprint::Goal,
    conditions::{Conditions, find},
    events::{drift_event, ready_event, stalled_event, write_events},
    failure::Cause,
    id::ResourceId,
    kinds::{model_version::MODEL_VERSION, registered_model::REGISTERED_MODEL},
    names::Names,
    observed::Fact,
    outcome::{Event, Next, Reconcile, Report},
    patience::progress,
    plan::{Action, Held, Plan, Step},
    report::{self, Ready, ready_unseen},
    retry::Retry,
    subject::Subject,
};
use acivnet_api::{
    AciVnetDeployment, AciVnetDeploymentStatus, DelegatedSubnet, ReplaceApproval,
    conditions::{reasons, types},
};
use std::time::Duration;

pub(super) fn report(
    cr: &AciVnetDeployment,
    backend: &dyn Backend,
    reconcile: &Reconcile<'_>,
) -> Report<AciVnetDeploymentStatus> {
    let reporter = Reporter::new(cr, backend, reconcile);
    if cr.deleting() { reporter.report_deletion() } else { reporter.report_state() }
}

/// Everything that a report is made from.
pub(super) struct Reporter<'a> {
    pub cr: &'a AciVnetDeployment,
    pub backend: &'a dyn Backend,
    pub reconcile: &'a Reconcile<'a>,
    pub last: AciVnetDeploymentStatus,
    pub subnet: Option<DelegatedSubnet>,
    pub workspace: Option<ResourceId>,
    pub serving: Serving<'a>,
    /// Why the service failed, or does not start.
    pub broken: Option<Cause>,
    pub probe: Option<Fact>,
    /// Why the deployment is not as wanted, if known.
    pub cause: Option<Cause>,
    /// Differences are drift, not open changes.
    pub drifts: bool,
}

impl<'a> Reporter<'a> {
    fn new(cr: &'a AciVnetDeployment, backend: &'a dyn Backend, reconcile: &'a Reconcile<'a>) -> Self {
        let (subnet, workspace) = (subnet_of(cr, reconcile.observed), workspace_of(cr, reconcile.observed));
        let serving = backend.serving(cr, reconcile.observed);
        let broken = backend.cause(cr, reconcile.observed, serving.state);
        let gives_up = backend.kinds().first().and_then(|kind| find_step(reconcile.plan, kind.name));
        let gives_up = gives_up.is_some_and(|step| matches!(step.action, Action::Hold(Held::Broken(_))));
        let told = broken.clone().filter(|_| gives_up).map(|cause| subnet.iter().fold(cause, without_egress));
        let cause = report::root_cause(reconcile).or(told).or_else(|| serving.address.as_ref().err().cloned());
        let question = probe::question(cr, reconcile.observed, &serving);
        let probe = question.and_then(|question| reconcile.observed.facts.get(&question).cloned());
        let (last, drifts) = (cr.status.clone().unwrap_or_default(), cr.drifts(reconcile.observed));
        Self { cr, backend, reconcile, last, subnet, workspace, serving, broken, probe, cause, drifts }
    }

    fn report_state(self) -> Report<AciVnetDeploymentStatus> {
        let mut status = self.status();
        let mut conditions = self.begin();
        let ready = self.ready(&conditions);
        report::ready_of(&mut conditions, &ready, status.settled_generation);
        self.parts(&mut conditions, &status);
        let cause = self.open_cause();
        progress(&mut conditions, cause.as_ref(), self.reconcile.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let events = self.events(&status, ready);
        Report { status, events, next: self.next(cause.as_ref()), release: false }
    }

    fn report_deletion(self) -> Report<AciVnetDeploymentStatus> {
        let mut status = self.status();
        let removing = self.backend.words().removing;
        let said = report::deletion_report(self.cr, self.reconcile, &self.last.conditions, self.begin(), removing);
        status.conditions = said.conditions;
        Report { status, events: said.events, next: said.next, release: said.release }
    }

    fn begin(&self) -> Conditions<'_> {
        let mut conditions = Conditions::new(&self.last.conditions, self.cr.generation(), self.reconcile.now);
        report::credentials(&mut conditions, &self.reconcile.observed.identity);
        conditions
    }

    fn events(&self, status: &AciVnetDeploymentStatus, ready: Ready) -> Vec<Event> {
        let last = &self.last.conditions;
        let mut events = write_events(self.reconcile, self.drifts);
        if let Some((met, reason, message)) = ready {
            events.extend(ready_event(last, reason, met == Some(true), &message));
        }
        events.extend(self.approval_event());
        events.extend(self.readable_event());
        events.extend(drift_event(last, &status.conditions, self.cr.drift_mode()));
        events.extend(stalled_event(last, &status.conditions, &events));
        events
    }

    pub(super) fn step(&self) -> Option<&Step> {
        find_step(self.reconcile.plan, self.backend.kinds().first()?.name)
    }

    pub(super) fn model_step(&self) -> Option<&Step> {
        let mut kinds = [&MODEL_VERSION, &REGISTERED_MODEL].into_iter();
        let model = kinds.find_map(|kind| find_step(self.reconcile.plan, kind.name));
        model.filter(|step| step.node.goal == Goal::Present)
    }

    /// Whether nothing is known of the service in this reconcile.
    pub(super) fn blind(&self) -> bool {
        self.serving.state == State::Unread
    }

    fn ready(&self, conditions: &Conditions<'_>) -> Ready {
        let healthy = self.serving.state == State::Healthy;
        let answers = self.serving.address.as_ref().ok().and_then(Option::as_ref).filter(|_| healthy);
        match (answers, self.probe_failure()) {
            (Some(_), Some(failure)) => Some((Some(false), reasons::PROBE_FAILED, failure.message)),
            (Some(address), None) if self.cr.spec.probe.is_none() => {
                Some(self.serving(&format!("{} is healthy (not probed)", address.scoring_uri)))
            }
            (Some(address), None) if self.probed().is_some() => {
                Some(self.serving(&format!("{} answers", address.scoring_uri)))
            }
            (Some(_), None) if self.between_keys() => None,
            _ => self.not_ready(conditions),
        }
    }

    /// The service answers, so Ready is True even if a change to it is refused; the message says so, and names a
    /// certificate that expires soon. The condition's `observedGeneration` says which generation serves.
    fn serving(&self, what: &str) -> (Option<bool>, &'static str, String) {
        let expiry = tls::ends_soon(self.cr, self.reconcile.observed, self.reconcile.now);
        let what = expiry.map_or_else(|| what.to_owned(), |expiry| format!("{what}; {expiry}"));
        let message = match self.refusal() {
            Some(cause) if self.drifts => format!("{what}, but {}", cause.message),
            Some(cause) => format!("{what}, but a change to it is refused: {}", cause.message),
            None => what,
        };
        (Some(true), reasons::SERVING, message)
    }

    /// Why a step stays undone until somebody acts.
    pub(super) fn refusal(&self) -> Option<Cause> {
        let refused = self.reconcile.plan.steps.iter().find_map(Step::refusal);
        let open = self.reconcile.plan.steps.is_empty() || !self.reconcile.plan.settled();
        refused.or_else(|| self.cause.clone().filter(|cause| open && cause.needs_somebody()))
    }

    /// Whether the service answered before, but no key in the Secret is one of Azure's yet: clients still use the old keys.
    fn between_keys(&self) -> bool {
        let was_ready = find(&self.last.conditions, types::READY).is_some_and(|was| was.status == "True");
        was_ready && secrets::needs_key(self.cr) && self.cause.is_none()
    }

    /// Warns, once per change of the spec, that a value leaves its Secret for a place where others can read it.
    fn readable_event(&self) -> Option<Event> {
        let mut variables = self.cr.spec.scoring.environment_variables.iter();
        let named = variables.find(|one| one.value_from.is_some())?;
        let fresh = self.last.observed_generation != Some(self.cr.generation());
        let (service, readers) = (self.backend.words().service, self.backend.words().readers?);
        let message = format!(
            "the {service} stores {} and every other environment variable in plain text for {readers}",
            named.name
        );
        fresh.then_some(Event { warning: true, reason: reasons::SECRET_STORED_READABLE, action: "Reconcile", message })
    }

    fn not_ready(&self, conditions: &Conditions<'_>) -> Ready {
        let known = find(&self.last.conditions, types::READY);
        let (service, name) = (self.backend.words().service, self.backend.name(self.cr));
        let Some(cause) = self.cause_of_not_ready() else {
            let unseen = !self.serving.state.exists() && known.is_none_or(|known| known.status == "Unknown");
            return Some(match unseen {
                true => (None, reasons::PROGRESSING, format!("{service} {name} will be created")),
                false => (Some(false), reasons::PROGRESSING, format!("{service} {name} is being created or changed")),
            });
        };
        let patience = self.reconcile.observed.settings.stalled_after_seconds;
        let unseen = self.blind().then(|| ready_unseen(&self.last.conditions, conditions, &cause, patience));
        unseen.flatten().unwrap_or(Some((Some(false), cause.reason, cause.message)))
    }

    fn cause_of_not_ready(&self) -> Option<Cause> {
        let held = [Held::Approval, Held::Suspended, Held::DriftMode].iter().any(|held| self.holds(held));
        let failed = || self.broken.clone().filter(|_| self.serving.state.has_failed() && held);
        self.cause.clone().or_else(failed).or_else(|| self.held_cause()).or_else(|| self.ends_by_itself())
    }

    /// Why the container that Azure is starting does not start, according to its log.
    pub(super) fn ends_by_itself(&self) -> Option<Cause> {
        self.broken.clone().filter(|_| self.serving.state.is_coming_up())
    }

    fn holds(&self, held: &Held) -> bool {
        self.reconcile.plan.holds(held)
    }

    /// The cause if work waits for an approval or a setting.
    fn held_cause(&self) -> Option<Cause> {
        let drifted = self.holds(&Held::DriftMode) && !self.serves();
        if self.holds(&Held::Approval) && replace_approval(self.cr) == ReplaceApproval::Required {
            Some(Cause::person(reasons::APPROVAL_REQUIRED, self.approval_message()))
        } else if self.holds(&Held::Suspended) {
            let message = "spec.suspend is true; status.plan shows what would be done";
            Some(Cause::person(reasons::SUSPENDED, message))
        } else if drifted {
            let service = self.backend.words().service;
            let message =
                format!("the {service} was changed or deleted in Azure, and spec.drift.mode leaves it as it is");
            Some(Cause::person(reasons::DRIFTED, message))
        } else {
            None
        }
    }

    fn serves(&self) -> bool {
        self.serving.state == State::Healthy && matches!(self.serving.address, Ok(Some(_)))
    }

    /// Why work is open: what is being done, or what prevents it.
    fn open_cause(&self) -> Option<Cause> {
        let working = self.reconcile.plan.moves() || self.holds(&Held::Approval) || self.reconcile.plan.incomplete;
        let in_progress = || {
            let provider = self.backend.words().provider;
            Cause::passing(reasons::PROGRESSING, format!("{provider} is being changed to match the spec"))
        };
        let probe = || self.probe_failure().map(|failure| Cause { reason: reasons::PROBE_FAILED, ..failure });
        let cause = self.cause.clone().or_else(|| self.held_cause());
        cause.or_else(|| working.then(in_progress)).or_else(probe)
    }

    fn approval_message(&self) -> String {
        let hash = self.reconcile.plan.hash.as_deref().unwrap_or_default();
        let (namespace, name) = (self.cr.metadata.namespace(), self.cr.metadata.name());
        let service = self.backend.words().service;
        format!(
            "the change deletes the {service} and creates it again (see status.plan); approve it: kubectl annotate -n {namespace} \
             --overwrite --field-manager=acivnet-approval acivd {name} acivnet.dev/approve-plan={hash}"
        )
    }

    /// Announces a destructive plan before it is carried out, whether or not it waits for approval.
    fn approval_event(&self) -> Option<Event> {
        let known = self.last.plan.as_ref().and_then(|plan| plan.hash.clone());
        let fresh = self.holds(&Held::Approval) && known != self.reconcile.plan.hash;
        let (reason, message) = match replace_approval(self.cr) {
            ReplaceApproval::Required => (reasons::APPROVAL_REQUIRED, self.approval_message()),
            ReplaceApproval::Automatic => {
                let service = self.backend.words().service;
                ("ReplacePlanned", format!("the {service} will be deleted and created again (see status.plan)"))
            }
        };
        fresh.then_some(Event { warning: true, reason, action: "Wait", message })
    }

    fn next(&self, open: Option<&Cause>) -> Next {
        let sweep = Duration::from_secs(self.cr.look_seconds());
        match report::next(self.reconcile, self.cause.as_ref(), sweep) {
            Next::Sweep(sweep) => match open.map(|open| open.reason) {
                Some(reasons::PROGRESSING) => Next::Retry(Retry::Soon),
                Some(reasons::PROBE_FAILED) => Next::Retry(Retry::Backoff),
                _ => Next::Sweep(sweep),
            },
            next => next,
        }
    }
}

/// Whether a change that deletes and creates waits for approval.
pub(super) fn replace_approval(cr: &AciVnetDeployment) -> ReplaceApproval {
    cr.spec.rollout.as_ref().and_then(|one| one.replace_approval).unwrap_or_default()
}

fn find_step<'p>(plan: &'p Plan, kind: &str) -> Option<&'p Step> {
    plan.steps.iter().find(|step| step.node.kind.name == kind)
}
