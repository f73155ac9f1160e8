//! Subnet and workspace of a deployment. Imports no sibling, so that all of them can import it.

use crate::{
    describe::marks::owner_of,
    failure::Cause,
    id::ResourceId,
    kind::Plane,
    kinds::{
        self,
        workspace::{self, WORKSPACE},
    },
    observed::Observed,
    owner::Owner,
    questions::{ClusterQuestion, Question},
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, Origin, ResourceStatus, conditions::reasons};
use serde::Deserialize as _;

/// A deployment whose workspace is known, with all that was read.
pub(super) struct Scope<'a> {
    pub cr: &'a AciVnetDeployment,
    pub observed: &'a Observed,
    pub workspace: ResourceId,
}

pub(super) fn subnet_question(cr: &AciVnetDeployment) -> Question {
    Question::Cluster(ClusterQuestion::DelegatedSubnet(cr.spec.network.subnet_ref.name.clone()))
}

/// The subnet that a deployment refers to, if it was read.
pub(super) fn subnet_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<DelegatedSubnet> {
    DelegatedSubnet::deserialize(observed.body(&subnet_question(cr))?).ok()
}

/// The addresses of that subnet, if it was read.
pub(super) fn subnet_prefix<'a>(cr: &AciVnetDeployment, observed: &'a Observed) -> Option<&'a str> {
    observed.body(&subnet_question(cr))?.pointer("/spec/subnet/addressPrefix")?.as_str()
}

/// The `DelegatedSubnet` that a deployment refers to does not exist.
pub(super) fn subnet_missing(cr: &AciVnetDeployment) -> Cause {
    let name = &cr.spec.network.subnet_ref.name;
    Cause::person(
        reasons::WAITING_FOR_SUBNET,
        format!("DelegatedSubnet {name} does not exist in this namespace; apply it, or correct spec.network.subnetRef"),
    )
}

/// The workspace: the one in which something was created, else the one that spec and subnet name, else the one last
/// recorded.
pub(super) fn workspace_of(cr: &AciVnetDeployment, observed: &Observed) -> Option<ResourceId> {
    let made = cr.recorded().iter().filter(|one| one.origin != Some(Origin::Referenced));
    let seen = cr.recorded().iter().filter(|one| one.kind == WORKSPACE.name);
    made.filter_map(in_workspace)
        .next()
        .or_else(|| {
            let azure = subnet_of(cr, observed)?.spec.azure;
            let group = cr.spec.workspace.resource_group.as_deref().unwrap_or(&azure.resource_group);
            Some(workspace::id(&ResourceId::group_id(&azure.subscription_id, group), &cr.spec.workspace.name))
        })
        .or_else(|| seen.filter_map(|one| ResourceId::parse(&one.id)).next())
}

fn in_workspace(record: &ResourceStatus) -> Option<ResourceId> {
    kinds::by_name(&record.kind).filter(|kind| kind.plane == Plane::MachineLearning)?;
    ResourceId::parse(&record.id)?.parent()
}

/// The owner whose mark the deployment's resources carry.
pub(super) fn owner(cr: &AciVnetDeployment, observed: &Observed) -> Owner {
    owner_of(&observed.settings.cluster, &cr.metadata)
}
