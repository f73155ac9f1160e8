//! NAT gateways ("Nat Gateways - Create Or Update").

use super::tracked::{self, Kind};
use super::{public_addresses, references, writable};
use crate::error::Refusal;
use crate::store::{Resource, same_id};
use crate::world::World;
use serde_json::{Map, Value, json};

/// The type.
pub const KIND: &str = "Microsoft.Network/natGateways";
/// Most public IP addresses of one ("Azure NAT Gateway limitations").
const MOST_ADDRESSES: usize = 16;
/// The SKUs.
const SKUS: &[&str] = &["Standard", "StandardV2"];

/// What is special about the type. Its duration is not recorded; a network security group's is used.
pub(super) static GATEWAYS: Kind = Kind {
    name: KIND,
    put: ("PutNatGatewayOperation", 2.0),
    delete: ("DeleteNatGatewayOperation", 3.0),
    retry_after: 10.0,
    members: &[("sku", || json!({"name": "Standard", "tier": "Regional"})), ("zones", || Value::Null)],
    normalised,
    check,
    in_use,
    show: tracked::show_subnets,
    settled: |_| {},
    kept: &[],
    entries: None,
};

fn normalised(document: &Value) -> Map<String, Value> {
    let mut properties = writable(document, &["provisioningState", "resourceGuid", "subnets"]);
    if let Some(list) = properties.get_mut("publicIpAddresses") {
        *list = references::normalised(list);
    }
    properties.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    properties.entry("idleTimeoutInMinutes").or_insert(json!(4));
    properties
}

/// Checks for 4 to 120 minutes, a known SKU, and at most 16 public addresses of that SKU that nothing else uses (of the
/// codes only `PublicIPAddressInUse` is one that users report).
fn check(world: &World, wanted: &Resource) -> Result<(), Refusal> {
    let sku = wanted.members.get("sku").and_then(|sku| sku.get("name")).and_then(Value::as_str).unwrap_or_default();
    if !SKUS.contains(&sku) {
        let message = format!("Nat gateway {} has sku '{sku}', which is none of {}.", wanted.id, SKUS.join(", "));
        return Err(super::malformed("InvalidNatGatewaySku", message));
    }
    let minutes = wanted.properties.get("idleTimeoutInMinutes").and_then(Value::as_u64).unwrap_or_default();
    if !(4..=120).contains(&minutes) {
        let message = format!("Nat gateway {} has idleTimeoutInMinutes {minutes}; 4 to 120 are possible.", wanted.id);
        return Err(Refusal::bad_request("NatGatewayIdleTimeoutInvalid", message));
    }
    let list =
        wanted.properties.get("publicIpAddresses").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.len() > MOST_ADDRESSES {
        let message = format!(
            "Nat gateway {} has {} public IP addresses; it can have at most {MOST_ADDRESSES}.",
            wanted.id,
            list.len()
        );
        return Err(Refusal::bad_request("NatGatewayPublicIpCountLimitReached", message));
    }
    for id in list.iter().filter_map(|one| one.get("id")?.as_str()) {
        check_address(world, wanted, sku, id)?;
    }
    Ok(())
}

/// Whether it exists is checked with the other references.
fn check_address(world: &World, gateway: &Resource, sku: &str, id: &str) -> Result<(), Refusal> {
    let Some(address) = world.resource(id, public_addresses::KIND) else { return Ok(()) };
    let found = public_addresses::sku(address);
    if found != sku {
        let message = format!(
            "Nat gateway {} of sku {sku} can't use public IP address {} of sku {found}. Only public IP addresses of \
             sku {sku} are supported.",
            gateway.id, address.id
        );
        return Err(Refusal::bad_request("NatGatewayPublicIpSkuMismatch", message));
    }
    match references::referrers(world, address).into_iter().find(|user| !same_id(user, &gateway.id)) {
        None => Ok(()),
        Some(user) => {
            let message = format!(
                "Resource {} is referencing public IP address {} that is already allocated to resource {user}.",
                gateway.id, address.id
            );
            Err(Refusal::bad_request("PublicIPAddressInUse", message))
        }
    }
}

/// As Azure words it (Azure-Samples/Copilot-Studio-with-Azure-AI-Search#62).
fn in_use(gateway: &Resource, users: &[String]) -> Refusal {
    let message = format!(
        "NAT Gateway {} is still configured on {} subnets. Remove NAT Gateway from all referenced subnets and then \
         delete NAT Gateway.",
        gateway.id,
        users.len()
    );
    Refusal::bad_request("CannotDeleteNatGatewayAssociatedToSubnet", message)
}
