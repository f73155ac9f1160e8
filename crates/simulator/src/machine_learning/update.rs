//! `PATCH {WS}/services/{name}`: what may change in place.

use http::StatusCode;
use serde_json::Value;

use super::patch::{self, Operation};
use super::problem::Problem;
use super::state::Service;
use super::{Ctx, deployment, operations, request, services, view};
use crate::error::{Response, json_response};
use crate::world::World;

/// Applies a JSON patch. What the container depends on needs a new deployment (202); the rest is done at once (200).
pub fn answer(world: &mut World, ctx: &Ctx<'_>, name: &str) -> Result<Response, Problem> {
    let mut service = services::existing(world, &ctx.workspace, name)?.clone();
    services::idle(world, &ctx.workspace, name)?;
    let operations = patch::read(ctx.body()?)?;
    let mut deploy = false;
    for operation in operations {
        deploy |= apply(world, ctx, &mut service, operation)?;
    }
    request::check_ssl(&service.ssl)?;
    service.updated = Some(world.now);
    world.machine_learning.workspace_mut(&ctx.workspace).services.insert(name.to_owned(), service);
    if deploy {
        let operation = deployment::begin(world, &ctx.workspace, name, ctx.scripted.clone());
        return Ok(operations::accepted(world, &ctx.workspace, &operation));
    }
    let service = services::existing(world, &ctx.workspace, name)?;
    Ok(json_response(StatusCode::OK, &view::service(world, &ctx.workspace, service, true)))
}

/// Whether the operation needs a new deployment.
fn apply(world: &World, ctx: &Ctx<'_>, service: &mut Service, operation: Operation) -> Result<bool, Problem> {
    let value = operation.value.clone();
    match (operation.op.as_str(), operation.path.as_str()) {
        ("replace", "/environmentImageRequest") => {
            request::check_image_request(world, &ctx.workspace, &value)?;
            service.image_request = value;
        }
        ("replace", "/authEnabled") => service.auth_enabled = flag(&operation)?,
        ("replace", "/appInsightsEnabled") => service.app_insights = flag(&operation)?,
        ("replace", "/sslEnabled") => service.ssl.enabled = flag(&operation)?,
        ("replace", "/sslCertificate") => service.ssl.certificate = value,
        ("replace", "/cname") => service.ssl.cname = value,
        ("replace", "/sslKey") => service.ssl.key = request::private_key(&value),
        ("replace", "/kvTags") => {
            service.tags = request::strings(Some(&value), "kvTags")?;
            return Ok(false);
        }
        ("replace", "/description") => {
            service.description = value;
            return Ok(false);
        }
        ("add", path) => {
            add_property(service, path, value).ok_or_else(|| patch::refused(&operation))??;
            return Ok(false);
        }
        _ => return Err(patch::refused(&operation)),
    }
    Ok(true)
}

/// Properties are added once. Whether Azure refuses or ignores another value is not confirmed; here it refuses.
fn add_property(service: &mut Service, path: &str, value: Value) -> Option<Result<(), Problem>> {
    let key = patch::property_key(path)?;
    if !value.is_string() {
        return Some(Err(Problem::invalid("InvalidMap", format!("property {key} must be a string."))));
    }
    if service.properties.get(&key).is_some_and(|old| *old != value) {
        return Some(Err(Problem::invalid("ImmutableProperty", format!("Property {key} can't be changed."))));
    }
    service.properties.insert(key, value);
    Some(Ok(()))
}

fn flag(operation: &Operation) -> Result<bool, Problem> {
    let not_bool = || Problem::invalid("InvalidPatch", format!("{} must be true or false.", operation.path));
    operation.value.as_bool().ok_or_else(not_bool)
}
