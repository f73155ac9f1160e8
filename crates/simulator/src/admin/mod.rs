//! The admin interface below `/simulator`, for tests and demonstrations: no token, not counted, not part of Azure.
//!
//! | request | what it does |
//! |---|---|
//! | `GET requests?since=N`, `GET counts`, `POST counts/reset` | the requests so far, and how many |
//! | `GET dump` | everything that exists |
//! | `PUT seed` | merges a [`Seed`] in |
//! | `GET settings`, `PATCH settings` | [`Settings`](crate::settings::Settings) |
//! | `GET`, `PUT`, `PATCH`, `DELETE resources?id=…` | edits like a person's in the portal, without permission checks |
//! | `GET`, `POST`, `DELETE faults` | a [`Fault`] that waits for its request |
//! | `POST locks`, `DELETE locks?scope=…` | a [`Lock`] |
//! | `DELETE roles?principalId=…&scope=…` | removes role assignments |
//! | `GET rights?principalId=…` | which rights a caller used, by the role that granted them, and which were refused |
//! | `PUT containers/{service}` | how the container of a web service behaves |
//! | `POST`, `DELETE container-scripts` | how containers of container groups behave: a [`Script`], all scripts |
//! | `POST hosts`, `DELETE hosts/{name}` | a machine in a subnet |

mod resources;

use crate::blob;
use crate::call::Query;
use crate::container_instances::{self, Script};
use crate::containers;
use crate::error::{Response, empty_response, json_response};
use crate::faults::Fault;
use crate::locks::Lock;
use crate::machine_learning;
use crate::run;
use crate::seed::Seed;
use crate::simulator::Simulator;
use crate::store::same_id;
use crate::world::World;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Largest body in bytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// An edit of a resource, without permission checks.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Created or replaced.
    Put(Value),
    /// Changed by a JSON merge patch (RFC 7396).
    Patch(Value),
    /// Removed.
    Delete,
}

/// The result of an admin request; an error is a sentence for the caller.
type Answer = Result<Response, (StatusCode, String)>;

/// Answers a request to the admin interface.
pub async fn route(simulator: &Simulator, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_start_matches("/simulator").trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let query = Query::parse(parts.uri.query());
    let answer = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => dispatch(simulator, &parts.method, &segments, &query, body.to_bytes()).await,
        Err(_) => Err(bad_request(format!("the body is larger than {BODY_LIMIT} bytes or was cut off"))),
    };
    answer.unwrap_or_else(|(status, error)| json_response(status, &json!({"error": error})))
}

#[expect(clippy::too_many_lines, reason = "a table of requests")]
async fn dispatch(simulator: &Simulator, method: &Method, segments: &[&str], query: &Query, body: Bytes) -> Answer {
    match (method, segments) {
        (&Method::POST, ["hosts"]) => return Ok(run::hosts(simulator, Method::POST, None, parsed(&body)?).await),
        (&Method::DELETE, ["hosts", name]) => {
            return Ok(run::hosts(simulator, Method::DELETE, Some(name), Value::Null).await);
        }
        _ => {}
    }
    simulator.with(|world| match segments {
        ["requests"] if method == Method::GET => requests(world, query),
        ["counts"] if method == Method::GET => ok(&world.log.counts()),
        ["counts", "reset"] if method == Method::POST => {
            world.log.reset_counts();
            done()
        }
        ["recording"] if method == Method::POST => {
            world.recording.begin();
            done()
        }
        ["recording"] if method == Method::GET => ok(&json!(world.recording.sent())),
        ["dump"] if method == Method::GET => ok(&dump(world)),
        ["seed"] if method == Method::PUT => {
            Seed::parse(&body).map_err(bad_request)?.merge_into(world);
            done()
        }
        ["settings"] if method == Method::GET => ok(&json!(world.settings)),
        ["settings"] if method == Method::PATCH => {
            world.settings.change(parsed(&body)?);
            done()
        }
        ["resources"] => resource(world, method, query, &body),
        ["faults"] => faults(world, method, &body),
        ["locks"] => locks(world, method, query, &body),
        ["rights"] if method == Method::GET => {
            let principal = query.get("principalId");
            let principal =
                principal.ok_or_else(|| bad_request("the query parameter principalId is missing".to_owned()))?;
            ok(&world.asked.of(principal))
        }
        ["roles"] if method == Method::DELETE => remove_roles(world, query),
        ["container-scripts"] => container_scripts(world, method, &body),
        ["containers", service] if method == Method::PUT => {
            containers::script(world, service, parsed(&body)?).map_err(bad_request)?;
            done()
        }
        _ => Err((StatusCode::NOT_FOUND, format!("no such admin request: {method} /simulator/{}", segments.join("/")))),
    })
}

fn requests(world: &World, query: &Query) -> Answer {
    let since = query.get("since").unwrap_or("0");
    let since = since.parse().map_err(|_| bad_request(format!("since={since} is not a number")))?;
    let mut lines = String::new();
    for entry in world.log.since(since) {
        lines.push_str(&serde_json::to_string(entry).unwrap_or_default());
        lines.push('\n');
    }
    let mut response = Response::new(Body::from(lines));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// Everything that exists, without secrets.
fn dump(world: &World) -> Value {
    let mut dump = Map::new();
    let bodies = world.resources.iter().map(|resource| (resource.id.clone(), resources::body(world, resource)));
    dump.insert("resources".to_owned(), Value::Object(bodies.collect()));
    dump.extend(machine_learning::dump(world));
    dump.insert("blobs".to_owned(), blob::dump(world));
    Value::Object(dump)
}

fn resource(world: &mut World, method: &Method, query: &Query, body: &Bytes) -> Answer {
    let id = query.get("id").ok_or_else(|| bad_request("the query parameter id is missing".to_owned()))?;
    let edit = match *method {
        Method::GET => {
            let found = world.resources.get(id).map(|found| resources::body(world, found));
            return found.map_or_else(|| Err(missing(id)), |body| ok(&body));
        }
        Method::PUT => Edit::Put(parsed(body)?),
        Method::PATCH => Edit::Patch(parsed(body)?),
        Method::DELETE => Edit::Delete,
        _ => return Err((StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not one of GET, PUT, PATCH, DELETE"))),
    };
    if let Some(edited) = machine_learning::edit(world, id, edit.clone()) {
        edited.map_err(bad_request)?;
        return done();
    }
    if world.resources.get(id).is_none() && !matches!(edit, Edit::Put(_)) {
        return Err(missing(id));
    }
    resources::edit(world, id, edit).map_err(bad_request)?;
    done()
}

fn missing(id: &str) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("{id} does not exist"))
}

fn faults(world: &mut World, method: &Method, body: &Bytes) -> Answer {
    match *method {
        Method::GET => ok(&json!(world.faults.list())),
        Method::POST => {
            let fault: Fault = parsed(body)?;
            world.faults.add(fault, world.now);
            done()
        }
        Method::DELETE => {
            world.faults.clear();
            done()
        }
        _ => Err((StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not one of GET, POST, DELETE"))),
    }
}

fn locks(world: &mut World, method: &Method, query: &Query, body: &Bytes) -> Answer {
    match *method {
        Method::POST => {
            let lock: Lock = parsed(body)?;
            world.locks.set(lock);
            done()
        }
        Method::DELETE => {
            let scope =
                query.get("scope").ok_or_else(|| bad_request("the query parameter scope is missing".to_owned()))?;
            if world.locks.lift(scope) { done() } else { Err((StatusCode::NOT_FOUND, format!("no lock at {scope}"))) }
        }
        _ => Err((StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not one of POST, DELETE"))),
    }
}

/// `POST /simulator/container-scripts` with a script, which takes precedence over earlier ones; `DELETE` removes all.
fn container_scripts(world: &mut World, method: &Method, body: &Bytes) -> Answer {
    match *method {
        Method::POST => container_instances::add_script(world, parsed::<Script>(body)?),
        Method::DELETE => container_instances::clear_scripts(world),
        _ => return Err((StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not one of POST, DELETE"))),
    }
    done()
}

/// `DELETE /simulator/roles?principalId=…[&scope=…]`: removes role assignments.
fn remove_roles(world: &mut World, query: &Query) -> Answer {
    let principal = query.get("principalId");
    let principal = principal.ok_or_else(|| bad_request("the query parameter principalId is missing".to_owned()))?;
    world.roles.retain(|given| {
        let hit = given.principal.eq_ignore_ascii_case(principal)
            && query.get("scope").is_none_or(|scope| same_id(scope, &given.scope));
        !hit
    });
    done()
}

fn parsed<T: DeserializeOwned>(body: &Bytes) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body)
        .map_err(|error| bad_request(format!("the body does not have the expected form: {error}")))
}

fn bad_request(error: String) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, error)
}

fn ok(body: &Value) -> Answer {
    Ok(json_response(StatusCode::OK, body))
}

fn done() -> Answer {
    Ok(empty_response(StatusCode::NO_CONTENT))
}
