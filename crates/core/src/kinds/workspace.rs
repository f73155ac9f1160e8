//! `Microsoft.MachineLearningServices/workspaces`: only read.

use crate::{drift::Rule, failure::Cause, id::ResourceId, kind::Kind};
use acivnet_api::conditions::reasons;

/// The kind.
pub static WORKSPACE: Kind = Kind {
    rules: &[Rule::Loose("location")],
    ..Kind::arm("Workspace", "Microsoft.MachineLearningServices/workspaces", "2024-04-01")
};

/// The id of a workspace.
pub fn id(group: &ResourceId, name: &str) -> ResourceId {
    group.resource(WORKSPACE.arm_type, name)
}

/// A workspace does not exist.
pub fn missing(id: &ResourceId) -> Cause {
    let message = format!("Azure Machine Learning workspace {id} does not exist; create it, or correct spec.workspace");
    Cause::person(reasons::WORKSPACE_NOT_FOUND, message)
}
