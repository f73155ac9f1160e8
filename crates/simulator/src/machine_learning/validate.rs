//! The advisory calls before a create, update or delete: 200, and a message where the real call would refuse.

use http::StatusCode;
use serde_json::{Value, json};

use super::problem::Problem;
use super::request::{self, Wanted};
use super::{Ctx, services};
use crate::error::{Response, json_response};
use crate::world::World;

/// `POST {WS}/services/validate…`.
pub fn answer(world: &World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let verdict = match ctx.rest.as_slice() {
        ["services", "validate", "name", name] => free_name(world, ctx, name),
        ["services", "validate", "resource"] => Wanted::read(world, ctx, ctx.body()?).map(drop),
        ["services", "validate"] => whole(world, ctx, ctx.body()?),
        _ => return Err(ctx.no_route()),
    };
    // The body of a successful call is not confirmed; the SDK reads only `error.message`.
    let body = match verdict {
        Ok(()) => json!({}),
        Err(problem) => json!({"error": {"message": text(&problem)}}),
    };
    Ok(json_response(StatusCode::OK, &body))
}

fn free_name(world: &World, ctx: &Ctx<'_>, name: &str) -> Result<(), Problem> {
    request::check_name(name)?;
    match world.machine_learning.service(&ctx.workspace, name) {
        Some(_) => Err(services::name_taken(name)),
        None => Ok(()),
    }
}

fn whole(world: &World, ctx: &Ctx<'_>, body: &Value) -> Result<(), Problem> {
    match body.get("createRequest").filter(|create| !create.is_null()) {
        Some(create) => Wanted::read(world, ctx, create).map(drop),
        None => Ok(()),
    }
}

fn text(problem: &Problem) -> String {
    problem.details.first().map_or_else(|| problem.message.clone(), |(_, message)| message.clone())
}
