//! Compute instances as GET shows them.

use super::{KIND, inner_text};
use crate::ids::guid_of;
use crate::network::addresses;
use crate::store::Resource;
use crate::world::World;
use serde_json::{Map, Value, json};

/// What GET shows. Addresses and applications are shown once the instance is created.
pub(crate) fn body(world: &World, compute: &Resource) -> Value {
    let mut properties = compute.properties.clone();
    properties.insert("provisioningState".to_owned(), json!(compute.state));
    if let Some(inner) = properties.get_mut("properties").and_then(Value::as_object_mut)
        && stands(compute)
    {
        inner.insert("connectivityEndpoints".to_owned(), Value::Object(endpoints(world, compute)));
        inner.insert("applications".to_owned(), applications(compute));
    }
    json!({
        "id": compute.id, "name": compute.name, "type": KIND, "location": compute.location, "tags": compute.tags.map(),
        "properties": properties,
    })
}

fn stands(compute: &Resource) -> bool {
    !matches!(inner_text(compute, "/state"), "Creating" | "CreateFailed" | "Deleting")
}

/// The private address is that in the subnet. The public one is from TEST-NET-3 (RFC 5737), so it leads nowhere.
fn endpoints(world: &World, compute: &Resource) -> Map<String, Value> {
    let mut endpoints = Map::new();
    if let Some(address) = addresses::address_of(world, &compute.id) {
        endpoints.insert("privateIpAddress".to_owned(), json!(address));
    }
    let inner = compute.properties.get("properties");
    if inner.and_then(|inner| inner.get("enableNodePublicIp")) == Some(&Value::Bool(true)) {
        let last = guid_of(&compute.id).bytes().fold(0u8, |sum, byte| sum.wrapping_add(byte));
        endpoints.insert("publicIpAddress".to_owned(), json!(format!("203.0.113.{last}")));
    }
    endpoints
}

fn applications(compute: &Resource) -> Value {
    let region = compute.location.as_deref().unwrap_or_default();
    let application = |name: &str, suffix: &str| {
        let host = format!("{}{suffix}.{region}.instances.azureml.ms", compute.name);
        json!({"displayName": name, "endpointUri": format!("https://{host}")})
    };
    json!([application("Jupyter", ""), application("Jupyter Lab", ""), application("RStudio", "-8787")])
}
