//! Artifacts: files of a workspace in blob storage, by `{origin}/{container}/{path}`. Published form: Azure REST,
//! "artifact.json" of the machine learning data plane; paths and bodies as the SDK uses them.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::{Ctx, filter, timestamp};
use crate::blob;
use crate::error::{Response, json_response};
use crate::world::World;

/// At most this many paths in one call.
const BATCH: usize = 50;
/// The blob container behind artifacts; its name is not confirmed.
const BLOB_CONTAINER: &str = "azureml";

/// Everything below `{WS}/artifacts`.
pub fn answer(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let write = ctx.method == Method::POST;
    let action = if write { "metadata/artifacts/write" } else { "metadata/artifacts/read" };
    world.authorize(&ctx.caller, &ctx.action(action), &ctx.workspace)?;
    match (&ctx.method, ctx.rest.as_slice()) {
        (&Method::POST, ["artifacts", "batch", "metadata", origin, container]) => create(world, ctx, origin, container),
        (&Method::GET, ["artifacts", "contentinfo", origin, container, path @ ..]) => {
            let id = existing(world, ctx, &id(origin, container, path))?;
            Ok(json_response(StatusCode::OK, &content_info(world, ctx, &id, "r")))
        }
        // published as `Artifacts_GetSas`; that it has the layout of `contentinfo` here is not confirmed
        (&Method::GET, ["artifacts", "write", origin, container, path @ ..]) => {
            world.authorize(&ctx.caller, &ctx.action("metadata/artifacts/write"), &ctx.workspace)?;
            let id = existing(world, ctx, &id(origin, container, path))?;
            Ok(json_response(StatusCode::OK, &content_info(world, ctx, &id, "rcw")))
        }
        (&Method::GET, ["artifacts", "prefix", "contentinfo", origin, container, prefix @ ..]) => {
            let ids = starting_with(world, ctx, &id(origin, container, prefix));
            let value: Vec<_> = ids.iter().map(|id| content_info(world, ctx, id, "r")).collect();
            page(world, ctx, value)
        }
        (&Method::GET, ["artifacts", "metadata", origin, container, path @ ..]) => {
            let id = existing(world, ctx, &id(origin, container, path))?;
            Ok(json_response(StatusCode::OK, &stored(world, ctx, &id)))
        }
        (&Method::GET, ["artifacts", origin, container]) => {
            let ids = starting_with(world, ctx, &format!("{origin}/{container}/"));
            let value: Vec<_> = ids.iter().map(|id| stored(world, ctx, id)).collect();
            page(world, ctx, value)
        }
        _ => Err(ctx.no_route()),
    }
}

fn page(world: &World, ctx: &Ctx<'_>, value: Vec<Value>) -> Result<Response, Problem> {
    let page = filter::continued(value, ctx.query.get("continuationToken"), world.page_size)?;
    Ok(json_response(StatusCode::OK, &page))
}

/// The name of an artifact's blob, whether or not it was uploaded; none when the artifact is not known.
pub fn blob_of(world: &World, workspace: &str, artifact_id: &str) -> Option<String> {
    let known = world.machine_learning.workspace(workspace)?.artifacts.contains_key(artifact_id);
    known.then(|| blob_name(world, workspace, artifact_id))
}

/// Ids of the artifacts that a prefix of an asset names: itself, or what lies below it.
pub fn below(world: &World, workspace: &str, prefix: &str) -> Vec<String> {
    let Some(state) = world.machine_learning.workspace(workspace) else { return Vec::new() };
    let folder = format!("{}/", prefix.trim_end_matches('/'));
    state.artifacts.keys().filter(|id| *id == prefix || id.starts_with(&folder)).cloned().collect()
}

/// The name of a blob in the workspace's own storage account.
pub fn blob_name(world: &World, workspace: &str, path: &str) -> String {
    let account = world.workspace(workspace).ok().and_then(|workspace| {
        let id = workspace.properties.get("storageAccount")?.as_str()?;
        id.rsplit('/').next().map(str::to_ascii_lowercase)
    });
    format!("{}/{BLOB_CONTAINER}/{path}", account.unwrap_or_else(|| "workspacestorage".into()))
}

fn create(world: &mut World, ctx: &Ctx<'_>, origin: &str, container: &str) -> Result<Response, Problem> {
    let paths = ctx.body()?.get("paths").and_then(Value::as_array).cloned().unwrap_or_default();
    let paths: Vec<_> = paths.iter().filter_map(|entry| entry.get("path")?.as_str().map(str::to_owned)).collect();
    if paths.is_empty() || paths.len() > BATCH {
        return Err(Problem::invalid("InvalidBatch", format!("between 1 and {BATCH} paths are expected")));
    }
    let (mut artifacts, mut contents, mut errors) = (Map::new(), Map::new(), Map::new());
    for path in paths {
        let id = format!("{origin}/{container}/{}", path.trim_start_matches('/'));
        let known = world.machine_learning.workspace(&ctx.workspace).is_some_and(|w| w.artifacts.contains_key(&id));
        if known {
            let message = format!("Resource Conflict: ArtifactId {id} already exists.");
            errors.insert(path, json!({"error": {"code": "UserError", "message": message}}));
            continue;
        }
        let artifact = json!({
            "artifactId": id, "origin": origin, "container": container, "path": path,
            "etag": format!("\"{}\"", world.ids.guid("artifact etag")), "createdTime": timestamp(world.now),
            "dataPath": {"dataStoreName": "workspaceartifactstore", "relativePath": id, "sqlDataPath": null},
        });
        world.machine_learning.workspace_mut(&ctx.workspace).artifacts.insert(id.clone(), artifact.clone());
        contents.insert(path.clone(), content_info(world, ctx, &id, "rcw"));
        artifacts.insert(path, artifact);
    }
    let body = json!({"artifacts": artifacts, "artifactContentInformation": contents, "errors": errors});
    Ok(json_response(StatusCode::OK, &body))
}

fn content_info(world: &mut World, ctx: &Ctx<'_>, id: &str, permissions: &str) -> Value {
    let artifact = stored(world, ctx, id);
    let name = blob_name(world, &ctx.workspace, id);
    json!({
        "contentUri": blob::address(world, &name, permissions),
        "origin": artifact.get("origin"), "container": artifact.get("container"), "path": artifact.get("path"),
    })
}

fn stored(world: &World, ctx: &Ctx<'_>, id: &str) -> Value {
    world.machine_learning.workspace(&ctx.workspace).and_then(|w| w.artifacts.get(id)).cloned().unwrap_or_default()
}

fn existing(world: &World, ctx: &Ctx<'_>, id: &str) -> Result<String, Problem> {
    let known = world.machine_learning.workspace(&ctx.workspace).is_some_and(|w| w.artifacts.contains_key(id));
    if known {
        return Ok(id.to_owned());
    }
    Err(Problem::not_found("ArtifactNotFound", format!("ArtifactId {id} was not found.")))
}

fn starting_with(world: &World, ctx: &Ctx<'_>, prefix: &str) -> Vec<String> {
    let state = world.machine_learning.workspace(&ctx.workspace);
    let ids = state.into_iter().flat_map(|w| w.artifacts.keys());
    ids.filter(|id| id.starts_with(prefix)).cloned().collect()
}

fn id(origin: &str, container: &str, path: &[&str]) -> String {
    format!("{origin}/{container}/{}", path.join("/"))
}
