//! `Microsoft.MachineLearningServices/workspaces`: read only.

use crate::{
    drift::Rule,
    failure::Cause,
    id::ResourceId,
    kind::{Kind, Plane, Write, always_live, provisioning_state},
};
use acivnet_api::conditions::reasons;

/// The kind.
pub static WORKSPACE: Kind = Kind {
    name: "Workspace",
    arm_type: "Microsoft.MachineLearningServices/workspaces",
    api_version: "2024-04-01",
    plane: Plane::Arm,
    phase: provisioning_state,
    rules: &[Rule::Loose("location")],
    change: always_live,
    write: Write::Never,
    normalise: Clone::clone,
};

/// The id of a workspace.
pub fn id(group: &ResourceId, name: &str) -> ResourceId {
    group.resource(WORKSPACE.arm_type, name)
}

/// A workspace is not there.
pub fn missing(id: &ResourceId) -> Cause {
    let message = format!("Azure Machine Learning workspace {id} does not exist; create it, or correct spec.workspace");
    Cause::person(reasons::WORKSPACE_NOT_FOUND, message)
}
