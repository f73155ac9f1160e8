//! What is said of an `AciVnetDeployment`.

use super::{
    deployment::{base_image, probe_question, replace_approval, service_name, service_node, subnet_of, workspace_of},
    deployment_blueprint::{cpu_tenths, failure_of, memory_tenths},
};
use crate::{
    blueprint::{Goal, Node},
    conditions::{Conditions, find},
    endpoint::{self, Address},
    events::{ready_event, stalled_event, write_events},
    failure::Cause,
    id::ResourceId,
    kinds::{
        model_version::{self, MODEL_VERSION},
        web_service::{self, WEB_SERVICE},
    },
    observed::Fact,
    owner::{CONTENT_TAG, DIGEST_PROPERTY, OWNER_TAG},
    patience::progress,
    plan::{Action, Done, Held, Seen, Step, look},
    questions::Question,
    report::{self, Event, Next, Ready, Report, azure_field, ready_unseen},
    resources::resources,
    retry::Retry,
    subject::{Pass, Subject, names},
};
use acivnet_api::{
    AciVnetDeployment, AciVnetDeploymentStatus, DelegatedSubnet, Endpoint, ModelStatus, ProbeStatus,
    RECONCILE_REQUESTED_AT, ReplaceApproval, ResolvedAzure, ResolvedResources, ResourceStatus,
    conditions::{reasons, types},
};
use serde_json::Value;
use std::time::Duration;

pub(super) fn report(
    cr: &AciVnetDeployment,
    pass: &Pass<'_>,
    done: Option<&Done>,
) -> Report<AciVnetDeploymentStatus> {
    let reporter = Reporter::new(cr, pass, done);
    if cr.deleting() { reporter.leaving() } else { reporter.standing() }
}

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
    /// Why it is not as wanted.
    pub cause: Option<Cause>,
    /// Differences are drift.
    drifts: bool,
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
            .and_then(|(node, _)| failure_of(pass.observed, &node.id));
        let cause = report::root_cause(pass, done).or(broken).or_else(|| address.as_ref().err().cloned());
        let probe = probe_question(cr, pass.observed).map(|question| pass.observed.fact(&question));
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
        let said = report::leaving(self.pass, self.done, &self.last.conditions, self.begin(), going);
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
        events.extend(stalled_event(last, &status.conditions, &events));
        events
    }

    pub(super) fn step(&self) -> Option<(&Node, &Step)> {
        find_step(self.pass, WEB_SERVICE.name)
    }

    pub(super) fn model_step(&self) -> Option<(&Node, &Step)> {
        find_step(self.pass, MODEL_VERSION.name).filter(|(node, _)| node.goal == Goal::Present)
    }

    /// The state of the web service in Azure's word, if it stands and is ours.
    pub(super) fn state(&self) -> Option<&str> {
        self.service.map(web_service::state)
    }

    /// Whether nothing is known of the web service in this pass.
    pub(super) fn blind(&self) -> bool {
        matches!(self.seen, None | Some(Seen::Unread(_)))
    }

    fn status(&self) -> AciVnetDeploymentStatus {
        let mode = self.cr.drift_mode();
        let (revision, revision_digest) = self.revision();
        let model = self.model().or_else(|| self.last.model.clone());
        let settled = self.pass.plan.settled() && self.cause.is_none() && !self.pass.blueprint.nodes.is_empty();
        let probe = self.probe_status();
        AciVnetDeploymentStatus {
            observed_generation: Some(self.cr.generation()),
            settled_generation: if settled { Some(self.cr.generation()) } else { self.last.settled_generation },
            last_handled_reconcile_at: annotation(self.cr, RECONCILE_REQUESTED_AT),
            endpoint: self.endpoint(),
            model_label: model.as_ref().map(|model| format!("{}:{}", model.name, model.version)),
            model,
            subnet_label: self.subnet_label().or_else(|| self.last.subnet_label.clone()),
            azure: self.resolved().or_else(|| self.last.azure.clone()),
            resources_resolved: Some(ResolvedResources {
                cpu: tenths(cpu_tenths(&self.cr.spec.resources.cpu)),
                memory_gb: tenths(memory_tenths(&self.cr.spec.resources.memory)),
            }),
            revision,
            revision_digest,
            base_image: self.last.base_image.clone().or_else(|| self.step().map(|_| base_image(self.cr).to_owned())),
            approved: self.approved(settled),
            plan: report::plan_status(self.pass, mode, spec_field),
            probe_summary: probe.as_ref().map(summary),
            probe,
            resources: self.resources(),
            drift: report::drift(self.pass, mode, self.drifts, &self.last.drift),
            conditions: Vec::new(),
        }
    }

    /// Model versions that are in the list no more are forgotten; so is one that was to be registered and now is.
    fn resources(&self) -> Vec<ResourceStatus> {
        let question = self.workspace.clone().map(|workspace| Question::Models { workspace });
        let listed = question.and_then(|question| self.pass.observed.body(&question)).and_then(Value::as_array);
        let wanted = self.pass.blueprint.nodes.iter().map(|node| node.id.as_str());
        let wanted: Vec<&str> = wanted.collect();
        let stands = |one: &ResourceStatus, list: &Vec<Value>| {
            let ours = list.iter().filter(|body| model_version::property(body, OWNER_TAG).is_some());
            let name = one.id.rsplit('/').next().unwrap_or_default();
            ours.map(model_version::label).any(|label| label.eq_ignore_ascii_case(name))
        };
        let mut all = resources(self.pass, self.cr.recorded());
        all.retain(|one| {
            let version = one.kind == MODEL_VERSION.name && !wanted.contains(&one.id.as_str());
            !version || wanted.is_empty() || listed.is_none_or(|list| stands(one, list))
        });
        all
    }

    fn subnet_label(&self) -> Option<String> {
        let spec = &self.subnet.as_ref()?.spec;
        Some(format!("{}/{}", spec.virtual_network.name, spec.subnet.name))
    }

    /// The URIs go when nothing answers there any more; the address stays, to tell whether the next one is another.
    fn endpoint(&self) -> Option<Endpoint> {
        let was = self.last.endpoint.clone();
        match (&self.address, self.state(), &self.seen) {
            (Ok(Some(address)), Some("Healthy"), _) => Some(moved(address, was.unwrap_or_default())),
            (Err(_), ..) | (_, Some("Failed" | "Unschedulable"), _) | (.., Some(Seen::Absent | Seen::Foreign(_))) => {
                was.map(|was| Endpoint { scoring_uri: None, swagger_uri: None, ..was })
            }
            _ => was,
        }
    }

    /// A revision is a wanted content that was served.
    fn revision(&self) -> (Option<i64>, Option<String>) {
        let tag = |body: &Value| body.get("kvTags")?.get(CONTENT_TAG)?.as_str().map(str::to_owned);
        let served = self.service.filter(|body| web_service::state(body) == "Healthy").and_then(tag);
        let wanted = self.step().and_then(|(node, _)| tag(&node.body));
        let was = (self.last.revision, self.last.revision_digest.clone());
        match served.filter(|served| wanted.as_ref() == Some(served) && was.1.as_ref() != Some(served)) {
            Some(served) => (Some(was.0.unwrap_or(0) + 1), Some(served)),
            None => was,
        }
    }

    fn model(&self) -> Option<ModelStatus> {
        let (node, _) = self.model_step()?;
        let body = self.pass.observed.azure_body(&MODEL_VERSION, &node.id)?;
        Some(ModelStatus {
            name: self.cr.spec.model.name.clone(),
            version: model_version::version(body),
            digest: model_version::property(body, DIGEST_PROPERTY).unwrap_or_default().to_owned(),
        })
    }

    fn resolved(&self) -> Option<ResolvedAzure> {
        let workspace = self.workspace.as_ref()?;
        let last = self.last.azure.as_ref().map(|azure| azure.location.clone());
        Some(ResolvedAzure {
            subscription_id: workspace.subscription().to_owned(),
            resource_group: workspace.resource_group().unwrap_or_default().to_owned(),
            location: self.subnet.as_ref().map(|subnet| subnet.spec.azure.location.clone()).or(last)?,
        })
    }

    /// The approval is kept from its first sight until the replacement stands, or another plan takes its place.
    fn approved(&self, settled: bool) -> Option<String> {
        let allowed = self.cr.limits().approval.unwrap_or_default();
        match &self.pass.plan.hash {
            _ if replace_approval(self.cr) == ReplaceApproval::Automatic => None,
            Some(hash) => allowed.contains(hash).then(|| hash.clone()),
            None => self.last.approved.clone().filter(|_| !settled),
        }
    }

    fn probe_status(&self) -> Option<ProbeStatus> {
        let last = self.last.probe.clone().filter(|_| self.cr.spec.probe.is_some() && self.service.is_some());
        let status = self.probed().map(|(passed, status_code)| {
            let result = if passed { "Passed" } else { "Failed" };
            ProbeStatus { result: result.into(), status_code }
        });
        status.or(last)
    }

    /// Whether the probe passed, and the status it got.
    pub(super) fn probed(&self) -> Option<(bool, Option<i32>)> {
        let expect = self.cr.spec.probe.as_ref()?.expect.as_ref();
        let wanted = expect.and_then(|expect| expect.status_code).unwrap_or(200);
        let code = match self.probe.as_ref()? {
            Fact::Present(answer) => answer.get("status").and_then(Value::as_i64),
            Fact::Absent | Fact::Unread(_) => None,
        };
        let code = code.and_then(|code| i32::try_from(code).ok());
        Some((code == Some(wanted), code))
    }

    pub(super) fn probe_failure(&self) -> Option<Cause> {
        let (passed, code) = self.probed()?;
        let url = &self.address.as_ref().ok()?.as_ref()?.scoring_uri;
        let own = [reasons::CONFIG_MAP_NOT_FOUND, reasons::ADDRESS_NOT_ALLOWED];
        let (reason, what) = match (&self.probe, code) {
            (Some(Fact::Unread(failure)), _) if own.contains(&failure.reason) => (failure.reason, failure.message.clone()),
            (Some(Fact::Unread(failure)), _) => (reasons::UNREACHABLE, failure.message.clone()),
            (_, Some(401)) => (reasons::UNAUTHORIZED, "it was answered 401".into()),
            (_, code) => (reasons::UNEXPECTED_STATUS, format!("it was answered {}", code.unwrap_or_default())),
        };
        let message = format!("the sample request to {url} failed: {what}");
        (!passed).then_some(Cause { reason, message, retry: Retry::Backoff })
    }

    fn ready(&self, conditions: &Conditions<'_>) -> Ready {
        let healthy = self.state() == Some("Healthy");
        let answers = self.address.as_ref().ok().and_then(Option::as_ref).filter(|_| healthy);
        match (answers, self.probe_failure()) {
            (Some(_), Some(failure)) => Some((Some(false), reasons::PROBE_FAILED, failure.message)),
            (Some(address), None) if self.cr.spec.probe.is_none() => {
                Some((Some(true), reasons::SERVING, format!("{} is healthy (not probed)", address.scoring_uri)))
            }
            (Some(address), None) if self.probed().is_some() => {
                Some((Some(true), reasons::SERVING, format!("{} answers", address.scoring_uri)))
            }
            _ => self.not_ready(conditions),
        }
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
        self.cause.clone().or_else(failed).or_else(|| self.held_cause())
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
        let probe = self.cr.spec.probe.as_ref();
        let probe = probe.map(|probe| u64::from(probe.interval_seconds.unwrap_or(300).unsigned_abs()));
        let seconds = self.cr.interval_seconds().min(probe.unwrap_or(u64::MAX));
        match report::next(self.pass, self.done, self.cause.as_ref(), Duration::from_secs(seconds)) {
            Next::Sweep(sweep) => match open.map(|open| open.reason) {
                Some(reasons::PROGRESSING) => Next::Retry(Retry::Soon),
                Some(reasons::PROBE_FAILED) => Next::Retry(Retry::Backoff),
                _ => Next::Sweep(sweep),
            },
            next => next,
        }
    }
}

fn moved(address: &Address, was: Endpoint) -> Endpoint {
    let ip = address.ip.to_string();
    let moved = was.addresses.first().is_some_and(|known| *known != ip);
    Endpoint {
        scoring_uri: Some(address.scoring_uri.clone()),
        swagger_uri: Some(address.swagger_uri.clone()),
        addresses: vec![ip],
        moves: was.moves + i64::from(moved),
    }
}

fn summary(probe: &ProbeStatus) -> String {
    let code = probe.status_code.filter(|_| probe.result == "Passed");
    code.map_or_else(|| "FAILED".to_owned(), |code| code.to_string())
}

fn annotation(cr: &AciVnetDeployment, name: &str) -> Option<String> {
    cr.metadata.annotations.as_ref().and_then(|all| all.get(name).cloned())
}

/// `status.plan` speaks of the fields of the spec.
fn spec_field(node: &Node, path: &str, value: &Value) -> (String, String) {
    let (_, shown) = azure_field(node, path, value);
    if node.kind == &WEB_SERVICE {
        let (name, unit) = web_service::spec_field(path);
        return (name, if value.is_null() { shown } else { shown + unit });
    }
    match path.strip_prefix("kvTags.") {
        Some(tag) => (format!("model.tags[{tag}]"), shown),
        None => (format!("model.{path}"), shown),
    }
}

fn find_step<'p>(pass: &Pass<'p>, kind: &str) -> Option<(&'p Node, &'p Step)> {
    pass.blueprint.nodes.iter().zip(&pass.plan.steps).find(|(node, _)| node.kind.name == kind)
}

fn tenths(count: u64) -> String {
    if count.is_multiple_of(10) { (count / 10).to_string() } else { format!("{}.{}", count / 10, count % 10) }
}
