//! `Microsoft.Network/virtualNetworks`. A PUT replaces everything, so the existing body, subnets and peerings included,
//! is sent back under `If-Match`. Subnets have their own nodes and are never part of our fields.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Write, strip},
};
use serde_json::{Map, Value, json};

/// The kind. Versions below 2023-11-01 delete the subnets that a PUT leaves out (Azure Networking blog, 2024).
pub static VIRTUAL_NETWORK: Kind = Kind {
    rules: &[Rule::Loose("location"), Rule::Tags("tags")],
    write: Write::Merge,
    normalise,
    ..Kind::arm("VirtualNetwork", "Microsoft.Network/virtualNetworks", "2024-05-01")
};

/// The id of a virtual network.
pub fn id(group: &ResourceId, name: &str) -> ResourceId {
    group.resource(VIRTUAL_NETWORK.arm_type, name)
}

/// The fields that we set. The address space is filled in later, since it depends on the existing one.
pub fn body(location: &str, tags: &Map<String, Value>) -> Value {
    json!({"location": location, "tags": tags, "properties": {"addressSpace": {"addressPrefixes": []}}})
}

/// Fills in the address space of a body.
pub fn set_address_prefixes(body: &mut Value, prefixes: Vec<String>) {
    if let Some(place) = body.pointer_mut("/properties/addressSpace/addressPrefixes") {
        *place = prefixes.into();
    }
}

/// Without the read-only members. Subnets stay, since a merge has to send them back.
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    strip(&mut body, &["etag", "id", "name", "type"]);
    if let Some(properties) = body.get_mut("properties") {
        strip(properties, &["provisioningState", "resourceGuid"]);
    }
    body
}

/// The address prefixes of a body.
pub fn address_prefixes(body: &Value) -> Vec<&str> {
    let list = body.pointer("/properties/addressSpace/addressPrefixes").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Ids of the subnets in a body.
pub fn subnets(body: &Value) -> Vec<ResourceId> {
    let list = body.pointer("/properties/subnets").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|subnet| ResourceId::parse(subnet.get("id")?.as_str()?)).collect()
}
