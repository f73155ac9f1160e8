//! Our two kinds of objects, as the operator needs them beyond what decisions need: keys, references, what the cache keeps.

use acivnet_api::{AciVnetDeployment, DelegatedSubnet, conditions::types};
use acivnet_core::{
    conditions::find,
    describe::{Sibling, has_reached_network, size::json_length, virtual_network_of},
    id::ResourceId,
    names::Names,
    observed::Observed,
    questions::{ClusterQuestion, Question},
    subject::Subject,
};
use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{Resource, core::object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// Largest tags of a network that a slim object keeps, in bytes of their JSON.
const SLIM_TAGS: usize = 4 << 10;

/// The kinds of our objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustomResource {
    /// [`acivnet_api::AciVnetDeployment`].
    AciVnetDeployment,
    /// [`acivnet_api::DelegatedSubnet`].
    DelegatedSubnet,
}

/// Names one of our objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its kind.
    pub resource: CustomResource,
    /// Its name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The key of the object of kind `S` with these names.
    pub fn new<S: Object>(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), resource: S::RESOURCE, name: name.into() }
    }
}

/// A custom resource of ours.
pub trait Object:
    Subject
    + HasStatus<Status: Send + Sync>
    + Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The kind.
    const RESOURCE: CustomResource;

    /// What it refers to.
    fn references(&self) -> Vec<Reference>;

    /// What related objects see of it.
    fn outline(&self) -> Outline;

    /// The conditions of its status.
    fn conditions(&self) -> &[Condition];

    /// How often its address has moved.
    fn moves(&self) -> u32 {
        0
    }

    /// The subnet that has to be ready before it can be.
    fn waits_for(&self) -> Option<ObjectKey> {
        None
    }

    /// Removes what can be large and only a reconcile of the object itself reads.
    fn slim(&mut self);
}

impl Object for DelegatedSubnet {
    const RESOURCE: CustomResource = CustomResource::DelegatedSubnet;

    fn references(&self) -> Vec<Reference> {
        let network = virtual_network_of(self);
        let reached = has_reached_network(self).then(|| reached_network(&network));
        [virtual_network(self.metadata.namespace(), &network)].into_iter().chain(reached).collect()
    }

    /// Deployments see the conditions; those who share the network, how it is described.
    fn outline(&self) -> Outline {
        let shown = self.status.as_ref().map(|status| {
            let condition = |one: &Condition| json!([one.type_, one.status, one.reason, one.observed_generation]);
            let conditions: Vec<Value> = status.conditions.iter().map(condition).collect();
            let full = status.capacity.as_ref().is_some_and(|capacity| capacity.available <= 0);
            json!([status.subnet_id, status.observed_generation, full, conditions])
        });
        let alike = Sibling { created: None, name: String::new(), ..Sibling::of(self) };
        Outline { shown: shown_hash(self, shown), description: hash(&json!(alike).to_string()) }
    }

    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
    }

    fn slim(&mut self) {
        let group = self.spec.client_subnet.as_mut().and_then(|client| client.network_security_group.as_mut());
        group.into_iter().for_each(|group| group.security_rules.clear());
        // whoever shares the network compares its tags
        if json_length(&self.spec.azure.tags) > SLIM_TAGS {
            self.spec.azure.tags.clear();
        }
        let Some(status) = &mut self.status else { return };
        (status.plan, status.drift, status.occupants, status.later) = Default::default();
        status.resources.iter_mut().for_each(|one| one.keys.clear());
    }
}

impl Object for AciVnetDeployment {
    const RESOURCE: CustomResource = CustomResource::AciVnetDeployment;

    fn references(&self) -> Vec<Reference> {
        let namespace = self.metadata.namespace();
        let files = self.questions(&Observed::default()).into_iter().filter_map(|question| match question {
            Question::Cluster(ClusterQuestion::ConfigMap { key, .. }) => Some(config_map(namespace, &key.name)),
            Question::Cluster(ClusterQuestion::ConfigMapFiles { name }) => Some(config_map(namespace, &name)),
            Question::Cluster(ClusterQuestion::Secret(name)) => Some(secret(namespace, &name)),
            _ => None,
        });
        let mut references = vec![subnet(namespace, &self.spec.network.subnet_ref.name)];
        references.extend(files);
        references.dedup();
        references
    }

    /// Subnets see its addresses, and whether containers hold them.
    fn outline(&self) -> Outline {
        let shown = self.status.as_ref().map(|status| {
            let healthy = find(&status.conditions, types::SERVICE_HEALTHY).map(|one| &one.status);
            json!([status.endpoint.as_ref().map(|endpoint| &endpoint.addresses), healthy])
        });
        Outline { shown: shown_hash(self, shown), description: 0 }
    }

    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
    }

    fn waits_for(&self) -> Option<ObjectKey> {
        let (namespace, subnet) = (self.metadata.namespace(), &self.spec.network.subnet_ref.name);
        Some(ObjectKey::new::<DelegatedSubnet>(namespace, subnet))
    }

    fn moves(&self) -> u32 {
        let endpoint = self.status.as_ref().and_then(|status| status.endpoint.as_ref());
        endpoint.and_then(|endpoint| u32::try_from(endpoint.moves).ok()).unwrap_or_default()
    }

    fn slim(&mut self) {
        let spec = &mut self.spec;
        spec.scoring.environment_variables.clear();
        (spec.model.tags, spec.model.properties, spec.model.description) = Default::default();
        (spec.azure, spec.description) = Default::default();
        spec.backend.azure_ml_web_service.iter_mut().for_each(|one| one.properties.clear());
        (spec.resources.cpu, spec.resources.memory) = Default::default();
        let Some(status) = &mut self.status else { return };
        (status.plan, status.drift, status.secrets, status.later) = Default::default();
        status.resources.iter_mut().for_each(|one| one.keys.clear());
    }
}

/// What related objects see of one, as hashes: two that are equal look alike to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// All that makes related objects look again.
    pub shown: u64,
    /// How it describes what it shares with others; 0 where it shares nothing.
    pub description: u64,
}

fn shown_hash<S: Object>(cr: &S, status: Option<Value>) -> u64 {
    hash(&(status.unwrap_or_default().to_string(), cr.meta().generation, cr.deleting()))
}

/// A hash that holds as long as this process.
pub(crate) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Something that an object refers to, as a hash. Two that are equal are probably the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference(u64);

impl Reference {
    /// To a thing of a kind, with names that tell it apart.
    pub(crate) fn of(kind: &str, names: [&str; 2]) -> Self {
        Self(hash(&(kind, names)))
    }
}

/// Our finalizer, on an object of a namespace.
pub(crate) fn finalizer(namespace: &str) -> Reference {
    Reference::of("finalizer", [namespace, ""])
}

/// A virtual network, as the objects of a namespace name it.
pub(crate) fn virtual_network(namespace: &str, id: &ResourceId) -> Reference {
    Reference::of("VirtualNetwork", [namespace, &id.folded()])
}

/// A virtual network that the object was seen to reach.
pub(crate) fn reached_network(id: &ResourceId) -> Reference {
    Reference::of("ReachedVirtualNetwork", ["", &id.folded()])
}

/// A `DelegatedSubnet`.
pub(crate) fn subnet(namespace: &str, name: &str) -> Reference {
    Reference::of("DelegatedSubnet", [namespace, name])
}

/// A Secret.
pub(crate) fn secret(namespace: &str, name: &str) -> Reference {
    Reference::of("Secret", [namespace, name])
}

/// A ConfigMap.
pub(crate) fn config_map(namespace: &str, name: &str) -> Reference {
    Reference::of("ConfigMap", [namespace, name])
}
