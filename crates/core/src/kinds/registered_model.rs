//! A model version of Azure Machine Learning v1 that is in the workspace already: read, never written.

use crate::{
    id::ResourceId,
    kind::{Kind, Phase, Plane, Write, always_live},
    kinds::model_version::MODEL_VERSION,
};

/// The kind.
pub static REGISTERED_MODEL: Kind = Kind {
    name: "RegisteredModel",
    arm_type: MODEL_VERSION.arm_type,
    api_version: "",
    plane: Plane::MachineLearning,
    phase: |_| Phase::Settled,
    rules: &[],
    change: always_live,
    write: Write::Never,
    normalise: Clone::clone,
};

/// The id of a version.
pub fn id(workspace: &ResourceId, name: &str, version: &str) -> ResourceId {
    workspace.child("models", &format!("{name}:{version}"))
}
