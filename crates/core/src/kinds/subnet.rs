//! `Microsoft.Network/virtualNetworks/subnets`. There is no PATCH and there are no tags: a change is the whole body as
//! it stands with our fields laid over it.

use super::virtual_network::strip;
use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Plane, Write, always_live, provisioning_state},
};
use serde_json::{Value, json};

/// The service that the subnet is delegated to (Azure Container Instances, "Virtual network scenarios and resources").
pub const CONTAINER_GROUPS: &str = "Microsoft.ContainerInstance/containerGroups";

/// The kind.
pub static SUBNET: Kind = Kind {
    name: "Subnet",
    arm_type: "Microsoft.Network/virtualNetworks/subnets",
    api_version: "2024-05-01",
    plane: Plane::Arm,
    phase: provisioning_state,
    rules: &[
        Rule::Subset("properties.delegations", "properties.serviceName"),
        Rule::WriteOnly("properties.delegations[].name"),
        Rule::Loose("properties.delegations[].properties.serviceName"),
        Rule::Loose("properties.networkSecurityGroup.id"),
    ],
    change: always_live,
    write: Write::Merge,
    normalise,
};

/// The id of a subnet.
pub fn id(virtual_network: &ResourceId, name: &str) -> ResourceId {
    virtual_network.child("subnets", name)
}

/// The fields that we set on the delegated subnet. `delegation` is the name of the delegation, our mark; one that
/// stands is never renamed.
pub fn delegated(address_prefix: &str, delegation: &str) -> Value {
    json!({"properties": {"addressPrefix": address_prefix,
        "delegations": [{"name": delegation, "properties": {"serviceName": CONTAINER_GROUPS}}]}})
}

/// The fields that we set on the client subnet.
pub fn client(address_prefix: &str, security_group: Option<&ResourceId>) -> Value {
    match security_group {
        Some(id) => {
            json!({"properties": {"addressPrefix": address_prefix, "networkSecurityGroup": {"id": id.as_str()}}})
        }
        None => json!({"properties": {"addressPrefix": address_prefix}}),
    }
}

/// Without what Azure alone writes (Azure REST, Subnets - Get: the read-only members); one element of the plural
/// `addressPrefixes` reads as `addressPrefix`.
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    strip(&mut body, &["etag", "id", "name", "type"]);
    let Some(properties) = body.get_mut("properties") else { return body };
    strip(
        properties,
        &[
            "provisioningState",
            "ipConfigurations",
            "ipConfigurationProfiles",
            "privateEndpoints",
            "resourceNavigationLinks",
            "serviceAssociationLinks",
            "purpose",
        ],
    );
    let delegations = properties.get_mut("delegations").and_then(Value::as_array_mut);
    for delegation in delegations.into_iter().flatten() {
        strip(delegation, &["id", "etag", "type"]);
        if let Some(inner) = delegation.get_mut("properties") {
            strip(inner, &["actions", "provisioningState"]);
        }
    }
    if let Some([one]) = properties.get("addressPrefixes").and_then(Value::as_array).map(Vec::as_slice) {
        let one = one.clone();
        strip(properties, &["addressPrefixes", "addressPrefix"]);
        if let Value::Object(map) = properties {
            map.insert("addressPrefix".into(), one);
        }
    }
    body
}

/// Names of the links that keep a subnet from being deleted.
pub fn service_association_links(body: &Value) -> Vec<String> {
    let list = body.pointer("/properties/serviceAssociationLinks").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|link| link.get("name")?.as_str().map(str::to_owned)).collect()
}

/// Resource ids of what holds an address.
pub fn ip_configurations(body: &Value) -> Vec<&str> {
    let list = body.pointer("/properties/ipConfigurations").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| one.get("id")?.as_str()).collect()
}

/// The Azure resource behind an ip configuration's id: the container group or network interface, where the id names one.
pub fn holder(configuration: &str) -> &str {
    let mut segments = configuration.split('/');
    let kinds = ["containerGroups", "networkInterfaces"];
    let named = segments.by_ref().find(|segment| kinds.iter().any(|kind| segment.eq_ignore_ascii_case(kind)));
    named.and_then(|_| segments.next()).unwrap_or_else(|| configuration.rsplit('/').next().unwrap_or(configuration))
}

/// Whether the subnet is delegated to container groups.
pub fn is_delegated(body: &Value) -> bool {
    let list = body.pointer("/properties/delegations").and_then(Value::as_array);
    let service =
        |one: &Value| one.pointer("/properties/serviceName").and_then(Value::as_str).map(str::to_ascii_lowercase);
    list.into_iter().flatten().any(|one| service(one).as_deref() == Some(&CONTAINER_GROUPS.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{differences, merged};

    fn drift(want: &Value, have: &Value) -> Vec<String> {
        differences(want, &normalise(have), SUBNET.rules, &[]).into_iter().map(|one| one.path).collect()
    }

    #[test]
    fn delegation_compares_by_service_and_is_not_renamed() {
        let want = delegated("10.0.1.0/24", "acivnet-1");
        let renamed = json!({"properties": {"addressPrefixes": ["10.0.1.0/24"], "delegations": [
            {"name": "0", "properties": {"serviceName": "Microsoft.ContainerInstance/containergroups", "actions": []}}]}});
        assert_eq!(drift(&want, &renamed), Vec::<String>::new());
        let without = json!({"properties": {"addressPrefix": "10.0.1.0/24", "delegations": []}});
        assert_eq!(drift(&want, &without), [format!("properties.delegations[{CONTAINER_GROUPS}]")]);
    }

    #[test]
    fn merge_keeps_what_others_set() {
        let stands = json!({"etag": "W/\"1\"", "properties": {"provisioningState": "Succeeded", "addressPrefix": "10.0.0.0/24", "routeTable": {"id": "r"}, "ipConfigurations": [{"id": "i"}]}});
        let nsg = ResourceId::group_id("s", "g").resource("Microsoft.Network/networkSecurityGroups", "n");
        let body = merged(&normalise(&stands), &client("10.0.0.0/24", Some(&nsg)), SUBNET.rules, &[]);
        assert_eq!(
            body,
            json!({"properties": {"addressPrefix": "10.0.0.0/24", "routeTable": {"id": "r"}, "networkSecurityGroup": {"id": nsg.as_str()}}})
        );
    }
}
