//! How full a virtual network is ("Virtual Networks - List Usage", "- Check IP Address Availability").

use super::{addresses, subnets, virtual_networks};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::world::World;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;

/// How many free addresses are listed if the requested one is taken.
const SUGGESTIONS: usize = 5;

/// Used and usable addresses of each subnet.
///
/// # Errors
/// `404`, `403 AuthorizationFailed`.
pub fn usages(world: &World, call: &Call, network: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, "Microsoft.Network/virtualNetworks/usages/read", network)?;
    let network = world.find(network, virtual_networks::KIND)?;
    let usage = |subnet: &str| {
        let (taken, all) = addresses::usage(world, subnet);
        json!({
            "id": subnet, "currentValue": taken, "limit": all, "unit": "Count",
            "name": {"localizedValue": "Subnet size and usage", "value": "SubnetSpace"},
        })
    };
    let values: Vec<Value> =
        world.resources.children(&network.id, subnets::KIND).iter().map(|subnet| usage(&subnet.id)).collect();
    Ok(json_response(StatusCode::OK, &json!({"value": values})))
}

/// Whether `ipAddress` is free, and if not, the next ones that are, as recorded
/// (`net-Fluent-Tests-Network-Network-CreateUpdatePeering`, 10 and 11; `python-network-…-base-test-network`, 15).
///
/// # Errors
/// `404`, `403 AuthorizationFailed`, `400 PrivateIPAddressNotInAnySubnet`, `400` for what is not an address (code not
/// confirmed).
pub fn availability(world: &World, call: &Call, network: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, "Microsoft.Network/virtualNetworks/checkIpAddressAvailability/read", network)?;
    let network = world.find(network, virtual_networks::KIND)?;
    let text = call.query.get("ipAddress").unwrap_or_default();
    let address: Ipv4Addr = text
        .parse()
        .map_err(|_| Refusal::bad_request("InvalidIPAddressFormat", format!("'{text}' is no IP address.")))?;
    let subnets = world.resources.children(&network.id, subnets::KIND);
    let around = subnets.iter().find(|subnet| addresses::contains(world, &subnet.id, address));
    let subnet = around.ok_or_else(|| {
        let message = format!(
            "Private static IP address {address} does not belong to the range of any subnet in the virtual network {}.",
            network.id
        );
        Refusal::bad_request("PrivateIPAddressNotInAnySubnet", message)
    })?;
    let is_free = addresses::is_free(world, &subnet.id, address);
    let mut body = Map::new();
    body.insert("available".to_owned(), json!(is_free == Some(true)));
    if is_free != Some(true) {
        let next = addresses::free_after(world, &subnet.id, address).take(SUGGESTIONS);
        body.insert("availableIPAddresses".to_owned(), next.map(|address| json!(address.to_string())).collect());
    }
    body.insert("isPlatformReserved".to_owned(), json!(is_free.is_none()));
    Ok(json_response(StatusCode::OK, &Value::Object(body)))
}
