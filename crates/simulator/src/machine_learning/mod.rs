//! The Azure ML data plane, version 1: discovery, artifacts, assets, models, environments, services, operations, as
//! `azureml-core` 1.61 calls it.

mod artifacts;
mod assets;
mod deployment;
mod edit;
mod environment_builds;
mod environments;
mod filter;
mod image;
mod keys;
mod models;
mod operations;
mod patch;
mod problem;
mod request;
mod services;
pub(crate) mod serving;
mod state;
mod update;
mod validate;
mod view;

use axum::body::Body;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

pub(crate) use deployment::{
    Health, Outcome, build_ended, container_group_deleted, container_group_id, deploy_ended, health, note_runs,
    write_build_log,
};
pub use edit::{edit, workspace_removed};
pub(crate) use image::{Watched, pending};
pub use problem::Problem;
pub use state::MachineLearning;
pub(crate) use state::Service;

use crate::Simulator;
use crate::call::{DataCall, Query};
use crate::error::{Response, json_response, set_header};
use crate::faults::ScriptedEnding;
use crate::identity::Caller;
use crate::world::World;

/// Bodies other than blobs are small; a whole environment definition has a few kilobytes.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
const NAMESPACE: &str = "Microsoft.MachineLearningServices/workspaces";

/// One request to the data plane of a workspace.
#[derive(Debug)]
pub(crate) struct Ctx<'a> {
    pub method: Method,
    /// As sent, for links to the next page.
    pub path: &'a str,
    /// Id of the workspace, as it was created.
    pub workspace: String,
    /// The segments after the workspace.
    pub rest: Vec<&'a str>,
    pub query: Query,
    pub caller: Caller,
    pub scripted: Option<ScriptedEnding>,
    body: Option<Value>,
}

/// Answers everything below `/discovery`, `/artifact`, `/modelmanagement` and `/environment`.
pub async fn route(simulator: &Simulator, call: DataCall) -> Response {
    let DataCall { parts, query, body, caller, scripted } = call;
    let path = parts.uri.path().to_owned();
    if path.trim_end_matches('/') == "/discovery" {
        return simulator.with(|world| discovery(world));
    }
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let service = segments.first().copied().unwrap_or_default();
    let answer = async {
        let (workspace, rest) = target(&segments)?;
        let caller = caller?;
        let body = read(body).await?;
        let real = !simulator.runner().scripted();
        let ctx = Ctx { method: parts.method.clone(), path: &path, workspace, rest, query, caller, scripted, body };
        let answer = simulator.with(|world| {
            world.machine_learning.real = real;
            dispatch(world, service, ctx)
        })?;
        match answer {
            Answer::Ready(response) => Ok(response),
            Answer::Logs { group, tail } => {
                let content = simulator.runner().logs(&group, tail).await;
                Ok(json_response(StatusCode::OK, &json!({"content": content})))
            }
        }
    };
    finish(simulator, service, &parts.headers, answer.await)
}

/// The answer in the service's form, with the headers that every answer has.
fn finish(simulator: &Simulator, service: &str, headers: &HeaderMap, answer: Result<Response, Problem>) -> Response {
    let (request_id, time) = simulator.with(|world| (world.ids.guid("data plane request"), timestamp(world.now)));
    let mut response = answer.unwrap_or_else(|problem| match service {
        "modelmanagement" => problem.into_flat_response(&request_id),
        _ => problem.into_wrapped_response(&request_id, &time),
    });
    for name in ["x-ms-client-request-id", "x-ms-client-session-id"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    set_header(&mut response, "x-request-id", &request_id);
    set_header(&mut response, "api-supported-versions", "1.0, 2018-03-01-preview, 2018-11-19");
    set_header(&mut response, "strict-transport-security", "max-age=15724800; includeSubDomains; preload");
    response
}

/// A handler's result: the answer, or a question to the runner.
pub(crate) enum Answer {
    Ready(Response),
    Logs { group: String, tail: usize },
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Ready(response)
    }
}

/// `/{service}/{version}/subscriptions/…/workspaces/{name}/rest…` -> workspace id and rest.
fn target<'a>(segments: &[&'a str]) -> Result<(String, Vec<&'a str>), Problem> {
    let unknown = || Problem::not_found("NotFound", "No such path.");
    let [_, _, ids @ ..] = segments else { return Err(unknown()) };
    let [a, subscription, b, group, c, namespace, d, name, rest @ ..] = ids else { return Err(unknown()) };
    let words = [*a, *b, *c, *namespace, *d].map(str::to_ascii_lowercase);
    let expected = ["subscriptions", "resourcegroups", "providers", "microsoft.machinelearningservices", "workspaces"];
    if words != expected {
        return Err(unknown());
    }
    let id = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{NAMESPACE}/{name}");
    Ok((id, rest.to_vec()))
}

async fn read(body: Body) -> Result<Option<Value>, Problem> {
    let too_large = |e: axum::Error| Problem::invalid("InvalidBody", format!("The body can't be read: {e}."));
    let bytes = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(too_large)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let not_json = |e: serde_json::Error| Problem::invalid("InvalidBody", format!("The body is not JSON: {e}."));
    serde_json::from_slice(&bytes).map(Some).map_err(not_json)
}

fn dispatch(world: &mut World, service: &str, mut ctx: Ctx<'_>) -> Result<Answer, Problem> {
    ctx.workspace = world.workspace(&ctx.workspace)?.id.clone();
    match (service, ctx.rest.first().copied()) {
        ("artifact", Some("artifacts")) => artifacts::answer(world, &ctx).map(Answer::from),
        ("modelmanagement", Some("assets")) => assets::answer(world, &ctx).map(Answer::from),
        ("modelmanagement", Some("models")) => models::answer(world, &ctx).map(Answer::from),
        ("modelmanagement", Some("operations")) => operations::answer(world, &ctx).map(Answer::from),
        ("modelmanagement", Some("services")) => services::answer(world, &ctx),
        ("environment", Some("environments")) => environments::answer(world, &ctx).map(Answer::from),
        _ => Err(ctx.no_route()),
    }
}

/// Name and base URL of each service of the data plane; here all are the same.
fn discovery(world: &World) -> Response {
    let keys = ["api", "catalog", "experimentation", "gallery", "history", "hyperdrive", "labeling", "modelmanagement"];
    let keys = keys.into_iter().chain(["pipelines", "studio"]);
    let body: Map<_, _> = keys.map(|key| (key.to_owned(), json!(world.base_url))).collect();
    json_response(StatusCode::OK, &Value::Object(body))
}

/// The data plane's members of the admin interface's dump.
pub fn dump(world: &World) -> Map<String, Value> {
    let mut models = Vec::new();
    let mut assets = Vec::new();
    let mut services = Vec::new();
    let mut artifacts = Vec::new();
    let mut environments = Vec::new();
    let mut images = Vec::new();
    for workspace in world.machine_learning.workspaces() {
        models.extend(workspace.models.values().cloned());
        assets.extend(workspace.assets.values().cloned());
        services.extend(workspace.services.values().map(|service| view::service(world, &workspace.id, service, false)));
        artifacts.extend(workspace.artifacts.values().cloned());
        environments.extend(workspace.environments.values().flatten().cloned());
        images.extend(workspace.images.iter().map(
            |(key, image)| json!({"key": key, "environment": image.environment, "built": timestamp(image.built)}),
        ));
    }
    [("models", models), ("services", services), ("artifacts", artifacts), ("environments", environments)]
        .into_iter()
        .chain([("assets", assets), ("images", images)])
        .map(|(name, list)| (name.to_owned(), Value::Array(list)))
        .collect()
}

impl Ctx<'_> {
    /// The action of Azure's roles for something of a workspace, e.g. `models/write`.
    pub fn action(&self, what: &str) -> String {
        format!("{NAMESPACE}/{what}")
    }

    /// The body, which must be there.
    pub fn body(&self) -> Result<&Value, Problem> {
        self.body.as_ref().ok_or_else(|| Problem::invalid("InvalidBody", "A JSON body is expected."))
    }

    /// The creator of what this request creates.
    pub fn created_by(&self) -> Value {
        json!({
            "userObjectId": self.caller.object_id, "userTenantId": self.caller.tenant, "userName": self.caller.client_id,
            "userPuId": null, "userIdp": null, "userAltSecId": null, "userIss": null,
        })
    }

    /// `404` for a path that is not part of the protocol, `405` would be as right.
    pub fn no_route(&self) -> Problem {
        Problem::not_found("NotFound", format!("{} {} is not part of this interface.", self.method, self.path))
    }
}

/// A time as the data plane writes it, with an offset.
pub(crate) fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// Sets a member of an object.
fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}
