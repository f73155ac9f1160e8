//! What should stand for an `AciVnetDeployment`.

use super::{
    adopted::{ContentOfOthers, is_made_of},
    cause, image, settings,
};
use crate::{
    adoption,
    blueprint::{Blueprint, Goal, Hold, Node},
    conditions::{find, is_true},
    describe::{
        deployment::{
            expectation,
            inputs::Inputs,
            model::{Content, Source, referred},
            models_question, operation_question, secrets, service_name, service_node, subnet_missing, subnet_of, tls,
            variables,
        },
        marks::service_tags,
    },
    failure::Cause,
    id::ResourceId,
    kind::Change,
    kinds::{
        model_version::{self, MODEL_VERSION},
        web_service::{self, Service, WEB_SERVICE},
        workspace::{self, WORKSPACE},
    },
    observed::{Fact, Observed},
    owner::{CONTENT_TAG, KEY_PROPERTY, Mark, OWNER_TAG, Owner, content_tag},
    plan::{Seen, adoption_refused, look, record_of},
    questions::Question,
    restart,
    retry::Retry,
    scrub,
    subject::Subject,
};
use acivnet_api::{
    AciVnetDeployment, DelegatedSubnet, DriftMode, Origin,
    conditions::{reasons, types},
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::Condition};
use serde_json::{Map, Value};

/// Most model versions that are deleted at a time; the next passes see to the others.
pub const MOST_GOING: usize = 64;

/// Describes one deployment.
pub(in crate::describe::deployment) struct Describer<'a> {
    pub cr: &'a AciVnetDeployment,
    pub observed: &'a Observed,
    pub now: Timestamp,
    pub owner: Owner,
    pub workspace: ResourceId,
}

impl Describer<'_> {
    pub(in crate::describe::deployment) fn present(&self) -> Result<Blueprint, Cause> {
        let subnet = subnet_of(self.cr, self.observed).ok_or_else(|| self.subnet_unknown())?;
        self.same_group(&subnet)?;
        self.same_region(&subnet)?;
        let mut inputs = Inputs::of(self.cr, self.observed)?;
        secrets::check(self.cr, self.observed)?;
        tls::check(self.cr, self.observed, self.now)?;
        expectation::check(self.cr, self.observed)?;
        variables::check(self.cr, self.observed)?;
        let mut blueprint = Blueprint::default();
        let workspace = blueprint.push(self.workspace_node());
        let versions = match &inputs.model {
            Source::Content(content) => self.with_key(&content.digest),
            Source::Registered(_) => Vec::new(),
        };
        let theirs = self.content_of_others(&mut inputs, versions.is_empty())?;
        let model = match (&theirs, &inputs.model) {
            (Some(id), Source::Content(content)) => self.model_of_others(content, id),
            _ => self.model(&inputs.model, versions.first()),
        };
        let model = blueprint.push(Node { needs: vec![workspace], ..model });
        // one that somebody deleted is known all the same: what runs is made from it
        let label = versions.first().map(|body| model_version::label(body));
        let label = label.or_else(|| theirs.map(|id| id.name().to_owned()));
        let label = label.or_else(|| inputs.model.known(self.cr)).unwrap_or_default();
        let service = self.service(&subnet, inputs, &label);
        blueprint.blocked = self.taken(&service);
        let service = blueprint.push(Node { needs: vec![workspace, model], ..service });
        if let Some(keys) = secrets::keys_node(self.cr, self.observed, service) {
            blueprint.push(keys);
        }
        // of versions with the same key the lowest stays: a registration whose answer was lost made the others
        for body in versions.iter().skip(1).take(MOST_GOING) {
            blueprint.push(Node { needs: vec![service], ..self.gone_model(body) });
        }
        Ok(blueprint)
    }

    pub(in crate::describe::deployment) fn gone(&self) -> Blueprint {
        if self.observed.azure(&WORKSPACE, &self.workspace) == Fact::Absent {
            return Blueprint::default();
        }
        let mut blueprint = Blueprint::default();
        let service = blueprint.push(service_node(self.cr, self.observed, &self.workspace, Goal::Gone));
        if let Fact::Unread(failure) = self.observed.fact(&self.models_question()) {
            blueprint.blocked = Some(Cause::from(&failure));
        }
        let used = self.stay_in_use();
        let goes = |body: &&Value| !used.iter().any(|one| one.eq_ignore_ascii_case(&model_version::label(body)));
        for body in self.own_models().into_iter().filter(goes).take(MOST_GOING) {
            blueprint.push(Node { needs: vec![service], ..self.gone_model(body) });
        }
        blueprint
    }

    /// Nothing is registered for a service whose name another one has, nor while nobody knows: it may be one to adopt,
    /// with the model that it runs.
    fn taken(&self, service: &Node) -> Option<Cause> {
        match look(service, self.observed, self.cr.recorded()) {
            Seen::Foreign(owner) => Some(adoption_refused(service, owner.as_deref())),
            Seen::Unread(failure) => Some(Cause::from(&failure)),
            _ => None,
        }
    }

    /// The versions that an adopted service runs stay with it, and those that another's service runs by now.
    fn stay_in_use(&self) -> Vec<String> {
        let service = service_node(self.cr, self.observed, &self.workspace, Goal::Gone);
        let anothers = matches!(look(&service, self.observed, self.cr.recorded()), Seen::Foreign(_));
        let stands = self.observed.azure_body(&WEB_SERVICE, &service.id).filter(|_| service.retained || anothers);
        stands.map(|stands| web_service::model_ids(stands).into_iter().map(Into::into).collect()).unwrap_or_default()
    }

    /// Takes what an adopted service runs for the wanted content where it is: the script, and if none of ours is
    /// registered the model, whose id is given.
    fn content_of_others(&self, inputs: &mut Inputs, unregistered: bool) -> Result<Option<ResourceId>, Cause> {
        let Some(theirs) = ContentOfOthers::of(self.cr, self.observed, &self.workspace) else { return Ok(None) };
        let script = &inputs.script;
        if let (false, Some(payload)) = (script.packed, theirs.script(&script.payload)?) {
            inputs.script.payload = payload;
        }
        match &inputs.model {
            Source::Content(content) if unregistered => theirs.model(content),
            _ => Ok(None),
        }
    }

    fn model_of_others(&self, content: &Content, id: &ResourceId) -> Node {
        Node { payloads: content.payloads.clone(), ..referred(self.observed, id.clone()) }
    }

    fn gone_model(&self, body: &Value) -> Node {
        let mark = Mark::ModelProperty(self.owner.key.clone());
        Node::new(&MODEL_VERSION, self.model_id(body), Goal::Gone, Value::Null, mark)
    }

    fn workspace_node(&self) -> Node {
        let id = self.workspace.clone();
        let absent = self.observed.azure(&WORKSPACE, &id) == Fact::Absent;
        let missing = workspace::missing(&id);
        let node = Node::new(&WORKSPACE, id, Goal::Present, Value::Object(Map::new()), Mark::None);
        Node { hold: Hold::Referenced, blocked: absent.then_some(missing), ..node }
    }

    fn subnet_unknown(&self) -> Cause {
        match self.observed.fact(&Question::DelegatedSubnet(self.cr.spec.network.subnet_ref.name.clone())) {
            Fact::Unread(failure) => Cause::from(&failure),
            Fact::Absent | Fact::Present(_) => subnet_missing(self.cr),
        }
    }

    /// Azure ML looks for the network by name in the workspace's group, and would silently take another of that name.
    fn same_group(&self, subnet: &DelegatedSubnet) -> Result<(), Cause> {
        let network = &subnet.spec.virtual_network;
        let group = network.resource_group.as_deref().unwrap_or(&subnet.spec.azure.resource_group);
        let workspace = self.workspace.resource_group().unwrap_or_default();
        let same = self.workspace.subscription().eq_ignore_ascii_case(&subnet.spec.azure.subscription_id);
        if same && crate::id::same(group, workspace) {
            return Ok(());
        }
        Err(Cause::person(
            reasons::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP,
            format!(
                "virtual network {} lies in resource group {group}, the workspace in {workspace}; Azure ML looks for \
                 the network in the workspace's group only: use a network or a workspace of the other's group",
                network.name
            ),
        ))
    }

    /// Nothing is begun in a network of another region.
    fn same_region(&self, subnet: &DelegatedSubnet) -> Result<(), Cause> {
        let id = web_service::id(&self.workspace, service_name(self.cr));
        let begun = self.observed.azure_body(&WEB_SERVICE, &id).is_some();
        match network_cause(subnet) {
            Some(cause) if cause.reason == reasons::REGION_MISMATCH && !begun => Err(cause),
            _ => Ok(()),
        }
    }

    fn models_question(&self) -> Question {
        models_question(self.cr, self.observed, &self.workspace)
    }

    /// Versions that carry our mark, the lowest first.
    fn own_models(&self) -> Vec<&Value> {
        let list = self.observed.body(&self.models_question()).and_then(Value::as_array);
        let ours = |body: &&Value| model_version::property(body, OWNER_TAG) == Some(&self.owner.key);
        let mut list: Vec<&Value> = list.into_iter().flatten().filter(ours).collect();
        list.sort_by_cached_key(|body| model_version::version(body).parse::<u64>().unwrap_or(u64::MAX));
        list
    }

    fn model_id(&self, body: &Value) -> ResourceId {
        self.workspace.child("models", &model_version::label(body))
    }

    fn with_key(&self, digest: &str) -> Vec<&Value> {
        let key = model_version::key(&self.owner, &self.cr.spec.model, digest);
        let same = |body: &&Value| model_version::property(body, KEY_PROPERTY) == Some(&key);
        self.own_models().into_iter().filter(same).collect()
    }

    fn model(&self, source: &Source, registered: Option<&&Value>) -> Node {
        match source {
            Source::Content(content) => self.own_model(content, registered),
            Source::Registered(id) => referred(self.observed, id.clone()),
        }
    }

    fn own_model(&self, content: &Content, registered: Option<&&Value>) -> Node {
        let (spec, digest) = (&self.cr.spec.model, &content.digest);
        let key = model_version::key(&self.owner, spec, digest);
        let id = match registered {
            Some(body) => self.model_id(body),
            None => model_version::unregistered(&self.workspace, &spec.name, &key),
        };
        let body = model_version::body(&self.owner, spec, digest);
        let node = Node::new(&MODEL_VERSION, id, Goal::Present, body, Mark::ModelProperty(self.owner.key.clone()));
        Node { payloads: content.payloads.clone(), ..node }
    }

    fn service(&self, subnet: &DelegatedSubnet, inputs: Inputs, model: &str) -> Node {
        let node = service_node(self.cr, self.observed, &self.workspace, Goal::Present);
        let (content, same_content) = self.content(&inputs, model, self.observed.azure_body(&WEB_SERVICE, &node.id));
        let user = self.cr.spec.azure.as_ref().map(|azure| azure.tags.as_slice()).unwrap_or_default();
        let body = Service {
            name: service_name(self.cr),
            description: self.cr.spec.description.as_deref(),
            tags: service_tags(user, &self.owner.key),
            properties: settings::properties(self.cr),
            owner: &self.owner.key,
            location: &subnet.spec.azure.location,
            virtual_network: &subnet.spec.virtual_network.name,
            subnet: &subnet.spec.subnet.name,
            cpu_tenths: cpu_tenths(&self.cr.spec.resources.cpu),
            memory_tenths: memory_tenths(&self.cr.spec.resources.memory),
            needs_key: secrets::needs_key(self.cr),
            tls: tls::wanted(self.cr, self.observed),
            app_insights: settings::app_insights(self.cr),
            data_collection: settings::data_collection(self.cr),
            encryption: settings::encryption(self.cr),
            image: inputs.image(self.cr, model),
            content: &content,
        }
        .body();
        let stands = self.observed.azure_body(&WEB_SERVICE, &node.id);
        let keys = secrets::first_keys(self.cr, self.observed);
        let sealed = image::sealed(self.cr).chain(keys).chain(tls::sealed(self.cr)).collect();
        let node = Node { body, payloads: vec![image::driver(), inputs.script.payload], sealed, ..node };
        let node = adoption::adopting(self.cr, self.observed, node);
        let live = if same_content { vec![format!("kvTags.{CONTENT_TAG}")] } else { self.live(&node, stands) };
        let node = restart::asked_for(self.cr, Node { live, ..node });
        let blocked = if self.creates(&node, stands) { self.network_blocked(&node, subnet) } else { None };
        Node { blocked, retry_due: stands.is_some_and(|stands| self.retry_due(stands)), ..node }
    }

    /// The content tag, and whether it says of the same content what a release before said by versions of Secrets. Where drift
    /// is to be left, that one stays.
    fn content(&self, inputs: &Inputs, model: &str, stands: Option<&Value>) -> (String, bool) {
        let by_versions = inputs.content_by_versions(self.cr, self.observed, model);
        let same = by_versions.filter(|tag| stands.and_then(content_tag) == Some(tag));
        match same {
            Some(tag) if self.cr.drift_mode() != DriftMode::Correct => (tag, true),
            same => (inputs.content(self.cr, self.observed, model), same.is_some()),
        }
    }

    /// An adopted service that is made of what is wanted only lacks the tag that tells its content.
    fn live(&self, node: &Node, stands: Option<&Value>) -> Vec<String> {
        let untold = |stands: &&Value| content_tag(stands).is_none();
        let image = node.body.get("environmentImageRequest");
        let same = stands.filter(untold).zip(image).is_some_and(|(stands, image)| is_made_of(stands, image));
        if node.adopted && same { vec![format!("kvTags.{CONTENT_TAG}")] } else { Vec::new() }
    }

    /// Whether it is to be made, now or after what stands was deleted. One that stands is not disturbed.
    fn creates(&self, node: &Node, stands: Option<&Value>) -> bool {
        let replaces = |stands| {
            let keys = record_of(node, self.cr.recorded()).map(|record| record.keys.as_slice()).unwrap_or_default();
            let differs = web_service::differs(&node.body, stands, keys);
            differs.iter().any(|one| (WEB_SERVICE.change)(&one.path) == Change::Replace)
        };
        stands.is_none_or(replaces)
    }

    fn network_blocked(&self, node: &Node, subnet: &DelegatedSubnet) -> Option<Cause> {
        let record = record_of(node, self.cr.recorded());
        let counted = record.is_some_and(|one| matches!(one.origin, Some(Origin::Created | Origin::Adopted)));
        network_cause(subnet).or_else(|| full(subnet).filter(|_| !counted))
    }

    /// Quotas and indexes recover: the same content is tried again after ten minutes, a crash after an hour, and when a
    /// person asks for a look. What still has a container is left to Azure, which restarts it.
    fn retry_due(&self, stands: &Value) -> bool {
        let operation = operation_question(&self.workspace, stands);
        let cause = cause::of_service(stands, operation.as_ref().and_then(|one| self.observed.body(one)), None);
        let ends = [reasons::SCORING_SCRIPT_CRASHED, reasons::OUT_OF_MEMORY].contains(&cause.reason);
        let wait = if ends { 3600 } else { 600 };
        let time = |name: &&str| stands.get(*name)?.as_str()?.parse::<Timestamp>().ok();
        let touched = ["updatedTime", "createdTime"].iter().find_map(time);
        let since = touched.map(|touched| self.now.as_second() - touched.as_second());
        !web_service::still_runs(stands) && (self.cr.asked() || since.is_some_and(|since| since > wait))
    }
}

/// Why nothing can be made in a subnet.
fn network_cause(subnet: &DelegatedSubnet) -> Option<Cause> {
    let name = subnet.metadata.name.as_deref().unwrap_or_default();
    if subnet.deleting() {
        let message = format!("DelegatedSubnet {name} is being deleted; refer to another one");
        return Some(Cause::person(reasons::WAITING_FOR_SUBNET, message));
    }
    let conditions = subnet.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    (!is_usable(conditions)).then(|| subnet_not_ready(name, subnet))
}

/// Whether container groups can be made in a subnet: also while a change of what else belongs to it is refused. That it
/// has no NAT gateway keeps none from being made when it is Ready either.
fn is_usable(conditions: &[Condition]) -> bool {
    let parts = [types::VIRTUAL_NETWORK_READY, types::DELEGATED, types::EGRESS_READY];
    let stands = |one: &Condition| one.status == "True" || one.reason == reasons::NO_NAT_GATEWAY;
    let not_ready = find(conditions, types::READY).is_some_and(|ready| ready.status == "False");
    is_true(conditions, types::READY)
        || not_ready && parts.iter().all(|part| find(conditions, part).is_some_and(stands))
}

fn full(subnet: &DelegatedSubnet) -> Option<Cause> {
    let name = subnet.metadata.name.as_deref().unwrap_or_default();
    let capacity = subnet.status.as_ref().and_then(|status| status.capacity.as_ref());
    let total = capacity.filter(|capacity| capacity.available == 0)?.total;
    let message = format!("all {total} addresses of DelegatedSubnet {name} are in use");
    Some(Cause::person(reasons::SUBNET_FULL, format!("{message}; delete a deployment, or use a larger subnet")))
}

/// The subnet's own root cause, when it is one that the deployment's owner has to know as such.
fn subnet_not_ready(name: &str, subnet: &DelegatedSubnet) -> Cause {
    let ready = subnet.status.as_ref().and_then(|status| find(&status.conditions, types::READY));
    let passed_on = [
        reasons::SUBNET_NOT_DELEGATED,
        reasons::SUBNET_IN_USE_BY_OTHER,
        reasons::REGION_MISMATCH,
        reasons::SUBNET_FULL,
        reasons::NO_NAT_GATEWAY,
    ];
    let reason = ready.and_then(|ready| passed_on.into_iter().find(|one| *one == ready.reason));
    let why =
        ready.map_or_else(|| "not looked at yet".to_owned(), |ready| format!("{}: {}", ready.reason, ready.message));
    let message = scrub::clean(&format!("DelegatedSubnet {name} is not ready: {why}"));
    // its watch tells when it is
    Cause { retry: Retry::Slowly, ..Cause::person(reason.unwrap_or(reasons::WAITING_FOR_SUBNET), message) }
}

/// Where the subnet has no way out, a web service whose image can't be pulled lacks that one first of all.
pub(in crate::describe::deployment) fn without_egress(cause: Cause, subnet: &DelegatedSubnet) -> Cause {
    match no_egress(subnet) {
        Some(why) if cause.reason == reasons::IMAGE_NOT_PULLED => {
            let name = subnet.metadata.name.as_deref().unwrap_or_default();
            let message = format!("the image can't be pulled, and DelegatedSubnet {name} has no way out: {why}");
            Cause { reason: reasons::NO_NAT_GATEWAY, message: scrub::clean(&message), ..cause }
        }
        _ => cause,
    }
}

/// What `EgressReady` of a subnet says, when it is False.
pub(in crate::describe::deployment) fn no_egress(subnet: &DelegatedSubnet) -> Option<&str> {
    let egress = find(&subnet.status.as_ref()?.conditions, types::EGRESS_READY)?;
    (egress.status == "False").then_some(egress.message.as_str())
}

/// Why the web service of this object failed, from all that was read of it.
pub(in crate::describe::deployment) fn failure_of(observed: &Observed, service: &ResourceId) -> Option<Cause> {
    let body = observed.azure_body(&WEB_SERVICE, service)?;
    let operation = service.parent().and_then(|workspace| operation_question(&workspace, body));
    let operation = operation.as_ref().and_then(|one| observed.body(one));
    Some(cause::of_service(body, operation, log_of(observed, service)))
}

/// What the container of a web service wrote last, if it was read.
pub(in crate::describe::deployment) fn log_of<'a>(observed: &'a Observed, service: &ResourceId) -> Option<&'a str> {
    observed.body(&Question::ServiceLog(service.clone())).and_then(Value::as_str)
}

/// Cores in tenths, rounded up.
pub(in crate::describe::deployment) fn cpu_tenths(cpu: &Quantity) -> u64 {
    crate::quantity::thousandths(&cpu.0).map_or(0, |milli| milli.div_ceil(100))
}

/// GB of 10^9 bytes in tenths, rounded up.
pub(in crate::describe::deployment) fn memory_tenths(memory: &Quantity) -> u64 {
    crate::quantity::thousandths(&memory.0).map_or(0, |milli| milli.div_ceil(100_000_000_000))
}
