//! Web services on Azure Container Instances: create, read, list, delete, logs.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::filter::{self, Pairs};
use super::problem::Problem;
use super::request::{Wanted, model_ids};
use super::state::{Keys, Service, Stage, State};
use super::{Answer, Ctx, deployment, keys, operations, update, validate, view};
use crate::containers;
use crate::error::{Response, empty_response, json_response};
use crate::store::subscription_of;
use crate::windows::{self, Deed};
use crate::world::World;

/// Azure seconds until a service with a container is gone.
const DELETE_SECONDS: f64 = 15.0;
/// Lines of a log when the client does not say.
const TAIL: usize = 5000;

/// Everything below `{WS}/services`.
pub fn answer(world: &mut World, ctx: &Ctx<'_>) -> Result<Answer, Problem> {
    let action = match (&ctx.method, ctx.rest.as_slice()) {
        (&Method::GET, _) | (_, ["services", "validate", ..]) => "services/read",
        (&Method::DELETE, _) => "services/aci/delete",
        (_, ["services", _, "listkeys"]) => "services/aci/listkeys/action",
        _ => "services/aci/write",
    };
    world.authorize(&ctx.caller, &ctx.action(action), &ctx.workspace)?;
    let response = match (&ctx.method, ctx.rest.as_slice()) {
        (&Method::GET, ["services"]) => list(world, ctx),
        (&Method::POST, ["services"]) => create(world, ctx),
        (&Method::POST, ["services", "validate", ..]) => validate::answer(world, ctx),
        (&Method::GET, ["services", name]) => {
            let service = existing(world, &ctx.workspace, name)?;
            Ok(json_response(StatusCode::OK, &view::service(world, &ctx.workspace, service, expanded(ctx))))
        }
        (&Method::PATCH, ["services", name]) => update::answer(world, ctx, name),
        (&Method::DELETE, ["services", name]) => delete(world, ctx, name),
        (&Method::GET, ["services", name, "logs"]) => return logs(world, ctx, name),
        (&Method::POST, ["services", name, "listkeys"]) => keys::list(world, ctx, name),
        (&Method::POST, ["services", name, "regenerateKeys"]) => keys::regenerate(world, ctx, name),
        _ => Err(ctx.no_route()),
    };
    response.map(Answer::from)
}

/// The service of this name.
pub fn existing<'w>(world: &'w World, workspace: &str, name: &str) -> Result<&'w Service, Problem> {
    let missing = || Problem::not_found("ServiceNotFound", format!("Service {name} was not found."));
    world.machine_learning.service(workspace, name).ok_or_else(missing)
}

/// Refuses while an operation on the service runs. The detail's code is not confirmed.
pub fn idle(world: &World, workspace: &str, name: &str) -> Result<(), Problem> {
    if world.machine_learning.workspace(workspace).is_some_and(|w| w.busy(name)) {
        let message = format!("Another operation on service {name} is in progress. Wait for it to end.");
        return Err(Problem::conflict("ServiceOperationInProgress", message));
    }
    Ok(())
}

/// `409` for a name in use.
pub fn name_taken(name: &str) -> Problem {
    let message = format!("Service {name} with the same name already exists in the workspace.");
    Problem::conflict("ServiceExists", message)
}

/// Names of the services that use a model.
pub fn users_of(world: &World, workspace: &str, model: &str) -> Vec<String> {
    let services = world.machine_learning.workspace(workspace).into_iter().flat_map(|w| w.services.values());
    let uses = |service: &&Service| model_ids(&service.image_request).iter().any(|id| id == model);
    services.filter(uses).map(|service| service.name.clone()).collect()
}

fn expanded(ctx: &Ctx<'_>) -> bool {
    ctx.query.get("expand").is_some_and(|expand| expand.eq_ignore_ascii_case("true"))
}

fn create(world: &mut World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let wanted = Wanted::read(world, ctx, ctx.body()?)?;
    let name = wanted.name.clone();
    idle(world, &ctx.workspace, &name)?;
    let service = match world.machine_learning.service(&ctx.workspace, &name) {
        Some(_) if !wanted.overwrite => return Err(name_taken(&name)),
        Some(old) => overwritten(old.clone(), wanted)?,
        None => fresh(world, ctx, wanted),
    };
    world.machine_learning.workspace_mut(&ctx.workspace).services.insert(name.clone(), service);
    let operation = deployment::begin(world, &ctx.workspace, &name, ctx.scripted.clone());
    Ok(operations::accepted(world, &ctx.workspace, &operation))
}

fn fresh(world: &mut World, ctx: &Ctx<'_>, wanted: Wanted) -> Service {
    Service {
        keys: Keys::given(wanted.keys.as_ref(), &mut world.ids),
        name: wanted.name,
        description: wanted.description,
        tags: wanted.tags,
        properties: wanted.properties,
        created: world.now,
        updated: None,
        created_by: ctx.created_by(),
        state: State::Transitioning,
        error: None,
        operation_id: String::new(),
        image_request: wanted.image_request,
        cpu: wanted.cpu,
        memory_gb: wanted.memory_gb,
        location: wanted.location,
        auth_enabled: wanted.auth_enabled,
        app_insights: wanted.app_insights,
        ssl: wanted.ssl,
        kept: wanted.kept,
        dns_label: wanted.dns_label,
        network: wanted.network,
        container: None,
    }
}

/// A create with `overwrite`. Whether Azure moves a service to another network or region is not documented: refused.
fn overwritten(old: Service, wanted: Wanted) -> Result<Service, Problem> {
    let moved = [
        ("location", old.location != wanted.location),
        ("vnetConfiguration", old.network != wanted.network),
        ("dnsNameLabel", old.dns_label != wanted.dns_label),
    ];
    if let Some((member, _)) = moved.into_iter().find(|(_, moved)| *moved) {
        let message =
            format!("{member} of an existing service can't be changed; delete the service and create it again.");
        return Err(Problem::invalid("ServiceUpdateNotSupported", message));
    }
    Ok(Service {
        description: wanted.description,
        tags: wanted.tags,
        properties: wanted.properties,
        image_request: wanted.image_request,
        cpu: wanted.cpu,
        memory_gb: wanted.memory_gb,
        auth_enabled: wanted.auth_enabled,
        app_insights: wanted.app_insights,
        ssl: wanted.ssl,
        kept: wanted.kept,
        ..old
    })
}

fn list(world: &World, ctx: &Ctx<'_>) -> Result<Response, Problem> {
    let query = &ctx.query;
    let (tags, tag) = (Pairs::parse(query.get("tags")), Pairs::parse(query.get("tag")));
    let properties = Pairs::parse(query.get("properties"));
    let asked = |name: &str| query.get(name).filter(|value| !value.is_empty());
    let matches = |service: &&Service| {
        let models = model_ids(&service.image_request);
        let of_name = |name: &str| models.iter().any(|id| id.split(':').next() == Some(name));
        asked("computeType").is_none_or(|kind| kind.eq_ignore_ascii_case("ACI"))
            && asked("name").is_none_or(|name| name == service.name)
            && asked("modelId").is_none_or(|id| models.iter().any(|model| model == id))
            && asked("modelName").is_none_or(of_name)
            // A service made of an environment has no image of its own that could be asked for.
            && ["imageName", "imageId", "imageDigest"].into_iter().all(|name| asked(name).is_none())
            && tags.hold(Some(&service.tags))
            && tag.hold(Some(&service.tags))
            && properties.hold(Some(&service.properties))
    };
    let services = world.machine_learning.workspace(&ctx.workspace).into_iter().flat_map(|w| w.services.values());
    let mut found: Vec<_> = services.filter(matches).collect();
    let by_creation = asked("orderby").is_some_and(|order| order.starts_with("CreatedAt"));
    found.sort_by_key(|service| if by_creation { service.created } else { service.updated.unwrap_or(service.created) });
    if !asked("orderby").is_some_and(|order| order.ends_with("Asc")) {
        found.reverse();
    }
    let views = found.into_iter().map(|service| view::service(world, &ctx.workspace, service, expanded(ctx)));
    let page = filter::page(views.collect(), query, world.page_size)?;
    let mut body = json!({"value": page.items});
    // The SDK follows a nextLink of null: the key must be absent on the last page.
    if let Some(next) = page.next {
        super::set(&mut body, "nextLink", Value::String(filter::next_link(&world.base_url, ctx.path, query, next)));
    }
    Ok(json_response(StatusCode::OK, &body))
}

fn delete(world: &mut World, ctx: &Ctx<'_>, name: &str) -> Result<Response, Problem> {
    let Some(service) = world.machine_learning.service(&ctx.workspace, name) else {
        return Ok(empty_response(StatusCode::NO_CONTENT));
    };
    let (has_container, location) = (service.container.is_some(), service.location.clone());
    idle(world, &ctx.workspace, name)?;
    if !has_container {
        deployment::remove(world, &ctx.workspace, name);
        return Ok(empty_response(StatusCode::OK));
    }
    windows::container_group(world, subscription_of(&ctx.workspace), &location, Deed::Delete)?;
    let id = operations::begin(world, &ctx.workspace, name, Stage::Whole, ctx.scripted.clone());
    if let Some(service) = world.machine_learning.service_mut(&ctx.workspace, name) {
        service.state = State::Transitioning;
    }
    let (workspace, operation, name) = (ctx.workspace.clone(), id.clone(), name.to_owned());
    world.schedule(world.duration_of("DeleteService", DELETE_SECONDS), move |world| {
        let done = deployment::whole_ended(world, &workspace, &operation, |world| {
            deployment::remove(world, &workspace, &name);
        });
        if let (false, Some(service)) = (done, world.machine_learning.service_mut(&workspace, &name)) {
            service.state = State::Failed;
        }
    });
    Ok(operations::accepted(world, &ctx.workspace, &id))
}

fn logs(world: &World, ctx: &Ctx<'_>, name: &str) -> Result<Answer, Problem> {
    let service = existing(world, &ctx.workspace, name)?;
    let tail = ctx.query.get("tail").and_then(|tail| tail.parse().ok()).unwrap_or(TAIL);
    let init = ctx.query.get("init").is_some_and(|init| init.eq_ignore_ascii_case("true"));
    let started = service.container.is_some() && !init;
    if started && world.machine_learning.real {
        return Ok(Answer::Logs { group: deployment::group_id(&ctx.workspace, name), tail });
    }
    let content = if started { containers::log(world, name, tail) } else { String::new() };
    Ok(json_response(StatusCode::OK, &json!({"content": content})).into())
}
