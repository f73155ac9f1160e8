//! `GET {SUB}/resources` and `{RG}/resources` ("Resources - List", "- List By Resource Group"): what is in a region or
//! `global`, whatever its type.

use super::filter::Filter;
use super::{computes, groups, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::store::Resource;
use crate::world::World;
use http::Method;
use serde_json::{Map, Value, json};

/// Resources at a scope that the caller may see.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `400 InvalidFilterInQueryString`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    if scope.to_ascii_lowercase().contains("/resourcegroups/") {
        world.existing_group(scope)?;
    }
    let filter = Filter::parse(call.query.get("$filter"))?;
    let expand = call.query.get("$expand").unwrap_or_default();
    let with_state = expand.split(',').any(|name| name.trim().eq_ignore_ascii_case("provisioningState"));
    let shown = |resource: &&Resource| {
        is_tracked(resource)
            && filter.holds(resource)
            && world.may(&call.caller, &format!("{}/read", resource.kind), &resource.id)
    };
    let found = world.resources.below(scope).filter(shown);
    let items = found.map(|resource| (resource.id.clone(), body(resource, with_state))).collect();
    paging::page(world, call, raw_path, items)
}

/// Compute instances have a location but are the workspace's own (that they do not show is not confirmed).
fn is_tracked(resource: &Resource) -> bool {
    resource.location.is_some() && ![groups::KIND, computes::KIND].contains(&resource.kind)
}

fn body(resource: &Resource, with_state: bool) -> Value {
    let mut body = Map::new();
    for (name, value) in [
        ("id", json!(resource.id)),
        ("name", json!(crate::world::relative_name(&resource.id))),
        ("type", json!(resource.kind)),
        ("location", json!(resource.location)),
    ] {
        body.insert(name.to_owned(), value);
    }
    resource.tags.show(&mut body);
    if with_state {
        body.insert("provisioningState".to_owned(), json!(resource.state));
    }
    Value::Object(body)
}
