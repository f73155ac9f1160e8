//! What a `DelegatedSubnet` asks and what limits it; what should stand for it is in `delegated_subnet_blueprint`.

use super::{delegated_subnet_blueprint::Describer, neighbours::SubnetUser, owner_of};
use crate::{
    blueprint::Blueprint,
    conditions,
    id::ResourceId,
    kinds::{
        network_security_group::{self as security_group, NETWORK_SECURITY_GROUP},
        route_table::ROUTE_TABLE,
        subnet::{self, SUBNET},
        virtual_network::{self, VIRTUAL_NETWORK},
    },
    observed::Observed,
    plan::{Done, Limits},
    questions::Question,
    report::Report,
    subject::{Pass, Subject},
};
use acivnet_api::{
    DelegatedSubnet, DelegatedSubnetStatus, Deletion, DeletionPolicy, Drift, DriftMode, Occupant, Origin,
    ResourceStatus,
};
use jiff::Timestamp;
use serde_json::Value;

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
}

impl Ids {
    /// Derives them from the spec.
    pub fn of(cr: &DelegatedSubnet) -> Self {
        let spec = &cr.spec;
        let own = ResourceId::group_id(&spec.azure.subscription_id, &spec.azure.resource_group);
        let theirs = spec.virtual_network.resource_group.as_deref().unwrap_or(&spec.azure.resource_group);
        let network =
            virtual_network::id(&ResourceId::group_id(&spec.azure.subscription_id, theirs), &spec.virtual_network.name);
        let client = spec.client_subnet.as_ref();
        let given = |id: &Option<String>| id.as_deref().and_then(ResourceId::parse);
        Self {
            subnet: subnet::id(&network, &spec.subnet.name),
            client: client.map(|client| subnet::id(&network, &client.name)),
            security_group: client
                .and_then(|client| client.network_security_group.as_ref())
                .map(|group| security_group::id(&own, &group.name)),
            subnet_group: given(&spec.subnet.network_security_group_id),
            route_table: given(&spec.subnet.route_table_id),
            virtual_network: network,
        }
    }
}

/// The virtual network of a `DelegatedSubnet`.
pub fn virtual_network_of(cr: &DelegatedSubnet) -> ResourceId {
    Ids::of(cr).virtual_network
}

impl Subject for DelegatedSubnet {
    type Status = DelegatedSubnetStatus;

    fn region(&self) -> &str {
        &self.spec.azure.location
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        if self.leaves_nothing() {
            return Vec::new();
        }
        let ids = Ids::of(self);
        let leftovers = leftover_groups(self, &ids);
        let mut questions = vec![others_question(&ids), deployments_question(self)];
        questions.push(Question::Azure(&VIRTUAL_NETWORK, ids.virtual_network));
        questions.extend([Some(ids.subnet), ids.client].into_iter().flatten().map(|id| Question::Azure(&SUBNET, id)));
        let referenced = Some(ids.subnet_group).filter(|_| !self.deleting()).flatten();
        let groups = ids.security_group.into_iter().chain(leftovers).chain(referenced);
        questions.extend(groups.map(|id| Question::Azure(&NETWORK_SECURITY_GROUP, id)));
        let route_table = ids.route_table.filter(|_| !self.deleting());
        questions.extend(route_table.map(|id| Question::Azure(&ROUTE_TABLE, id)));
        questions
    }

    fn describe(&self, observed: &Observed, _now: Timestamp) -> Blueprint {
        if self.leaves_nothing() {
            return Blueprint::default();
        }
        let describer = Describer {
            cr: self,
            ids: Ids::of(self),
            owner: owner_of(&observed.settings.cluster, &self.metadata),
            observed,
        };
        if self.deleting() { describer.gone() } else { describer.present() }
    }

    fn limits(&self) -> Limits {
        Limits {
            suspended: self.spec.suspend == Some(true) && !self.deleting(),
            leave_drift: self.had_settled() && !self.deleting() && self.drift_mode() != DriftMode::Correct,
            approval: None,
            identity: String::new(),
        }
    }

    fn memory(status: &DelegatedSubnetStatus) -> (&[ResourceStatus], Option<&str>) {
        (&status.resources, None)
    }

    fn essence(status: &DelegatedSubnetStatus) -> DelegatedSubnetStatus {
        DelegatedSubnetStatus {
            resources: Vec::new(),
            capacity: None,
            occupants: Vec::new(),
            service_association_links: Vec::new(),
            conditions: conditions::essence(&status.conditions),
            ..status.clone()
        }
    }

    fn report(&self, pass: &Pass<'_>, done: Option<&Done>) -> Report<DelegatedSubnetStatus> {
        super::delegated_subnet_report::report(self, pass, done)
    }

    fn status(&self) -> Option<&DelegatedSubnetStatus> {
        self.status.as_ref()
    }

    fn settled_generation(&self) -> Option<i64> {
        self.status.as_ref().and_then(|status| status.settled_generation)
    }

    fn last_handled(&self) -> Option<&str> {
        self.status.as_ref()?.last_handled_reconcile_at.as_deref()
    }

    fn drift(&self) -> Option<&Drift> {
        self.spec.drift.as_ref()
    }

    fn deletion(&self) -> Option<&Deletion> {
        self.spec.deletion.as_ref()
    }

    fn leave(&mut self) {
        self.spec.deletion.get_or_insert_default().policy = Some(DeletionPolicy::Orphan);
    }

    fn has_new_inputs(&self, _observed: &Observed) -> bool {
        false
    }
}

/// Security groups that were recorded and are no longer described: the spec named another one since.
pub(super) fn leftover_groups(cr: &DelegatedSubnet, ids: &Ids) -> Vec<ResourceId> {
    let ours = |one: &&ResourceStatus| one.origin != Some(Origin::Referenced);
    let groups = cr.recorded().iter().filter(|one| one.kind == NETWORK_SECURITY_GROUP.name).filter(ours);
    groups.filter_map(|one| ResourceId::parse(&one.id)).filter(|id| Some(id) != ids.security_group.as_ref()).collect()
}

/// The occupant of this namespace that a container group was known to belong to.
pub(super) fn was_ours<'c>(cr: &'c DelegatedSubnet, group: &str) -> Option<&'c Occupant> {
    let known = cr.status.as_ref().map(|status| status.occupants.as_slice()).unwrap_or_default();
    known.iter().find(|one| one.managed && is_group_of(group, &one.name))
}

/// Azure ML names the container group after the service, with a hash of the workspace behind it.
pub(super) fn is_group_of(group: &str, service: &str) -> bool {
    group.strip_prefix(service).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Those in the same virtual network.
pub(super) fn others_question(ids: &Ids) -> Question {
    Question::OtherDelegatedSubnets { virtual_network: ids.virtual_network.clone() }
}

/// The deployments of the namespace that name this subnet.
pub(super) fn deployments_question(cr: &DelegatedSubnet) -> Question {
    Question::Deployments { subnet: cr.metadata.name.clone().unwrap_or_default() }
}

/// The deployments of the namespace that name this subnet.
pub(super) fn users(cr: &DelegatedSubnet, observed: &Observed) -> Vec<SubnetUser> {
    objects(observed, &deployments_question(cr))
}

/// The objects behind a question that answers with a list.
pub(super) fn objects<T: serde::de::DeserializeOwned>(observed: &Observed, question: &Question) -> Vec<T> {
    let list = observed.body(question).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| serde_json::from_value(one.clone()).ok()).collect()
}
