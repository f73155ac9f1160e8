//! `Microsoft.Network/publicIPAddresses` of a NAT gateway, which accepts only static ones with the SKU Standard.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Write, strip},
};
use serde_json::{Map, Value, json};

/// The kind.
pub static PUBLIC_IP_ADDRESS: Kind = Kind {
    rules: &[
        Rule::Loose("location"),
        Rule::Tags("tags"),
        Rule::Loose("sku.name"),
        Rule::Loose("properties.publicIPAllocationMethod"),
        Rule::Loose("properties.publicIPAddressVersion"),
    ],
    write: Write::Merge,
    normalise,
    ..Kind::arm("PublicIPAddress", "Microsoft.Network/publicIPAddresses", "2024-05-01")
};

/// The id of a public address.
pub fn id(group: &ResourceId, name: &str) -> ResourceId {
    group.resource(PUBLIC_IP_ADDRESS.arm_type, name)
}

/// The fields that we set.
pub fn body(location: &str, tags: &Map<String, Value>) -> Value {
    json!({"location": location, "tags": tags, "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"}})
}

/// Without the read-only members. A static address stays the same whether or not a PUT repeats it.
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    strip(&mut body, &["etag", "id", "name", "type"]);
    if let Some(properties) = body.get_mut("properties") {
        strip(properties, &["provisioningState", "resourceGuid", "ipAddress", "ipConfiguration", "natGateway"]);
    }
    body
}

/// The IP address.
pub fn address(body: &Value) -> Option<&str> {
    body.pointer("/properties/ipAddress").and_then(Value::as_str)
}

/// Resource ids of what uses the address.
pub fn users(body: &Value) -> Vec<ResourceId> {
    let of = |place| body.pointer(place).and_then(Value::as_str).and_then(ResourceId::parse);
    ["/properties/natGateway/id", "/properties/ipConfiguration/id"].into_iter().filter_map(of).collect()
}
