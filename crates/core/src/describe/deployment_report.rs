//! What is said of an `AciVnetDeployment`.

use super::{
    deployment::{cpu_tenths, failure_of, memory_tenths, probe_question, service_name, subnet_of, workspace_of},
    image,
};
use crate::{
    blueprint::{Goal, Node},
    conditions::{Conditions, find},
    endpoint::{self, Address},
    failure::Cause,
    kinds::{
        model_version::{self, MODEL_VERSION},
        web_service::{self, WEB_SERVICE},
    },
    observed::Fact,
    owner::{CONTENT_TAG, DIGEST_PROPERTY, Says},
    plan::{Action, Done, Held, Seen, Step},
    questions::Question,
    report::{self, Next, Report},
    retry::Retry,
    subject::{Pass, Subject, names},
};
use acivnet_api::{
    AciVnetDeployment, AciVnetDeploymentStatus, DelegatedSubnet, DriftMode, Endpoint, ModelStatus, ProbeStatus, RECONCILE_REQUESTED_AT,
    ResolvedAzure, ResolvedResources,
    conditions::{reasons, types},
};
use serde_json::Value;
use std::time::Duration;

pub(super) fn report(cr: &AciVnetDeployment, pass: &Pass<'_>, done: Option<&Done>) -> Report<AciVnetDeploymentStatus> {
    let reporter = Reporter::new(cr, pass, done);
    if cr.deleting() { reporter.leaving() } else { reporter.standing() }
}

struct Reporter<'a> {
    cr: &'a AciVnetDeployment,
    pass: &'a Pass<'a>,
    done: Option<&'a Done>,
    last: AciVnetDeploymentStatus,
    subnet: Option<DelegatedSubnet>,
    /// The web service, if it stands and is ours.
    service: Option<&'a Value>,
    address: Result<Option<Address>, Cause>,
    probe: Option<Fact>,
    cause: Option<Cause>,
}

impl<'a> Reporter<'a> {
    fn new(cr: &'a AciVnetDeployment, pass: &'a Pass<'a>, done: Option<&'a Done>) -> Self {
        let subnet = subnet_of(cr, pass.observed);
        let step = find_step(pass, WEB_SERVICE.name);
        let body = step.and_then(|(node, _)| pass.observed.azure_body(&WEB_SERVICE, &node.id).filter(|body| node.mark.on(body) == Says::Ours));
        let address = match (body, &subnet) {
            (Some(body), Some(subnet)) => endpoint::of(body, &subnet.spec.subnet.address_prefix, &pass.observed.settings),
            _ => Ok(None),
        };
        let broken = step.filter(|(_, step)| matches!(step.action, Action::Hold(Held::Broken(_)))).and_then(|_| failure_of(cr, pass.observed));
        let cause = report::root_cause(pass, done).or(broken).or_else(|| address.as_ref().err().cloned());
        let probe = probe_question(cr, pass.observed).map(|question| pass.observed.fact(&question));
        Self { cr, pass, done, last: cr.status.clone().unwrap_or_default(), subnet, service: body, address, probe, cause }
    }

    fn standing(self) -> Report<AciVnetDeploymentStatus> {
        let mut status = self.status();
        let mut conditions = self.conditions();
        let (met, reason, message) = self.ready();
        match met {
            Ready::Keep => conditions.keep(types::READY),
            Ready::Is(met) => conditions.set(types::READY, met, reason, message.clone()),
        }
        self.parts(&mut conditions, &status);
        let cause = self.open_cause();
        report::progress(&mut conditions, cause.as_ref(), self.pass.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let mut events = report::write_events(self.pass, self.done, self.cr.had_settled());
        if let Ready::Is(met) = met {
            let was = find(&self.last.conditions, types::READY).map(|one| one.reason.as_str());
            events.extend(report::ready_event(was, reason, met == Some(true), &message));
        }
        events.extend(self.approval_event());
        Report { status, events, next: self.next(cause.as_ref()), release: false }
    }

    fn leaving(self) -> Report<AciVnetDeploymentStatus> {
        let mut status = self.status();
        let mut conditions = self.conditions();
        let release = self.pass.plan.settled() && !self.pass.blueprint.incomplete && self.cause.is_none();
        conditions.set(types::READY, Some(false), reasons::DELETING, "being deleted");
        if let Some(cause) = &self.cause {
            conditions.set(types::DELETION_BLOCKED, Some(true), cause.reason, cause.message.clone());
        }
        let going = Cause::passing(reasons::DELETING, "removing the web service and the model versions from Azure ML");
        report::progress(&mut conditions, Some(self.cause.as_ref().unwrap_or(&going)), self.pass.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let mut events = report::write_events(self.pass, self.done, false);
        let was = find(&self.last.conditions, types::DELETION_BLOCKED);
        if let Some(cause) = self.cause.as_ref().filter(|cause| was.is_none_or(|was| was.reason != cause.reason)) {
            events.push(report::Event { warning: true, reason: types::DELETION_BLOCKED, action: "Delete", message: cause.message.clone() });
        }
        let next = if release { Next::Never } else { report::next(self.pass, self.done, self.cause.as_ref(), Duration::from_secs(60)) };
        Report { status, events, next, release }
    }

    fn conditions(&self) -> Conditions<'_> {
        let mut conditions = Conditions::new(&self.last.conditions, self.cr.generation(), self.pass.now);
        report::credentials(&mut conditions, &self.pass.observed.identity);
        conditions
    }

    fn step(&self) -> Option<(&Node, &Step)> {
        find_step(self.pass, WEB_SERVICE.name)
    }

    fn status(&self) -> AciVnetDeploymentStatus {
        let drift = match self.cr.drift_mode() {
            DriftMode::Ignore => Vec::new(),
            _ => report::drift_items(self.pass.blueprint, self.pass.plan, self.cr.had_settled()),
        };
        let (revision, revision_digest) = self.revision();
        let model = self.model().or_else(|| self.last.model.clone());
        let settled = self.settled();
        AciVnetDeploymentStatus {
            observed_generation: Some(self.cr.generation()),
            settled_generation: if settled { Some(self.cr.generation()) } else { self.last.settled_generation },
            last_handled_reconcile_at: self.cr.metadata.annotations.as_ref().and_then(|all| all.get(RECONCILE_REQUESTED_AT).cloned()),
            endpoint: self.endpoint(),
            model_label: model.as_ref().map(|model| format!("{}:{}", model.name, model.version)),
            model,
            subnet_label: self.subnet.as_ref().map(|subnet| format!("{}/{}", subnet.spec.virtual_network.name, subnet.spec.subnet.name)).or_else(|| self.last.subnet_label.clone()),
            azure: self.resolved().or_else(|| self.last.azure.clone()),
            resources_resolved: Some(ResolvedResources { cpu: tenths(cpu_tenths(&self.cr.spec.resources.cpu)), memory_gb: tenths(memory_tenths(&self.cr.spec.resources.memory)) }),
            revision,
            revision_digest,
            base_image: self.last.base_image.clone().or_else(|| self.step().map(|_| image::DEFAULT_BASE_IMAGE.to_owned())),
            approved: self.approved(settled),
            plan: report::plan_status(self.pass.blueprint, self.pass.plan),
            probe: self.probe_status().or_else(|| self.last.probe.clone().filter(|_| self.service.is_some() && self.cr.spec.probe.is_some())),
            probe_summary: self.probe_summary(),
            resources: report::resources(self.pass, self.cr.recorded()),
            drift,
            conditions: Vec::new(),
        }
    }

    fn settled(&self) -> bool {
        self.pass.plan.settled() && self.cause.is_none() && !self.pass.blueprint.nodes.is_empty()
    }

    fn endpoint(&self) -> Option<Endpoint> {
        match (&self.address, self.service, self.step().map(|(_, step)| &step.seen)) {
            (Ok(Some(address)), ..) => {
                let ip = address.ip.to_string();
                let was = self.last.endpoint.clone().unwrap_or_default();
                let moved = was.addresses.first().is_some_and(|known| *known != ip);
                Some(Endpoint { scoring_uri: Some(address.scoring_uri.clone()), swagger_uri: Some(address.swagger_uri.clone()), addresses: vec![ip], moves: was.moves + i64::from(moved) })
            }
            (Err(_), ..) | (_, _, Some(Seen::Absent | Seen::Foreign(_))) => None,
            _ => self.last.endpoint.clone(),
        }
    }

    fn revision(&self) -> (Option<i64>, Option<String>) {
        let content = self.service.filter(|body| web_service::state(body) == "Healthy");
        let content = content.and_then(|body| body.get("kvTags")?.get(CONTENT_TAG)?.as_str());
        match content {
            Some(content) if self.last.revision_digest.as_deref() != Some(content) => (Some(self.last.revision.unwrap_or(0) + 1), Some(content.to_owned())),
            _ => (self.last.revision, self.last.revision_digest.clone()),
        }
    }

    fn model(&self) -> Option<ModelStatus> {
        let (node, _) = find_step(self.pass, MODEL_VERSION.name).filter(|(node, _)| node.goal == Goal::Present)?;
        let body = self.pass.observed.azure_body(&MODEL_VERSION, &node.id)?;
        Some(ModelStatus {
            name: self.cr.spec.model.name.clone(),
            version: model_version::version(body),
            digest: model_version::property(body, DIGEST_PROPERTY).unwrap_or_default().to_owned(),
        })
    }

    fn resolved(&self) -> Option<ResolvedAzure> {
        let workspace = workspace_of(self.cr, self.pass.observed)?;
        let location = self.subnet.as_ref().map(|subnet| subnet.spec.azure.location.clone());
        Some(ResolvedAzure {
            subscription_id: workspace.subscription().to_owned(),
            resource_group: workspace.resource_group().unwrap_or_default().to_owned(),
            location: location.or_else(|| self.last.azure.as_ref().map(|azure| azure.location.clone())).unwrap_or_default(),
        })
    }

    /// The approval is kept from its first sight until the replacement is there.
    fn approved(&self, settled: bool) -> Option<String> {
        let hash = self.pass.plan.hash.clone();
        let allowed = self.cr.limits().approval.is_some_and(|hashes| hash.as_ref().is_some_and(|hash| hashes.contains(hash)));
        if allowed { hash } else { self.last.approved.clone().filter(|_| !settled) }
    }

    fn probe_status(&self) -> Option<ProbeStatus> {
        let (passed, code) = self.probed()?;
        Some(ProbeStatus { result: if passed { "Passed" } else { "Failed" }.into(), status_code: code })
    }

    /// Whether the probe passed, and the status it got.
    fn probed(&self) -> Option<(bool, Option<i32>)> {
        let wanted = self.cr.spec.probe.as_ref()?.expect.as_ref().and_then(|expect| expect.status_code).unwrap_or(200);
        match self.probe.as_ref()? {
            Fact::Present(answer) => {
                let code = answer.get("status").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok());
                Some((code == Some(wanted), code))
            }
            Fact::Absent | Fact::Unread(_) => Some((false, None)),
        }
    }

    fn probe_summary(&self) -> Option<String> {
        let probe = self.probe_status().or_else(|| self.last.probe.clone().filter(|_| self.service.is_some() && self.cr.spec.probe.is_some()))?;
        Some(probe.status_code.filter(|_| probe.result == "Passed").map_or_else(|| "FAILED".to_owned(), |code| code.to_string()))
    }

    fn probe_failure(&self) -> Option<Cause> {
        let (passed, code) = self.probed()?;
        let url = self.address.as_ref().ok()?.as_ref()?.scoring_uri.clone();
        let (reason, what) = match (&self.probe, code) {
            (Some(Fact::Unread(failure)), _) => (reasons::UNREACHABLE, failure.message.clone()),
            (_, Some(401)) => (reasons::UNAUTHORIZED, "it was answered 401".into()),
            (_, code) => (reasons::UNEXPECTED_STATUS, format!("it was answered {}", code.unwrap_or_default())),
        };
        (!passed).then(|| Cause { reason, message: format!("the sample request to {url} failed: {what}"), retry: Retry::Backoff })
    }

    fn ready(&self) -> (Ready, &'static str, String) {
        let healthy = self.service.is_some_and(|body| web_service::state(body) == "Healthy");
        let address = self.address.as_ref().ok().and_then(Option::as_ref).filter(|_| healthy);
        if let (Some(address), None) = (address, self.probe_failure()) {
            let probed = if self.cr.spec.probe.is_some() { "" } else { " (not probed)" };
            return (Ready::Is(Some(true)), reasons::SERVING, format!("{} answers{probed}", address.scoring_uri));
        }
        if let (Some(_), Some(failure)) = (address, self.probe_failure()) {
            return (Ready::Is(Some(false)), reasons::PROBE_FAILED, failure.message);
        }
        let known = find(&self.last.conditions, types::READY);
        match &self.cause {
            Some(cause) if known.is_some_and(|known| known.status == "True") && blind(cause) => (Ready::Keep, cause.reason, String::new()),
            Some(cause) => (Ready::Is(Some(false)), cause.reason, cause.message.clone()),
            None if self.holds(&Held::Suspended) => (Ready::Is(Some(false)), reasons::SUSPENDED, "spec.suspend is true; what would be done is in status.plan".into()),
            None if known.is_none() => (Ready::Is(None), reasons::PROGRESSING, "first seen".into()),
            None => (Ready::Is(Some(false)), reasons::PROGRESSING, format!("web service {} is being made or changed", service_name(self.cr))),
        }
    }

    fn holds(&self, held: &Held) -> bool {
        self.pass.plan.steps.iter().any(|step| step.action == Action::Hold(held.clone()))
    }

    fn open_cause(&self) -> Option<Cause> {
        if let Some(cause) = self.cause.clone() {
            return Some(cause);
        }
        if self.holds(&Held::Approval) {
            return Some(Cause::person(reasons::APPROVAL_REQUIRED, self.approval_message()));
        }
        if self.holds(&Held::Suspended) {
            return Some(Cause::person(reasons::SUSPENDED, "spec.suspend is true; what would be done is in status.plan"));
        }
        let open = self.pass.plan.steps.iter().any(|step| !matches!(step.action, Action::Keep | Action::Hold(Held::DriftMode)));
        if open || self.pass.blueprint.incomplete {
            return Some(Cause::passing(reasons::PROGRESSING, "Azure ML is being brought to what the spec says"));
        }
        self.probe_failure().map(|failure| Cause { reason: reasons::PROBE_FAILED, ..failure })
    }

    fn approval_message(&self) -> String {
        let hash = self.pass.plan.hash.as_deref().unwrap_or_default();
        let (namespace, name, _) = names(&self.cr.metadata);
        format!("the change deletes and creates the web service (see status.plan); approve it: kubectl annotate -n {namespace} --overwrite --field-manager=acivnet-approval acivd {name} acivnet.dev/approve-plan={hash}")
    }

    fn approval_event(&self) -> Option<report::Event> {
        let known = self.last.plan.as_ref().and_then(|plan| plan.hash.clone());
        let fresh = self.holds(&Held::Approval) && known != self.pass.plan.hash;
        fresh.then(|| report::Event { warning: true, reason: reasons::APPROVAL_REQUIRED, action: "Wait", message: self.approval_message() })
    }

    fn next(&self, cause: Option<&Cause>) -> Next {
        let probe = self.cr.spec.probe.as_ref().map(|probe| u64::from(probe.interval_seconds.unwrap_or(300).unsigned_abs()));
        let seconds = self.cr.interval_seconds().min(probe.unwrap_or(u64::MAX));
        let failing = self.cause.is_none() && self.probe_failure().is_some();
        match report::next(self.pass, self.done, self.cause.as_ref(), Duration::from_secs(seconds)) {
            Next::Sweep(_) if failing => Next::Retry(Retry::Backoff),
            Next::Sweep(sweep) => cause.filter(|cause| cause.reason == reasons::PROGRESSING).map_or(Next::Sweep(sweep), |_| Next::Retry(Retry::Soon)),
            next => next,
        }
    }

    fn parts(&self, conditions: &mut Conditions<'_>, status: &AciVnetDeploymentStatus) {
        self.network(conditions);
        self.model_ready(conditions, status);
        self.environment(conditions);
        self.service_healthy(conditions);
        self.probe_passed(conditions);
        if self.cr.drift_mode() != DriftMode::Ignore {
            report::drift_condition(conditions, &status.drift);
        }
        self.rollout(conditions);
        conditions.set(
            types::BACKEND_SUPPORTED,
            Some(false),
            reasons::SDK_V1_RETIRED,
            "Microsoft ended support for the Azure ML SDK v1 and its web services on 2026-06-30; plan to move the model to a container group",
        );
    }

    fn network(&self, conditions: &mut Conditions<'_>) {
        let name = &self.cr.spec.network.subnet_ref.name;
        let network = [reasons::SUBNET_NOT_DELEGATED, reasons::SUBNET_FULL, reasons::REGION_MISMATCH, reasons::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP];
        let ready = self.subnet.as_ref().and_then(|subnet| subnet.status.as_ref()).and_then(|status| find(&status.conditions, types::READY));
        match (&self.cause, ready) {
            (Some(cause), _) if network.contains(&cause.reason) => conditions.set(types::NETWORK_READY, Some(false), cause.reason, cause.message.clone()),
            (_, Some(ready)) if ready.status == "True" => conditions.set(types::NETWORK_READY, Some(true), reasons::DELEGATED, format!("DelegatedSubnet {name} is ready")),
            (_, Some(ready)) => conditions.set(types::NETWORK_READY, Some(false), reasons::SUBNET_NOT_READY, format!("DelegatedSubnet {name} is not ready: {}", ready.reason)),
            (_, None) => conditions.set(types::NETWORK_READY, Some(false), reasons::SUBNET_NOT_READY, format!("DelegatedSubnet {name} is not there or not looked at yet")),
        }
    }

    fn model_ready(&self, conditions: &mut Conditions<'_>, status: &AciVnetDeploymentStatus) {
        let step = find_step(self.pass, MODEL_VERSION.name);
        let failed = step.and_then(|(_, step)| report::failures(self.done).find(|(at, _)| *at == step.node));
        match (step.map(|(_, step)| (&step.action, &step.seen)), failed) {
            (_, Some((_, failure))) => conditions.set(types::MODEL_READY, Some(false), reasons::REGISTRATION_FAILED, failure.message.clone()),
            (Some((Action::Keep, _) | (_, Seen::Drifted(_))), _) => {
                conditions.set(types::MODEL_READY, Some(true), reasons::REGISTERED, format!("registered as {}", status.model_label.as_deref().unwrap_or_default()));
            }
            _ => {
                let own = [reasons::CONFIG_MAP_NOT_FOUND, reasons::MODEL_UNREADABLE];
                let cause = self.cause.as_ref().filter(|cause| own.contains(&cause.reason));
                let (reason, message) = cause.map_or((reasons::PROGRESSING, "not registered yet".to_owned()), |cause| (cause.reason, cause.message.clone()));
                conditions.set(types::MODEL_READY, Some(false), reason, message);
            }
        }
    }

    fn environment(&self, conditions: &mut Conditions<'_>) {
        let state = self.service.map(web_service::state);
        match (&self.cause, state) {
            (Some(cause), _) if [reasons::IMAGE_BUILD_FAILED, reasons::CONDA_FILE_INVALID].contains(&cause.reason) => conditions.set(types::ENVIRONMENT_READY, Some(false), cause.reason, cause.message.clone()),
            (_, Some("Healthy" | "Unhealthy")) => conditions.set(types::ENVIRONMENT_READY, Some(true), reasons::BUILT, "the image of the environment stands"),
            (Some(cause), Some("Failed")) if cause.reason == reasons::SCORING_SCRIPT_CRASHED => conditions.set(types::ENVIRONMENT_READY, Some(true), reasons::BUILT, "the image of the environment stands"),
            (_, Some("Transitioning")) if !self.building() => conditions.set(types::ENVIRONMENT_READY, Some(true), reasons::BUILT, "the image of the environment stands"),
            (_, Some("Transitioning")) => conditions.set(types::ENVIRONMENT_READY, Some(false), reasons::BUILDING, "the image of the environment is being built"),
            _ => conditions.set(types::ENVIRONMENT_READY, Some(false), reasons::PROGRESSING, "the image of the environment is built with the web service"),
        }
    }

    /// Whether the operation is still at the image. Not known: the image comes first.
    fn building(&self) -> bool {
        let workspace = workspace_of(self.cr, self.pass.observed);
        let id = self.service.and_then(|body| body.get("operationId")).and_then(Value::as_str);
        let operation = workspace.zip(id).map(|(workspace, id)| Question::Operation { workspace, id: id.to_owned() });
        let step = operation.as_ref().and_then(|one| self.pass.observed.body(one)).and_then(|body| body.pointer("/operationDetails/subOperationType")?.as_str());
        step.is_none_or(|step| step.starts_with("Build"))
    }

    fn service_healthy(&self, conditions: &mut Conditions<'_>) {
        let own = self.cause.as_ref().filter(|cause| !blind(cause));
        match (self.service.map(web_service::state), own) {
            (Some("Healthy"), _) => conditions.set(types::SERVICE_HEALTHY, Some(true), reasons::HEALTHY, "Azure ML says the web service is healthy"),
            (Some("Transitioning"), _) => conditions.set(types::SERVICE_HEALTHY, Some(false), reasons::CREATING, "Azure ML is working on the web service"),
            (_, Some(cause)) => conditions.set(types::SERVICE_HEALTHY, Some(false), cause.reason, cause.message.clone()),
            (Some(state), None) => conditions.set(types::SERVICE_HEALTHY, Some(false), reasons::SERVICE_FAILED, format!("Azure ML says the web service is {state}")),
            (None, None) => conditions.set(types::SERVICE_HEALTHY, Some(false), reasons::ABSENT, "the web service is not there yet"),
        }
    }

    fn probe_passed(&self, conditions: &mut Conditions<'_>) {
        match (&self.cr.spec.probe, self.probed(), self.probe_failure()) {
            (None, ..) => conditions.set(types::PROBE_PASSED, None, reasons::NOT_CONFIGURED, "spec.probe is absent"),
            (_, Some((true, _)), _) => conditions.set(types::PROBE_PASSED, Some(true), reasons::PASSED, "the sample request was answered as expected"),
            (_, _, Some(failure)) => conditions.set(types::PROBE_PASSED, Some(false), failure.reason, failure.message),
            _ => match &self.address {
                Err(cause) => conditions.set(types::PROBE_PASSED, Some(false), cause.reason, cause.message.clone()),
                Ok(_) => conditions.set(types::PROBE_PASSED, None, reasons::PROGRESSING, "not probed yet"),
            },
        }
    }

    fn rollout(&self, conditions: &mut Conditions<'_>) {
        let settled = self.step().is_some_and(|(_, step)| step.seen == Seen::Settled);
        if settled {
            conditions.set(types::ROLLOUT_COMPLETE, Some(true), reasons::COMPLETE, "the wanted content runs");
        } else if self.holds(&Held::Approval) {
            conditions.set(types::ROLLOUT_COMPLETE, Some(false), reasons::APPROVAL_REQUIRED, "a change waits for approval");
        } else {
            conditions.set(types::ROLLOUT_COMPLETE, Some(false), reasons::PROGRESSING, "the wanted content does not run yet");
        }
    }
}

#[derive(Clone, Copy)]
enum Ready {
    /// Nothing new is known.
    Keep,
    Is(Option<bool>),
}

/// Causes that keep us from seeing, not the service from serving.
fn blind(cause: &Cause) -> bool {
    [reasons::AZURE_UNREACHABLE, reasons::THROTTLED, reasons::BUSY, reasons::CREDENTIALS_LOST].contains(&cause.reason)
}

fn find_step<'p>(pass: &Pass<'p>, kind: &str) -> Option<(&'p Node, &'p Step)> {
    pass.blueprint.nodes.iter().zip(&pass.plan.steps).find(|(node, _)| node.kind.name == kind)
}

fn tenths(count: u64) -> String {
    if count.is_multiple_of(10) { (count / 10).to_string() } else { format!("{}.{}", count / 10, count % 10) }
}
