//! The status of an `AciVnetDeployment`, except for its conditions.

use super::{
    crash, model,
    report::{Reporter, replace_approval},
    secrets,
    serving::State,
};
use crate::{
    blueprint::{Hold, Node, PayloadSource},
    endpoint::Address,
    failure::{Cause, Failure},
    fit,
    kind::Kind,
    kinds::model_version::{self, MODEL_VERSION},
    observed::{Fact, Observed, SignIn},
    owner::{CONTENT_TAG, DIGEST_PROPERTY, OWNER_TAG, content_digest, content_tag},
    quantity::{cpu_tenths, memory_tenths},
    questions::{AzureQuestion, Question},
    report::{self, azure_field},
    resources::resources,
    retry::Retry,
    seen::Seen,
    subject::{Subject, requested},
};
use acivnet_api::{
    AciVnetDeploymentStatus, Endpoint, ModelStatus, Origin, ProbeStatus, RECONCILE_REQUESTED_AT, RESTART_REQUESTED_AT,
    ReplaceApproval, ResolvedAzure, ResolvedResources, ResourceStatus, conditions::reasons,
};
use serde_json::Value;

/// Whether a requested reconcile was done: all that it asks for was read.
fn looked(observed: &Observed, kinds: &[&'static Kind]) -> bool {
    let for_it = |question: &Question| match question {
        Question::Azure(AzureQuestion::NewestModel { .. }) => true,
        Question::Azure(AzureQuestion::Resource(kind, _)) => kinds.contains(kind),
        _ => false,
    };
    let unread = |(question, fact): (&Question, &Fact)| for_it(question) && matches!(fact, Fact::Unread(_));
    !matches!(observed.identity, SignIn::Refused(_)) && !observed.facts.iter().any(unread)
}

impl Reporter<'_> {
    pub(super) fn status(&self) -> AciVnetDeploymentStatus {
        let mode = self.cr.drift_mode();
        let (revision, revision_digest) = self.revision();
        let model = self.model().or_else(|| self.last.model.clone());
        let settled = self.reconcile.plan.settled() && self.cause.is_none() && !self.reconcile.plan.steps.is_empty();
        let probe = self.probe_status();
        AciVnetDeploymentStatus {
            observed_generation: Some(self.cr.generation()),
            settled_generation: if settled { Some(self.cr.generation()) } else { self.last.settled_generation },
            last_handled_reconcile_at: match looked(self.reconcile.observed, self.backend.kinds()) {
                true => requested(&self.cr.metadata, RECONCILE_REQUESTED_AT),
                false => self.last.last_handled_reconcile_at.clone(),
            },
            last_handled_restart_at: self.restarted(),
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
            secrets: if settled {
                secrets::versions(self.cr, self.reconcile.observed)
            } else {
                self.last.secrets.clone()
            },
            base_image: self
                .step()
                .and_then(|_| self.backend.base_image(self.cr).map(str::to_owned))
                .or_else(|| self.last.base_image.clone()),
            approved: self.approved(settled),
            plan: report::plan_status(self.reconcile, mode, spec_field),
            probe_summary: probe.as_ref().map(summary),
            probe,
            resources: self.resources(),
            drift: report::drift(self.reconcile, mode, self.drifts, &self.last.drift),
            conditions: Vec::new(),
            later: self.last.later.clone(),
        }
    }

    /// Forgets model versions that the workspace no longer lists, and the placeholder of one that has since been
    /// registered.
    fn resources(&self) -> Vec<ResourceStatus> {
        let question =
            self.workspace.as_ref().map(|workspace| model::own_versions(self.cr, self.reconcile.observed, workspace));
        let listed = question.and_then(|question| self.reconcile.observed.body(&question)).and_then(Value::as_array);
        let wanted = self.reconcile.plan.steps.iter().map(|step| step.node.id.as_str());
        let wanted: Vec<&str> = wanted.collect();
        let is_listed = |one: &ResourceStatus, list: &Vec<Value>| {
            let ours = list.iter().filter(|body| model_version::property(body, OWNER_TAG).is_some());
            let name = one.id.rsplit('/').next().unwrap_or_default();
            ours.map(model_version::label).any(|label| label.eq_ignore_ascii_case(name))
        };
        let mut all = resources(self.reconcile, self.cr.recorded());
        all.retain(|one| {
            let version = one.kind == MODEL_VERSION.name && !wanted.contains(&one.id.as_str());
            !version || wanted.is_empty() || listed.is_none_or(|list| is_listed(one, list))
        });
        all
    }

    /// The requested restart, once the service settled with it.
    fn restarted(&self) -> Option<String> {
        let settled = self.step().is_some_and(|step| step.seen == Seen::Settled);
        let asked = requested(&self.cr.metadata, RESTART_REQUESTED_AT).filter(|_| settled);
        asked.or_else(|| self.last.last_handled_restart_at.clone())
    }

    fn subnet_label(&self) -> Option<String> {
        let spec = &self.subnet.as_ref()?.spec;
        Some(format!("{}/{}", spec.virtual_network.name, spec.subnet.name))
    }

    /// The URIs are dropped when nothing answers there any more. The address stays, so that a move can be noticed.
    fn endpoint(&self) -> Option<Endpoint> {
        let was = self.last.endpoint.clone();
        match (&self.serving.address, self.serving.state) {
            (Ok(Some(address)), State::Healthy) => Some(moved(address, was.unwrap_or_default())),
            (Err(_), _) | (_, State::Failed | State::Absent) => {
                was.map(|was| Endpoint { scoring_uri: None, swagger_uri: None, ..was })
            }
            _ => was,
        }
    }

    /// Counts revisions: each is a wanted content that was served.
    fn revision(&self) -> (Option<i64>, Option<String>) {
        let served = self.serving.content.filter(|_| self.serving.state == State::Healthy);
        let node = self.step().map(|step| &step.node);
        let wanted = node.and_then(|node| content_tag(&node.body));
        let (revision, known) = (self.last.revision, self.last.revision_digest.clone());
        let (Some(served), Some(wanted)) = (served, wanted) else { return (revision, known) };
        let digest = content_digest(wanted);
        // the same content under another digest, which touches no container
        let renamed = node.is_some_and(|node| node.live.iter().any(|path| path.ends_with(CONTENT_TAG)));
        match known.as_deref() {
            Some(known) if renamed && known == served => (revision, Some(digest.to_owned())),
            known if served == wanted && known != Some(digest) => {
                (Some(revision.unwrap_or(0) + 1), Some(digest.to_owned()))
            }
            _ => (revision, known),
        }
    }

    fn model(&self) -> Option<ModelStatus> {
        let node = &self.model_step()?.node;
        let body = self.reconcile.observed.azure_body(node.kind, &node.id)?;
        let file = node.payloads.first();
        let origin = match (node.hold, file) {
            (Hold::Owned, _) => Origin::Created,
            (Hold::Referenced, None) => Origin::Referenced,
            // somebody else registered the wanted content
            (Hold::Referenced, Some(_)) => Origin::Adopted,
        };
        let digest = model_version::property(body, DIGEST_PROPERTY).map(str::to_owned);
        let digest = digest.or_else(|| file.filter(|_| origin == Origin::Adopted).map(|file| file.digest.clone()));
        let read = match node.payloads.first().map(|payload| &payload.source) {
            Some(PayloadSource::Uri { uri, etag }) => Some((uri, etag)),
            _ => None,
        };
        Some(ModelStatus {
            name: self.cr.spec.model.name.clone(),
            version: fit::value(model_version::version(body)),
            digest: digest.map(fit::value),
            uri: read.map(|(uri, _)| uri.clone()),
            etag: read.map(|(_, etag)| etag.clone()),
            origin: Some(origin),
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

    /// Keeps an approval from when it is first read until the replacement is done, or another plan takes its place.
    fn approved(&self, settled: bool) -> Option<String> {
        let allowed = self.cr.approved_plans().unwrap_or_default();
        match &self.reconcile.plan.hash {
            _ if replace_approval(self.cr) == ReplaceApproval::Automatic => None,
            Some(hash) => allowed.contains(hash).then(|| hash.clone()),
            None => self.last.approved.clone().filter(|_| !settled),
        }
    }

    fn probe_status(&self) -> Option<ProbeStatus> {
        let last = self.last.probe.clone().filter(|_| self.cr.spec.probe.is_some() && self.serving.state.exists());
        let status = self.probed().map(|(passed, status_code)| {
            let result = if passed { "Passed" } else { "Failed" };
            ProbeStatus { result: result.into(), status_code }
        });
        status.or(last)
    }

    /// Whether the probe passed, and the HTTP status of the answer.
    pub(super) fn probed(&self) -> Option<(bool, Option<i32>)> {
        let wanted = self.wanted_status()?;
        let code = match self.probe.as_ref()? {
            Fact::Present(answer) => answer.get("status").and_then(Value::as_i64),
            Fact::Absent | Fact::Unread(_) => None,
        };
        let code = code.and_then(|code| i32::try_from(code).ok());
        Some((code == Some(wanted) && self.unlike().is_none(), code))
    }

    fn wanted_status(&self) -> Option<i32> {
        let expect = self.cr.spec.probe.as_ref()?.expect.as_ref();
        Some(expect.and_then(|expect| expect.status_code).unwrap_or(200))
    }

    /// How the answer's content differs from what is expected.
    fn unlike(&self) -> Option<&str> {
        match self.probe.as_ref()? {
            Fact::Present(answer) => answer.get("unlike")?.as_str(),
            Fact::Absent | Fact::Unread(_) => None,
        }
    }

    pub(super) fn probe_failure(&self) -> Option<Cause> {
        let (passed, code) = self.probed()?;
        let url = &self.serving.address.as_ref().ok()?.as_ref()?.scoring_uri;
        let own = [reasons::CONFIG_MAP_NOT_FOUND, reasons::ADDRESS_NOT_ALLOWED, reasons::CERTIFICATE_INVALID];
        let (reason, what) = match (&self.probe, code) {
            (Some(Fact::Unread(failure)), _) if own.contains(&failure.reason) => {
                (failure.reason, failure.message.clone())
            }
            (Some(Fact::Unread(failure)), _) => self.silent(failure),
            (_, Some(401)) => {
                let service = self.backend.words().service;
                (reasons::UNAUTHORIZED, format!("the answer was 401: the request carries none of the {service}'s keys"))
            }
            (_, code) if code == self.wanted_status() && self.unlike().is_some() => {
                (reasons::UNEXPECTED_BODY, self.unlike().unwrap_or_default().to_owned())
            }
            (_, code) => {
                let error =
                    self.serving.log.filter(|_| code.is_some_and(|code| code >= 500)).and_then(crash::of_request);
                let error = error.map(|error| format!(": {error}")).unwrap_or_default();
                (reasons::UNEXPECTED_STATUS, format!("the answer was {}{error}", code.unwrap_or_default()))
            }
        };
        let message = format!("the sample request to {url} failed: {what}");
        (!passed).then_some(Cause { reason, message, retry: Retry::Backoff })
    }

    /// The cause if no answer came: the log may say that the request killed a worker.
    fn silent(&self, failure: &Failure) -> (&'static str, String) {
        match self.serving.log.and_then(crash::of_worker) {
            Some(crash) => (crash.reason, format!("{}; {}", crash.what, crash.advice)),
            None => (reasons::UNREACHABLE, failure.message.clone()),
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

/// `status.plan` names the fields of the spec, not of Azure's bodies.
fn spec_field(node: &Node, path: &str, value: &Value) -> (String, String) {
    let (_, shown) = azure_field(node, path, value);
    let (name, unit) = (node.kind.spec_field)(path);
    (name, if value.is_null() { shown } else { shown + unit })
}

fn tenths(count: u64) -> String {
    if count.is_multiple_of(10) { (count / 10).to_string() } else { format!("{}.{}", count / 10, count % 10) }
}
