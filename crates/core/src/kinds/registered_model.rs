//! A model version of Azure Machine Learning v1 that somebody else registered: only read.

use crate::{id::ResourceId, kind::Kind, kinds::model_version::MODEL_VERSION};

/// The kind.
pub static REGISTERED_MODEL: Kind = Kind::machine_learning("RegisteredModel", MODEL_VERSION.arm_type);

/// The id of a version.
pub fn id(workspace: &ResourceId, name: &str, version: &str) -> ResourceId {
    workspace.child("models", &format!("{name}:{version}"))
}
