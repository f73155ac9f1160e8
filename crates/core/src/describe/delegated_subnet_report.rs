//! What is said of a `DelegatedSubnet`.

use super::delegated_subnet::{Ids, objects};
use crate::{
    blueprint::{Goal, Node},
    conditions::{Conditions, find},
    failure::Cause,
    id::ResourceId,
    kinds::{
        network_security_group::NETWORK_SECURITY_GROUP,
        subnet::{self, SUBNET},
        virtual_network::VIRTUAL_NETWORK,
    },
    plan::{Action, Done, Held, Seen, Step},
    questions::Question,
    report::{self, Next, Report},
    retry::Retry,
    subject::{Pass, Subject},
};
use acivnet_api::{
    AciVnetDeployment, Capacity, DelegatedSubnet, DelegatedSubnetStatus, DriftMode, Occupant, RECONCILE_REQUESTED_AT,
    conditions::{reasons, types},
};
use std::time::Duration;

pub(super) fn report(cr: &DelegatedSubnet, pass: &Pass<'_>, done: Option<&Done>) -> Report<DelegatedSubnetStatus> {
    let reporter = Reporter { cr, pass, done, ids: Ids::of(cr), cause: report::root_cause(pass, done) };
    if cr.deleting() { reporter.leaving() } else { reporter.standing() }
}

struct Reporter<'a> {
    cr: &'a DelegatedSubnet,
    pass: &'a Pass<'a>,
    done: Option<&'a Done>,
    ids: Ids,
    cause: Option<Cause>,
}

impl Reporter<'_> {
    fn standing(self) -> Report<DelegatedSubnetStatus> {
        let mut status = self.status();
        let mut conditions = self.conditions();
        let (ready, reason, message) = self.ready();
        conditions.set(types::READY, ready, reason, message.clone());
        self.parts(&mut conditions);
        self.capacity_condition(&mut conditions, &status);
        if self.cr.drift_mode() != DriftMode::Ignore {
            report::drift_condition(&mut conditions, &status.drift);
        }
        let cause = self.open_cause();
        report::progress(&mut conditions, cause.as_ref(), self.pass.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let last = self.cr.status.as_ref().and_then(|status| find(&status.conditions, types::READY));
        let mut events = report::write_events(self.pass, self.done, self.cr.had_settled());
        events.extend(report::ready_event(last.map(|one| one.reason.as_str()), reason, ready == Some(true), &message));
        let sweep = Duration::from_secs(self.cr.interval_seconds());
        Report { status, events, next: report::next(self.pass, self.done, self.cause.as_ref(), sweep), release: false }
    }

    fn leaving(self) -> Report<DelegatedSubnetStatus> {
        let mut status = self.status();
        let mut conditions = self.conditions();
        let release = self.pass.plan.settled() && !self.pass.blueprint.incomplete && self.cause.is_none();
        conditions.set(types::READY, Some(false), reasons::DELETING, "being deleted");
        let blocking = self.cause.as_ref();
        if let Some(cause) = blocking {
            conditions.set(types::DELETION_BLOCKED, Some(true), cause.reason, cause.message.clone());
        }
        let going = Cause::passing(reasons::DELETING, "removing what was made in Azure");
        report::progress(&mut conditions, Some(blocking.unwrap_or(&going)), self.pass.observed.settings.stalled_after_seconds);
        status.conditions = conditions.build();
        let was = self.cr.status.as_ref().and_then(|status| find(&status.conditions, types::DELETION_BLOCKED));
        let mut events = report::write_events(self.pass, self.done, false);
        if let Some(cause) = blocking.filter(|cause| was.is_none_or(|was| was.reason != cause.reason)) {
            events.push(report::Event { warning: true, reason: types::DELETION_BLOCKED, action: "Delete", message: cause.message.clone() });
        }
        let next = match (release, blocking) {
            (true, _) => Next::Never,
            (false, Some(cause)) if cause.reason == reasons::SERVICE_ASSOCIATION_LINK => Next::Retry(Retry::Backoff),
            _ => report::next(self.pass, self.done, self.cause.as_ref(), Duration::from_secs(60)),
        };
        Report { status, events, next, release }
    }

    fn conditions(&self) -> Conditions<'_> {
        let last = self.cr.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        let mut conditions = Conditions::new(last, self.cr.generation(), self.pass.now);
        report::credentials(&mut conditions, &self.pass.observed.identity);
        conditions
    }

    fn status(&self) -> DelegatedSubnetStatus {
        let last = self.cr.status.clone().unwrap_or_default();
        let body = self.pass.observed.azure_body(&SUBNET, &self.ids.subnet);
        let drift = match self.cr.drift_mode() {
            DriftMode::Ignore => Vec::new(),
            _ => report::drift_items(self.pass.blueprint, self.pass.plan, self.cr.had_settled()),
        };
        let settled = self.pass.plan.settled() && self.cause.is_none();
        DelegatedSubnetStatus {
            observed_generation: Some(self.cr.generation()),
            settled_generation: if settled { Some(self.cr.generation()) } else { last.settled_generation },
            last_handled_reconcile_at: self.cr.metadata.annotations.as_ref().and_then(|all| all.get(RECONCILE_REQUESTED_AT).cloned()),
            virtual_network_id: Some(self.ids.virtual_network.to_string()),
            subnet_id: Some(self.ids.subnet.to_string()),
            subnet_label: Some(format!("{}/{}", self.ids.virtual_network.name(), self.ids.subnet.name())),
            resources: report::resources(self.pass, self.cr.recorded()),
            capacity: body.map_or(last.capacity, |body| Some(capacity(&self.cr.spec.subnet.address_prefix, subnet::ip_configurations(body).len()))),
            occupants: body.map_or(last.occupants, |body| self.occupants(&subnet::ip_configurations(body))),
            service_association_links: body.map(subnet::service_association_links).unwrap_or_default(),
            plan: report::plan_status(self.pass.blueprint, self.pass.plan),
            drift,
            conditions: Vec::new(),
        }
    }

    fn occupants(&self, holders: &[&str]) -> Vec<Occupant> {
        let name = self.cr.metadata.name.as_deref().unwrap_or_default();
        let deployments: Vec<AciVnetDeployment> = objects(self.pass.observed, &Question::Deployments);
        let ours = deployments.iter().filter(|one| one.spec.network.subnet_ref.name == name);
        let mut services = Vec::new();
        let mut list = Vec::new();
        for one in ours {
            let address = one.status.as_ref().and_then(|status| status.endpoint.as_ref()).and_then(|endpoint| endpoint.addresses.first().cloned());
            if let Some(address) = address {
                services.push(super::deployment::service_name(one).to_owned());
                list.push(Occupant { name: one.metadata.name.clone().unwrap_or_default(), address: Some(address), managed: true });
            }
        }
        let foreign = holders.iter().map(|holder| holder_name(holder)).filter(|name| !services.iter().any(|service| is_group_of(name, service)));
        list.extend(foreign.map(|name| Occupant { name: name.to_owned(), address: None, managed: false }));
        list.sort_by(|one, other| one.name.cmp(&other.name));
        list
    }

    fn step_of(&self, kind: &str, id: &ResourceId) -> Option<(&Node, &Step)> {
        let steps = self.pass.blueprint.nodes.iter().zip(&self.pass.plan.steps);
        steps.into_iter().find(|(node, _)| node.kind.name == kind && node.id == *id)
    }

    fn ready(&self) -> (Option<bool>, &'static str, String) {
        let label = format!("{}/{}", self.ids.virtual_network.name(), self.ids.subnet.name());
        let mut nodes = self.pass.blueprint.nodes.iter().zip(&self.pass.plan.steps).filter(|(node, _)| node.goal == Goal::Present);
        let usable = !self.pass.blueprint.nodes.is_empty() && nodes.all(|(_, step)| self.usable(step));
        let first = self.cr.status.as_ref().and_then(|status| find(&status.conditions, types::READY)).is_none();
        match &self.cause {
            Some(cause) if !(usable && passing(cause)) => (Some(false), cause.reason, cause.message.clone()),
            _ if usable => (Some(true), reasons::DELEGATED, format!("subnet {label} is delegated to {}", subnet::CONTAINER_GROUPS)),
            _ if self.held(&Held::Suspended) => (Some(false), reasons::SUSPENDED, "spec.suspend is true; what would be done is in status.plan".into()),
            _ if first => (None, reasons::PROGRESSING, "first seen".into()),
            _ => (Some(false), reasons::PROGRESSING, format!("making subnet {label}")),
        }
    }

    /// Settled, or it had settled and only a difference that disturbs nobody is being put back.
    fn usable(&self, step: &Step) -> bool {
        let drifted = self.cr.had_settled() && matches!(step.seen, Seen::Drifted(_) | Seen::Busy);
        matches!(step.action, Action::Keep) || drifted
    }

    fn held(&self, held: &Held) -> bool {
        self.pass.plan.steps.iter().any(|step| step.action == Action::Hold(held.clone()))
    }

    fn open_cause(&self) -> Option<Cause> {
        if self.cause.is_some() {
            return self.cause.clone();
        }
        if self.held(&Held::Suspended) {
            return Some(Cause::person(reasons::SUSPENDED, "spec.suspend is true; what would be done is in status.plan"));
        }
        let open = self.pass.plan.steps.iter().any(|step| !matches!(step.action, Action::Keep | Action::Hold(Held::DriftMode)));
        open.then(|| Cause::passing(reasons::PROGRESSING, "Azure is being brought to what the spec says"))
    }

    fn parts(&self, conditions: &mut Conditions<'_>) {
        self.part(conditions, types::VIRTUAL_NETWORK_READY, reasons::SETTLED, &[(VIRTUAL_NETWORK.name, Some(&self.ids.virtual_network))]);
        self.part(conditions, types::DELEGATED, reasons::DELEGATED, &[(SUBNET.name, Some(&self.ids.subnet))]);
        if self.cr.spec.client_subnet.is_some() {
            let parts = [(NETWORK_SECURITY_GROUP.name, self.ids.security_group.as_ref()), (SUBNET.name, self.ids.client.as_ref())];
            self.part(conditions, types::CLIENT_SUBNET_READY, reasons::SETTLED, &parts);
        }
    }

    fn part(&self, conditions: &mut Conditions<'_>, type_: &str, happy: &str, parts: &[(&str, Option<&ResourceId>)]) {
        let steps = parts.iter().filter_map(|(kind, id)| self.step_of(kind, (*id)?));
        let steps: Vec<_> = steps.collect();
        let label = steps.iter().map(|(node, _)| node.label()).collect::<Vec<_>>().join(", ");
        match steps.iter().find(|(_, step)| !self.usable(step)) {
            None if !steps.is_empty() => conditions.set(type_, Some(true), happy, format!("{label} as described")),
            None => conditions.set(type_, None, reasons::PROGRESSING, "not read yet"),
            Some((node, step)) => {
                let (met, reason, message) = unmet(node, step);
                conditions.set(type_, met, reason, message);
            }
        }
    }

    fn capacity_condition(&self, conditions: &mut Conditions<'_>, status: &DelegatedSubnetStatus) {
        match &status.capacity {
            None => conditions.set(types::CAPACITY_AVAILABLE, None, reasons::PROGRESSING, "the subnet is not there yet"),
            Some(one) if one.available > 0 => conditions.set(types::CAPACITY_AVAILABLE, Some(true), reasons::ADDRESSES_FREE, "the subnet has free addresses"),
            Some(one) => conditions.set(types::CAPACITY_AVAILABLE, Some(false), reasons::SUBNET_FULL, format!("all {} addresses of {} are in use", one.total, self.cr.spec.subnet.address_prefix)),
        }
    }
}

/// Faults of the line while everything is known to stand do not take readiness away.
fn passing(cause: &Cause) -> bool {
    [reasons::BUSY, reasons::THROTTLED].contains(&cause.reason)
}

fn unmet(node: &Node, step: &Step) -> (Option<bool>, &'static str, String) {
    match (&step.action, &step.seen) {
        (Action::Hold(Held::Refused(cause)), _) => (Some(false), cause.reason, cause.message.clone()),
        (Action::Hold(Held::Unread(failure)), _) => (None, failure.reason, failure.message.clone()),
        (_, Seen::Absent) => (Some(false), reasons::ABSENT, format!("{} is not there yet", node.label())),
        (_, Seen::Failed { why, .. }) => (Some(false), reasons::AZURE_REFUSED, format!("{}: {}", node.label(), crate::scrub::clean(why))),
        _ => (Some(false), reasons::PROGRESSING, format!("{} is being brought to what the spec says", node.label())),
    }
}

/// Usable addresses: Azure keeps the first four and the last of a subnet (Azure Virtual Network FAQ).
fn capacity(prefix: &str, used: usize) -> Capacity {
    let length = prefix.rsplit('/').next().and_then(|bits| bits.parse::<u32>().ok()).unwrap_or(32).min(32);
    let total = (1_i64 << (32 - length)).saturating_sub(5).max(0);
    let used = i64::try_from(used).unwrap_or(i64::MAX);
    Capacity { total, used, available: (total - used).max(0) }
}

/// The Azure resource behind an ip configuration's id: the container group, where the id names one.
fn holder_name(id: &str) -> &str {
    let mut segments = id.split('/');
    let group = segments.by_ref().find(|segment| segment.eq_ignore_ascii_case("containerGroups")).and_then(|_| segments.next());
    group.unwrap_or_else(|| id.rsplit('/').next().unwrap_or(id))
}

/// Azure ML names the container group after the service, with a hash of the workspace behind it.
fn is_group_of(group: &str, service: &str) -> bool {
    group.strip_prefix(service).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
