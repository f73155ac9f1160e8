//! How full a virtual network is ("Virtual Networks - List Usage", "- Check IP Address Availability").

use super::{addresses, subnets, virtual_networks};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::world::World;
use http::StatusCode;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

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

/// Whether `ipAddress` is free.
///
/// # Errors
/// `404`, `403 AuthorizationFailed`, `400` for what is no address (code not confirmed).
pub fn availability(world: &World, call: &Call, network: &str) -> Result<Response, Refusal> {
    world.authorize(&call.caller, "Microsoft.Network/virtualNetworks/checkIpAddressAvailability/read", network)?;
    let network = world.find(network, virtual_networks::KIND)?;
    let text = call.query.get("ipAddress").unwrap_or_default();
    let address: Ipv4Addr = text
        .parse()
        .map_err(|_| Refusal::bad_request("InvalidIPAddressFormat", format!("'{text}' is no IP address.")))?;
    let subnets = world.resources.children(&network.id, subnets::KIND);
    let free = subnets.iter().find_map(|subnet| addresses::is_free(world, &subnet.id, address)).unwrap_or(false);
    Ok(json_response(StatusCode::OK, &json!({"available": free, "availableIPAddresses": []})))
}
