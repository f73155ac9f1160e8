//! Scripted containers: what answers for a service when nothing really runs, and traffic to their addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use axum::body::Body;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Simulator;
use crate::error::{Refusal, Response, json_response};
use crate::machine_learning::Outcome;
use crate::machine_learning::serving::{self, Serving};
use crate::world::World;

/// Largest request to a scripted container.
const REQUEST_LIMIT: usize = 1024 * 1024;

/// The scripts by name of service.
#[derive(Debug, Default)]
pub struct Containers {
    scripts: BTreeMap<String, Script>,
}

/// How the container of a service behaves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Script {
    build: BuildScript,
    init: InitScript,
    score: ScoreScript,
    /// The region's core quota is used up.
    quota: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BuildScript {
    fail: bool,
    log: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct InitScript {
    crash: bool,
    log: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ScoreScript {
    status: Option<u16>,
    body: Option<Value>,
}

/// Sets the script of a service, whether or not it exists; it replaces an earlier one.
///
/// # Errors
/// What in the script can't be read.
pub fn script(world: &mut World, service: &str, script: Value) -> Result<(), String> {
    let script: Script = serde_json::from_value(script).map_err(|e| format!("script of container {service}: {e}"))?;
    if script.score.status.is_some_and(|status| StatusCode::from_u16(status).is_err()) {
        return Err(format!("script of container {service}: score.status is not an HTTP status"));
    }
    world.containers.scripts.insert(service.to_owned(), script);
    Ok(())
}

/// Build log and outcome of a service's image.
pub(crate) fn build(world: &World, service: &str) -> (String, Outcome) {
    let script = of(world, service).build;
    let fallback =
        if script.fail { "ERROR: failed to build the environment\n" } else { "Successfully built the image\n" };
    let outcome = if script.fail { Outcome::Bad } else { Outcome::Good };
    (script.log.unwrap_or_else(|| fallback.to_owned()), outcome)
}

/// The refusal of a region whose quota is used up, if a script says so.
pub(crate) fn quota(world: &World, service: &str) -> Option<Refusal> {
    of(world, service).quota.then(|| {
        let message = "Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota \
                       'StandardCores' exceeded in this region. Limit: '10', Usage: '10' Requested: '1'.";
        Refusal::bad_request("ContainerGroupQuotaReached", message)
    })
}

/// Whether the container's `init()` succeeds.
pub(crate) fn start(world: &World, service: &str) -> Outcome {
    if of(world, service).init.crash { Outcome::Bad } else { Outcome::Good }
}

/// The last `tail` lines of what the container wrote.
pub(crate) fn log(world: &World, service: &str, tail: usize) -> String {
    let script = of(world, service).init;
    let text = script.log.unwrap_or_else(|| match script.crash {
        true => "Traceback (most recent call last):\n  File \"score.py\", line 1, in init\nRuntimeError: init failed\n"
            .into(),
        false => "Users's init has completed successfully\n".into(),
    });
    let lines: Vec<_> = text.lines().collect();
    let skipped = lines.len().saturating_sub(tail);
    lines.into_iter().skip(skipped).map(|line| format!("{line}\n")).collect()
}

/// A request inside the virtual network, by a client in it or through the simulator as an HTTP proxy: answered by the
/// scripted container at `address`.
pub async fn traffic(simulator: &Simulator, address: Ipv4Addr, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::CONNECT {
        let message = "This simulator opens no tunnels: it answers only for services without TLS.";
        return json_response(StatusCode::NOT_IMPLEMENTED, &json!({"message": message}));
    }
    let Ok(body) = axum::body::to_bytes(body, REQUEST_LIMIT).await else {
        return json_response(StatusCode::PAYLOAD_TOO_LARGE, &json!({"message": "The request is too large."}));
    };
    let scripted = simulator.runner().scripted();
    simulator.with(|world| {
        // where it is known what was dialled: port 443 with TLS, port 80 without
        let scheme = parts.uri.scheme_str();
        let listens = |serving: &Serving| scheme.is_none_or(|scheme| (scheme == "https") == serving.tls);
        let serving = serving::at(world, address).filter(|serving| scripted && listens(serving));
        let Some(serving) = serving else {
            let message = format!("nothing answers at {address}");
            return json_response(StatusCode::GATEWAY_TIMEOUT, &json!({"message": message}));
        };
        let key = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        match parts.uri.path() {
            _ if !serving.allows(key) => crate::run::unauthorized(),
            "/" => Response::new(Body::from("Healthy")),
            "/score" => score(world, &serving, &body),
            _ => json_response(StatusCode::NOT_FOUND, &json!({"message": "Not found"})),
        }
    })
}

/// The script's answer, or an echo that shows a test what runs.
fn score(world: &World, serving: &Serving, request: &[u8]) -> Response {
    let script = of(world, &serving.service).score;
    let status = script.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let echo = || {
        let request = serde_json::from_slice::<Value>(request).unwrap_or(Value::Null);
        json!({"models": serving.models, "scriptDigest": serving.script_digest, "request": request})
    };
    json_response(status, &script.body.unwrap_or_else(echo))
}

fn of(world: &World, service: &str) -> Script {
    world.containers.scripts.get(service).cloned().unwrap_or_default()
}
