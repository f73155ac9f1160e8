//! The nodes of an `AciVnetDeployment` with a web service.

use super::{
    adopted::{AdoptedContent, is_made_of},
    cause, image, keys, rotation, serving, settings,
    standing::{self, Standing},
};
use crate::{
    adoption,
    blueprint::{Blueprint, Goal, Hold, Node},
    describe::{
        deployment::{
            expectation,
            inputs::Inputs,
            model::{self, Content, Source, referred},
            network,
            place::{Scope, owner, subnet_missing, subnet_of, subnet_question},
            secrets,
            serving::Serving,
            tls, variables,
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
    quantity::{cpu_tenths, memory_tenths},
    questions::Question,
    refusal::adoption_refused,
    restart,
    seen::{Seen, look, record_of},
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, DriftMode, Origin, conditions::reasons};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Most model versions that one reconcile deletes; the next ones delete the rest. It bounds the plan and the writes of
/// an object (docs/limits.md).
pub const DELETIONS_AT_ONCE: usize = 64;

pub(super) struct Describer<'a> {
    pub cr: &'a AciVnetDeployment,
    pub observed: &'a Observed,
    pub now: Timestamp,
    pub owner: Owner,
    pub workspace: ResourceId,
    standing: Standing<'a>,
    serving: Serving<'a>,
}

impl<'a> Describer<'a> {
    pub(super) fn of(scope: Scope<'a>, now: Timestamp) -> Self {
        let Scope { cr, observed, workspace } = scope;
        let standing = Standing::in_workspace(cr, observed, workspace.clone());
        let serving = serving::of(cr, observed, &standing);
        Self { cr, observed, now, owner: owner(cr, observed), workspace, standing, serving }
    }

    pub(super) fn present(&self) -> Result<Blueprint, Cause> {
        let subnet = subnet_of(self.cr, self.observed).ok_or_else(|| self.subnet_unknown())?;
        self.same_group(&subnet)?;
        self.same_region(&subnet)?;
        let mut inputs = Inputs::of(self.cr, self.observed)?;
        secrets::check(self.cr, self.observed)?;
        tls::check(self.cr, self.observed, self.now)?;
        expectation::check(self.cr, self.observed)?;
        variables::check(self.cr, self.observed, &self.serving)?;
        let mut blueprint = Blueprint::default();
        let workspace = blueprint.push(self.workspace_node());
        let versions = match &inputs.model {
            Source::Content(content) => self.with_key(&content.digest),
            Source::Registered(_) => Vec::new(),
        };
        let theirs = self.use_adopted_content(&mut inputs, versions.is_empty())?;
        let model = match (&theirs, &inputs.model) {
            (Some(id), Source::Content(content)) => self.adopted_model(content, id),
            _ => self.model(&inputs.model, versions.first()),
        };
        let model = blueprint.push(Node { needs: vec![workspace], ..model });
        // a version that somebody deleted still names what runs
        let label = versions.first().map(|body| model_version::label(body));
        let label = label.or_else(|| theirs.map(|id| id.name().to_owned()));
        let label = label.or_else(|| inputs.model.known(self.cr)).unwrap_or_default();
        let service = self.service(&subnet, inputs, &label);
        blueprint.blocked = self.name_taken(&service);
        let service = blueprint.push(Node { needs: vec![workspace, model], ..service });
        if let Some(keys) = rotation::keys_node(self.cr, self.observed, &self.standing, &self.serving, service) {
            blueprint.push(keys);
        }
        // of versions with the same key the lowest stays; registrations whose answers were lost created the others
        for body in versions.iter().skip(1).take(DELETIONS_AT_ONCE) {
            blueprint.push(Node { needs: vec![service], ..self.gone_model(body) });
        }
        Ok(blueprint)
    }

    pub(super) fn gone(&self) -> Blueprint {
        if self.observed.azure(&WORKSPACE, &self.workspace) == Fact::Absent {
            return Blueprint::default();
        }
        let mut blueprint = Blueprint::default();
        let service = blueprint.push(standing::node(self.cr, self.observed, &self.workspace, Goal::Gone));
        if let Fact::Unread(failure) = self.observed.fact(&self.models_question()) {
            blueprint.blocked = Some(Cause::from(&failure));
        }
        let used = self.models_in_use();
        let goes = |body: &&Value| !used.iter().any(|one| one.eq_ignore_ascii_case(&model_version::label(body)));
        for body in self.own_models().into_iter().filter(goes).take(DELETIONS_AT_ONCE) {
            blueprint.push(Node { needs: vec![service], ..self.gone_model(body) });
        }
        blueprint
    }

    /// Blocks everything if the service's name is taken, or while that is unknown: the service may be one to adopt,
    /// together with its model, so nothing may be registered before.
    fn name_taken(&self, service: &Node) -> Option<Cause> {
        match look(service, self.observed, self.cr.recorded()) {
            Seen::Foreign(owner) => Some(adoption_refused(service, owner.as_deref())),
            Seen::Unread(failure) => Some(Cause::from(&failure)),
            _ => None,
        }
    }

    /// Model versions that must stay: those of a retained adopted service, and of a service that is no longer ours.
    fn models_in_use(&self) -> Vec<String> {
        let service = standing::node(self.cr, self.observed, &self.workspace, Goal::Gone);
        let anothers = matches!(look(&service, self.observed, self.cr.recorded()), Seen::Foreign(_));
        let actual = self.observed.azure_body(&WEB_SERVICE, &service.id).filter(|_| service.retained || anothers);
        actual.map(|actual| web_service::model_ids(actual).into_iter().map(Into::into).collect()).unwrap_or_default()
    }

    /// Uses the content of an adopted service where it is the wanted one: its script, and its model if none of ours is
    /// registered. Returns that model's id.
    fn use_adopted_content(&self, inputs: &mut Inputs, unregistered: bool) -> Result<Option<ResourceId>, Cause> {
        let Some(theirs) = AdoptedContent::of(self.cr, self.observed, &self.workspace) else { return Ok(None) };
        let script = &inputs.script;
        if let (false, Some(payload)) = (script.packed, theirs.script(&script.payload)?) {
            inputs.script.payload = payload;
        }
        match &inputs.model {
            Source::Content(content) if unregistered => theirs.model(content),
            _ => Ok(None),
        }
    }

    fn adopted_model(&self, content: &Content, id: &ResourceId) -> Node {
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
        match self.observed.fact(&subnet_question(self.cr)) {
            Fact::Unread(failure) => Cause::from(&failure),
            Fact::Absent | Fact::Present(_) => subnet_missing(self.cr),
        }
    }

    /// Refuses a network outside the workspace's group: Azure ML looks for it there by name, and would silently use
    /// another one of that name.
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
                "virtual network {} is in resource group {group}, but the workspace is in {workspace}; Azure ML looks for \
                 the network only in the workspace's group: use a network and a workspace of the same group",
                network.name
            ),
        ))
    }

    /// Refuses to begin in a network of another region.
    fn same_region(&self, subnet: &DelegatedSubnet) -> Result<(), Cause> {
        let begun = self.standing.body.is_some();
        match network::cause(subnet) {
            Some(cause) if cause.reason == reasons::REGION_MISMATCH && !begun => Err(cause),
            _ => Ok(()),
        }
    }

    fn models_question(&self) -> Question {
        model::own_versions(self.cr, self.observed, &self.workspace)
    }

    /// Model versions that carry our mark, the lowest first.
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
        let node = standing::node(self.cr, self.observed, &self.workspace, Goal::Present);
        let (content, same_content) = self.content(&inputs, model, self.observed.azure_body(&WEB_SERVICE, &node.id));
        let user = self.cr.spec.azure.as_ref().map(|azure| azure.tags.as_slice()).unwrap_or_default();
        let body = Service {
            name: standing::name(self.cr),
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
            tls: settings::tls(self.cr, self.observed),
            app_insights: settings::app_insights(self.cr),
            data_collection: settings::data_collection(self.cr),
            encryption: settings::encryption(self.cr),
            image: image::request(self.cr, &inputs, model),
            content: &content,
        }
        .body();
        let actual = self.observed.azure_body(&WEB_SERVICE, &node.id);
        let keys = keys::first(self.cr, self.observed);
        let sealed = image::sealed(self.cr).chain(keys).chain(settings::sealed(self.cr)).collect();
        let node = Node { body, payloads: vec![image::driver(), inputs.script.payload], sealed, ..node };
        let node = adoption::adopting(self.cr, self.observed, node);
        let live = if same_content { vec![format!("kvTags.{CONTENT_TAG}")] } else { self.live(&node, actual) };
        let node = restart::asked_for(self.cr, Node { live, ..node });
        let blocked = if self.creates(&node, actual) { self.network_blocked(&node, subnet) } else { None };
        Node { blocked, retry_due: actual.is_some_and(|actual| self.retry_due(actual)), ..node }
    }

    /// The content tag, and whether it only replaces an older release's tag of the same content (with versions of
    /// Secrets). Where drift is left alone, the old tag stays.
    fn content(&self, inputs: &Inputs, model: &str, actual: Option<&Value>) -> (String, bool) {
        let by_versions = image::content_by_versions(self.cr, self.observed, inputs, model);
        let same = by_versions.filter(|tag| actual.and_then(content_tag) == Some(tag));
        match same {
            Some(tag) if self.cr.drift_mode() != DriftMode::Correct => (tag, true),
            same => (image::content(self.cr, self.observed, inputs, &self.serving, model), same.is_some()),
        }
    }

    /// An adopted service with the wanted content only lacks the content tag, which touches no container.
    fn live(&self, node: &Node, actual: Option<&Value>) -> Vec<String> {
        let untold = |actual: &&Value| content_tag(actual).is_none();
        let image = node.body.get("environmentImageRequest");
        let same = actual.filter(untold).zip(image).is_some_and(|(actual, image)| is_made_of(actual, image));
        if node.adopted && same { vec![format!("kvTags.{CONTENT_TAG}")] } else { Vec::new() }
    }

    /// Whether the service has to be created, now or after its deletion. Only then does the subnet's state matter.
    fn creates(&self, node: &Node, actual: Option<&Value>) -> bool {
        let replaces = |actual| {
            let keys = record_of(node, self.cr.recorded()).map(|record| record.keys.as_slice()).unwrap_or_default();
            let differs = web_service::differs(&node.body, actual, keys);
            differs.iter().any(|one| (WEB_SERVICE.change)(&one.path) == Change::Replace)
        };
        actual.is_none_or(replaces)
    }

    fn network_blocked(&self, node: &Node, subnet: &DelegatedSubnet) -> Option<Cause> {
        let record = record_of(node, self.cr.recorded());
        let counted = record.is_some_and(|one| matches!(one.origin, Some(Origin::Created | Origin::Adopted)));
        network::cause(subnet).or_else(|| network::full(subnet).filter(|_| !counted))
    }

    /// Whether the same content is tried again: after ten minutes, since quotas and package indexes recover; after an
    /// hour if the script crashed; or when a person requests a reconcile. A service that still has a container is left
    /// to Azure, which restarts it.
    fn retry_due(&self, actual: &Value) -> bool {
        let cause = cause::of_service(actual, self.standing.operation(self.observed), None);
        let ends = [reasons::SCORING_SCRIPT_CRASHED, reasons::OUT_OF_MEMORY].contains(&cause.reason);
        let wait = if ends { 3600 } else { 600 };
        let time = |name: &&str| actual.get(*name)?.as_str()?.parse::<Timestamp>().ok();
        let touched = ["updatedTime", "createdTime"].iter().find_map(time);
        let since = touched.map(|touched| self.now.as_second() - touched.as_second());
        !web_service::still_runs(actual) && (self.cr.asked() || since.is_some_and(|since| since > wait))
    }
}
