//! Subnets as GET shows them.

use super::addresses::{self, CONTAINER_GROUPS};
use super::service_endpoints;
use super::subnets::KIND;
use crate::store::{Resource, parent_of};
use crate::world::World;
use serde_json::{Map, Value, json};

/// The id under which a holder shows in `ipConfigurations`; its form for container groups is not confirmed.
pub(super) fn configuration_id(subnet: &str, holder: &str) -> String {
    let group = crate::store::group_of(subnet).unwrap_or_default();
    let name = holder.rsplit('/').next().unwrap_or_default();
    format!("{group}/providers/Microsoft.Network/networkInterfaces/{name}-nic/ipConfigurations/ipconfig1")
}

/// What GET shows.
pub(crate) fn body(world: &World, subnet: &Resource, etag: &str) -> Value {
    let mut properties = Map::new();
    properties.insert("provisioningState".to_owned(), json!(subnet.state));
    properties.extend(subnet.properties.clone());
    let holders = addresses::holders(world, &subnet.id);
    if !holders.is_empty() {
        let ids = holders.iter().map(|holder| json!({"id": configuration_id(&subnet.id, holder)}));
        properties.insert("ipConfigurations".to_owned(), ids.collect());
    }
    if addresses::has_link(world, &subnet.id) {
        properties.insert("serviceAssociationLinks".to_owned(), json!([link(subnet, etag)]));
    }
    let delegations = subnet.properties.get("delegations").and_then(Value::as_array).into_iter().flatten();
    let delegations: Vec<Value> = delegations.map(|delegation| shown_delegation(subnet, etag, delegation)).collect();
    properties.insert("delegations".to_owned(), Value::Array(delegations));
    let network = parent_of(&subnet.id).and_then(|network| world.resources.get(network));
    let location = network.and_then(|network| network.location.as_deref()).unwrap_or_default();
    service_endpoints::show(&mut properties, subnet, location);
    for (name, value) in
        [("privateEndpointNetworkPolicies", "Disabled"), ("privateLinkServiceNetworkPolicies", "Enabled")]
    {
        properties.entry(name).or_insert_with(|| json!(value));
    }
    json!({"name": subnet.name, "id": subnet.id, "etag": etag, "type": KIND, "properties": properties})
}

/// `allowDelete` and `locations` are not confirmed.
fn link(subnet: &Resource, etag: &str) -> Value {
    json!({
        "name": "acisal",
        "id": format!("{}/serviceAssociationLinks/acisal", subnet.id),
        "etag": etag,
        "type": format!("{KIND}/serviceAssociationLinks"),
        "properties": {
            "provisioningState": "Succeeded", "linkedResourceType": CONTAINER_GROUPS, "allowDelete": false,
            "locations": [],
        },
    })
}

fn shown_delegation(subnet: &Resource, etag: &str, delegation: &Value) -> Value {
    let name = delegation.get("name").and_then(Value::as_str).unwrap_or_default();
    let service = delegation.pointer("/properties/serviceName").and_then(Value::as_str).unwrap_or_default();
    let action = if service.eq_ignore_ascii_case(CONTAINER_GROUPS) { "action" } else { "join/action" };
    json!({
        "name": name,
        "id": format!("{}/delegations/{name}", subnet.id),
        "etag": etag,
        "type": format!("{KIND}/delegations"),
        "properties": {
            "provisioningState": subnet.state, "serviceName": service, "actions": [format!("{KIND}/{action}")],
        },
    })
}
