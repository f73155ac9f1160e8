//! The web service of a deployment, as it was read.

use crate::{
    adoption,
    blueprint::{Goal, Node},
    conditions::find,
    describe::deployment::{
        place::{owner, workspace_of},
        serving::State,
    },
    id::ResourceId,
    kinds::web_service::{self, WEB_SERVICE},
    observed::{Fact, Observed},
    owner::Mark,
    questions::{AzureQuestion, Question},
    seen::is_ours,
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, conditions::types};
use serde_json::Value;

/// Name of the web service.
pub(super) fn name(cr: &AciVnetDeployment) -> &str {
    let named = cr.spec.backend.azure_ml_web_service.as_ref().and_then(|one| one.service_name.as_deref());
    named.or(cr.metadata.name.as_deref()).unwrap_or_default()
}

/// The node of a deployment's web service, without a body.
pub(super) fn node(cr: &AciVnetDeployment, observed: &Observed, workspace: &ResourceId, goal: Goal) -> Node {
    let id = web_service::id(workspace, name(cr));
    let node = Node::new(&WEB_SERVICE, id, Goal::Present, Value::Null, Mark::ServiceTag(owner(cr, observed).key));
    Node { goal, ..adoption::adopting(cr, observed, node) }
}

/// A web service, as it was read.
pub(super) struct Standing<'a> {
    pub workspace: ResourceId,
    pub id: ResourceId,
    /// Its body, whoever created it.
    pub body: Option<&'a Value>,
    is_ours: bool,
}

impl<'a> Standing<'a> {
    /// None while the workspace is unknown.
    pub(super) fn of(cr: &AciVnetDeployment, observed: &'a Observed) -> Option<Self> {
        Some(Self::in_workspace(cr, observed, workspace_of(cr, observed)?))
    }

    pub(super) fn in_workspace(cr: &AciVnetDeployment, observed: &'a Observed, workspace: ResourceId) -> Self {
        let node = node(cr, observed, &workspace, Goal::Present);
        let body = observed.azure_body(&WEB_SERVICE, &node.id);
        let is_ours = body.is_some_and(|body| is_ours(&node, body, cr.recorded()));
        Self { workspace, id: node.id, body, is_ours }
    }

    /// Its body, if it is ours.
    pub(super) fn ours(&self) -> Option<&'a Value> {
        self.body.filter(|_| self.is_ours)
    }

    pub(super) fn state(&self, observed: &Observed) -> State {
        match (self.ours(), self.body) {
            (Some(body), _) => match web_service::state(body) {
                "Healthy" => State::Healthy,
                "Transitioning" if self.is_building(observed) => State::Building,
                "Transitioning" => State::Starting,
                "Unhealthy" => State::Unhealthy,
                "Failed" | "Unschedulable" => State::Failed,
                _ => State::Undocumented,
            },
            (None, Some(_)) => State::Absent,
            (None, None) if matches!(observed.azure(&WEB_SERVICE, &self.id), Fact::Absent) => State::Absent,
            (None, None) => State::Unread,
        }
    }

    /// Whether the operation still builds the image; assumed while unknown, since the image comes first.
    fn is_building(&self, observed: &Observed) -> bool {
        let step = self.operation(observed).and_then(sub_operation);
        step.is_none_or(|step| step.starts_with("Build"))
    }

    /// The last operation on it, if it was read.
    pub(super) fn operation<'o>(&self, observed: &'o Observed) -> Option<&'o Value> {
        observed.body(&operation_question(&self.workspace, self.body?)?)
    }

    /// The questions about its progress, or why it failed. The log explains a container that does not start long before
    /// Azure gives up on it.
    pub(super) fn questions(&self, cr: &AciVnetDeployment, observed: &Observed) -> Vec<Question> {
        let Some(body) = self.body else { return Vec::new() };
        let failed = web_service::has_failed(body);
        let open = failed || web_service::state(body) == "Transitioning";
        let operation = operation_question(&self.workspace, body).filter(|_| open);
        let known = operation.as_ref().and_then(|question| observed.body(question));
        let starts = open && was_built(cr) && known.is_some_and(starts_container);
        operation.into_iter().chain((failed || starts).then(|| self.log_question())).collect()
    }

    pub(super) fn log_question(&self) -> Question {
        Question::Azure(AzureQuestion::ServiceLog(self.id.clone()))
    }

    /// The end of the container's log, if it was read.
    pub(super) fn log<'o>(&self, observed: &'o Observed) -> Option<&'o str> {
        observed.body(&self.log_question()).and_then(Value::as_str)
    }
}

/// The question about the last operation on a web service.
fn operation_question(workspace: &ResourceId, service: &Value) -> Option<Question> {
    let id = service.get("operationId").and_then(Value::as_str)?;
    Some(Question::Azure(AzureQuestion::Operation { workspace: workspace.clone(), id: id.to_owned() }))
}

/// The step of an operation (`azureml-core` 1.61 knows `BuildEnvironment`, `BuildImage`, `DeployService`).
fn sub_operation(operation: &Value) -> Option<&str> {
    operation.pointer("/operationDetails/subOperationType").and_then(Value::as_str)
}

/// Whether an operation has the image and starts the container.
fn starts_container(operation: &Value) -> bool {
    sub_operation(operation) == Some("DeployService")
}

/// Whether an earlier reconcile found the image built: a container that starts within moments needs no look at its log.
fn was_built(cr: &AciVnetDeployment) -> bool {
    let conditions = cr.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    find(conditions, types::ENVIRONMENT_READY).is_some_and(|one| one.status == "True")
}
