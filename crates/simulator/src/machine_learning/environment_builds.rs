//! Images of registered environments: whether one exists, and builds that a client requests.

use http::StatusCode;
use serde_json::{Value, json};

use super::problem::Problem;
use super::state::{Image, Workspace};
use super::{Ctx, artifacts, environments, image};
use crate::blob;
use crate::containers;
use crate::error::{Response, json_response};
use crate::machine_learning::Outcome;
use crate::world::World;

/// The build of an environment's image.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentBuild {
    pub id: String,
    /// Definition of the environment.
    pub environment: Value,
    /// Name of the blob with the log.
    log: String,
    /// How it ended; none while it runs.
    outcome: Option<Outcome>,
}

/// `GET …/environments/{name}/versions/{version}/image`. What Azure answers where there is no image is not confirmed.
pub(super) fn details(world: &World, ctx: &Ctx<'_>, name: &str, version: &str) -> Result<Response, Problem> {
    let environment = environments::existing(world, ctx, name, Some(version))?;
    let key = image::key(environment);
    let exists = world.machine_learning.workspace(&ctx.workspace).is_some_and(|w| w.images.contains_key(&key));
    let conda = environment.pointer("/python/condaDependencies").map_or(Value::Null, |conda| json!(conda.to_string()));
    let body = json!({
        "imageExistsInRegistry": exists,
        "dockerImage": {
            "name": format!("azureml/azureml_{key}"),
            "registry": {"address": "amlregistry.azurecr.io", "username": null, "password": null},
        },
        "pythonEnvironment": {
            "interpreterPath": environment.pointer("/python/interpreterPath"),
            "condaEnvironmentName": format!("azureml_{key}"),
            "condaEnvironmentPath": format!("/azureml-envs/azureml_{key}"),
        },
        "ingredients": {
            "dockerfile": environment.pointer("/docker/baseDockerfile"), "condaSpecification": conda,
        },
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// `POST …/environments/{name}/versions/{version}/image`: `202` with where to look. The form of that address is not
/// confirmed; clients take it as it is.
pub(super) fn begin(world: &mut World, ctx: &Ctx<'_>, name: &str, version: &str) -> Result<Response, Problem> {
    let environment = environments::existing(world, ctx, name, Some(version))?.clone();
    let id = world.ids.guid("environment build");
    let log = artifacts::blob_name(world, &ctx.workspace, &format!("ImageLogs/{id}/build.log"));
    let stands = |w: &Workspace| w.images.contains_key(&image::key(&environment));
    let outcome = world.machine_learning.workspace(&ctx.workspace).filter(|w| stands(w)).map(|_| Outcome::Good);
    let build = EnvironmentBuild { id: id.clone(), environment, log, outcome };
    world.machine_learning.workspace_mut(&ctx.workspace).environment_builds.insert(id.clone(), build);
    write_log(world, &ctx.workspace, &id, "");
    if !world.machine_learning.real {
        let (workspace, build, name) = (ctx.workspace.clone(), id.clone(), name.to_owned());
        let wait = world.duration_of("BuildImage", super::deployment::BUILD_SECONDS);
        world.schedule(wait, move |world| {
            let (log, outcome) = containers::build(world, &name);
            write_log(world, &workspace, &build, &log);
            ended(world, &workspace, &build, &outcome);
        });
    }
    let location = format!("{}{}/builds/{id}", world.base_url, ctx.path);
    Ok(json_response(StatusCode::ACCEPTED, &json!({"location": location})))
}

/// `GET …/image/builds/{id}`.
pub(super) fn status(world: &mut World, ctx: &Ctx<'_>, id: &str) -> Result<Response, Problem> {
    let build = world.machine_learning.workspace(&ctx.workspace).and_then(|w| w.environment_builds.get(id)).cloned();
    let build = build.ok_or_else(|| Problem::not_found("BuildNotFound", format!("Build {id} was not found.")))?;
    let (status, word) = match build.outcome {
        None => (StatusCode::ACCEPTED, "Running"),
        Some(Outcome::Good) => (StatusCode::OK, "Succeeded"),
        Some(Outcome::Bad) => (StatusCode::OK, "Failed"),
    };
    let log = blob::address(world, &build.log, "r");
    Ok(json_response(status, &json!({"status": word, "logUrl": log})))
}

/// The running builds of a workspace.
pub(super) fn running(workspace: &Workspace) -> impl Iterator<Item = &EnvironmentBuild> {
    workspace.environment_builds.values().filter(|build| build.outcome.is_none())
}

/// Writes a build's log so far; false if no build has this id.
pub(super) fn write_log(world: &mut World, workspace: &str, id: &str, text: &str) -> bool {
    let build = world.machine_learning.workspace(workspace).and_then(|w| w.environment_builds.get(id));
    let Some(log) = build.map(|build| build.log.clone()) else { return false };
    let etag = format!("\"0x{}\"", world.ids.hex("blob etag", 15).to_ascii_uppercase());
    world.blobs.write(&log, text, etag, world.now);
    true
}

/// Ends a build, which creates an image if it succeeded; false if no build has this id.
pub(super) fn ended(world: &mut World, workspace: &str, id: &str, outcome: &Outcome) -> bool {
    let built = world.now;
    let state = world.machine_learning.workspace_mut(workspace);
    let Some(build) = state.environment_builds.get_mut(id) else { return false };
    build.outcome = Some(outcome.clone());
    if *outcome == Outcome::Good {
        let environment = build.environment.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = image::key(&build.environment);
        state.images.entry(key).or_insert(Image { environment, built });
    }
    true
}
