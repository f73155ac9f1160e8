//! A `DelegatedSubnet` as a [`Subject`]: its questions and limits. Its nodes are in `blueprint`, its status in `report`.

mod address_space;
mod associations;
mod blueprint;
mod compute;
mod egress;
pub(super) mod ids;
mod report;

pub use ids::virtual_network_of;

use crate::{
    blueprint::Blueprint,
    conditions,
    describe::{marks::owner_of, size},
    kind::Phase,
    kinds::{
        nat_gateway::NAT_GATEWAY, network_security_group::NETWORK_SECURITY_GROUP, public_ip_address::PUBLIC_IP_ADDRESS,
        route_table::ROUTE_TABLE, subnet::SUBNET, virtual_network::VIRTUAL_NETWORK,
    },
    observed::Observed,
    outcome::{Reconcile, Report},
    questions::{AzureQuestion, Question},
    subject::{Policy, Remembered, Subject},
};
use acivnet_api::{DelegatedSubnet, DelegatedSubnetStatus, DeletionPolicy};
use blueprint::Describer;
use ids::{Ids, deployments_question, leftovers, others_question};
use jiff::Timestamp;

/// The question why a resource failed, if its answer says that it did.
fn failure_reason(question: &Question, observed: &Observed) -> Option<Question> {
    let Question::Azure(AzureQuestion::Resource(kind, id)) = question else { return None };
    let failed = matches!((kind.phase)(observed.body(question)?), Phase::Failed(_));
    failed.then(|| Question::Azure(AzureQuestion::FailureReason(id.clone())))
}

impl Subject for DelegatedSubnet {
    fn region(&self) -> &str {
        &self.spec.azure.location
    }

    fn questions(&self, observed: &Observed) -> Vec<Question> {
        if self.leaves_nothing() {
            return Vec::new();
        }
        let ids = Ids::of(self);
        let leftovers = leftovers(self, &ids);
        let mut questions = vec![others_question(&ids), deployments_question(self)];
        questions.push(Question::resource(&VIRTUAL_NETWORK, ids.virtual_network));
        questions
            .extend([Some(ids.subnet), ids.client].into_iter().flatten().map(|id| Question::resource(&SUBNET, id)));
        let makes_gateway = !ids.public_addresses.is_empty();
        let referenced = [
            (&NETWORK_SECURITY_GROUP, ids.subnet_group),
            (&ROUTE_TABLE, ids.route_table),
            (&NAT_GATEWAY, ids.nat_gateway.clone().filter(|_| !makes_gateway)),
        ];
        let referenced = referenced.into_iter().filter(|_| !self.deleting());
        let made =
            [(&NETWORK_SECURITY_GROUP, ids.security_group), (&NAT_GATEWAY, ids.nat_gateway.filter(|_| makes_gateway))];
        let addresses = ids.public_addresses.into_iter().map(|id| (&PUBLIC_IP_ADDRESS, Some(id)));
        let asked = made.into_iter().chain(addresses).chain(referenced).filter_map(|(kind, id)| Some((kind, id?)));
        questions.extend(asked.map(|(kind, id)| Question::resource(kind, id)));
        if !self.deleting() {
            let reasons: Vec<_> = questions.iter().filter_map(|question| failure_reason(question, observed)).collect();
            questions.extend(reasons);
        }
        questions.extend(leftovers.into_iter().map(|(kind, id)| Question::resource(kind, id)));
        questions.extend(compute::questions(self));
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
        if self.deleting() {
            return describer.gone();
        }
        let present = describer.present();
        Blueprint { blocked: size::too_large(&self.spec).or(present.blocked), ..present }
    }

    fn remembered(status: &DelegatedSubnetStatus) -> Remembered<'_> {
        Remembered {
            resources: &status.resources,
            approved: None,
            settled_generation: status.settled_generation,
            last_handled: status.last_handled_reconcile_at.as_deref(),
        }
    }

    fn without_progress(status: &DelegatedSubnetStatus) -> DelegatedSubnetStatus {
        DelegatedSubnetStatus {
            resources: Vec::new(),
            capacity: None,
            occupants: Vec::new(),
            service_association_links: Vec::new(),
            conditions: conditions::without_progress(&status.conditions),
            ..status.clone()
        }
    }

    fn report(&self, reconcile: &Reconcile<'_>) -> Report<DelegatedSubnetStatus> {
        report::report(self, reconcile)
    }

    fn policy(&self) -> Policy<'_> {
        Policy {
            suspend: self.spec.suspend == Some(true),
            drift: self.spec.drift.as_ref(),
            deletion: self.spec.deletion.as_ref(),
            adoption: self.spec.adoption.unwrap_or_default(),
        }
    }

    fn orphan(&mut self) {
        self.spec.deletion.get_or_insert_default().policy = Some(DeletionPolicy::Orphan);
    }

    fn has_new_inputs(&self, _observed: &Observed) -> bool {
        false
    }
}
