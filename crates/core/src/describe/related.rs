//! What an object needs to know of related objects: little of each, since there may be many.

use super::{
    delegated_subnet::ids::{deployments_question, virtual_network_of},
    deployment::service_name,
};
use crate::{
    id::same,
    kinds::virtual_network::{self, VIRTUAL_NETWORK},
    names::Names,
    observed::Observed,
    owner::tag,
    questions::Question,
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, Management, Tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An `AciVnetDeployment`, as far as its subnet needs to know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetUser {
    /// `metadata.name`.
    pub name: String,
    /// It is being deleted.
    pub deleting: bool,
    /// Name of its service in Azure.
    pub service: String,
    /// Its private address, while it serves.
    pub address: Option<String>,
}

/// A `DelegatedSubnet`, as far as others in the same virtual network need to know it. Any tenant can name any network,
/// so from other namespaces only objects count that were once seen to reach it ([`has_reached_network`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sibling {
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// It is being deleted.
    pub deleting: bool,
    /// It creates the network, rather than only referring to it.
    pub creates: bool,
    /// Address prefixes of the network, sorted.
    pub prefixes: Vec<String>,
    /// Tags of the network.
    pub tags: Vec<Tag>,
}

impl SubnetUser {
    /// Extracts it from a deployment.
    pub fn of(cr: &AciVnetDeployment) -> Self {
        let endpoint = cr.status.as_ref().and_then(|status| status.endpoint.as_ref());
        let serving = endpoint.filter(|endpoint| endpoint.scoring_uri.is_some());
        Self {
            name: cr.metadata.name().to_owned(),
            deleting: cr.deleting(),
            service: service_name(cr).to_owned(),
            address: serving.and_then(|endpoint| endpoint.addresses.first().cloned()),
        }
    }
}

impl Sibling {
    /// Extracts it from a `DelegatedSubnet`.
    pub fn of(cr: &DelegatedSubnet) -> Self {
        let (namespace, name) = (cr.metadata.namespace(), cr.metadata.name());
        let mut prefixes = cr.spec.virtual_network.address_prefixes.clone();
        prefixes.sort();
        Self {
            created: cr.metadata.creation_timestamp.as_ref().map(|time| time.0),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            deleting: cr.deleting(),
            creates: cr.spec.virtual_network.management == Management::Create,
            prefixes,
            tags: cr.spec.azure.tags.clone(),
        }
    }

    /// Among objects with the same [`Footing`], the older one decides how the network is described.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        let age = |one: &Self| (one.created, one.namespace.clone(), one.name.clone());
        age(self) < age(other)
    }

    /// Whether the network in Azure has everything that this object describes.
    pub(super) fn describes(&self, network: &Value) -> bool {
        let stand = virtual_network::address_prefixes(network);
        let tagged = |one: &Tag| tag(network, &one.name).and_then(Value::as_str) == Some(&one.value);
        self.prefixes.iter().all(|one| stand.contains(&one.as_str())) && self.tags.iter().all(tagged)
    }

    /// Whether two descriptions of the network agree: prefixes are equal, and no tag has two values.
    pub fn describes_same_network(&self, other: &Self) -> bool {
        let same_name = |tag: &Tag, theirs: &Tag| theirs.name.eq_ignore_ascii_case(&tag.name);
        let conflicts = |tag: &Tag| other.tags.iter().any(|theirs| same_name(tag, theirs) && theirs.value != tag.value);
        self.prefixes == other.prefixes && !self.tags.iter().any(conflicts)
    }
}

/// What a `DelegatedSubnet` has in a virtual network. The one with more decides how the network is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Footing {
    /// Nothing is known.
    None,
    /// The network has everything that the object describes.
    Description,
    /// A subnet in it carries its mark.
    Subnet,
}

/// Whether the operator has ever read the network with this object's own identity. A network that is only named, or
/// could not be read, proves no rights.
pub fn has_reached_network(cr: &DelegatedSubnet) -> bool {
    let id = virtual_network_of(cr);
    let is_it = |kind: &str, text: &str| kind == VIRTUAL_NETWORK.name && same(text, id.as_str());
    let recorded = cr.recorded().iter().find(|one| is_it(&one.kind, &one.id));
    let state = recorded.and_then(|one| one.state.as_deref());
    state.is_some_and(|state| ["Settled", "Drifted", "Busy", "Failed"].contains(&state))
}

/// The deployments of the namespace that refer to this subnet.
pub(super) fn users(cr: &DelegatedSubnet, observed: &Observed) -> Vec<SubnetUser> {
    objects(observed, &deployments_question(cr))
}

/// The objects in the answer to a question about a list.
pub(super) fn objects<T: serde::de::DeserializeOwned>(observed: &Observed, question: &Question) -> Vec<T> {
    let list = observed.body(question).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| T::deserialize(one).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subnet(group: &str, recorded: &str) -> DelegatedSubnet {
        let id = format!("/subscriptions/s/resourceGroups/{recorded}/providers/Microsoft.Network/virtualNetworks/v");
        let object = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet", "metadata": {"name": "a", "namespace": "ml"},
            "spec": {"azure": {"subscriptionID": "s", "resourceGroup": group, "location": "l", "tags": [{"name": "costcenter", "value": "42"}]},
                "virtualNetwork": {"name": "v", "addressPrefixes": ["10.0.0.0/16"]}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}},
            "status": {"resources": [{"kind": "VirtualNetwork", "id": id, "state": "Settled"}]}});
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_network_is_the_one_that_was_reached_in_any_case_of_any_script() {
        for (group, recorded, reached) in [("g", "G", true), ("Ünï-rg", "ünÏ-RG", true), ("g", "h", false)] {
            assert_eq!(has_reached_network(&subnet(group, recorded)), reached, "{group} {recorded}");
        }
    }

    #[test]
    fn a_network_stands_as_described_whatever_the_case_of_its_tags() {
        let one = Sibling::of(&subnet("g", "g"));
        for (tags, described) in [
            (json!({"CostCenter": "42", "theirs": "1"}), true),
            (json!({"costcenter": "43"}), false),
            (json!({}), false),
        ] {
            let network = json!({"tags": tags, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}});
            assert_eq!(one.describes(&network), described, "{tags}");
        }
    }
}
