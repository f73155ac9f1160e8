//! Azure Resource Manager: what applies to every type, and the dispatch to each.

pub mod computes;
pub mod filter;
pub mod groups;
pub mod locations;
pub mod metadata;
pub mod names;
pub mod paging;
pub mod providers;
pub mod rate;
pub mod resources;
pub mod subscriptions;
pub mod tags;
pub mod version;
pub mod workspaces;

use crate::authorization;
use crate::call::{Call, Path, Query};
use crate::container_instances;
use crate::error::{Refusal, Response, empty_response, set_header};
use crate::faults::ScriptedEnding;
use crate::identity::Caller;
use crate::identity::bearer::{admit, existing_subscription};
use crate::managed_identity;
use crate::network::{self, private_dns};
use crate::operations;
use crate::simulator::Simulator;
use crate::world::World;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};

/// Largest body in bytes ("Azure subscription and service limits": 4 MB).
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// Answers a request to Resource Manager.
pub async fn route(
    simulator: &Simulator,
    caller: Result<Caller, Refusal>,
    request: Request<Body>,
    scripted: Option<ScriptedEnding>,
) -> Response {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query());
    if parts.uri.path().eq_ignore_ascii_case("/metadata/endpoints") {
        return simulator.with(|world| metadata::endpoints(world, &query));
    }
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        let message = format!("The request content size exceeds the maximum size of {BODY_LIMIT} bytes.");
        return Refusal::gateway(StatusCode::PAYLOAD_TOO_LARGE, "RequestContentTooLarge", message).into_response();
    };
    let body = body.to_bytes();
    simulator.with(|world| {
        let mut response = answer(world, &parts, query, body, caller, scripted).unwrap_or_else(Refusal::into_response);
        surround(world, &parts, &mut response);
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    })
}

/// api-version, then subscription, then token and its tenant, then the type. In Azure an unknown subscription is told
/// to callers without a token as well; that a missing api-version comes even before is not confirmed.
fn answer(
    world: &mut World,
    parts: &Parts,
    query: Query,
    body: Bytes,
    caller: Result<Caller, Refusal>,
    scripted: Option<ScriptedEnding>,
) -> Result<Response, Refusal> {
    let path = Path::parse(parts.uri.path());
    version::check(&path, &query)?;
    let mut left = None;
    if let Some(subscription) = path.subscription() {
        existing_subscription(world, subscription)?;
        let caller = caller.as_ref().map_err(Clone::clone)?;
        admit(world, caller, subscription)?;
        left = Some(rate::take(world, subscription, &caller.object_id, &parts.method)?);
    }
    // HEAD of a resource is "Check Existence By Id": a GET that answers 204.
    let asks_existence = parts.method == Method::HEAD && path.segments().contains(&"providers");
    let call = Call {
        method: if asks_existence { Method::GET } else { parts.method.clone() },
        path,
        query,
        headers: parts.headers.clone(),
        body,
        caller: caller?,
        scripted,
    };
    let mut response = dispatch(world, &call, parts.uri.path()).unwrap_or_else(Refusal::into_response);
    if asks_existence && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    if let Some(left) = left {
        rate::tell(&mut response, &parts.method, left);
    }
    Ok(response)
}

fn dispatch(world: &mut World, call: &Call, raw_path: &str) -> Result<Response, Refusal> {
    let segments = call.path.segments();
    if let Some((_, rest)) = extension(&segments, "microsoft.authorization") {
        return authorization::route(world, call, raw_path, rest);
    }
    match segments.as_slice() {
        [.., "providers", "microsoft.resources", "tags", "default"] => tags::route(world, call, raw_path),
        ["tenants"] => subscriptions::tenants(world, call),
        ["subscriptions"] => subscriptions::list(world, call),
        ["subscriptions", subscription] => subscriptions::get(world, call, subscription),
        ["subscriptions", subscription, "locations"] => locations::list(world, call, subscription),
        ["subscriptions", subscription, "providers"] => providers::list(world, call, raw_path, subscription),
        ["subscriptions", subscription, "resources"] => {
            resources::list(world, call, raw_path, &format!("/subscriptions/{subscription}"))
        }
        ["subscriptions", subscription, "resourcegroups", group, "resources"] => {
            resources::list(world, call, raw_path, &groups::id(subscription, group))
        }
        ["subscriptions", _, "operationresults", id] => operations::result(world, call, raw_path, id),
        ["subscriptions", subscription, "resourcegroups"] => groups::list(world, call, raw_path, subscription),
        ["subscriptions", subscription, "resourcegroups", name] => groups::one(world, call, subscription, name),
        ["subscriptions", subscription, "providers", namespace, rest @ ..] => {
            let scope = format!("/subscriptions/{subscription}");
            provider(world, call, raw_path, &scope, namespace, rest)
        }
        ["subscriptions", subscription, "resourcegroups", name, "providers", namespace, rest @ ..] => {
            let scope = groups::id(subscription, name);
            provider(world, call, raw_path, &scope, namespace, rest)
        }
        _ => {
            let message = "The request did not have a subscription or a valid tenant level resource provider.";
            Err(Refusal::gateway(StatusCode::NOT_FOUND, "MissingSubscription", message))
        }
    }
}

/// What is before and behind `providers/NAMESPACE` of an extension, which any scope may have.
fn extension<'a, 'b>(segments: &'a [&'b str], namespace: &str) -> Option<(&'a [&'b str], &'a [&'b str])> {
    let at = segments.windows(2).rposition(|pair| pair == ["providers", namespace])?;
    let (scope, rest) = segments.split_at_checked(at)?;
    let rest = rest.get(2..).filter(|rest| !rest.is_empty() && *rest != ["register"])?;
    Some((scope, rest))
}

fn provider(
    world: &mut World,
    call: &Call,
    raw_path: &str,
    scope: &str,
    namespace: &str,
    rest: &[&str],
) -> Result<Response, Refusal> {
    let answer = of_provider(world, call, raw_path, scope, namespace, rest);
    if namespace == "microsoft.network" && !private_dns::is_ours(rest) && !matches!(rest, [] | ["register"]) {
        return network::identified(world, call, (scope, rest), answer);
    }
    answer
}

fn of_provider(
    world: &mut World,
    call: &Call,
    raw_path: &str,
    scope: &str,
    namespace: &str,
    rest: &[&str],
) -> Result<Response, Refusal> {
    match (namespace, rest) {
        (_, []) | (_, ["register"]) => providers::route(world, call, scope, namespace, rest),
        (_, ["locations", _, "operations", id]) => operations::status(world, call, raw_path, id),
        (_, ["locations", _, "operationresults", id]) => operations::result(world, call, raw_path, id),
        ("microsoft.machinelearningservices", ["locations", _, "computeoperationsstatus", id]) => {
            operations::status_or_result(world, call, raw_path, id)
        }
        ("microsoft.machinelearningservices", ["workspaces", workspace, "computes", rest @ ..]) => {
            let workspace = format!("{scope}/providers/{}/{workspace}", workspaces::KIND);
            computes::route(world, call, raw_path, &workspace, rest)
        }
        ("microsoft.network", rest) if private_dns::is_ours(rest) => {
            private_dns::route(world, call, raw_path, scope, rest)
        }
        ("microsoft.network", rest) => network::route(world, call, raw_path, scope, rest),
        ("microsoft.managedidentity", rest) => managed_identity::route(world, call, raw_path, scope, rest),
        ("microsoft.containerinstance", rest) => container_instances::route(world, call, raw_path, scope, rest),
        ("microsoft.machinelearningservices", ["workspaces", rest @ ..]) => {
            workspaces::route(world, call, raw_path, scope, rest)
        }
        _ => Err(unknown_type(namespace, rest, call)),
    }
}

/// `404 InvalidResourceType` or `InvalidResourceNamespace`.
pub fn unknown_type(namespace: &str, rest: &[&str], call: &Call) -> Refusal {
    let Some(known) = providers::spelling(namespace) else {
        let message = format!("The resource namespace '{namespace}' is invalid.");
        return Refusal::gateway(StatusCode::NOT_FOUND, "InvalidResourceNamespace", message);
    };
    let kind: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let message = format!(
        "The resource type '{}' could not be found in the namespace '{known}' for api version '{}'.",
        kind.join("/"),
        call.api_version()
    );
    Refusal::gateway(StatusCode::NOT_FOUND, "InvalidResourceType", message)
}

/// `405`: the type does not have this verb. The code is not confirmed.
pub fn wrong_verb(call: &Call) -> Refusal {
    let message = format!("The requested resource does not support http method '{}'.", call.method);
    Refusal::service(StatusCode::METHOD_NOT_ALLOWED, "HttpMethodNotSupported", message)
}

/// Headers of every answer of Resource Manager.
fn surround(world: &mut World, parts: &Parts, response: &mut Response) {
    let asked = parts.headers.get("x-ms-correlation-request-id").and_then(|value| value.to_str().ok());
    let request = world.ids.guid("request");
    let correlation = asked.map_or_else(|| request.clone(), str::to_owned);
    let routing = format!("{}:{}:{request}", "WESTEUROPE", world.now.strftime("%Y%m%dT%H%M%SZ"));
    set_header(response, "x-ms-request-id", &request);
    set_header(response, "x-ms-correlation-request-id", &correlation);
    set_header(response, "x-ms-routing-request-id", &routing);
    set_header(response, "cache-control", "no-cache");
    let is_untold = response.status().is_client_error() && !response.headers().contains_key("x-ms-failure-cause");
    if is_untold && world.settings.provider_failure_cause {
        set_header(response, "x-ms-failure-cause", "service");
    }
}

/// `204`, or the like, without a body.
pub(crate) fn nothing(status: StatusCode) -> Result<Response, Refusal> {
    Ok(empty_response(status))
}
