//! Status, conditions and events of a `DelegatedSubnet`.

use super::ids::{Ids, deployments_question, is_group_of, was_ours};
use crate::{
    blueprint::{Goal, Hold, Node},
    conditions::{Conditions, find},
    describe::related::{SubnetUser, users},
    events::{drift_event, ready_event, stalled_event, write_events},
    failure::Cause,
    fit,
    id::ResourceId,
    kinds::{
        compute_instance::COMPUTE_INSTANCE,
        network_security_group::NETWORK_SECURITY_GROUP,
        route_table::ROUTE_TABLE,
        subnet::{self, SUBNET},
        virtual_network::VIRTUAL_NETWORK,
        workspace::WORKSPACE,
    },
    observed::Fact,
    outcome::{Reconcile, Report},
    patience::progress,
    plan::{Action, Held, Step},
    report::{self, Ready, ready_unseen},
    resources::resources,
    seen::Seen,
    subject::{Subject, requested},
};
use acivnet_api::{
    Capacity, DelegatedSubnet, DelegatedSubnetStatus, Occupant, RECONCILE_REQUESTED_AT,
    conditions::{reasons, types},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use std::time::Duration;

pub(super) fn report(cr: &DelegatedSubnet, reconcile: &Reconcile<'_>) -> Report<DelegatedSubnetStatus> {
    let reporter = Reporter { cr, reconcile, ids: Ids::of(cr), cause: report::root_cause(reconcile) };
    if cr.deleting() { reporter.report_deletion() } else { reporter.report_state() }
}

pub(super) struct Reporter<'a> {
    pub(super) cr: &'a DelegatedSubnet,
    pub(super) reconcile: &'a Reconcile<'a>,
    pub(super) ids: Ids,
    cause: Option<Cause>,
}

impl Reporter<'_> {
    fn report_state(self) -> Report<DelegatedSubnetStatus> {
        let mut status = self.status();
        let mut conditions = self.begin();
        let ready = self.ready(&conditions);
        report::ready_of(&mut conditions, &ready, status.settled_generation);
        self.parts(&mut conditions);
        self.compute_ready(&mut conditions);
        self.egress_ready(&mut conditions);
        self.capacity_condition(&mut conditions, &status);
        report::drift_condition(&mut conditions, self.reconcile, self.cr.drift_mode(), &status.drift);
        progress(&mut conditions, self.open_cause().as_ref(), self.reconcile.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let mut events = write_events(self.reconcile, self.cr.had_settled());
        if let Some((met, reason, message)) = ready {
            events.extend(ready_event(self.last(), reason, met == Some(true), &message));
        }
        events.extend(drift_event(self.last(), &status.conditions, self.cr.drift_mode()));
        events.extend(stalled_event(self.last(), &status.conditions, &events));
        let sweep = Duration::from_secs(self.cr.interval_seconds());
        Report { status, events, next: report::next(self.reconcile, self.cause.as_ref(), sweep), release: false }
    }

    fn report_deletion(self) -> Report<DelegatedSubnetStatus> {
        let mut status = self.status();
        let removing = "deleting what was created in Azure";
        let said = report::deletion_report(self.cr, self.reconcile, self.last(), self.begin(), removing);
        status.conditions = said.conditions;
        Report { status, events: said.events, next: said.next, release: said.release }
    }

    fn last(&self) -> &[Condition] {
        self.cr.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
    }

    fn begin(&self) -> Conditions<'_> {
        let mut conditions = Conditions::new(self.last(), self.cr.generation(), self.reconcile.now);
        report::credentials(&mut conditions, &self.reconcile.observed.identity);
        conditions
    }

    fn status(&self) -> DelegatedSubnetStatus {
        let last = self.cr.status.clone().unwrap_or_default();
        let mode = self.cr.drift_mode();
        let settled = self.reconcile.plan.settled() && self.cause.is_none();
        let (capacity, occupants, links) = self.use_of_the_subnet(&last);
        DelegatedSubnetStatus {
            observed_generation: Some(self.cr.generation()),
            settled_generation: if settled { Some(self.cr.generation()) } else { last.settled_generation },
            last_handled_reconcile_at: requested(&self.cr.metadata, RECONCILE_REQUESTED_AT),
            virtual_network_id: Some(self.ids.virtual_network.to_string()),
            subnet_id: Some(self.ids.subnet.to_string()),
            subnet_label: Some(self.label()),
            resources: resources(self.reconcile, self.cr.recorded()),
            capacity,
            occupants,
            service_association_links: links,
            plan: report::plan_status(self.reconcile, mode, report::azure_field),
            drift: report::drift(self.reconcile, mode, self.cr.had_settled(), &last.drift),
            conditions: Vec::new(),
            later: last.later,
        }
    }

    fn label(&self) -> String {
        format!("{}/{}", self.ids.virtual_network.name(), self.ids.subnet.name())
    }

    /// Capacity, occupants and links: none if the subnet is absent, the last ones if it could not be read.
    fn use_of_the_subnet(&self, last: &DelegatedSubnetStatus) -> (Option<Capacity>, Vec<Occupant>, Vec<String>) {
        match self.reconcile.observed.azure(&SUBNET, &self.ids.subnet) {
            Fact::Absent => (None, Vec::new(), Vec::new()),
            Fact::Unread(_) => (last.capacity.clone(), last.occupants.clone(), last.service_association_links.clone()),
            Fact::Present(body) => {
                let holders = subnet::ip_configurations(&body);
                let known = self.reconcile.observed.body(&deployments_question(self.cr)).is_some();
                let occupants = if known { self.occupants(&holders) } else { last.occupants.clone() };
                let capacity = capacity(&self.cr.spec.subnet.address_prefix, holders.len());
                (Some(capacity), fit::occupants(occupants), fit::links(subnet::service_association_links(&body)))
            }
        }
    }

    fn occupants(&self, holders: &[&str]) -> Vec<Occupant> {
        let users = users(self.cr, self.reconcile.observed);
        let serving = users.iter().filter_map(|one| Some(occupant(one, Some(one.address.clone()?))));
        let mut list: Vec<Occupant> = serving.collect();
        for holder in holders.iter().map(|holder| subnet::holder(holder)) {
            let user = users.iter().find(|one| is_group_of(holder, &one.service));
            match user {
                Some(user) if user.address.is_some() => {}
                Some(user) => list.push(occupant(user, None)),
                None => list.push(match was_ours(self.cr, holder) {
                    Some(known) => Occupant { address: None, ..known.clone() },
                    None => Occupant { name: holder.to_owned(), address: None, managed: false },
                }),
            }
        }
        list.sort_by(|one, other| (&one.name, &one.address).cmp(&(&other.name, &other.address)));
        list
    }

    pub(super) fn step_of(&self, kind: &str, id: &ResourceId) -> Option<&Step> {
        self.reconcile.plan.steps.iter().find(|step| step.node.kind.name == kind && step.node.id == *id)
    }

    /// The steps of the network that should be present.
    fn wanted(&self) -> impl Iterator<Item = &Step> {
        let steps = self.reconcile.plan.steps.iter();
        steps.filter(|step| step.node.goal == Goal::Present && is_network(&step.node))
    }

    fn ready(&self, conditions: &Conditions<'_>) -> Ready {
        let known = find(self.last(), types::READY);
        let label = self.label();
        if self.reconcile.plan.blocked.is_none() && self.wanted().all(|step| self.usable(step)) {
            return Some(self.ready_as_it_stands(&label));
        }
        let Some(cause) = self.cause.clone().or_else(|| self.held_cause()) else {
            let unseen = !self.seen() && known.is_none_or(|known| known.status == "Unknown");
            return Some(match unseen {
                true => (None, reasons::PROGRESSING, format!("subnet {label} will be created")),
                false => (Some(false), reasons::PROGRESSING, format!("subnet {label} is being created or changed")),
            });
        };
        let patience = self.reconcile.observed.settings.stalled_after_seconds;
        let blind = self.wanted().any(|step| matches!(step.seen, Seen::Unread(_)));
        let unseen = blind.then(|| ready_unseen(self.last(), conditions, &cause, patience));
        unseen.flatten().unwrap_or(Some((Some(false), cause.reason, cause.message)))
    }

    /// The network can be used as it is. If a change to the spec is refused, Ready is False all the same: the spec is
    /// not in effect.
    fn ready_as_it_stands(&self, label: &str) -> (Option<bool>, &'static str, String) {
        let delegated = format!("subnet {label} is delegated to {}", subnet::CONTAINER_GROUPS);
        let notes = self.wanted().filter_map(|step| step.node.note.as_deref().map(crate::scrub::clean));
        let text = std::iter::once(delegated).chain(notes).collect::<Vec<_>>().join("; ");
        let steps = self.reconcile.plan.steps.iter();
        let mut refused = steps.filter_map(|step| Some((&step.node, step.refusal()?)));
        let settled_once = self.cr.settled_generation().is_some();
        match refused.next() {
            Some((node, cause)) if is_network(node) && settled_once && !self.cr.had_settled() => {
                (Some(false), cause.reason, format!("{text}, but the change to the spec is refused: {}", cause.message))
            }
            Some((_, cause)) => (Some(true), reasons::DELEGATED, format!("{text}, but {}", cause.message)),
            None => (Some(true), reasons::DELEGATED, text),
        }
    }

    /// Whether a node can be used: it is settled, or it settled once and only a harmless difference is being corrected.
    pub(super) fn usable(&self, step: &Step) -> bool {
        let node = &step.node;
        let settled_once = self.cr.settled_generation().is_some();
        match &step.seen {
            Seen::Settled => true,
            Seen::Drifted(_) | Seen::Busy => settled_once && (node.id != self.ids.subnet || self.still_delegated(node)),
            Seen::Unread(_) | Seen::Absent | Seen::Foreign(_) | Seen::Failed { .. } => false,
        }
    }

    fn seen(&self) -> bool {
        self.reconcile.observed.azure_body(&SUBNET, &self.ids.subnet).is_some()
    }

    fn still_delegated(&self, node: &Node) -> bool {
        self.reconcile.observed.azure_body(node.kind, &node.id).is_some_and(subnet::is_delegated)
    }

    /// The cause if a setting holds work back. Drift that is left alone counts only if it makes the subnet unusable.
    fn held_cause(&self) -> Option<Cause> {
        let unusable = |step: &Step| step.action == Action::Hold(Held::DriftMode) && !self.usable(step);
        if self.reconcile.plan.holds(&Held::Suspended) {
            let message = "spec.suspend is true; status.plan shows what would be done";
            Some(Cause::person(reasons::SUSPENDED, message))
        } else if self.wanted().any(unusable) {
            let message = "the network was changed in Azure, and spec.drift.mode leaves it as it is";
            Some(Cause::person(reasons::DRIFTED, message))
        } else {
            None
        }
    }

    /// Why work is open: what is being done, or what prevents it.
    fn open_cause(&self) -> Option<Cause> {
        let working = self.reconcile.plan.moves();
        let in_progress = || Cause::passing(reasons::PROGRESSING, "Azure is being changed to match the spec");
        self.cause.clone().or_else(|| self.held_cause()).or_else(|| working.then(in_progress))
    }

    fn parts(&self, conditions: &mut Conditions<'_>) {
        let network = (VIRTUAL_NETWORK.name, Some(&self.ids.virtual_network));
        self.part(conditions, types::VIRTUAL_NETWORK_READY, reasons::SETTLED, &[network]);
        let subnet = [
            (NETWORK_SECURITY_GROUP.name, self.ids.subnet_group.as_ref()),
            (ROUTE_TABLE.name, self.ids.route_table.as_ref()),
            (SUBNET.name, Some(&self.ids.subnet)),
        ];
        self.part(conditions, types::DELEGATED, reasons::DELEGATED, &subnet);
        if self.cr.spec.client_subnet.is_some() {
            let group = (NETWORK_SECURITY_GROUP.name, self.ids.security_group.as_ref());
            let client = (SUBNET.name, self.ids.client.as_ref());
            self.part(conditions, types::CLIENT_SUBNET_READY, reasons::SETTLED, &[group, client]);
        }
    }

    pub(super) fn part(
        &self,
        conditions: &mut Conditions<'_>,
        type_: &str,
        happy: &str,
        parts: &[(&str, Option<&ResourceId>)],
    ) {
        let steps: Vec<_> = parts.iter().filter_map(|(kind, id)| self.step_of(kind, (*id)?)).collect();
        let label = steps.iter().map(|step| step.node.label()).collect::<Vec<_>>().join(", ");
        match (&self.reconcile.plan.blocked, steps.iter().find(|step| !self.usable(step))) {
            (Some(cause), _) if type_ == types::VIRTUAL_NETWORK_READY => {
                conditions.set(type_, Some(false), cause.reason, cause.message.clone());
            }
            (_, None) => match steps.iter().find_map(|step| step.refusal()) {
                Some(cause) => conditions.set(type_, Some(false), cause.reason, cause.message),
                None => conditions.set(type_, Some(true), happy, as_described(&label, &steps)),
            },
            (_, Some(step)) if matches!(step.seen, Seen::Unread(_)) => {
                conditions.keep_or_unknown(type_, "not checked yet");
            }
            (_, Some(step)) => {
                let (reason, message) = self.unmet(step);
                conditions.set(type_, Some(false), reason, message);
            }
        }
    }

    pub(super) fn unmet(&self, step: &Step) -> (&'static str, String) {
        let node = &step.node;
        match (&step.action, &step.seen, step.failure()) {
            (_, _, Some(failure)) => (failure.reason, failure.message.clone()),
            (Action::Hold(Held::Refused(cause)), ..) => (cause.reason, cause.message.clone()),
            (_, Seen::Absent, _) => (reasons::ABSENT, format!("{} does not exist yet", node.label())),
            (_, Seen::Failed { why, .. }, _) => {
                let known = self.reconcile.observed.failure_reason(&node.id);
                let reason = known.map_or(reasons::AZURE_REFUSED, |cause| cause.reason);
                (reason, format!("{}: {}", node.label(), crate::scrub::clean(why)))
            }
            (_, Seen::Drifted(_), _) if node.id == self.ids.subnet && !self.still_delegated(node) => {
                let message = format!("{} is not delegated to {}", node.label(), subnet::CONTAINER_GROUPS);
                (reasons::SUBNET_NOT_DELEGATED, message)
            }
            _ => (reasons::PROGRESSING, format!("{} is being changed to match the spec", node.label())),
        }
    }

    fn capacity_condition(&self, conditions: &mut Conditions<'_>, status: &DelegatedSubnetStatus) {
        let prefix = &self.cr.spec.subnet.address_prefix;
        let (met, reason, message) = match &status.capacity {
            None => (None, reasons::PROGRESSING, "the subnet does not exist yet".to_owned()),
            Some(one) if one.available > 0 => {
                (Some(true), reasons::ADDRESSES_FREE, "the subnet has free addresses".to_owned())
            }
            Some(one) => {
                let message = format!("all {} addresses of {prefix} are in use", one.total);
                (Some(false), reasons::SUBNET_FULL, message)
            }
        };
        conditions.set(types::CAPACITY_AVAILABLE, met, reason, message);
    }
}

/// Whether a node is part of the network: the subnet can be used without its compute instance.
fn is_network(node: &Node) -> bool {
    node.kind != &COMPUTE_INSTANCE && !(node.kind == &WORKSPACE && node.hold == Hold::Referenced)
}

fn as_described(label: &str, steps: &[&Step]) -> String {
    let differs = steps.iter().any(|step| matches!(step.seen, Seen::Drifted(_)));
    let left = steps.iter().any(|step| matches!(step.action, Action::Hold(Held::DriftMode | Held::Suspended)));
    match (differs, left) {
        (false, _) => format!("{label} as specified"),
        (true, false) => format!("{label} in use, and being changed to match the spec"),
        (true, true) => format!("{label} in use, but different from the spec; see status.plan"),
    }
}

fn occupant(user: &SubnetUser, address: Option<String>) -> Occupant {
    Occupant { name: user.name.clone(), address, managed: true }
}

/// Usable addresses: Azure reserves the first four and the last of a subnet (Azure Virtual Network FAQ).
fn capacity(prefix: &str, used: usize) -> Capacity {
    let length = prefix.rsplit('/').next().and_then(|bits| bits.parse::<u32>().ok()).unwrap_or(32).min(32);
    let total = (1_i64 << (32 - length)).saturating_sub(5).max(0);
    let used = i64::try_from(used).unwrap_or(i64::MAX);
    Capacity { total, used, available: (total - used).max(0) }
}
