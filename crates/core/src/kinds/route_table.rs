//! `Microsoft.Network/routeTables`: read only.

use crate::{
    drift::Rule,
    kind::{Kind, Plane, Write, always_live, provisioning_state},
};

/// The kind.
pub static ROUTE_TABLE: Kind = Kind {
    name: "RouteTable",
    arm_type: "Microsoft.Network/routeTables",
    api_version: "2024-05-01",
    plane: Plane::Arm,
    phase: provisioning_state,
    rules: &[Rule::Loose("location")],
    change: always_live,
    write: Write::Never,
    normalise: Clone::clone,
};
