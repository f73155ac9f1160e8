//! Machines in a subnet, through the admin interface.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{COMPUTE_PREFIX, Place, place};
use crate::Simulator;
use crate::error::{Response, empty_response, json_response};
use crate::network::addresses;
use crate::store;
use crate::world::World;

/// Longest name of a namespace that reads well; the kernel has no limit of its own here.
const NAME_LIMIT: usize = 32;

/// `POST /simulator/hosts {"name","subnetId","ipForwarding"}` and `DELETE /simulator/hosts/{name}`.
pub async fn hosts(simulator: &Simulator, method: Method, name: Option<&str>, body: Value) -> Response {
    let done = match (&method, name) {
        (&Method::POST, None) => add(simulator, &body).await,
        (&Method::DELETE, Some(name)) => Ok(remove(simulator, name).await),
        _ => Err(format!("{method} is not allowed on hosts")),
    };
    done.unwrap_or_else(|why| json_response(StatusCode::BAD_REQUEST, &json!({"error": why})))
}

async fn add(simulator: &Simulator, body: &Value) -> Result<Response, String> {
    let text = |member: &str| body.get(member).and_then(Value::as_str).ok_or_else(|| format!("{member} is missing"));
    let (name, subnet) = (text("name")?, text("subnetId")?);
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_reserved = ["acivnet-", COMPUTE_PREFIX].iter().any(|prefix| name.starts_with(prefix));
    if name.is_empty() || name.len() > NAME_LIMIT || !name.chars().all(good) || is_reserved {
        let what = format!(
            "use letters, digits and hyphens, at most {NAME_LIMIT}, not beginning with acivnet- or {COMPUTE_PREFIX}"
        );
        return Err(format!("host name {name:?}: {what}"));
    }
    if simulator.runner().scripted() {
        return Err(format!("host {name:?} needs network namespaces: start the simulator with --runner netns"));
    }
    let forwards = body.get("ipForwarding").and_then(Value::as_bool).unwrap_or(false);
    let place = simulator.with(|world| seat(world, name, subnet))?;
    if let Err(why) = simulator.runner().add_host(name, &place, forwards).await {
        simulator.with(|world| addresses::release_address(world, subnet, &holder(subnet, name)));
        return Err(why);
    }
    let answer = json!({"name": name, "address": place.address.to_string(), "subnetId": subnet});
    Ok(json_response(StatusCode::CREATED, &answer))
}

fn seat(world: &mut World, name: &str, subnet: &str) -> Result<Place, String> {
    let refused = |refusal: crate::Refusal| format!("{}: {}", refusal.code, refusal.message);
    let address = addresses::take_host_address(world, subnet, &holder(subnet, name)).map_err(refused)?;
    let network = store::parent_of(subnet).ok_or_else(|| format!("subnetId {subnet:?} is not the id of a subnet"))?;
    place(world, network, address).ok_or_else(|| format!("the network of {subnet} has no prefix that holds {address}"))
}

async fn remove(simulator: &Simulator, name: &str) -> Response {
    let known = simulator.runner().remove_host(name).await;
    simulator.with(|world| {
        let subnets: Vec<_> =
            world.resources.iter().filter(|r| r.id.contains("/subnets/")).map(|r| r.id.clone()).collect();
        for subnet in subnets {
            if addresses::address_of(world, &holder(&subnet, name)).is_some() {
                addresses::release_address(world, &subnet, &holder(&subnet, name));
            }
        }
    });
    empty_response(if known { StatusCode::OK } else { StatusCode::NOT_FOUND })
}

/// Id of the network interface's configuration, which is what holds an address in a subnet.
fn holder(subnet: &str, name: &str) -> String {
    let group = store::group_of(subnet).unwrap_or_default();
    format!("{group}/providers/Microsoft.Network/networkInterfaces/{name}/ipConfigurations/primary")
}
