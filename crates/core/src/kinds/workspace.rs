//! `Microsoft.MachineLearningServices/workspaces`: read only.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Plane, Write, always_live, provisioning_state},
};

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
