//! What should stand for an `AciVnetDeployment`.

use super::{cause, conda, image, owner_of, tags};
use crate::{
    blueprint::{Blueprint, Goal, Hold, Node},
    conditions::{find, is_true},
    failure::Cause,
    id::ResourceId,
    kinds::{
        model_version::{self, MODEL_VERSION},
        web_service::{self, Service, WEB_SERVICE},
        workspace::{self, WORKSPACE},
    },
    observed::{Fact, Observed},
    owner::{KEY_PROPERTY, Mark, OWNER_TAG, Owner},
    plan::{Done, Limits},
    questions::Question,
    report::Report,
    subject::{Pass, Subject, names},
};
use acivnet_api::{
    APPROVE_PLAN, AciVnetDeployment, AciVnetDeploymentStatus, ConfigMapKey, DelegatedSubnet, DeletionPolicy, Drift, DriftMode,
    ReplaceApproval, ResourceStatus,
    conditions::{reasons, types},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Map, Value};

/// Name of the web service.
pub fn service_name(cr: &AciVnetDeployment) -> &str {
    let named = cr.spec.backend.azure_ml_web_service.as_ref().and_then(|one| one.service_name.as_deref());
    named.or(cr.metadata.name.as_deref()).unwrap_or_default()
}

/// The subnet that a deployment refers to, as far as it was read.
pub(super) fn subnet_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<DelegatedSubnet> {
    let body = observed.body(&Question::DelegatedSubnet(cr.spec.network.subnet_ref.name.clone()))?;
    serde_json::from_value(body.clone()).ok()
}

/// The workspace, from the subnet or, when that is gone, from what was recorded.
pub(super) fn workspace_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<ResourceId> {
    let recorded = cr.recorded().iter().find(|one| one.kind == WEB_SERVICE.name || one.kind == WORKSPACE.name);
    let recorded = recorded.and_then(|one| ResourceId::parse(&one.id)).and_then(|id| match id.as_str().to_ascii_lowercase().contains("/services/") {
        true => id.parent(),
        false => Some(id),
    });
    recorded.or_else(|| {
        let subnet = subnet_of(cr, observed)?;
        let azure = &subnet.spec.azure;
        let group = cr.spec.workspace.resource_group.as_deref().unwrap_or(&azure.resource_group);
        Some(workspace::id(&ResourceId::group_id(&azure.subscription_id, group), &cr.spec.workspace.name))
    })
}

/// The probe's question, once there is an address that may be dialled.
pub(super) fn probe_question(cr: &AciVnetDeployment, observed: &Observed) -> Option<Question> {
    let probe = cr.spec.probe.as_ref()?;
    let workspace = workspace_of(cr, observed)?;
    let service = observed.azure_body(&WEB_SERVICE, &web_service::id(&workspace, service_name(cr)))?;
    if web_service::state(service) != "Healthy" || !ours(cr, observed, service) {
        return None;
    }
    let subnet = subnet_of(cr, observed)?;
    let endpoint = crate::endpoint::of(service, &subnet.spec.subnet.address_prefix, &observed.settings).ok()??;
    Some(Question::Probe {
        url: endpoint.scoring_uri,
        body: probe.request.config_map.clone(),
        timeout_seconds: probe.timeout_seconds.unwrap_or(10).unsigned_abs(),
        interval_seconds: probe.interval_seconds.unwrap_or(300).unsigned_abs(),
        revision: service.pointer("/kvTags/acivnet-content").and_then(Value::as_str).unwrap_or_default().to_owned(),
    })
}

fn ours(cr: &AciVnetDeployment, observed: &Observed, service: &Value) -> bool {
    let owner = owner_of(&observed.settings.cluster, &cr.metadata);
    let node = Node::new(&WEB_SERVICE, ResourceId::group_id("", ""), Goal::Present, Value::Null, Mark::ServiceTag(owner.key));
    node.mark.on(service) == crate::owner::Says::Ours
}

impl Subject for AciVnetDeployment {
    type Status = AciVnetDeploymentStatus;

    fn questions(&self, observed: &Observed) -> Vec<Question> {
        let mut questions = vec![Question::DelegatedSubnet(self.spec.network.subnet_ref.name.clone())];
        if !self.deleting() {
            questions.extend(files(self).map(|(key, text)| Question::ConfigMap { key: key.clone(), text }));
        }
        let asked = observed.facts.contains_key(&Question::DelegatedSubnet(self.spec.network.subnet_ref.name.clone()));
        let Some(workspace) = workspace_of(self, observed).filter(|_| asked && (!self.deleting() || !self.recorded().is_empty())) else { return questions };
        let service = web_service::id(&workspace, service_name(self));
        questions.push(Question::Models { workspace: workspace.clone() });
        questions.push(Question::Azure(&WORKSPACE, workspace.clone()));
        questions.push(Question::Azure(&WEB_SERVICE, service.clone()));
        if let Some(body) = observed.azure_body(&WEB_SERVICE, &service) {
            questions.extend(about_service(&workspace, &service, body));
        }
        if !self.deleting() {
            questions.extend(probe_question(self, observed));
        }
        questions
    }

    fn describe(&self, observed: &Observed, now: Timestamp) -> Blueprint {
        let orphan = self.spec.deletion.as_ref().and_then(|one| one.policy) == Some(DeletionPolicy::Orphan);
        if self.deleting() && (orphan || self.recorded().is_empty()) {
            return Blueprint::default();
        }
        let Some(workspace) = workspace_of(self, observed) else { return without_workspace(self, observed) };
        let owner = owner_of(&observed.settings.cluster, &self.metadata);
        let describer = Describer { cr: self, observed, now, owner, workspace };
        if self.deleting() { describer.gone() } else { describer.present().unwrap_or_else(Blueprint::blocked) }
    }

    fn limits(&self) -> Limits {
        let (_, _, uid) = names(&self.metadata);
        let required = self.spec.rollout.as_ref().and_then(|one| one.replace_approval).unwrap_or_default() == ReplaceApproval::Required;
        let annotated = self.metadata.annotations.as_ref().and_then(|all| all.get(APPROVE_PLAN).cloned());
        let seen = self.status.as_ref().and_then(|status| status.approved.clone());
        Limits {
            suspended: self.spec.suspend == Some(true),
            leave_drift: self.had_settled() && self.drift_mode() != DriftMode::Correct,
            approval: required.then(|| annotated.into_iter().chain(seen).collect()),
            identity: format!("{uid}/{}", self.generation()),
        }
    }

    fn memory(status: &AciVnetDeploymentStatus) -> (&[ResourceStatus], Option<&str>) {
        (&status.resources, status.approved.as_deref())
    }

    fn report(&self, pass: &Pass<'_>, done: Option<&Done>) -> Report<AciVnetDeploymentStatus> {
        super::deployment_report::report(self, pass, done)
    }

    fn status(&self) -> Option<&AciVnetDeploymentStatus> {
        self.status.as_ref()
    }

    fn settled_generation(&self) -> Option<i64> {
        self.status.as_ref().and_then(|status| status.settled_generation)
    }

    fn drift(&self) -> Option<&Drift> {
        self.spec.drift.as_ref()
    }
}

/// The files a deployment is made of, and whether their text is needed.
fn files(cr: &AciVnetDeployment) -> impl Iterator<Item = (&ConfigMapKey, bool)> {
    let model = cr.spec.model.source.config_map.as_ref().map(|key| (key, false));
    let probe = cr.spec.probe.as_ref().map(|probe| (&probe.request.config_map, false));
    let always = [(&cr.spec.scoring.script.config_map, false), (&cr.spec.environment.conda.config_map, true)];
    model.into_iter().chain(always).chain(probe)
}

/// What tells how far a web service is, or why it failed.
fn about_service(workspace: &ResourceId, service: &ResourceId, body: &Value) -> Vec<Question> {
    let failed = matches!(web_service::state(body), "Failed" | "Unhealthy" | "Unschedulable");
    let moving = web_service::state(body) == "Transitioning";
    let operation = body.get("operationId").and_then(Value::as_str).filter(|_| failed || moving);
    let operation = operation.map(|id| Question::Operation { workspace: workspace.clone(), id: id.to_owned() });
    operation.into_iter().chain(failed.then(|| Question::ServiceLog(service.clone()))).collect()
}

fn without_workspace(cr: &AciVnetDeployment, observed: &Observed) -> Blueprint {
    let name = &cr.spec.network.subnet_ref.name;
    match observed.fact(&Question::DelegatedSubnet(name.clone())) {
        Fact::Absent => Blueprint::blocked(Cause::passing(
            reasons::WAITING_FOR_SUBNET,
            format!("DelegatedSubnet {name} does not exist in this namespace; apply it, or correct spec.network.subnetRef"),
        )),
        _ => Blueprint { incomplete: true, ..Blueprint::default() },
    }
}

struct Describer<'a> {
    cr: &'a AciVnetDeployment,
    observed: &'a Observed,
    now: Timestamp,
    owner: Owner,
    workspace: ResourceId,
}

/// A model version as it should stand, registered or not.
struct WantedModel {
    node: Node,
    /// `name:version`, once registered.
    id: Option<String>,
}

impl Describer<'_> {
    fn present(&self) -> Result<Blueprint, Cause> {
        let subnet = subnet_of(self.cr, self.observed).ok_or_else(|| self.subnet_missing())?;
        self.same_group(&subnet)?;
        let model_key = self.cr.spec.model.source.config_map.as_ref().ok_or_else(|| Cause::person(reasons::MODEL_UNREADABLE, "spec.model.source.configMap is missing"))?;
        let model_file = self.file(model_key)?;
        let script_key = &self.cr.spec.scoring.script.config_map;
        let script = self.file(script_key)?.payload(script_key);
        let conda = self.conda()?;
        let mut blueprint = Blueprint::default();
        let workspace = blueprint.push(self.workspace_node());
        let wanted = self.model(&model_file, model_key);
        let model = blueprint.push(Node { needs: vec![workspace], ..wanted.node });
        let service = self.service(&subnet, script, &conda, wanted.id.as_deref());
        let service = blueprint.push(Node { needs: vec![workspace, model], ..service });
        for node in self.duplicates(&model_file) {
            blueprint.push(Node { needs: vec![service], ..node });
        }
        Ok(blueprint)
    }

    fn gone(&self) -> Blueprint {
        if self.observed.azure(&WORKSPACE, &self.workspace) == Fact::Absent {
            return Blueprint::default();
        }
        let mut blueprint = Blueprint::default();
        let id = web_service::id(&self.workspace, service_name(self.cr));
        let service = blueprint.push(Node::new(&WEB_SERVICE, id, Goal::Gone, Value::Null, Mark::ServiceTag(self.owner.key.clone())));
        if let Fact::Unread(_) = self.observed.fact(&self.models_question()) {
            blueprint.incomplete = true;
        }
        for body in self.own_models() {
            blueprint.push(Node { needs: vec![service], ..self.gone_model(body) });
        }
        blueprint
    }

    fn gone_model(&self, body: &Value) -> Node {
        Node::new(&MODEL_VERSION, self.model_id(body), Goal::Gone, Value::Null, Mark::ModelProperty(self.owner.key.clone()))
    }

    fn workspace_node(&self) -> Node {
        let node = Node::new(&WORKSPACE, self.workspace.clone(), Goal::Present, Value::Object(Map::new()), Mark::None);
        let absent = self.observed.azure(&WORKSPACE, &self.workspace) == Fact::Absent;
        let missing = || Cause::person(reasons::WORKSPACE_NOT_FOUND, format!("Azure Machine Learning workspace {} does not exist; create it, or correct spec.workspace", self.workspace));
        Node { hold: Hold::Referenced, blocked: absent.then(missing), ..node }
    }

    fn subnet_missing(&self) -> Cause {
        let name = &self.cr.spec.network.subnet_ref.name;
        Cause::passing(reasons::WAITING_FOR_SUBNET, format!("DelegatedSubnet {name} does not exist in this namespace; apply it, or correct spec.network.subnetRef"))
    }

    /// Azure ML looks for the network by name in the workspace's group, and would silently take another of that name.
    fn same_group(&self, subnet: &DelegatedSubnet) -> Result<(), Cause> {
        let network = subnet.spec.virtual_network.resource_group.as_deref().unwrap_or(&subnet.spec.azure.resource_group);
        let workspace = self.workspace.resource_group().unwrap_or_default();
        if network.eq_ignore_ascii_case(workspace) {
            return Ok(());
        }
        Err(Cause::person(
            reasons::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP,
            format!("virtual network {} lies in resource group {network}, the workspace in {workspace}; Azure ML looks for the network in the workspace's group only", subnet.spec.virtual_network.name),
        ))
    }

    fn file(&self, key: &ConfigMapKey) -> Result<image::File, Cause> {
        let text = files(self.cr).find(|(one, _)| *one == key).is_some_and(|(_, text)| text);
        match self.observed.fact(&Question::ConfigMap { key: key.clone(), text }) {
            Fact::Present(body) => image::File::of(&body).ok_or_else(|| config_map_missing(key)),
            Fact::Absent => Err(config_map_missing(key)),
            Fact::Unread(failure) => Err(Cause::from(&failure)),
        }
    }

    fn conda(&self) -> Result<Value, Cause> {
        let key = &self.cr.spec.environment.conda.config_map;
        self.file(key)?;
        let fact = self.observed.body(&Question::ConfigMap { key: key.clone(), text: true });
        let text = fact.and_then(|fact| fact.get("text")).and_then(Value::as_str);
        let invalid = |why: String| Cause::person(reasons::CONDA_FILE_INVALID, format!("ConfigMap {} key {}: {why}", key.name, key.key));
        let text = text.ok_or_else(|| invalid("not UTF-8 text of at most 256 KiB".into()))?;
        conda::parse(text).map_err(invalid)
    }

    fn models_question(&self) -> Question {
        Question::Models { workspace: self.workspace.clone() }
    }

    /// Versions that carry our mark, the lowest first.
    fn own_models(&self) -> Vec<&Value> {
        let list = self.observed.body(&self.models_question()).and_then(Value::as_array);
        let ours = |body: &&Value| model_version::property(body, OWNER_TAG) == Some(&self.owner.key);
        let mut list: Vec<&Value> = list.into_iter().flatten().filter(ours).collect();
        list.sort_by_key(|body| model_version::version(body).parse::<u64>().unwrap_or(u64::MAX));
        list
    }

    fn model_id(&self, body: &Value) -> ResourceId {
        self.workspace.child("models", &model_version::label(body))
    }

    fn with_key(&self, file: &image::File) -> Vec<&Value> {
        let key = model_version::key(&self.owner, &self.cr.spec.model, &file.digest);
        self.own_models().into_iter().filter(|body| model_version::property(body, KEY_PROPERTY) == Some(&key)).collect()
    }

    fn model(&self, file: &image::File, key: &ConfigMapKey) -> WantedModel {
        let spec = &self.cr.spec.model;
        let registered = self.with_key(file).first().copied();
        let id = registered.map_or_else(
            || model_version::unregistered(&self.workspace, &spec.name, &model_version::key(&self.owner, spec, &file.digest)),
            |body| self.model_id(body),
        );
        let body = model_version::body(&self.owner, spec, &file.digest);
        let node = Node::new(&MODEL_VERSION, id, Goal::Present, body, Mark::ModelProperty(self.owner.key.clone()));
        let named = registered.map(model_version::label);
        WantedModel { node: Node { payloads: vec![file.payload(key)], ..node }, id: named }
    }

    /// Of versions with the same key the lowest stays: a registration whose answer was lost made the others.
    fn duplicates(&self, file: &image::File) -> Vec<Node> {
        self.with_key(file).into_iter().skip(1).map(|body| self.gone_model(body)).collect()
    }

    fn service(&self, subnet: &DelegatedSubnet, script: crate::blueprint::Payload, conda: &Value, model: Option<&str>) -> Node {
        let id = web_service::id(&self.workspace, service_name(self.cr));
        let base = self.cr.status.as_ref().and_then(|status| status.base_image.as_deref()).unwrap_or(image::DEFAULT_BASE_IMAGE);
        let user = self.cr.spec.azure.as_ref().map(|azure| azure.tags.as_slice()).unwrap_or_default();
        let model_id = model.unwrap_or_default();
        let body = Service {
            name: service_name(self.cr),
            description: self.cr.spec.description.as_deref(),
            tags: tags(user, &self.owner.key),
            owner: &self.owner.key,
            location: &subnet.spec.azure.location,
            virtual_network: &subnet.spec.virtual_network.name,
            subnet: &subnet.spec.subnet.name,
            cpu_tenths: cpu_tenths(&self.cr.spec.resources.cpu),
            memory_tenths: memory_tenths(&self.cr.spec.resources.memory),
            image: image::request(self.cr, &script, model_id, conda, base),
            content: &image::content(self.cr, &script, model_id, conda, base),
        }
        .body();
        let stands = self.observed.azure_body(&WEB_SERVICE, &id);
        let blocked = self.network_blocked(subnet, stands);
        let node = Node::new(&WEB_SERVICE, id, Goal::Present, web_service::compared(&body, stands), Mark::ServiceTag(self.owner.key.clone()));
        let retry_due = stands.is_some_and(|stands| self.retry_due(stands));
        Node { payloads: vec![image::driver(), script], blocked, retry_due, ..node }
    }

    /// A web service that does not stand yet waits for its subnet; one that stands is not disturbed.
    fn network_blocked(&self, subnet: &DelegatedSubnet, stands: Option<&Value>) -> Option<Cause> {
        if stands.is_some() {
            return None;
        }
        let name = subnet.metadata.name.as_deref().unwrap_or_default();
        if subnet.deleting() {
            return Some(Cause::passing(reasons::WAITING_FOR_SUBNET, format!("DelegatedSubnet {name} is being deleted")));
        }
        let conditions = subnet.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        if !is_true(conditions, types::READY) {
            return Some(subnet_not_ready(name, subnet));
        }
        let capacity = subnet.status.as_ref().and_then(|status| status.capacity.as_ref());
        capacity.filter(|capacity| capacity.available == 0).map(|capacity| Cause {
            retry: crate::retry::Retry::Slowly,
            ..Cause::passing(reasons::SUBNET_FULL, format!("all {} addresses of DelegatedSubnet {name} are in use; delete a deployment, or use a larger subnet", capacity.total))
        })
    }

    /// Quotas and indexes recover: the same content is tried again after ten minutes, a crash after an hour.
    fn retry_due(&self, stands: &Value) -> bool {
        let operation = stands.get("operationId").and_then(Value::as_str);
        let operation = operation.map(|id| Question::Operation { workspace: self.workspace.clone(), id: id.to_owned() });
        let cause = cause::of_service(stands, operation.as_ref().and_then(|one| self.observed.body(one)), None);
        let wait = if cause.reason == reasons::SCORING_SCRIPT_CRASHED { 3600 } else { 600 };
        let touched = ["updatedTime", "createdTime"].into_iter().find_map(|name| stands.get(name)?.as_str()?.parse::<Timestamp>().ok());
        touched.is_some_and(|touched| self.now.as_second() - touched.as_second() > wait)
    }
}

fn config_map_missing(key: &ConfigMapKey) -> Cause {
    Cause::person(reasons::CONFIG_MAP_NOT_FOUND, format!("ConfigMap {} with key {} does not exist in this namespace; apply it, or correct the reference", key.name, key.key))
}

/// The subnet's own root cause, when it is one that the deployment's owner has to know as such.
fn subnet_not_ready(name: &str, subnet: &DelegatedSubnet) -> Cause {
    let ready = subnet.status.as_ref().and_then(|status| find(&status.conditions, types::READY));
    let passed_on = [reasons::SUBNET_NOT_DELEGATED, reasons::REGION_MISMATCH, reasons::SUBNET_FULL];
    let reason = ready.and_then(|ready| passed_on.into_iter().find(|one| *one == ready.reason));
    let why = ready.map_or_else(|| "not looked at yet".to_owned(), |ready| format!("{}: {}", ready.reason, ready.message));
    let message = crate::scrub::clean(&format!("DelegatedSubnet {name} is not ready: {why}"));
    match reason {
        Some(reason) => Cause::person(reason, message),
        None => Cause::passing(reasons::WAITING_FOR_SUBNET, message),
    }
}

/// Why the web service of this object failed, from all that was read of it.
pub(super) fn failure_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<Cause> {
    let workspace = workspace_of(cr, observed)?;
    let id = web_service::id(&workspace, service_name(cr));
    let body = observed.azure_body(&WEB_SERVICE, &id)?;
    let operation = body.get("operationId").and_then(Value::as_str).map(|id| Question::Operation { workspace, id: id.to_owned() });
    let operation = operation.as_ref().and_then(|one| observed.body(one));
    let log = observed.body(&Question::ServiceLog(id)).and_then(Value::as_str);
    Some(cause::of_service(body, operation, log))
}

/// Cores in tenths, rounded up.
pub fn cpu_tenths(cpu: &Quantity) -> u64 {
    crate::quantity::thousandths(&cpu.0).map_or(0, |milli| milli.div_ceil(100))
}

/// GB of 10^9 bytes in tenths, rounded up.
pub fn memory_tenths(memory: &Quantity) -> u64 {
    crate::quantity::thousandths(&memory.0).map_or(0, |milli| milli.div_ceil(100_000_000_000))
}
