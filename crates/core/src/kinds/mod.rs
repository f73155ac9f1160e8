//! One file per Azure type.

pub mod compute_instance;
pub mod model_version;
pub mod nat_gateway;
pub mod network_security_group;
pub mod public_ip_address;
pub mod registered_model;
pub mod resource_group;
pub mod route_table;
pub mod subnet;
pub mod virtual_network;
pub mod web_service;
pub mod workspace;

use crate::kind::Kind;

/// Every kind, for metrics, the reference and snapshots.
pub const KINDS: &[&Kind] = &[
    &resource_group::RESOURCE_GROUP,
    &virtual_network::VIRTUAL_NETWORK,
    &network_security_group::NETWORK_SECURITY_GROUP,
    &route_table::ROUTE_TABLE,
    &public_ip_address::PUBLIC_IP_ADDRESS,
    &nat_gateway::NAT_GATEWAY,
    &subnet::SUBNET,
    &workspace::WORKSPACE,
    &compute_instance::COMPUTE_INSTANCE,
    &model_version::MODEL_VERSION,
    &registered_model::REGISTERED_MODEL,
    &web_service::WEB_SERVICE,
    &web_service::keys::SERVICE_KEYS,
];

/// The kind of this short name.
pub fn by_name(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert_eq!(by_name("Subnet").map(|kind| kind.arm_type), Some("Microsoft.Network/virtualNetworks/subnets"));
    }
}
