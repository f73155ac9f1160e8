//! What the shell needs of both kinds beyond what decisions need.

use crate::{packed::Mention, queue::CustomResource};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_core::{
    describe::{has_reached_network, size::json_length, virtual_network_of},
    id::ResourceId,
    names::Names,
    observed::Observed,
    questions::Question,
    subject::Subject,
};
use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{Resource, core::object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Largest tags of a network that a slim object keeps, in bytes of their JSON.
const SLIM_TAGS: usize = 4 << 10;

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
    /// Which of the two it is.
    const RESOURCE: CustomResource;

    /// What it refers to.
    fn mentions(&self) -> Vec<Mention>;

    /// The conditions of its status.
    fn conditions(&self) -> &[Condition];

    /// How often its address has moved.
    fn moves(&self) -> u32 {
        0
    }

    /// Takes off what nobody but a pass over the object itself looks at, and what can be large.
    fn slim(&mut self);
}

impl Object for DelegatedSubnet {
    const RESOURCE: CustomResource = CustomResource::DelegatedSubnet;

    fn mentions(&self) -> Vec<Mention> {
        let network = virtual_network_of(self);
        let reached = has_reached_network(self).then(|| reached_network(&network));
        [virtual_network(self.metadata.namespace(), &network)].into_iter().chain(reached).collect()
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

    fn mentions(&self) -> Vec<Mention> {
        let namespace = self.metadata.namespace();
        let files = self.questions(&Observed::default()).into_iter().filter_map(|question| match question {
            Question::ConfigMap { key, .. } => Some(config_map(namespace, &key.name)),
            Question::ConfigMapFiles { name } => Some(config_map(namespace, &name)),
            Question::Secret(name) => Some(secret(namespace, &name)),
            _ => None,
        });
        let mut mentions = vec![subnet(namespace, &self.spec.network.subnet_ref.name)];
        mentions.extend(files);
        mentions.dedup();
        mentions
    }

    fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
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

/// Our finalizer, on an object of a namespace.
pub(crate) fn finalizer(namespace: &str) -> Mention {
    Mention::of("finalizer", [namespace, ""])
}

/// A virtual network, as the objects of a namespace name it.
pub(crate) fn virtual_network(namespace: &str, id: &ResourceId) -> Mention {
    Mention::of("VirtualNetwork", [namespace, &id.folded()])
}

/// A virtual network that the object was seen to reach.
pub(crate) fn reached_network(id: &ResourceId) -> Mention {
    Mention::of("ReachedVirtualNetwork", ["", &id.folded()])
}

/// A `DelegatedSubnet`.
pub(crate) fn subnet(namespace: &str, name: &str) -> Mention {
    Mention::of("DelegatedSubnet", [namespace, name])
}

/// A Secret.
pub(crate) fn secret(namespace: &str, name: &str) -> Mention {
    Mention::of("Secret", [namespace, name])
}

/// A ConfigMap.
pub(crate) fn config_map(namespace: &str, name: &str) -> Mention {
    Mention::of("ConfigMap", [namespace, name])
}
