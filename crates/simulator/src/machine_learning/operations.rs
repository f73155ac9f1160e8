//! Asynchronous operations of the data plane.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::problem::Problem;
use super::state::{Operation, Stage};
use super::{Ctx, set, timestamp};
use crate::blob;
use crate::error::{Response, empty_response, json_response, set_header};
use crate::faults::ScriptedEnding;
use crate::world::World;

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::BuildEnvironment => "BuildEnvironment",
            Self::DeployService | Self::Whole => "DeployService",
        }
    }
}

/// `GET {WS}/operations/{id}?offset=N`.
pub fn answer(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let (&Method::GET, ["operations", id]) = (&ctx.method, ctx.rest.as_slice()) else { return Err(ctx.no_route()) };
    world.authorize(&ctx.caller, &ctx.action("services/read"), &ctx.workspace)?;
    let offset = ctx.query.get("offset").and_then(|offset| offset.parse().ok()).unwrap_or(0);
    let operation = world.machine_learning.workspace(&ctx.workspace).and_then(|w| w.operations.get(*id));
    let found = operation.filter(|operation| operation.scripted != Some(ScriptedEnding::Lost));
    let operation =
        found.ok_or_else(|| Problem::not_found("OperationNotFound", format!("Operation {id} was not found.")))?;
    let (mut body, log) = (view(&ctx.workspace, operation, offset), operation.build_log.clone());
    if let Some(log) = log {
        set(&mut body, "operationLog", json!(blob::address(world, &log, "r")));
    }
    Ok(json_response(StatusCode::OK, &body))
}

fn view(workspace: &str, operation: &Operation, offset: usize) -> Value {
    let rest: String = operation.log.chars().skip(offset).collect();
    let mut body = json!({
        "id": operation.id, "operationType": "Service", "state": operation.state,
        "createdTime": timestamp(operation.created),
        "resourceLocation": format!("{workspace}/services/{}", operation.service),
        "operationDetails": {"subOperationType": operation.stage.name(), "subOperationState": operation.stage_state},
        "streamingOperationLog": rest, "parentRequestId": operation.parent_request,
    });
    if let Some(ended) = operation.ended {
        set(&mut body, "endTime", json!(timestamp(ended)));
    }
    if let Some(error) = &operation.error {
        set(&mut body, "error", error.clone());
    }
    body
}

/// Begins an operation on a service and makes it the service's current one.
pub fn begin(
    world: &mut World,
    workspace: &str,
    service: &str,
    stage: Stage,
    scripted: Option<ScriptedEnding>,
) -> String {
    let id = world.ids.guid("service operation");
    let operation = Operation {
        id: id.clone(),
        parent_request: world.ids.hex("parent request", 32),
        service: service.to_owned(),
        created: world.now,
        ended: None,
        state: "Running",
        stage,
        stage_state: "Running",
        log: String::new(),
        build_log: None,
        error: None,
        scripted,
    };
    world.machine_learning.workspace_mut(workspace).operations.insert(id.clone(), operation);
    if let Some(service) = world.machine_learning.service_mut(workspace, service) {
        service.operation_id.clone_from(&id);
    }
    id
}

/// `202` with the address to poll. Whether Azure's header is absolute is not confirmed; clients use its last segment.
pub fn accepted(world: &World, workspace: &str, id: &str) -> Response {
    let mut response = empty_response(StatusCode::ACCEPTED);
    let url = format!("{}/modelmanagement/v1.0{workspace}/operations/{id}", world.base_url);
    set_header(&mut response, "operation-location", &url);
    response
}

impl Operation {
    /// Adds an entry to the streaming log.
    pub fn say(&mut self, now: Timestamp, message: &str) {
        self.log.push_str(&format!("{}|{message}#", now.strftime("%Y%m%d%H%M%S")));
    }

    /// Ends the operation; one that has ended stays as it is.
    pub fn end(&mut self, now: Timestamp, state: &'static str, error: Option<Value>) {
        if self.ended.is_none() {
            self.ended = Some(now);
            self.state = state;
            self.stage_state = if state == "Succeeded" { "Succeeded" } else { "Failed" };
            self.error = error;
        }
    }
}
