//! The compute instance in the client subnet: its node, why it is left as it is, and what it keeps from being deleted.

use super::{blueprint::Describer, report::Reporter};
use crate::{
    blueprint::{Blueprint, Goal, Node},
    conditions::Conditions,
    describe::marks::tags,
    drift::{Difference, shown},
    failure::Cause,
    id::ResourceId,
    kinds::{
        compute_instance::{self, COMPUTE_INSTANCE},
        subnet::{self, SUBNET},
        workspace::{self, WORKSPACE},
    },
    observed::Fact,
    owner::Mark,
    plan::{Action, Held, Step},
    questions::Question,
    retry::Retry,
    scrub,
    seen::{Seen, look, record_of},
    subject::Subject,
};
use acivnet_api::{
    ComputeInstance, ComputeInstanceDeletion, DelegatedSubnet, Origin, Replace,
    conditions::{reasons, types},
};
use serde_json::Value;

fn wanted(cr: &DelegatedSubnet) -> Option<&ComputeInstance> {
    cr.spec.client_subnet.as_ref()?.compute_instance.as_ref()
}

/// The id of the compute instance's workspace.
pub(super) fn workspace_of(cr: &DelegatedSubnet) -> Option<ResourceId> {
    let (azure, wanted) = (&cr.spec.azure, wanted(cr)?);
    let group = wanted.workspace.resource_group.as_deref().unwrap_or(&azure.resource_group);
    Some(workspace::id(&ResourceId::group_id(&azure.subscription_id, group), &wanted.workspace.name))
}

pub(super) fn id_of(cr: &DelegatedSubnet) -> Option<ResourceId> {
    Some(compute_instance::id(&workspace_of(cr)?, &wanted(cr)?.name))
}

impl Describer<'_> {
    /// Adds the compute instance and its workspace; `client` is the index of its subnet.
    pub(super) fn push_compute(&self, blueprint: &mut Blueprint, client: Option<usize>) {
        let (Some(workspace), Some(node)) = (workspace_of(self.cr), self.compute()) else { return };
        let (field, reason) = ("clientSubnet.computeInstance.workspace", reasons::WORKSPACE_NOT_FOUND);
        let workspace = blueprint.push(self.referenced(&WORKSPACE, &workspace, field, reason));
        let needs = [client, Some(workspace)].into_iter().flatten().collect();
        let blocked = self.irreplaceable(&node);
        blueprint.push(Node { needs, blocked, ..node });
    }

    /// Adds the compute instance if it is deleted with the object, and returns its index.
    pub(super) fn push_compute_deletion(&self, blueprint: &mut Blueprint) -> Option<usize> {
        let node = self.compute().filter(|_| self.deletes_compute())?;
        Some(blueprint.push(Node { goal: Goal::Gone, body: Value::Null, ..node }))
    }

    fn deletes_compute(&self) -> bool {
        wanted(self.cr).and_then(|one| one.deletion).unwrap_or_default() == ComputeInstanceDeletion::Delete
    }

    fn compute(&self) -> Option<Node> {
        let (wanted, id, client) = (wanted(self.cr)?, id_of(self.cr)?, self.ids.client.as_ref()?);
        let azure = &self.cr.spec.azure;
        let tags = tags(&azure.tags, &self.owner.key);
        let body = compute_instance::body(&azure.location, &tags, client, wanted);
        Some(Node::new(&COMPUTE_INSTANCE, id, Goal::Present, body, Mark::Tag(self.owner.key.clone())))
    }

    /// Why an instance that differs from the spec is left as it is: Azure can't change one, so only replacing it would
    /// help.
    fn irreplaceable(&self, node: &Node) -> Option<Cause> {
        let name = node.id.name();
        let allowed = wanted(self.cr).and_then(|one| one.replace).unwrap_or_default() == Replace::Allowed;
        let made = record_of(node, self.cr.recorded()).is_some_and(|record| record.origin == Some(Origin::Created));
        let (reason, message) = match look(node, self.observed, self.cr.recorded()) {
            Seen::Failed { differs, .. } if allowed && (!differs.is_empty() || self.cr.asked()) => return None,
            Seen::Failed { why, .. } => (
                reasons::COMPUTE_INSTANCE_FAILED,
                format!(
                    "compute instance {name} failed: {why}; delete it in the workspace, or set replace: Allowed and request a reconcile"
                ),
            ),
            Seen::Drifted(differs) if !allowed => {
                let field = |one: &Difference| {
                    format!("{} ({} to {})", compute_instance::field(&one.path), shown(&one.have), shown(&one.want))
                };
                let fields: Vec<String> = differs.iter().map(field).collect();
                let way = "change it back, or set clientSubnet.computeInstance.replace: Allowed, which loses its disk";
                (
                    reasons::REPLACEMENT_REFUSED,
                    scrub::list(
                        &format!("compute instance {name} would have to be deleted and created again to change "),
                        &fields,
                        &format!("; {way}"),
                    ),
                )
            }
            Seen::Absent if made && !allowed => (
                reasons::COMPUTE_INSTANCE_DELETED,
                format!(
                    "compute instance {name} was deleted in Azure; set clientSubnet.computeInstance.replace: Allowed to create it again"
                ),
            ),
            _ => return None,
        };
        Some(Cause::person(reason, scrub::clean(&message)))
    }

    /// What keeps a client subnet of ours from being deleted.
    pub(super) fn client_in_use(&self) -> Option<Cause> {
        self.retained().or_else(|| self.client_held())
    }

    /// A retained compute instance keeps its subnet, and all that the subnet needs.
    fn retained(&self) -> Option<Cause> {
        let node = self.compute().filter(|_| !self.deletes_compute())?;
        match self.observed.azure(&COMPUTE_INSTANCE, &node.id) {
            Fact::Absent => None,
            Fact::Unread(failure) => Some(Cause::from(&failure)),
            Fact::Present(body) if !self.lies_here(&body) => None,
            Fact::Present(_) => {
                let name = node.id.name();
                let ways = "delete it in the workspace, set its deletion: Delete (its disk goes with it), or deletion.policy: Orphan";
                Some(Cause::person(
                    reasons::COMPUTE_INSTANCE_RETAINED,
                    format!(
                        "compute instance {name} stays (deletion: Retain) and keeps the client subnet in use; {ways}"
                    ),
                ))
            }
        }
    }

    fn lies_here(&self, body: &Value) -> bool {
        let subnet = body.pointer("/properties/properties/subnet/id").and_then(Value::as_str);
        subnet.is_some_and(|id| self.ids.client.as_ref().is_some_and(|own| crate::id::same(own.as_str(), id)))
    }

    /// What holds addresses of the client subnet.
    fn client_held(&self) -> Option<Cause> {
        let body = self.observed.azure_body(&SUBNET, self.ids.client.as_ref()?)?;
        let holders: Vec<&str> = subnet::ip_configurations(body).into_iter().map(subnet::holder).collect();
        let names: Vec<String> = holders.iter().map(|holder| (*holder).to_owned()).collect();
        let (reason, message) = match holders.as_slice() {
            [] => return None,
            [name] if self.deletes_compute() => {
                (reasons::DELETING, format!("waiting for Azure to release the address of {name}, which was deleted"))
            }
            _ => (reasons::SUBNET_IN_USE, scrub::list("the client subnet is in use; delete in Azure: ", &names, "")),
        };
        Some(Cause { reason, message: scrub::clean(&message), retry: Retry::Steadily })
    }
}

impl Reporter<'_> {
    /// `ComputeInstanceReady`.
    pub(super) fn compute_ready(&self, conditions: &mut Conditions<'_>) {
        let (Some(workspace), Some(id)) = (workspace_of(self.cr), id_of(self.cr)) else { return };
        let refused = |step: &Step| matches!(step.action, Action::Hold(Held::Refused(_)));
        if let Some(step) = self.step_of(COMPUTE_INSTANCE.name, &id).filter(|step| refused(step)) {
            let (reason, message) = self.unmet(step);
            return conditions.set(types::COMPUTE_INSTANCE_READY, Some(false), reason, message);
        }
        let parts = [(WORKSPACE.name, Some(&workspace)), (COMPUTE_INSTANCE.name, Some(&id))];
        self.part(conditions, types::COMPUTE_INSTANCE_READY, reasons::SETTLED, &parts);
    }
}

/// The questions about a compute instance. Its workspace matters only while the instance is wanted.
pub(super) fn questions(cr: &DelegatedSubnet) -> impl Iterator<Item = Question> {
    let workspace = workspace_of(cr).filter(|_| !cr.deleting()).map(|id| Question::resource(&WORKSPACE, id));
    workspace.into_iter().chain(id_of(cr).map(|id| Question::resource(&COMPUTE_INSTANCE, id)))
}
