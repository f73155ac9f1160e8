//! What an `AciVnetDeployment` asks and what limits it; what should stand for it is in `web_service/blueprint`.

pub mod conda;
mod conditions;
mod crash;
mod expectation;
mod inputs;
mod match_spec;
mod model;
mod report;
mod secrets;
mod status;
mod tls;
mod variables;
mod web_service;

pub use crash::LINES as CRASH_LINES;
pub use inputs::SOURCE_DIRECTORY;
pub use web_service::{blueprint::MOST_GOING, image::DEFAULT_BASE_IMAGE};

use crate::{
    adoption,
    blueprint::{Blueprint, Goal, Node},
    conditions::{essence, find},
    describe::{marks::owner_of, size},
    failure::Cause,
    id::ResourceId,
    kind::Plane,
    kinds::{
        self,
        web_service::{self as service, WEB_SERVICE},
        workspace::{self, WORKSPACE},
    },
    observed::{Fact, Observed},
    owner::{Mark, TLS_TAG, content_of, content_tag},
    plan::{Done, Limits, is_ours},
    questions::{ProbeTls, Question},
    report::Report,
    restart,
    subject::{Pass, Subject, names},
};
use acivnet_api::{
    APPROVE_PLAN, AciVnetDeployment, AciVnetDeploymentStatus, Adoption, DelegatedSubnet, Deletion, DeletionPolicy,
    Drift, DriftMode, Origin, ReplaceApproval, ResourceStatus,
    conditions::{reasons, types},
};
use inputs::Inputs;
use jiff::Timestamp;
use serde_json::Value;
use variables::Fingerprints;
use web_service::{adopted::ContentOfOthers, blueprint::Describer};

impl Subject for AciVnetDeployment {
    type Status = AciVnetDeploymentStatus;

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
        let Some(workspace) = workspace_of(self, observed) else { return questions };
        let service = service::id(&workspace, service_name(self));
        questions.push(models_question(self, observed, &workspace));
        questions.push(Question::Azure(&WORKSPACE, workspace.clone()));
        questions.push(Question::Azure(&WEB_SERVICE, service.clone()));
        if !self.deleting() {
            let stands = observed.azure_body(&WEB_SERVICE, &service);
            questions.extend(model::in_workspace(self, observed, &workspace));
            questions
                .extend(stands.into_iter().flat_map(|body| about_service(self, observed, &workspace, &service, body)));
            let theirs = ContentOfOthers::of(self, observed, &workspace);
            questions.extend(theirs.into_iter().flat_map(|theirs| theirs.questions()));
            questions.extend(probe_question(self, observed));
            questions.extend(about_probe(self, observed, &service));
            questions.extend(secrets::keys_question(self, observed));
            questions.extend(variables::question(self, observed));
        }
        questions
    }

    fn describe(&self, observed: &Observed, now: Timestamp) -> Blueprint {
        if self.leaves_nothing() {
            return Blueprint::default();
        }
        let Some(workspace) = workspace_of(self, observed) else { return without_workspace(self, observed) };
        let owner = owner_of(&observed.settings.cluster, &self.metadata);
        let describer = Describer { cr: self, observed, now, owner, workspace };
        if self.deleting() {
            return describer.gone();
        }
        size::too_large(&self.spec).map_or_else(|| describer.present(), Err).unwrap_or_else(Blueprint::blocked)
    }

    fn limits(&self) -> Limits {
        let (_, _, uid) = names(&self.metadata);
        let stays = !self.deleting();
        Limits {
            suspended: self.spec.suspend == Some(true) && stays,
            leave_drift: self.had_settled() && stays && self.drift_mode() != DriftMode::Correct,
            approval: Some(approvals(self)),
            identity: format!("{uid}/{}", self.generation()),
        }
    }

    fn memory(status: &AciVnetDeploymentStatus) -> (&[ResourceStatus], Option<&str>) {
        (&status.resources, status.approved.as_deref())
    }

    fn essence(status: &AciVnetDeploymentStatus) -> AciVnetDeploymentStatus {
        AciVnetDeploymentStatus {
            resources: Vec::new(),
            model: None,
            model_label: None,
            subnet_label: None,
            azure: None,
            resources_resolved: None,
            base_image: None,
            conditions: essence(&status.conditions),
            ..status.clone()
        }
    }

    fn report(&self, pass: &Pass<'_>, done: Option<&Done>) -> Report<AciVnetDeploymentStatus> {
        report::report(self, pass, done)
    }

    fn secret_keys(&self, secret: &str) -> Vec<&str> {
        secrets::keys_of(self, secret)
    }

    fn certificate_end(&self, observed: &Observed) -> Option<Timestamp> {
        tls::end(self, observed)
    }

    fn status(&self) -> Option<&AciVnetDeploymentStatus> {
        self.status.as_ref()
    }

    fn settled_generation(&self) -> Option<i64> {
        self.status.as_ref().and_then(|status| status.settled_generation)
    }

    fn last_handled(&self) -> Option<&str> {
        self.status.as_ref()?.last_handled_reconcile_at.as_deref()
    }

    fn drift(&self) -> Option<&Drift> {
        self.spec.drift.as_ref()
    }

    fn deletion(&self) -> Option<&Deletion> {
        self.spec.deletion.as_ref()
    }

    fn adoption(&self) -> Adoption {
        self.spec.adoption.unwrap_or_default()
    }

    fn look_seconds(&self) -> u64 {
        let probe = self.spec.probe.as_ref();
        let probe = probe.map(|probe| u64::from(probe.interval_seconds.unwrap_or(300).unsigned_abs()));
        self.interval_seconds().min(probe.unwrap_or(u64::MAX))
    }

    fn leave(&mut self) {
        self.spec.deletion.get_or_insert_default().policy = Some(DeletionPolicy::Orphan);
    }

    /// A person asks for a restart, or the files are not those of the revision that was served last. The version that Azure gave the model is not an
    /// input: a version that vanishes is drift.
    fn has_new_inputs(&self, observed: &Observed) -> bool {
        if restart::is_open(self) {
            return true;
        }
        let (Some(status), Ok(inputs)) = (&self.status, Inputs::of(self, observed)) else { return false };
        let known = status.revision_digest.as_deref();
        known.is_some_and(|known| is_new(self, observed, &inputs, known)) || secrets::changed(self, observed)
    }
}

/// Whether what is wanted is another content than the one with this digest. Values of Secrets can be compared only while
/// Azure has the salt of the fingerprints.
fn is_new(cr: &AciVnetDeployment, observed: &Observed, inputs: &Inputs, known: &str) -> bool {
    let Some(label) = inputs.model.known(cr) else { return true };
    match (variables::keys(cr).is_empty(), Fingerprints::of(cr, observed)) {
        (false, Some(told)) if !told.is_in_use => {
            let by_versions = inputs.content_by_versions(cr, observed, &label);
            variables::is_of_before(cr, observed) && by_versions.as_deref() != Some(known)
        }
        (false, None) => false,
        _ => content_of(&inputs.content(cr, observed, &label)).0 != known,
    }
}

/// Hashes of plans that may delete and create. What needs no person is shown in `status.plan` in an earlier pass.
fn approvals(cr: &AciVnetDeployment) -> Vec<String> {
    let annotated = cr.metadata.annotations.as_ref().and_then(|all| all.get(APPROVE_PLAN));
    let status = cr.status.as_ref();
    let seen = status.and_then(|status| status.approved.as_ref());
    let shown = status.and_then(|status| status.plan.as_ref()?.hash.as_ref());
    let shown = shown.filter(|_| replace_approval(cr) == ReplaceApproval::Automatic);
    annotated.into_iter().chain(seen).chain(shown).cloned().collect()
}

/// Whether a change that deletes and creates waits for a person.
pub(super) fn replace_approval(cr: &AciVnetDeployment) -> ReplaceApproval {
    cr.spec.rollout.as_ref().and_then(|one| one.replace_approval).unwrap_or_default()
}

/// Name of the web service.
pub(in crate::describe) fn service_name(cr: &AciVnetDeployment) -> &str {
    let named = cr.spec.backend.azure_ml_web_service.as_ref().and_then(|one| one.service_name.as_deref());
    named.or(cr.metadata.name.as_deref()).unwrap_or_default()
}

fn subnet_question(cr: &AciVnetDeployment) -> Question {
    Question::DelegatedSubnet(cr.spec.network.subnet_ref.name.clone())
}

/// The subnet that a deployment refers to, as far as it was read.
pub(super) fn subnet_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<DelegatedSubnet> {
    serde_json::from_value(observed.body(&subnet_question(cr))?.clone()).ok()
}

/// The workspace: the one in which something was made, else that of the subnet, else the one that was seen.
pub(super) fn workspace_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<ResourceId> {
    let made = cr.recorded().iter().filter(|one| one.origin != Some(Origin::Referenced));
    let seen = cr.recorded().iter().filter(|one| one.kind == WORKSPACE.name);
    made.filter_map(in_workspace)
        .next()
        .or_else(|| {
            let azure = subnet_of(cr, observed)?.spec.azure;
            let group = cr.spec.workspace.resource_group.as_deref().unwrap_or(&azure.resource_group);
            Some(workspace::id(&ResourceId::group_id(&azure.subscription_id, group), &cr.spec.workspace.name))
        })
        .or_else(|| seen.filter_map(|one| ResourceId::parse(&one.id)).next())
}

/// Its own model versions.
pub(super) fn models_question(cr: &AciVnetDeployment, observed: &Observed, workspace: &ResourceId) -> Question {
    let owner = owner_of(&observed.settings.cluster, &cr.metadata).key;
    Question::Models { workspace: workspace.clone(), owner }
}

fn in_workspace(record: &ResourceStatus) -> Option<ResourceId> {
    kinds::by_name(&record.kind).filter(|kind| kind.plane == Plane::MachineLearning)?;
    ResourceId::parse(&record.id)?.parent()
}

/// The web service of a deployment, without the fields that are wanted of it.
pub(super) fn service_node(cr: &AciVnetDeployment, observed: &Observed, workspace: &ResourceId, goal: Goal) -> Node {
    let owner = owner_of(&observed.settings.cluster, &cr.metadata);
    let id = service::id(workspace, service_name(cr));
    let node = Node::new(&WEB_SERVICE, id, Goal::Present, Value::Null, Mark::ServiceTag(owner.key));
    Node { goal, ..adoption::adopting(cr, observed, node) }
}

/// The probe's question, once there is an address that may be dialled.
pub(super) fn probe_question(cr: &AciVnetDeployment, observed: &Observed) -> Option<Question> {
    let probe = cr.spec.probe.as_ref()?;
    let node = service_node(cr, observed, &workspace_of(cr, observed)?, Goal::Present);
    let service = observed.azure_body(&WEB_SERVICE, &node.id)?;
    if service::state(service) != "Healthy" || !is_ours(&node, service, cr.recorded()) {
        return None;
    }
    let prefix = subnet_of(cr, observed)?.spec.subnet.address_prefix;
    let endpoint = crate::endpoint::of(service, &prefix, &observed.settings).ok()??;
    let key = secrets::key_in_use(cr, observed);
    // the key goes nowhere without TLS where TLS is wanted
    if secrets::needs_key(cr) && (key.is_none() || cr.spec.tls.is_some() && !endpoint.tls) {
        return None;
    }
    let expect = expectation::of(cr, observed).ok()?;
    let content = content_tag(service).map(|tag| content_of(tag).0);
    let certificate = service.get("kvTags").and_then(|tags| tags.get(TLS_TAG)?.as_str());
    let version = key.as_ref().map(|(_, version)| version.as_str());
    let revision: Vec<&str> = [content, certificate, version].into_iter().flatten().collect();
    let secret = || cr.spec.tls.as_ref().map(|tls| tls.secret_ref.name.clone());
    Some(Question::Probe {
        url: endpoint.scoring_uri,
        tls: endpoint.tls.then(|| ProbeTls { address: endpoint.ip, secret: secret() }),
        body: probe.request.config_map.clone(),
        expect,
        timeout_seconds: probe.timeout_seconds.unwrap_or(10).unsigned_abs(),
        interval_seconds: probe.interval_seconds.unwrap_or(300).unsigned_abs(),
        revision: revision.join(" "),
        key: key.map(|(key, _)| key),
    })
}

/// What tells how far a web service is, or why it failed. The log tells of a container that does not come up long before
/// Azure gives it up.
fn about_service(
    cr: &AciVnetDeployment,
    observed: &Observed,
    workspace: &ResourceId,
    service: &ResourceId,
    body: &Value,
) -> Vec<Question> {
    let failed = service::has_failed(body);
    let open = failed || service::state(body) == "Transitioning";
    let operation = operation_question(workspace, body).filter(|_| open);
    let known = operation.as_ref().and_then(|question| observed.body(question));
    let starts = open && told_as_built(cr) && known.is_some_and(starts_container);
    operation.into_iter().chain((failed || starts).then(|| Question::ServiceLog(service.clone()))).collect()
}

/// Whether the image stood at an earlier look: what starts within moments needs no look at its log.
fn told_as_built(cr: &AciVnetDeployment) -> bool {
    let conditions = cr.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    find(conditions, types::ENVIRONMENT_READY).is_some_and(|one| one.status == "True")
}

/// Whether an operation is past the image (`azureml-core` 1.61 tells `BuildEnvironment`, `BuildImage`, `DeployService`).
fn starts_container(operation: &Value) -> bool {
    operation.pointer("/operationDetails/subOperationType").and_then(Value::as_str) == Some("DeployService")
}

/// The log, where it may say why the sample request was answered with an error, or not at all.
fn about_probe(cr: &AciVnetDeployment, observed: &Observed, service: &ResourceId) -> Option<Question> {
    let broken = match observed.facts.get(&probe_question(cr, observed)?)? {
        Fact::Present(answer) => answer.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 500),
        Fact::Unread(failure) => failure.reason == reasons::UNREACHABLE,
        Fact::Absent => false,
    };
    broken.then(|| Question::ServiceLog(service.clone()))
}

/// The operation that last worked on a web service.
pub(super) fn operation_question(workspace: &ResourceId, service: &Value) -> Option<Question> {
    let id = service.get("operationId").and_then(Value::as_str)?;
    Some(Question::Operation { workspace: workspace.clone(), id: id.to_owned() })
}

fn without_workspace(cr: &AciVnetDeployment, observed: &Observed) -> Blueprint {
    match observed.fact(&subnet_question(cr)) {
        Fact::Unread(failure) => Blueprint { incomplete: true, ..Blueprint::blocked(Cause::from(&failure)) },
        Fact::Absent | Fact::Present(_) => Blueprint::blocked(subnet_missing(cr)),
    }
}

/// The object that names the network is not there.
pub(super) fn subnet_missing(cr: &AciVnetDeployment) -> Cause {
    let name = &cr.spec.network.subnet_ref.name;
    Cause::person(
        reasons::WAITING_FOR_SUBNET,
        format!("DelegatedSubnet {name} does not exist in this namespace; apply it, or correct spec.network.subnetRef"),
    )
}
