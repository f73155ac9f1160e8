//! Registered environments: a definition per version. `Model.deploy` does not need them; the service registers its own.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::{Ctx, environment_builds, filter};
use crate::error::{Response, json_response};
use crate::world::World;

/// Everything below `{WS}/environments`.
pub fn answer(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let action = if ctx.method == Method::GET { "environments/read" } else { "environments/write" };
    world.authorize(&ctx.caller, &ctx.action(action), &ctx.workspace)?;
    match (&ctx.method, ctx.rest.as_slice()) {
        (&Method::GET, ["environments"]) => list(world, ctx),
        (&Method::GET, ["environments", name]) => found(world, ctx, name, None),
        (&Method::GET, ["environments", name, "versions", version]) => found(world, ctx, name, Some(version)),
        (&Method::GET, ["environments", name, "labels", label]) => {
            let version = labelled(world, ctx, name, label)?;
            found(world, ctx, name, Some(&version))
        }
        (&Method::PUT, ["environments", name, "versions", version, "metadata"]) => label(world, ctx, name, version),
        (&Method::GET, ["environments", name, "versions", version, "image"]) => {
            environment_builds::details(world, ctx, name, version)
        }
        (&Method::POST, ["environments", name, "versions", version, "image"]) => {
            environment_builds::begin(world, ctx, name, version)
        }
        (&Method::GET, ["environments", _, "versions", _, "image", "builds", id]) => {
            environment_builds::status(world, ctx, id)
        }
        (&Method::PUT, ["environments", name]) => put(world, ctx, name, None),
        (&Method::PUT, ["environments", name, "versions", version]) => put(world, ctx, name, Some(version)),
        _ => Err(ctx.no_route()),
    }
}

/// The definition of a registered environment; the newest one without a version.
pub fn find<'w>(world: &'w World, workspace: &str, name: &str, version: Option<&str>) -> Option<&'w Value> {
    let versions = world.machine_learning.workspace(workspace)?.environments.get(name)?;
    match version {
        None => versions.last(),
        Some(version) => versions.iter().find(|v| v.get("version").and_then(Value::as_str) == Some(version)),
    }
}

/// Stores a definition as the next version, unless it equals the newest one (not confirmed).
pub fn register(world: &mut World, workspace: &str, name: &str, definition: Value) -> Value {
    let versions = world.machine_learning.workspace_mut(workspace).environments.entry(name.to_owned()).or_default();
    if let Some(last) = versions.last().filter(|last| same(last, &definition)) {
        return last.clone();
    }
    let highest = versions.iter().filter_map(|v| v.get("version")?.as_str()?.parse::<u64>().ok()).max().unwrap_or(0);
    let kept = named(definition, name, &(highest + 1).to_string());
    versions.push(kept.clone());
    kept
}

/// As [`find`].
///
/// # Errors
/// `404 EnvironmentNotFound`.
pub fn existing<'w>(world: &'w World, ctx: &Ctx<'_>, name: &str, version: Option<&str>) -> Result<&'w Value, Problem> {
    let missing = || {
        let version = version.map(|v| format!(" version {v}")).unwrap_or_default();
        Problem::not_found("EnvironmentNotFound", format!("Environment {name}{version} was not found."))
    };
    find(world, &ctx.workspace, name, version).ok_or_else(missing)
}

fn found(world: &World, ctx: &Ctx<'_>, name: &str, version: Option<&str>) -> Result<Response, Problem> {
    Ok(json_response(StatusCode::OK, existing(world, ctx, name, version)?))
}

/// The newest version of each name, in pages that `continuation` continues.
fn list(world: &World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let environments =
        world.machine_learning.workspace(&ctx.workspace).into_iter().flat_map(|w| w.environments.values());
    let latest: Vec<_> = environments.filter_map(|versions| versions.last()).cloned().collect();
    let page = filter::continued(latest, ctx.query.get("continuation"), world.page_size)?;
    Ok(json_response(StatusCode::OK, &page))
}

fn labelled(world: &World, ctx: &Ctx<'_>, name: &str, label: &str) -> Result<String, Problem> {
    let key = (name.to_owned(), label.to_owned());
    let version = world.machine_learning.workspace(&ctx.workspace).and_then(|w| w.environment_labels.get(&key));
    let missing = || Problem::not_found("EnvironmentNotFound", format!("Environment {name} has no label {label}."));
    version.cloned().ok_or_else(missing)
}

/// Gives labels to a version, and takes them from the one that had them. Whether the version's other labels go is not
/// confirmed; here they stay.
fn label(world: &mut World, ctx: &Ctx<'_>, name: &str, version: &str) -> Result<Response, Problem> {
    let environment = existing(world, ctx, name, Some(version))?.clone();
    let labels =
        ctx.body()?.get("Labels").or_else(|| ctx.body().ok()?.get("labels")).and_then(Value::as_array).cloned();
    let labels = labels.ok_or_else(|| Problem::invalid("InvalidLabels", "Labels must be a list of strings."))?;
    let state = world.machine_learning.workspace_mut(&ctx.workspace);
    for label in labels.iter().filter_map(Value::as_str) {
        state.environment_labels.insert((name.to_owned(), label.to_owned()), version.to_owned());
    }
    Ok(json_response(StatusCode::OK, &environment))
}

fn put(world: &mut World, ctx: &Ctx<'_>, name: &str, version: Option<&str>) -> Result<Response, Problem> {
    if ["microsoft", "azureml"].iter().any(|prefix| name.to_ascii_lowercase().starts_with(prefix)) {
        let message = format!("Environment name {name}: the prefixes Microsoft and AzureML are reserved.");
        return Err(Problem::invalid("ReservedEnvironmentName", message));
    }
    let definition = camel_case(ctx.body()?);
    let Some(version) = version else {
        return Ok(json_response(StatusCode::OK, &register(world, &ctx.workspace, name, definition)));
    };
    if let Some(standing) = find(world, &ctx.workspace, name, Some(version)) {
        if same(standing, &definition) {
            return Ok(json_response(StatusCode::OK, standing));
        }
        let message = format!("Environment {name} version {version} exists with another definition.");
        return Err(Problem::new(StatusCode::CONFLICT, "EnvironmentVersionExists", message));
    }
    let kept = named(definition, name, version);
    let state = world.machine_learning.workspace_mut(&ctx.workspace);
    state.environments.entry(name.to_owned()).or_default().push(kept.clone());
    Ok(json_response(StatusCode::OK, &kept))
}

fn named(mut definition: Value, name: &str, version: &str) -> Value {
    super::set(&mut definition, "name", json!(name));
    super::set(&mut definition, "version", json!(version));
    definition
}

/// Equal except for name and version.
fn same(one: &Value, other: &Value) -> bool {
    let bare = |value: &Value| {
        let members = value.as_object().into_iter().flatten();
        members.filter(|(key, _)| *key != "name" && *key != "version").map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let (one, other): (Map<_, _>, Map<_, _>) = (bare(one), bare(other));
    one == other
}

/// The SDK writes some members with a capital and reads them without.
fn camel_case(body: &Value) -> Value {
    let lower = |key: &String| {
        let mut letters = key.chars();
        letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    body.as_object().into_iter().flatten().map(|(key, value)| (lower(key), value.clone())).collect::<Map<_, _>>().into()
}
