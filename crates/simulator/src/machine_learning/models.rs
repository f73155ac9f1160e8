//! Registered models. A registration always creates a new version, even of equal bytes.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::filter::{self, Pairs};
use super::problem::Problem;
use super::{Ctx, patch, timestamp};
use crate::error::{Response, empty_response, json_response};
use crate::world::World;

/// Members that a client may set, and their defaults.
fn defaults() -> Vec<(&'static str, Value)> {
    vec![
        ("framework", json!("Custom")),
        ("frameworkVersion", Value::Null),
        ("datasets", json!([])),
        ("description", Value::Null),
        ("unpack", json!(false)),
        ("parentModelId", Value::Null),
        ("runId", Value::Null),
        ("experimentName", Value::Null),
        ("kvTags", json!({})),
        ("properties", json!({})),
        ("sampleInputData", Value::Null),
        ("sampleOutputData", Value::Null),
        ("resourceRequirements", Value::Null),
    ]
}

/// What `PATCH` may change.
const CHANGEABLE: &[&str] =
    &["kvTags", "description", "properties", "datasets", "resourceRequirements", "sampleInputData", "sampleOutputData"];

/// Everything below `{WS}/models`.
pub fn answer(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let action = match ctx.method {
        Method::GET => "models/read",
        Method::DELETE => "models/delete",
        _ => "models/write",
    };
    world.authorize(&ctx.caller, &ctx.action(action), &ctx.workspace)?;
    match (&ctx.method, ctx.rest.as_slice()) {
        (&Method::POST, ["models"]) => register(world, ctx),
        (&Method::GET, ["models"]) => list(world, ctx),
        (&Method::GET, ["models", id]) => Ok(json_response(StatusCode::OK, get(world, ctx, id)?)),
        (&Method::PATCH, ["models", id]) => change(world, ctx, id),
        (&Method::DELETE, ["models", id]) => remove(world, ctx, id),
        _ => Err(ctx.no_route()),
    }
}

/// The model `name:version`.
pub fn find<'w>(world: &'w World, workspace: &str, id: &str) -> Option<&'w Value> {
    world.machine_learning.workspace(workspace)?.models.get(id)
}

fn missing(id: &str) -> Problem {
    Problem::not_found("ModelNotFound", format!("Model with id {id} was not found."))
}

fn get<'w>(world: &'w World, ctx: &Ctx<'_>, id: &str) -> Result<&'w Value, Problem> {
    find(world, &ctx.workspace, id).ok_or_else(|| missing(id))
}

fn register(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let body = ctx.body()?;
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, url, mime_type) = (text("name"), text("url"), text("mimeType"));
    if !valid_name(&name) {
        let message = "Model name must match ^[a-zA-Z0-9][a-zA-Z0-9\\-\\._]{0,254}$.";
        return Err(Problem::invalid("InvalidModelName", message));
    }
    if mime_type.is_empty() {
        return Err(Problem::invalid("MimeTypeMissing", "A model needs a mimeType."));
    }
    let asset = url.strip_prefix("aml://asset/").unwrap_or_default();
    if super::assets::artifacts(world, &ctx.workspace, asset).is_none() {
        return Err(Problem::invalid(
            "AssetNotFound",
            format!("The model's url {url:?} names no asset of this workspace."),
        ));
    }
    let now = timestamp(world.now);
    let created_by = ctx.created_by();
    let state = world.machine_learning.workspace_mut(&ctx.workspace);
    let version = state.model_versions.entry(name.clone()).or_default();
    // The number of a deleted version is not used again (not confirmed).
    *version += 1;
    let id = format!("{name}:{version}");
    let mut model = json!({
        "id": id, "name": name, "version": *version, "url": url, "mimeType": mime_type,
        "createdTime": now, "modifiedTime": now, "derivedModelIds": [], "createdBy": created_by,
    });
    for (member, default) in defaults() {
        let given = body.get(member).filter(|given| !given.is_null());
        super::set(&mut model, member, given.cloned().unwrap_or(default));
    }
    state.models.insert(id, model.clone());
    Ok(json_response(StatusCode::OK, &model))
}

fn valid_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    first && name.len() <= 255 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

fn list(world: &World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let query = &ctx.query;
    let (tags, properties) = (Pairs::parse(query.get("tags")), Pairs::parse(query.get("properties")));
    let tag = Pairs::parse(query.get("tag"));
    let matches = |model: &&Value| {
        let equal = |name: &str| {
            let wanted = query.get(name).filter(|wanted| !wanted.is_empty());
            wanted.is_none_or(|wanted| model.get(name).and_then(Value::as_str) == Some(wanted))
        };
        let map = |member: &str| model.get(member).and_then(Value::as_object);
        let filters = ["name", "framework", "runId", "description"];
        filters.into_iter().all(equal)
            && tags.hold(map("kvTags"))
            && tag.hold(map("kvTags"))
            && properties.hold(map("properties"))
    };
    let models = world.machine_learning.workspace(&ctx.workspace).into_iter().flat_map(|w| w.models.values());
    let mut found: Vec<_> = models.filter(matches).cloned().collect();
    found.reverse();
    if query.get("latestVersionOnly").is_some_and(|only| only.eq_ignore_ascii_case("true")) {
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|model| seen.insert(model.get("name").map(Value::to_string)));
    }
    let page = filter::page(found, query, world.page_size)?;
    let next = page.next.map(|next| filter::next_link(&world.base_url, ctx.path, query, next));
    Ok(json_response(StatusCode::OK, &json!({"value": page.items, "nextLink": next})))
}

fn change(world: &mut World, ctx: &Ctx<'_>, id: &str) -> Result<Response, Problem> {
    let mut model = get(world, ctx, id)?.clone();
    for operation in patch::read(ctx.body()?)? {
        let member = operation.path.trim_start_matches('/').to_owned();
        if !CHANGEABLE.contains(&member.as_str()) {
            return Err(patch::refused(&operation));
        }
        if member == "properties" {
            keep_properties(model.get("properties").and_then(Value::as_object), &operation.value)?;
        }
        super::set(&mut model, &member, operation.value);
    }
    super::set(&mut model, "modifiedTime", json!(timestamp(world.now)));
    world.machine_learning.workspace_mut(&ctx.workspace).models.insert(id.to_owned(), model.clone());
    Ok(json_response(StatusCode::OK, &model))
}

/// Properties can be added, but never changed or removed.
fn keep_properties(old: Option<&Map<String, Value>>, new: &Value) -> Result<(), Problem> {
    for (key, value) in old.into_iter().flatten() {
        if new.get(key) != Some(value) {
            return Err(Problem::invalid("ImmutableProperty", format!("Property {key} can't be changed or removed.")));
        }
    }
    Ok(())
}

fn remove(world: &mut World, ctx: &Ctx<'_>, id: &str) -> Result<Response, Problem> {
    let users = super::services::users_of(world, &ctx.workspace, id);
    let state = world.machine_learning.workspace_mut(&ctx.workspace);
    if !state.models.contains_key(id) {
        return Ok(empty_response(StatusCode::NO_CONTENT));
    }
    if !users.is_empty() {
        let message = format!("DeletionRequired: model {id} is used by service {}; delete it first.", users.join(", "));
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message));
    }
    state.models.shift_remove(id);
    Ok(empty_response(StatusCode::OK))
}
