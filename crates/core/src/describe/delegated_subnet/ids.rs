//! The Azure ids of a `DelegatedSubnet`, and the questions about the objects around it.

use crate::{
    id::ResourceId,
    kind::Kind,
    kinds::{
        nat_gateway::{self, NAT_GATEWAY},
        network_security_group::{self as security_group, NETWORK_SECURITY_GROUP},
        public_ip_address::{self, PUBLIC_IP_ADDRESS},
        subnet, virtual_network,
    },
    questions::{ClusterQuestion, Question},
    subject::Subject,
};
use acivnet_api::{DelegatedSubnet, NatGateway, Occupant, Origin, ResourceStatus};

/// The Azure ids of a `DelegatedSubnet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ids {
    /// Its virtual network.
    pub virtual_network: ResourceId,
    /// Its delegated subnet.
    pub subnet: ResourceId,
    /// Its client subnet.
    pub client: Option<ResourceId>,
    /// The security group on the client subnet.
    pub security_group: Option<ResourceId>,
    /// The security group on the delegated subnet.
    pub subnet_group: Option<ResourceId>,
    /// The route table on the delegated subnet.
    pub route_table: Option<ResourceId>,
    /// The NAT gateway on the delegated subnet.
    pub nat_gateway: Option<ResourceId>,
    /// The public addresses of the NAT gateway, if it is created here.
    pub public_addresses: Vec<ResourceId>,
}

impl Ids {
    /// Derives the ids from the spec.
    pub fn of(cr: &DelegatedSubnet) -> Self {
        let spec = &cr.spec;
        let own = ResourceId::group_id(&spec.azure.subscription_id, &spec.azure.resource_group);
        let theirs = spec.virtual_network.resource_group.as_deref().unwrap_or(&spec.azure.resource_group);
        let network =
            virtual_network::id(&ResourceId::group_id(&spec.azure.subscription_id, theirs), &spec.virtual_network.name);
        let client = spec.client_subnet.as_ref();
        let given = |id: &Option<String>| id.as_deref().and_then(ResourceId::parse);
        let gateway = spec.egress.as_ref().and_then(|egress| egress.nat_gateway.as_ref());
        Self {
            subnet: subnet::id(&network, &spec.subnet.name),
            client: client.map(|client| subnet::id(&network, &client.name)),
            security_group: client
                .and_then(|client| client.network_security_group.as_ref())
                .map(|group| security_group::id(&own, &group.name)),
            subnet_group: given(&spec.subnet.network_security_group_id),
            route_table: given(&spec.subnet.route_table_id),
            nat_gateway: gateway.and_then(|gateway| {
                given(&gateway.id).or_else(|| Some(nat_gateway::id(&own, gateway.name.as_deref()?)))
            }),
            public_addresses: gateway.map(|gateway| public_addresses(&own, gateway)).unwrap_or_default(),
            virtual_network: network,
        }
    }
}

/// The virtual network of a `DelegatedSubnet`.
pub fn virtual_network_of(cr: &DelegatedSubnet) -> ResourceId {
    Ids::of(cr).virtual_network
}

/// The public addresses of a NAT gateway that is created here.
fn public_addresses(group: &ResourceId, gateway: &NatGateway) -> Vec<ResourceId> {
    let Some(name) = &gateway.name else { return Vec::new() };
    let count = gateway.public_ip_count.unwrap_or(1);
    (1..=count).map(|number| public_ip_address::id(group, &format!("{name}-ip{number}"))).collect()
}

/// What is recorded but no longer described, since the spec now names others, in the order in which it may be deleted.
pub(super) fn leftovers(cr: &DelegatedSubnet, ids: &Ids) -> Vec<(&'static Kind, ResourceId)> {
    let groups = [ids.security_group.as_ref(), ids.subnet_group.as_ref()].into_iter().flatten().collect();
    let described: [(&'static Kind, Vec<&ResourceId>); 3] = [
        (&NETWORK_SECURITY_GROUP, groups),
        (&NAT_GATEWAY, ids.nat_gateway.iter().collect()),
        (&PUBLIC_IP_ADDRESS, ids.public_addresses.iter().collect()),
    ];
    let left = |(kind, described): (&'static Kind, Vec<&ResourceId>)| {
        let ours = |one: &&ResourceStatus| one.kind == kind.name && one.origin != Some(Origin::Referenced);
        let recorded = cr.recorded().iter().filter(ours).filter_map(|one| ResourceId::parse(&one.id));
        let left = recorded.filter(move |id| !described.contains(&id));
        left.map(|id| (kind, id)).collect::<Vec<_>>()
    };
    described.into_iter().flat_map(left).collect()
}

/// The occupant of this namespace to which the status last attributed a container group.
pub(super) fn was_ours<'c>(cr: &'c DelegatedSubnet, group: &str) -> Option<&'c Occupant> {
    let known = cr.status.as_ref().map(|status| status.occupants.as_slice()).unwrap_or_default();
    known.iter().find(|one| one.managed && is_group_of(group, &one.name))
}

/// Whether a container group is that of a service: Azure ML names it after the service, followed by a hash of the
/// workspace. Azure answers the ids of address holders in capitals.
pub(super) fn is_group_of(group: &str, service: &str) -> bool {
    let begins = group.get(..service.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(service));
    begins && group.get(service.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The other objects in the same virtual network.
pub(super) fn others_question(ids: &Ids) -> Question {
    Question::Cluster(ClusterQuestion::OtherDelegatedSubnets { virtual_network: ids.virtual_network.clone() })
}

/// The deployments of the namespace that refer to this subnet.
pub(in crate::describe) fn deployments_question(cr: &DelegatedSubnet) -> Question {
    Question::Cluster(ClusterQuestion::Deployments { subnet: cr.metadata.name.clone().unwrap_or_default() })
}
