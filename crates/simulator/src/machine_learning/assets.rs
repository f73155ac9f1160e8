//! Assets: one id for a group of artifacts.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::filter::{self, Pairs};
use super::problem::Problem;
use super::{Ctx, timestamp};
use crate::error::{Response, empty_response, json_response};
use crate::world::World;

/// Members that a client may set; absent ones are answered as null.
const OPTIONAL: &[&str] = &["kvTags", "properties", "runid", "meta", "type", "description"];

/// Everything below `{WS}/assets`. Azure has no actions for assets; those of models are used.
pub fn answer(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let action = if ctx.method == Method::GET { "models/read" } else { "models/write" };
    world.authorize(&ctx.caller, &ctx.action(action), &ctx.workspace)?;
    match (&ctx.method, ctx.rest.as_slice()) {
        (&Method::POST, ["assets"]) => create(world, ctx),
        (&Method::GET, ["assets"]) => list(world, ctx),
        (&Method::GET, ["assets", id]) => {
            let found = world.machine_learning.workspace(&ctx.workspace).and_then(|w| w.assets.get(*id));
            let missing = || Problem::not_found("AssetNotFound", format!("Asset with id {id} was not found."));
            Ok(json_response(StatusCode::OK, found.ok_or_else(missing)?))
        }
        (&Method::DELETE, ["assets", id]) => {
            let gone = world.machine_learning.workspace_mut(&ctx.workspace).assets.shift_remove(*id);
            Ok(empty_response(if gone.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT }))
        }
        _ => Err(ctx.no_route()),
    }
}

/// The prefixes and ids of the artifacts of an asset.
pub fn artifacts(world: &World, workspace: &str, id: &str) -> Option<Vec<String>> {
    let asset = world.machine_learning.workspace(workspace)?.assets.get(id)?;
    let entries = asset.get("artifacts").and_then(Value::as_array)?;
    let name = |entry: &Value| entry.get("prefix").or_else(|| entry.get("id"))?.as_str().map(str::to_owned);
    Some(entries.iter().filter_map(name).collect())
}

fn create(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let body = ctx.body()?;
    let name = body.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::invalid("AssetNameMissing", "An asset needs a name."))?;
    let artifacts = body.get("artifacts").filter(|artifacts| artifacts.is_array());
    let artifacts =
        artifacts.ok_or_else(|| Problem::invalid("ArtifactsMissing", "An asset needs a list of artifacts."))?;
    let id = world.ids.hex("asset", 32);
    let mut asset = json!({"id": id, "name": name, "artifacts": artifacts, "createdTime": timestamp(world.now)});
    for member in OPTIONAL {
        super::set(&mut asset, member, body.get(*member).cloned().unwrap_or_default());
    }
    world.machine_learning.workspace_mut(&ctx.workspace).assets.insert(id, asset.clone());
    Ok(json_response(StatusCode::OK, &asset))
}

fn list(world: &World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let query = &ctx.query;
    let (tags, properties) = (Pairs::parse(query.get("tags")), Pairs::parse(query.get("properties")));
    let matches = |asset: &&Value| {
        let equal = |name: &str, member: &str| {
            query.get(name).is_none_or(|wanted| asset.get(member).and_then(Value::as_str) == Some(wanted))
        };
        let map = |member: &str| asset.get(member).and_then(Value::as_object);
        equal("name", "name")
            && equal("runId", "runid")
            && equal("type", "type")
            && tags.hold(map("kvTags"))
            && properties.hold(map("properties"))
    };
    let assets = world.machine_learning.workspace(&ctx.workspace).into_iter().flat_map(|w| w.assets.values());
    let mut found: Vec<_> = assets.filter(matches).cloned().collect();
    found.reverse();
    let page = filter::page(found, query, world.page_size)?;
    let next = page.next.map(|next| filter::next_link(&world.base_url, ctx.path, query, next));
    Ok(json_response(StatusCode::OK, &json!({"value": page.items, "nextLink": next})))
}
