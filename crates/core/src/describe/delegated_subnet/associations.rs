//! What the delegated subnet is associated with.

use super::blueprint::Describer;
use crate::{
    blueprint::{Blueprint, Goal, Hold, Node},
    failure::Cause,
    id::ResourceId,
    kind::{Kind, elsewhere},
    kinds::{network_security_group::NETWORK_SECURITY_GROUP, route_table::ROUTE_TABLE, subnet::Associations},
    observed::Fact,
    owner::Mark,
    seen::record_of,
    subject::Subject,
};
use acivnet_api::conditions::reasons;
use serde_json::json;

impl Describer<'_> {
    pub(super) fn associations(&self) -> Associations {
        let endpoints = &self.cr.spec.subnet.service_endpoints;
        Associations {
            network_security_group: self.ids.subnet_group.clone(),
            route_table: self.ids.route_table.clone(),
            nat_gateway: self.ids.nat_gateway.clone(),
            service_endpoints: endpoints.iter().map(|one| one.service.clone()).collect(),
        }
    }

    /// The associations that were once written to a subnet that exists.
    pub(super) fn written(&self, subnet: &Node) -> &[String] {
        let exists = self.observed.azure_body(subnet.kind, &subnet.id).is_some();
        let record = record_of(subnet, self.cr.recorded()).filter(|_| exists);
        record.map(|record| record.keys.as_slice()).unwrap_or_default()
    }

    /// Adds the resources that the delegated subnet refers to, and returns the indexes of the nodes it needs. A group
    /// that is created here already has a node, `own`.
    pub(super) fn push_associated(&self, blueprint: &mut Blueprint, own: Option<usize>) -> Vec<usize> {
        let mut needs = Vec::new();
        match &self.ids.subnet_group {
            Some(id) if self.ids.security_group.as_ref() == Some(id) => needs.extend(own),
            Some(id) => {
                let (field, reason) = ("subnet.networkSecurityGroupID", reasons::SECURITY_GROUP_NOT_FOUND);
                needs.push(blueprint.push(self.referenced(&NETWORK_SECURITY_GROUP, id, field, reason)));
            }
            None => {}
        }
        if let Some(id) = &self.ids.route_table {
            let (field, reason) = ("subnet.routeTableID", reasons::ROUTE_TABLE_NOT_FOUND);
            needs.push(blueprint.push(self.referenced(&ROUTE_TABLE, id, field, reason)));
        }
        needs.extend(self.push_egress(blueprint));
        needs
    }

    /// A resource that a field names by its id. It must exist, in the network's region.
    pub(super) fn referenced(&self, kind: &'static Kind, id: &ResourceId, field: &str, reason: &'static str) -> Node {
        let location = &self.cr.spec.azure.location;
        let cause = match self.observed.azure(kind, id) {
            Fact::Absent => {
                Some(Cause::person(reason, format!("{field}: {id} does not exist; create it, or correct the field")))
            }
            Fact::Present(body) => elsewhere(&body, location).map(|actual| {
                let message =
                    format!("{field}: {id} is in {actual}, but the network is in {location}; use one in {location}");
                Cause::person(reasons::REGION_MISMATCH, message)
            }),
            Fact::Unread(_) => None,
        };
        let node = Node::new(kind, id.clone(), Goal::Present, json!({"location": location}), Mark::None);
        Node { hold: Hold::Referenced, blocked: cause, ..node }
    }
}
