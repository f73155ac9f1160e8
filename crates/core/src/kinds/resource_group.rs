//! `Microsoft.Resources/resourceGroups`: read only, the proof that a group is or is not there.

use crate::kind::{Kind, Plane, Write, always_live, provisioning_state};

/// The kind.
pub static RESOURCE_GROUP: Kind = Kind {
    name: "ResourceGroup",
    arm_type: "Microsoft.Resources/resourceGroups",
    api_version: "2021-04-01",
    plane: Plane::Arm,
    phase: provisioning_state,
    rules: &[],
    change: always_live,
    write: Write::Never,
    normalise: Clone::clone,
};
