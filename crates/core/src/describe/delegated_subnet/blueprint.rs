//! The nodes of a `DelegatedSubnet`.

use super::{
    address_space::{self, AddressSpace},
    ids::{Ids, deployments_question, others_question, was_ours},
};
use crate::{
    adoption,
    blueprint::{Blueprint, Goal, Hold, Node},
    describe::{
        marks::tags,
        related::{Footing, Sibling, objects, users},
    },
    failure::Cause,
    id::ResourceId,
    kind::elsewhere,
    kinds::{
        network_security_group::{self as security_group, NETWORK_SECURITY_GROUP},
        subnet::{self, SUBNET},
        virtual_network::{self, VIRTUAL_NETWORK},
    },
    names::Names,
    observed::{Fact, Observed},
    owner::{Mark, Owner, Says},
    questions::Question,
    retry::Retry,
    scrub,
    seen::{Seen, look, record_of, was_created},
    subject::Subject,
};
use acivnet_api::{DelegatedSubnet, Management, conditions::reasons};
use serde_json::{Map, Value};

pub(super) struct Describer<'a> {
    pub cr: &'a DelegatedSubnet,
    pub ids: Ids,
    pub owner: Owner,
    pub observed: &'a Observed,
}

impl Describer<'_> {
    pub(super) fn present(&self) -> Blueprint {
        let mut blueprint = Blueprint { blocked: self.blocked(), ..Blueprint::default() };
        let network = blueprint.push(self.virtual_network());
        let group = self.security_group().map(|node| blueprint.push(node));
        let mut needs = self.push_associated(&mut blueprint, group);
        needs.push(network);
        let subnet = blueprint.push(Node { needs, ..self.delegated() });
        let needs: Vec<usize> = [Some(network), group].into_iter().flatten().collect();
        let client = self.client().map(|node| blueprint.push(Node { needs, ..node }));
        let subnets: Vec<usize> = [Some(subnet), client].into_iter().flatten().collect();
        self.push_deletions(&mut blueprint, &subnets, false);
        self.push_compute(&mut blueprint, client);
        self.wait_for_region(&mut blueprint.nodes);
        blueprint
    }

    /// Blocks the nodes that wait for nothing while the network can't be read: its region is unknown, and a resource in
    /// the wrong region could never be used.
    fn wait_for_region(&self, nodes: &mut [Node]) {
        let unread = self.unread(&Question::resource(&VIRTUAL_NETWORK, self.ids.virtual_network.clone()));
        let first = nodes.iter_mut().filter(|node| node.hold == Hold::Owned && node.needs.is_empty());
        for node in first.filter(|node| node.kind != &VIRTUAL_NETWORK && node.blocked.is_none()) {
            node.blocked.clone_from(&unread);
        }
    }

    /// The same nodes with goal and order reversed: delegated subnet, compute instance, client subnet, then security
    /// groups, NAT gateway and its addresses, and the network.
    pub(super) fn gone(&self) -> Blueprint {
        let gone = |node: Node| Node { goal: Goal::Gone, body: Value::Null, blocked: None, ..node };
        let mut blueprint = Blueprint { blocked: self.kept_by_deployments(), ..Blueprint::default() };
        let subnet = blueprint.push(Node { blocked: self.in_use(), ..gone(self.delegated()) });
        let compute = self.push_compute_deletion(&mut blueprint);
        let needs: Vec<usize> = [Some(subnet), compute].into_iter().flatten().collect();
        let client = self.client().map(|node| Node { needs, ..gone(node) });
        let held = || self.unread_group().or_else(|| self.client_in_use());
        let client = client.map(|node| blueprint.push(Node { blocked: held(), ..node }));
        let subnets: Vec<usize> = [Some(subnet), client].into_iter().flatten().collect();
        self.push_deletions(&mut blueprint, &subnets, true);
        match self.what_remains(&blueprint.nodes) {
            Remains::Network => {}
            Remains::Nothing => {
                blueprint.push(Node { needs: (0..blueprint.nodes.len()).collect(), ..gone(self.virtual_network()) });
            }
            Remains::Unknown => blueprint.incomplete = true,
        }
        blueprint
    }

    pub(super) fn adopting(&self, node: Node) -> Node {
        adoption::adopting(self.cr, self.observed, node)
    }

    fn virtual_network(&self) -> Node {
        let spec = &self.cr.spec.virtual_network;
        let mark = Mark::Tag(self.owner.cluster.clone());
        if spec.management == Management::Reference {
            let absent = self.absent(&Question::resource(&VIRTUAL_NETWORK, self.ids.virtual_network.clone()));
            let missing = || {
                Cause::person(
                    reasons::VIRTUAL_NETWORK_NOT_FOUND,
                    format!(
                        "virtual network {} does not exist; create it, or set virtualNetwork.management: Create",
                        self.ids.virtual_network
                    ),
                )
            };
            let body = Value::Object(Map::new());
            let node = Node::new(&VIRTUAL_NETWORK, self.ids.virtual_network.clone(), Goal::Present, body, Mark::None);
            return Node { hold: Hold::Referenced, blocked: absent.then(missing), ..node };
        }
        let tags = tags(&self.cr.spec.azure.tags, &self.owner.cluster);
        let body = virtual_network::body(&self.cr.spec.azure.location, &tags);
        let node = Node::new(&VIRTUAL_NETWORK, self.ids.virtual_network.clone(), Goal::Present, body, mark);
        let mut node = self.adopting(node);
        let AddressSpace { prefixes, claims, note } = self.address_space(&node);
        virtual_network::set_address_prefixes(&mut node.body, prefixes);
        Node { claims, note, blocked: self.unread(&others_question(&self.ids)), ..node }
    }

    fn address_space(&self, network: &Node) -> AddressSpace {
        let actual = self.observed.azure_body(&VIRTUAL_NETWORK, &network.id);
        let inputs = address_space::Inputs {
            wanted: &self.cr.spec.virtual_network.address_prefixes,
            actual,
            unread: matches!(self.observed.azure(&VIRTUAL_NETWORK, &network.id), Fact::Unread(_)),
            made: !network.adopted && actual.is_some_and(|actual| network.mark.on(actual) == Says::Ours),
            record: record_of(network, self.cr.recorded()),
            siblings: &self.siblings(),
        };
        inputs.address_space()
    }

    fn delegated(&self) -> Node {
        let spec = &self.cr.spec.subnet;
        let delegation = self.owner.delegation();
        let mark = Mark::Delegation(delegation.clone());
        let mut node = Node::new(&SUBNET, self.ids.subnet.clone(), Goal::Present, Value::Null, mark);
        if spec.management == Management::Create {
            node = self.adopting(node);
        }
        // our name for a delegation says that the subnet was created here
        let name = if node.adopted { subnet::UNMARKED } else { &delegation };
        node.body = subnet::delegated(&spec.address_prefix, name, &self.associations(), self.written(&node));
        node.unfit = self.unfit(&node, spec.management);
        if spec.management == Management::Create {
            return node;
        }
        let cause = match self.observed.azure(&SUBNET, &self.ids.subnet) {
            Fact::Absent => Some(Cause::person(
                reasons::SUBNET_NOT_FOUND,
                format!("subnet {} does not exist; create it, or set subnet.management: Create", self.ids.subnet),
            )),
            Fact::Present(body) if !subnet::is_delegated(&body) => Some(Cause::person(
                reasons::SUBNET_NOT_DELEGATED,
                format!(
                    "subnet {} is not delegated to {}; delegate it, or set subnet.management: Create and adoption: IfUnowned",
                    self.ids.subnet,
                    subnet::CONTAINER_GROUPS
                ),
            )),
            _ => None,
        };
        Node { hold: Hold::Referenced, mark: Mark::None, blocked: cause, ..node }
    }

    /// Why an existing subnet can't be delegated to container groups. For one that was created here, Azure's own
    /// refusal decides.
    fn unfit(&self, node: &Node, management: Management) -> Option<Cause> {
        let body = self.observed.azure_body(&SUBNET, &node.id).filter(|body| !subnet::is_delegated(body))?;
        let name = node.id.name();
        let message = if let Some(service) = subnet::other_service(body) {
            format!(
                "subnet {name} is delegated to {service}, and a subnet can have only one delegation; use another subnet"
            )
        } else {
            let made = management == Management::Create && was_created(record_of(node, self.cr.recorded()));
            let holders = subnet::ip_configurations(body);
            let first = holders.first().filter(|_| !made).map(|one| subnet::holder(one))?;
            let count = holders.len();
            format!(
                "subnet {name} is not delegated to {}, and can't be while other resources are in it ({count}, including {first}); use another subnet, or move them",
                subnet::CONTAINER_GROUPS
            )
        };
        Some(Cause::person(reasons::SUBNET_IN_USE_BY_OTHER, scrub::clean(&message)))
    }

    fn client(&self) -> Option<Node> {
        let (client, id) = (self.cr.spec.client_subnet.as_ref()?, self.ids.client.clone()?);
        let body = subnet::client(&client.address_prefix, self.ids.security_group.as_ref());
        if client.management == Management::Create {
            return Some(self.adopting_client(Node::new(&SUBNET, id, Goal::Present, body, self.client_mark())));
        }
        let missing = "create it, or set clientSubnet.management: Create";
        let missing = Cause::person(reasons::SUBNET_NOT_FOUND, format!("subnet {id} does not exist; {missing}"));
        let absent = self.absent(&Question::resource(&SUBNET, id.clone()));
        let node = Node::new(&SUBNET, id, Goal::Present, body, Mark::None);
        Some(Node { hold: Hold::Referenced, blocked: absent.then_some(missing), ..node })
    }

    /// An adopted security group does not prove that the client subnet it is on was created here.
    fn adopting_client(&self, node: Node) -> Node {
        let node = self.adopting(node);
        let actual = self.observed.azure_body(&SUBNET, &node.id);
        let created = was_created(record_of(&node, self.cr.recorded()));
        let by_group = self.security_group().is_some_and(|group| group.adopted) && !created;
        let ours = actual.is_some_and(|actual| node.mark.on(actual) == Says::Ours);
        let adopted = node.adopted || by_group && ours;
        adoption::adopted_as(node, adopted, self.cr.retains_adopted())
    }

    /// The client subnet is recognised by its security group, provided that the group is ours.
    fn client_mark(&self) -> Mark {
        let Some(group) = self.security_group().filter(|group| group.hold == Hold::Owned) else { return Mark::None };
        match look(&group, self.observed, self.cr.recorded()) {
            Seen::Foreign(_) => Mark::None,
            _ => Mark::SecurityGroup(group.id.to_string()),
        }
    }

    /// While the security group can't be read, the client subnet's owner is unknown.
    fn unread_group(&self) -> Option<Cause> {
        let group = self.ids.security_group.clone()?;
        self.unread(&Question::resource(&NETWORK_SECURITY_GROUP, group))
    }

    fn unread(&self, question: &Question) -> Option<Cause> {
        match self.observed.fact(question) {
            Fact::Unread(failure) => Some(Cause::from(&failure)),
            Fact::Present(_) | Fact::Absent => None,
        }
    }

    pub(super) fn security_group(&self) -> Option<Node> {
        let group = self.cr.spec.client_subnet.as_ref()?.network_security_group.as_ref()?;
        let id = self.ids.security_group.clone()?;
        if group.management == Management::Create {
            let tags = tags(&self.cr.spec.azure.tags, &self.owner.key);
            let body = security_group::body(&self.cr.spec.azure.location, &tags, group);
            let mark = Mark::Tag(self.owner.key.clone());
            return Some(self.adopting(Node::new(&NETWORK_SECURITY_GROUP, id, Goal::Present, body, mark)));
        }
        let absent = self.absent(&Question::resource(&NETWORK_SECURITY_GROUP, id.clone()));
        let missing = "create it, or set networkSecurityGroup.management: Create";
        let missing = format!("network security group {id} does not exist; {missing}");
        let missing = Cause::person(reasons::SECURITY_GROUP_NOT_FOUND, missing);
        let node = Node::new(&NETWORK_SECURITY_GROUP, id, Goal::Present, Value::Object(Map::new()), Mark::None);
        Some(Node { hold: Hold::Referenced, blocked: absent.then_some(missing), ..node })
    }

    fn absent(&self, question: &Question) -> bool {
        self.observed.fact(question) == Fact::Absent
    }

    /// Why nothing may be written at all.
    fn blocked(&self) -> Option<Cause> {
        self.region().or_else(|| self.differing_sibling())
    }

    fn region(&self) -> Option<Cause> {
        let body = self.observed.azure_body(&VIRTUAL_NETWORK, &self.ids.virtual_network)?;
        let wanted = &self.cr.spec.azure.location;
        let actual = elsewhere(body, wanted)?;
        Some(Cause::person(
            reasons::REGION_MISMATCH,
            format!(
                "virtual network {} is in {actual}, but spec.azure.location is {wanted}; container groups must be in the region of their network",
                self.ids.virtual_network.name()
            ),
        ))
    }

    /// All objects that create the same network must describe it alike. The one with more in it decides, among equals
    /// the older one. One in another namespace counts only if it has something in the network.
    fn differing_sibling(&self) -> Option<Cause> {
        let (own, siblings) = (Sibling::of(self.cr), self.siblings());
        let makes = |other: &&Sibling| !other.deleting && other.creates;
        let differs = siblings
            .iter()
            .filter(makes)
            .find(|other| !own.describes_same_network(other) && self.outranks(other, &own))?;
        let Sibling { namespace, name, .. } = differs;
        // a tenant must not learn the names of another tenant's objects
        let who = match *namespace == own.namespace {
            true => format!("DelegatedSubnet {namespace}/{name}"),
            false => "a DelegatedSubnet in another namespace, which already uses the network,".to_owned(),
        };
        Some(Cause::person(
            reasons::VIRTUAL_NETWORK_DIFFERS,
            format!(
                "{who} describes virtual network {} with different prefixes or tags; use the same ones, or virtualNetwork.management: Reference",
                self.ids.virtual_network.name()
            ),
        ))
    }

    fn outranks(&self, other: &Sibling, own: &Sibling) -> bool {
        let (theirs, ours) = (self.footing(other), self.footing(own));
        let counts = other.namespace == own.namespace || theirs > Footing::None;
        counts && (theirs > ours || theirs == ours && other.is_older_than(own))
    }

    /// What an object has in the network, as read from Azure in this reconcile.
    fn footing(&self, one: &Sibling) -> Footing {
        let Some(network) = self.observed.azure_body(&VIRTUAL_NETWORK, &self.ids.virtual_network) else {
            return Footing::None;
        };
        let mark = Mark::Delegation(Owner::new(&self.owner.cluster, &one.namespace, &one.name).delegation());
        let mut subnets = network.pointer("/properties/subnets").and_then(Value::as_array).into_iter().flatten();
        match subnets.any(|subnet| mark.on(subnet) == Says::Ours) {
            true => Footing::Subnet,
            false if one.describes(network) => Footing::Description,
            false => Footing::None,
        }
    }

    fn siblings(&self) -> Vec<Sibling> {
        objects(self.observed, &others_question(&self.ids))
    }

    /// The last object to go deletes the network: no other one of its namespace uses it, and a read no older than those
    /// of our own subnets shows no other subnet in it. An object that only names the network does not keep it.
    fn what_remains(&self, nodes: &[Node]) -> Remains {
        let made = self.cr.spec.virtual_network.management == Management::Create;
        let namespace = self.cr.metadata.namespace();
        let stays = |other: &Sibling| !other.deleting && other.namespace == namespace;
        if !made || self.virtual_network().retained || self.siblings().iter().any(stays) {
            return Remains::Network;
        }
        let body = self.observed.azure_body(&VIRTUAL_NETWORK, &self.ids.virtual_network);
        let standing = body.into_iter().flat_map(virtual_network::subnets);
        standing.map(|id| self.remains_for(&id, nodes)).max().unwrap_or(Remains::Nothing)
    }

    /// Whether a subnet that the network lists keeps the network.
    fn remains_for(&self, id: &ResourceId, nodes: &[Node]) -> Remains {
        let Some(own) = nodes.iter().find(|node| node.kind == &SUBNET && node.id == *id) else {
            return Remains::Network;
        };
        match look(own, self.observed, self.cr.recorded()) {
            _ if own.hold == Hold::Referenced || own.retained => Remains::Network,
            Seen::Foreign(_) => Remains::Network,
            Seen::Absent => Remains::Unknown,
            Seen::Unread(_) | Seen::Busy | Seen::Failed { .. } | Seen::Drifted(_) | Seen::Settled => Remains::Nothing,
        }
    }

    /// A `DelegatedSubnet` never deletes deployments: it waits for them and names them.
    fn kept_by_deployments(&self) -> Option<Cause> {
        let unread = self.unread(&deployments_question(self.cr)).or_else(|| self.unread(&others_question(&self.ids)));
        let users = users(self.cr, self.observed);
        let names = |leaving: bool| {
            let names = users.iter().filter(|one| one.deleting == leaving).map(|one| one.name.clone());
            Some(names.collect::<Vec<_>>()).filter(|names| !names.is_empty())
        };
        let stay = |names: Vec<String>| {
            (reasons::SUBNET_IN_USE, scrub::list("AciVnetDeployments use this subnet: ", &names, "; delete them"))
        };
        let leave = |names: Vec<String>| {
            (reasons::DELETING, scrub::list("waiting for AciVnetDeployments that are being deleted: ", &names, ""))
        };
        let (reason, message) = names(false).map(stay).or_else(|| names(true).map(leave)).unzip();
        unread.or_else(|| Some(Cause::person(reason?, message?)))
    }

    /// What keeps the delegated subnet from being deleted.
    fn in_use(&self) -> Option<Cause> {
        let body = self.observed.azure_body(&SUBNET, &self.ids.subnet)?;
        let holders: Vec<&str> = subnet::ip_configurations(body).into_iter().map(subnet::holder).collect();
        let links = subnet::service_association_links(body);
        let leaving = holders.iter().all(|holder| was_ours(self.cr, holder).is_some());
        let names: Vec<String> = holders.iter().map(|holder| (*holder).to_owned()).collect();
        let (reason, message) = match (holders.len(), links.as_slice()) {
            (0, []) => return None,
            (0, links) => {
                let after = " on the subnet for a few minutes after the last container group";
                let message = scrub::list("Azure keeps the service association link ", links, after);
                (reasons::SERVICE_ASSOCIATION_LINK, message)
            }
            _ if leaving => {
                let before = "waiting for Azure to release the addresses of ";
                (reasons::DELETING, scrub::list(before, &names, ", which was deleted"))
            }
            (count, _) => {
                let before = format!("{count} container groups in Azure use this subnet; delete them: ");
                (reasons::SUBNET_IN_USE, scrub::list(&before, &names, ""))
            }
        };
        // Azure releases addresses and links minutes after a delete: look again at an even pace, not at growing intervals
        Some(Cause { reason, message: scrub::clean(&message), retry: Retry::Steadily })
    }
}

/// What remains when this object is deleted. If subnets disagree, the greatest value counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Remains {
    Nothing,
    Network,
    /// The network was read before one of our own subnets was deleted, so that it may list a subnet that no longer exists.
    Unknown,
}
