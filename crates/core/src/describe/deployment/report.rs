//! What is said of an `AciVnetDeployment`.

use super::{
    probe_question, replace_approval, secrets, service_name, service_node, subnet_of, tls,
    web_service::{
        blueprint::{failure_of, log_of, without_egress},
        cause,
    },
    workspace_of,
};
use crate::{
    blueprint::{Goal, Node},
    conditions::{Conditions, find},
    endpoint::{self, Address},
    events::{drift_event, ready_event, stalled_event, write_events},
    failure::Cause,
    id::ResourceId,
    kinds::{
        model_version::MODEL_VERSION,
        registered_model::REGISTERED_MODEL,
        web_service::{self, WEB_SERVICE},
    },
    observed::Fact,
    patience::progress,
    plan::{Action, Done, Held, Seen, Step, look},
    report::{self, Event, Next, Ready, Report, ready_unseen},
    retry::Retry,
    subject::{Pass, Subject, names},
};
use acivnet_api::{
    AciVnetDeployment, AciVnetDeploymentStatus, DelegatedSubnet, ReplaceApproval,
    conditions::{reasons, types},
};
use serde_json::Value;
use std::time::Duration;

pub(super) fn report(cr: &AciVnetDeployment, pass: &Pass<'_>, done: Option<&Done>) -> Report<AciVnetDeploymentStatus> {
    let reporter = Reporter::new(cr, pass, done);
    if cr.deleting() { reporter.leaving() } else { reporter.standing() }
}

/// All that a report is drawn from.
pub(super) struct Reporter<'a> {
    pub cr: &'a AciVnetDeployment,
    pub pass: &'a Pass<'a>,
    pub done: Option<&'a Done>,
    pub last: AciVnetDeploymentStatus,
    pub subnet: Option<DelegatedSubnet>,
    pub workspace: Option<ResourceId>,
    /// What was seen of the web service, whatever is wanted of it; none while nobody knows where to look.
    pub seen: Option<Seen>,
    /// The web service, if it stands and is ours.
    pub service: Option<&'a Value>,
    pub address: Result<Option<Address>, Cause>,
    pub probe: Option<Fact>,
    /// Why it is not as wanted, where a reason is known.
    pub cause: Option<Cause>,
    /// Differences are drift.
    pub drifts: bool,
}

impl<'a> Reporter<'a> {
    fn new(cr: &'a AciVnetDeployment, pass: &'a Pass<'a>, done: Option<&'a Done>) -> Self {
        let (subnet, workspace) = (subnet_of(cr, pass.observed), workspace_of(cr, pass.observed));
        let node = workspace.as_ref().map(|workspace| service_node(cr, pass.observed, workspace, Goal::Gone));
        let seen = node.as_ref().map(|node| look(node, pass.observed, cr.recorded()));
        let body = node.as_ref().and_then(|node| pass.observed.azure_body(&WEB_SERVICE, &node.id));
        let service = body.filter(|_| !matches!(seen, Some(Seen::Foreign(_))));
        let address = match (service, &subnet) {
            (Some(body), Some(subnet)) => {
                endpoint::of(body, &subnet.spec.subnet.address_prefix, &pass.observed.settings)
            }
            _ => Ok(None),
        };
        let broken = find_step(pass, WEB_SERVICE.name)
            .filter(|(_, step)| matches!(step.action, Action::Hold(Held::Broken(_))))
            .and_then(|(node, _)| failure_of(pass.observed, &node.id))
            .map(|cause| subnet.iter().fold(cause, without_egress));
        let cause = report::root_cause(pass, done).or(broken).or_else(|| address.as_ref().err().cloned());
        let probe = probe_question(cr, pass.observed).and_then(|question| pass.observed.facts.get(&question).cloned());
        let (last, drifts) = (cr.status.clone().unwrap_or_default(), cr.drifts(pass.observed));
        Self { cr, pass, done, last, subnet, workspace, seen, service, address, probe, cause, drifts }
    }

    fn standing(self) -> Report<AciVnetDeploymentStatus> {
        let mut status = self.status();
        let mut conditions = self.begin();
        let ready = self.ready(&conditions);
        match &ready {
            None => conditions.keep(types::READY),
            Some((met, reason, message)) => conditions.set(types::READY, *met, reason, message.clone()),
        }
        report::ready_of(&mut conditions, status.settled_generation);
        self.parts(&mut conditions, &status);
        let cause = self.open_cause();
        progress(&mut conditions, cause.as_ref(), self.pass.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let events = self.events(&status, ready);
        Report { status, events, next: self.next(cause.as_ref()), release: false }
    }

    fn leaving(self) -> Report<AciVnetDeploymentStatus> {
        let mut status = self.status();
        let going = "removing the web service and the model versions from Azure ML";
        let said = report::leaving(self.cr, self.pass, self.done, &self.last.conditions, self.begin(), going);
        status.conditions = said.conditions;
        Report { status, events: said.events, next: said.next, release: said.release }
    }

    fn begin(&self) -> Conditions<'_> {
        let mut conditions = Conditions::new(&self.last.conditions, self.cr.generation(), self.pass.now);
        report::credentials(&mut conditions, &self.pass.observed.identity);
        conditions
    }

    fn events(&self, status: &AciVnetDeploymentStatus, ready: Ready) -> Vec<Event> {
        let last = &self.last.conditions;
        let mut events = write_events(self.pass, self.done, self.drifts);
        if let Some((met, reason, message)) = ready {
            events.extend(ready_event(last, reason, met == Some(true), &message));
        }
        events.extend(self.approval_event());
        events.extend(self.readable_event());
        events.extend(drift_event(last, &status.conditions, self.cr.drift_mode()));
        events.extend(stalled_event(last, &status.conditions, &events));
        events
    }

    pub(super) fn step(&self) -> Option<(&Node, &Step)> {
        find_step(self.pass, WEB_SERVICE.name)
    }

    pub(super) fn model_step(&self) -> Option<(&Node, &Step)> {
        let model = [&MODEL_VERSION, &REGISTERED_MODEL].into_iter().find_map(|kind| find_step(self.pass, kind.name));
        model.filter(|(node, _)| node.goal == Goal::Present)
    }

    /// The state of the web service in Azure's word, if it stands and is ours.
    pub(super) fn state(&self) -> Option<&str> {
        self.service.map(web_service::state)
    }

    /// Whether nothing is known of the web service in this pass.
    pub(super) fn blind(&self) -> bool {
        matches!(self.seen, None | Some(Seen::Unread(_)))
    }

    fn ready(&self, conditions: &Conditions<'_>) -> Ready {
        let healthy = self.state() == Some("Healthy");
        let answers = self.address.as_ref().ok().and_then(Option::as_ref).filter(|_| healthy);
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

    /// It serves, and clients use it: a change that is refused is told of, and so is a certificate that ends soon. Which
    /// generation it is that serves, the condition says by itself.
    fn serving(&self, what: &str) -> (Option<bool>, &'static str, String) {
        let expiry = tls::ends_soon(self.cr, self.pass.observed, self.pass.now);
        let what = expiry.map_or_else(|| what.to_owned(), |expiry| format!("{what}; {expiry}"));
        let message = match self.refusal() {
            Some(cause) if self.drifts => format!("{what}, but {}", cause.message),
            Some(cause) => format!("{what}, and a change of it is refused: {}", cause.message),
            None => what,
        };
        (Some(true), reasons::SERVING, message)
    }

    /// Why something stays undone until somebody does something about it.
    pub(super) fn refusal(&self) -> Option<Cause> {
        let refused = self.pass.plan.steps.iter().find_map(|step| step.refusal(self.done));
        let open = self.pass.plan.steps.is_empty() || !self.pass.plan.settled();
        refused.or_else(|| self.cause.clone().filter(|cause| open && cause.needs_somebody()))
    }

    /// Whether it serves, and no key of the Secret is one of Azure's yet: clients go on with theirs.
    fn between_keys(&self) -> bool {
        let was_ready = find(&self.last.conditions, types::READY).is_some_and(|was| was.status == "True");
        was_ready && secrets::needs_key(self.cr) && self.cause.is_none()
    }

    /// A value that leaves its Secret for a place where others read it is told of, once for each change of the spec.
    fn readable_event(&self) -> Option<Event> {
        let mut variables = self.cr.spec.scoring.environment_variables.iter();
        let named = variables.find(|one| one.value_from.is_some())?;
        let fresh = self.last.observed_generation != Some(self.cr.generation());
        let message = format!(
            "the web service stores {} and every other environment variable readable for whoever may read the workspace",
            named.name
        );
        fresh.then_some(Event { warning: true, reason: reasons::SECRET_STORED_READABLE, action: "Reconcile", message })
    }

    fn not_ready(&self, conditions: &Conditions<'_>) -> Ready {
        let known = find(&self.last.conditions, types::READY);
        let name = service_name(self.cr);
        let Some(cause) = self.cause_of_not_ready() else {
            let unseen = self.service.is_none() && known.is_none_or(|known| known.status == "Unknown");
            return Some(match unseen {
                true => (None, reasons::PROGRESSING, format!("web service {name} is to be made")),
                false => (Some(false), reasons::PROGRESSING, format!("web service {name} is being made or changed")),
            });
        };
        let patience = self.pass.observed.settings.stalled_after_seconds;
        let unseen = self.blind().then(|| ready_unseen(&self.last.conditions, conditions, &cause, patience));
        unseen.flatten().unwrap_or(Some((Some(false), cause.reason, cause.message)))
    }

    fn cause_of_not_ready(&self) -> Option<Cause> {
        let held = [Held::Approval, Held::Suspended, Held::DriftMode].iter().any(|held| self.holds(held));
        let failed = || failure_of(self.pass.observed, &self.step()?.0.id).filter(|_| self.failed() && held);
        self.cause.clone().or_else(failed).or_else(|| self.held_cause()).or_else(|| self.ends_by_itself())
    }

    /// Why the container that Azure is starting does not come up, as its log tells.
    pub(super) fn ends_by_itself(&self) -> Option<Cause> {
        let starts = self.state() == Some("Transitioning");
        cause::of_start(self.log()?).filter(|_| starts)
    }

    /// What the container wrote last, if it was read.
    pub(super) fn log(&self) -> Option<&str> {
        let id = web_service::id(self.workspace.as_ref()?, service_name(self.cr));
        log_of(self.pass.observed, &id).filter(|_| self.service.is_some())
    }

    /// Whether Azure says that it failed.
    pub(super) fn failed(&self) -> bool {
        self.service.is_some_and(web_service::has_failed)
    }

    fn holds(&self, held: &Held) -> bool {
        self.pass.plan.holds(held)
    }

    /// What a person or a setting has to say before work goes on.
    fn held_cause(&self) -> Option<Cause> {
        let drifted = self.holds(&Held::DriftMode) && !self.serves();
        if self.holds(&Held::Approval) && replace_approval(self.cr) == ReplaceApproval::Required {
            Some(Cause::person(reasons::APPROVAL_REQUIRED, self.approval_message()))
        } else if self.holds(&Held::Suspended) {
            let message = "spec.suspend is true; what would be done is in status.plan";
            Some(Cause::person(reasons::SUSPENDED, message))
        } else if drifted {
            let message = "the web service was changed or deleted in Azure, and spec.drift.mode leaves it as it is";
            Some(Cause::person(reasons::DRIFTED, message))
        } else {
            None
        }
    }

    fn serves(&self) -> bool {
        self.state() == Some("Healthy") && matches!(self.address, Ok(Some(_)))
    }

    /// What keeps the work going, or from going on.
    fn open_cause(&self) -> Option<Cause> {
        let working = self.pass.plan.moves() || self.holds(&Held::Approval) || self.pass.blueprint.incomplete;
        let going = || Cause::passing(reasons::PROGRESSING, "Azure ML is being brought to what the spec says");
        let probe = || self.probe_failure().map(|failure| Cause { reason: reasons::PROBE_FAILED, ..failure });
        let cause = self.cause.clone().or_else(|| self.held_cause());
        cause.or_else(|| working.then(going)).or_else(probe)
    }

    fn approval_message(&self) -> String {
        let hash = self.pass.plan.hash.as_deref().unwrap_or_default();
        let (namespace, name, _) = names(&self.cr.metadata);
        format!(
            "the change deletes and creates the web service (see status.plan); approve it: kubectl annotate -n {namespace} \
             --overwrite --field-manager=acivnet-approval acivd {name} acivnet.dev/approve-plan={hash}"
        )
    }

    /// A destructive plan is told before it is carried out, whether it waits for a person or not.
    fn approval_event(&self) -> Option<Event> {
        let known = self.last.plan.as_ref().and_then(|plan| plan.hash.clone());
        let fresh = self.holds(&Held::Approval) && known != self.pass.plan.hash;
        let (reason, message) = match replace_approval(self.cr) {
            ReplaceApproval::Required => (reasons::APPROVAL_REQUIRED, self.approval_message()),
            ReplaceApproval::Automatic => {
                ("ReplacePlanned", "the web service will be deleted and created again (see status.plan)".to_owned())
            }
        };
        fresh.then_some(Event { warning: true, reason, action: "Wait", message })
    }

    fn next(&self, open: Option<&Cause>) -> Next {
        let sweep = Duration::from_secs(self.cr.look_seconds());
        match report::next(self.pass, self.done, self.cause.as_ref(), sweep) {
            Next::Sweep(sweep) => match open.map(|open| open.reason) {
                Some(reasons::PROGRESSING) => Next::Retry(Retry::Soon),
                Some(reasons::PROBE_FAILED) => Next::Retry(Retry::Backoff),
                _ => Next::Sweep(sweep),
            },
            next => next,
        }
    }
}

fn find_step<'p>(pass: &Pass<'p>, kind: &str) -> Option<(&'p Node, &'p Step)> {
    pass.blueprint.nodes.iter().zip(&pass.plan.steps).find(|(node, _)| node.kind.name == kind)
}
