//! The way out of the delegated subnet: its nodes and its condition.

use super::{blueprint::Describer, ids::leftovers, report::Reporter};
use crate::{
    blueprint::{Blueprint, Goal, Hold, Node},
    conditions::Conditions,
    describe::marks::tags,
    failure::Cause,
    id::ResourceId,
    kind::Kind,
    kinds::{
        nat_gateway::{self, NAT_GATEWAY},
        public_ip_address::{self, PUBLIC_IP_ADDRESS},
        subnet::{self, SUBNET},
    },
    observed::Fact,
    owner::Mark,
    plan::{Action, Held},
    scrub,
    seen::Seen,
    subject::Subject,
};
use acivnet_api::{
    EgressType,
    conditions::{reasons, types},
};
use serde_json::Value;

impl Describer<'_> {
    /// Adds the NAT gateway, with its addresses if it is created here, and returns its index.
    pub(super) fn push_egress(&self, blueprint: &mut Blueprint) -> Option<usize> {
        let id = self.ids.nat_gateway.as_ref()?;
        if self.ids.public_addresses.is_empty() {
            let field = "egress.natGateway.id";
            return Some(blueprint.push(self.referenced(&NAT_GATEWAY, id, field, reasons::NO_NAT_GATEWAY)));
        }
        let needs = self.public_addresses().map(|node| blueprint.push(node)).collect();
        self.nat_gateway().map(|node| blueprint.push(Node { needs, ..node }))
    }

    fn public_addresses(&self) -> impl Iterator<Item = Node> {
        let azure = &self.cr.spec.azure;
        let body = public_ip_address::body(&azure.location, &tags(&azure.tags, &self.owner.key));
        let ids = self.ids.public_addresses.iter();
        ids.map(move |id| self.owned(&PUBLIC_IP_ADDRESS, id.clone(), Goal::Present, body.clone()))
    }

    /// The NAT gateway, if it is created here.
    fn nat_gateway(&self) -> Option<Node> {
        let id = self.ids.nat_gateway.clone().filter(|_| !self.ids.public_addresses.is_empty())?;
        let azure = &self.cr.spec.azure;
        let tags = tags(&azure.tags, &self.owner.key);
        let body = nat_gateway::body(&azure.location, &tags, &self.ids.public_addresses);
        let claims = self.ids.public_addresses.iter().map(|id| format!("[{id}]")).collect();
        Some(Node { claims, ..self.owned(&NAT_GATEWAY, id, Goal::Present, body) })
    }

    /// A node that is ours by its tag.
    fn owned(&self, kind: &'static Kind, id: ResourceId, goal: Goal, body: Value) -> Node {
        self.adopting(Node::new(kind, id, goal, body, Mark::Tag(self.owner.key.clone())))
    }

    /// Adds the resources of ours that are to be deleted: with `all` the described ones too, otherwise only leftovers.
    /// Gateways go after the subnets, `after`; addresses go after the gateways, including those that are still
    /// described.
    pub(super) fn push_deletions(&self, blueprint: &mut Blueprint, after: &[usize], all: bool) {
        let leftovers = leftovers(self.cr, &self.ids);
        let described = self.nat_gateway().into_iter().chain(self.public_addresses()).chain(self.security_group());
        let described = described.filter(|_| all).filter(|node| node.hold == Hold::Owned);
        let deleted: Vec<_> = described.map(|node| (node.kind, node.id)).chain(leftovers).collect();
        for (kind, id) in deleted.iter().filter(|(kind, _)| *kind != &PUBLIC_IP_ADDRESS) {
            blueprint.push(Node { needs: after.to_vec(), ..self.deletion(kind, id) });
        }
        let gateways = blueprint.nodes.iter().enumerate().filter(|(_, node)| node.kind == &NAT_GATEWAY);
        let gateways: Vec<usize> = gateways.map(|(at, _)| at).collect();
        for (kind, id) in deleted.iter().filter(|(kind, _)| *kind == &PUBLIC_IP_ADDRESS) {
            blueprint.push(Node { needs: gateways.clone(), ..self.deletion(kind, id) });
        }
    }

    fn deletion(&self, kind: &'static Kind, id: &ResourceId) -> Node {
        let node = self.owned(kind, id.clone(), Goal::Gone, Value::Null);
        Node { blocked: self.used_by_others(kind, id), ..node }
    }

    /// What else uses a gateway or an address and so keeps it from being deleted. What is deleted before it, or
    /// detached from it before, does not count.
    fn used_by_others(&self, kind: &'static Kind, id: &ResourceId) -> Option<Cause> {
        let body = self.observed.azure_body(kind, id)?;
        let users = match kind {
            kind if kind == &NAT_GATEWAY => nat_gateway::subnets(body),
            kind if kind == &PUBLIC_IP_ADDRESS => public_ip_address::users(body),
            _ => return None,
        };
        let lets_go = |user: &ResourceId| {
            let gateways = leftovers(self.cr, &self.ids).into_iter().map(|(_, id)| id);
            let own = self.nat_gateway().map(|node| node.id);
            let client = self.ids.client.clone().filter(|_| self.cr.deleting());
            [Some(self.ids.subnet.clone()), client, own].into_iter().flatten().chain(gateways).any(|one| one == *user)
        };
        let users: Vec<String> = users.iter().filter(|user| !lets_go(user)).map(ToString::to_string).collect();
        let message =
            || scrub::list(&format!("{}/{} is in use: ", kind.name, id.name()), &users, "; detach it from them");
        (!users.is_empty()).then(|| Cause::person(reasons::NAT_GATEWAY_IN_USE, message()))
    }
}

impl Reporter<'_> {
    /// `EgressReady`.
    pub(super) fn egress_ready(&self, conditions: &mut Conditions<'_>) {
        let type_ = self.cr.spec.egress.as_ref().map(|egress| egress.type_);
        let (met, reason, message) = match (type_, self.reconcile.observed.azure(&SUBNET, &self.ids.subnet)) {
            (Some(EgressType::Existing), _) => {
                let message = "egress.type is Existing: the network's own way out is trusted";
                (Some(true), reasons::EXISTING_ROUTE, message.to_owned())
            }
            (Some(EgressType::None), _) => {
                let message =
                    "egress.type is None: nothing outside the network has to be reachable, not even a registry";
                (Some(true), reasons::NO_EGRESS_WANTED, message.to_owned())
            }
            (_, Fact::Unread(_)) => return conditions.keep_or_unknown(types::EGRESS_READY, "not checked yet"),
            (Some(EgressType::NATGateway), subnet) => match self.gateway_unmet(&subnet) {
                Some((reason, message)) => (Some(false), reason, message),
                None => (Some(true), reasons::NAT_GATEWAY, self.outbound()),
            },
            (None, Fact::Absent) => (None, reasons::PROGRESSING, "the subnet does not exist yet".to_owned()),
            (None, Fact::Present(subnet)) => unmanaged(&subnet),
        };
        conditions.set(types::EGRESS_READY, met, reason, message);
    }

    /// Why no traffic leaves through the wanted NAT gateway yet.
    fn gateway_unmet(&self, subnet: &Fact) -> Option<(&'static str, String)> {
        let id = self.ids.nat_gateway.as_ref()?;
        let of = |kind: &'static Kind, id: &ResourceId| self.step_of(kind.name, id);
        let steps = self.ids.public_addresses.iter().filter_map(|id| of(&PUBLIC_IP_ADDRESS, id));
        let steps: Vec<_> = steps.chain(of(&NAT_GATEWAY, id)).collect();
        if let Some(cause) = steps.iter().find_map(|step| step.refusal()) {
            return Some((cause.reason, cause.message));
        }
        if let Some(step) = steps.into_iter().find(|step| !self.usable(step)) {
            let failed = step.failure().is_some();
            let refused = matches!(step.action, Action::Hold(Held::Refused(_) | Held::Unread(_)));
            let (reason, message) = self.unmet(step);
            let told = failed || refused || matches!(step.seen, Seen::Failed { .. });
            return Some((if told { reason } else { reasons::NO_NAT_GATEWAY }, message));
        }
        let held = match subnet {
            Fact::Present(body) => {
                subnet::reference(body, "natGateway").is_some_and(|held| crate::id::same(held, id.as_str()))
            }
            Fact::Absent | Fact::Unread(_) => false,
        };
        let message = format!("NAT gateway {} is not attached to the subnet yet", id.name());
        (!held).then_some((reasons::NO_NAT_GATEWAY, message))
    }

    /// The addresses that the subnet's traffic comes from, which other firewalls have to admit.
    fn outbound(&self) -> String {
        let bodies = self.ids.public_addresses.iter();
        let bodies = bodies.filter_map(|id| self.reconcile.observed.azure_body(&PUBLIC_IP_ADDRESS, id));
        let addresses: Vec<String> = bodies.filter_map(public_ip_address::address).map(str::to_owned).collect();
        let gateway = self.ids.nat_gateway.as_ref().map(ResourceId::name).unwrap_or_default();
        match addresses.as_slice() {
            [] => format!("traffic leaves the subnet through NAT gateway {gateway}"),
            _ => {
                scrub::list(&format!("traffic leaves the subnet through NAT gateway {gateway}, from "), &addresses, "")
            }
        }
    }
}

/// The condition of a way out that `spec.egress` does not mention.
fn unmanaged(subnet: &Value) -> (Option<bool>, &'static str, String) {
    let found =
        ["natGateway", "routeTable"].into_iter().find_map(|member| Some((member, subnet::reference(subnet, member)?)));
    match found {
        Some((member, id)) => {
            let message = format!("the subnet has the {member} {id}, which is trusted and not managed here");
            (Some(true), reasons::EXISTING_ROUTE, scrub::clean(&message))
        }
        None => {
            let message = "the subnet has no NAT gateway, so container groups in it reach nothing outside and may fail to pull \
                           an image; set spec.egress to NATGateway, or to Existing if the network has another way out, or to None";
            (Some(false), reasons::NO_NAT_GATEWAY, message.to_owned())
        }
    }
}
