//! Authentication keys of a service.

use http::StatusCode;
use serde_json::{Value, json};

use super::problem::Problem;
use super::state::{Keys, Stage};
use super::{Ctx, deployment, operations, services};
use crate::error::{Response, json_response};
use crate::ids::Ids;
use crate::world::World;

impl Keys {
    /// Keys as the client gave them, generated where it did not.
    pub fn given(given: Option<&Value>, ids: &mut Ids) -> Self {
        let key = |member: &str, ids: &mut Ids| {
            let given = given.and_then(|keys| keys.get(member)?.as_str());
            given.map_or_else(|| ids.base64url("service key", 32), str::to_owned)
        };
        Self { primary: key("primaryKey", ids), secondary: key("secondaryKey", ids) }
    }
}

/// `POST {WS}/services/{name}/listkeys`.
pub fn list(world: &World, ctx: &Ctx<'_>, name: &str) -> Result<Response, Problem> {
    world.authorize(&ctx.caller, &ctx.action("services/aci/listkeys/action"), &ctx.workspace)?;
    let keys = &services::existing(world, &ctx.workspace, name)?.keys;
    let body = json!({"primaryKey": keys.primary, "secondaryKey": keys.secondary});
    Ok(json_response(StatusCode::OK, &body))
}

/// `POST {WS}/services/{name}/regenerateKeys`.
pub fn regenerate(world: &mut World, ctx: &Ctx<'_>, name: &str) -> Result<Response, Problem> {
    world.authorize(&ctx.caller, &ctx.action("services/aci/write"), &ctx.workspace)?;
    services::existing(world, &ctx.workspace, name)?;
    services::idle(world, &ctx.workspace, name)?;
    let body = ctx.body()?;
    let secondary = match body.get("keyType").and_then(Value::as_str) {
        Some("Primary") => false,
        Some("Secondary") => true,
        other => {
            return Err(Problem::invalid("InvalidKeyType", format!("keyType {other:?} is not Primary or Secondary.")));
        }
    };
    let given = body.get("keyValue").and_then(Value::as_str).map(str::to_owned);
    let key = given.unwrap_or_else(|| world.ids.base64url("service key", 32));
    let id = operations::begin(world, &ctx.workspace, name, Stage::Whole, ctx.scripted.clone());
    let (workspace, operation, name) = (ctx.workspace.clone(), id.clone(), name.to_owned());
    world.schedule(world.scaled(5.0), move |world| {
        deployment::whole_ended(world, &workspace, &operation, |world| {
            if let Some(service) = world.machine_learning.service_mut(&workspace, &name) {
                let place = if secondary { &mut service.keys.secondary } else { &mut service.keys.primary };
                *place = key;
            }
        });
    });
    Ok(operations::accepted(world, &ctx.workspace, &id))
}
