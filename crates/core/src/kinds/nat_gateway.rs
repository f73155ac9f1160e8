//! `Microsoft.Network/natGateways`. Its public addresses have their own nodes. A subnet refers to its gateway, not the
//! other way round.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Write, strip},
};
use serde_json::{Map, Value, json};

/// The kind.
pub static NAT_GATEWAY: Kind = Kind {
    rules: &[
        Rule::Loose("location"),
        Rule::Tags("tags"),
        Rule::Loose("sku.name"),
        Rule::Subset("properties.publicIpAddresses", "id"),
    ],
    write: Write::Merge,
    normalise,
    ..Kind::arm("NATGateway", "Microsoft.Network/natGateways", "2024-05-01")
};

/// The id of a NAT gateway.
pub fn id(group: &ResourceId, name: &str) -> ResourceId {
    group.resource(NAT_GATEWAY.arm_type, name)
}

/// The fields that we set. Public addresses that somebody adds, because connections run out of ports, stay.
pub fn body(location: &str, tags: &Map<String, Value>, addresses: &[ResourceId]) -> Value {
    let addresses: Vec<Value> = addresses.iter().map(|id| json!({"id": id.as_str()})).collect();
    json!({"location": location, "tags": tags, "sku": {"name": "Standard"}, "properties": {"publicIpAddresses": addresses}})
}

/// Without the read-only members.
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    strip(&mut body, &["etag", "id", "name", "type"]);
    if let Some(properties) = body.get_mut("properties") {
        strip(properties, &["provisioningState", "resourceGuid", "subnets"]);
    }
    body
}

/// Ids of the subnets that use it.
pub fn subnets(body: &Value) -> Vec<ResourceId> {
    let list = body.pointer("/properties/subnets").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| ResourceId::parse(one.get("id")?.as_str()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{differences, merged};
    use crate::kinds::public_ip_address::PUBLIC_IP_ADDRESS;

    #[test]
    fn addresses_are_a_set_and_the_rest_stays() {
        let group = ResourceId::group_id("s", "g");
        let address = |name: &str| super::super::public_ip_address::id(&group, name);
        let want = body("japaneast", &Map::new(), &[address("a"), address("b")]);
        let mut actual = body("Japan East", &Map::new(), &[address("B"), address("a")]);
        actual["properties"]["idleTimeoutInMinutes"] = 10.into();
        actual["properties"]["subnets"] = json!([{"id": "/subscriptions/s/x"}]);
        let differs = |have: &Value| differences(&want, &normalise(have), NAT_GATEWAY.rules, &[]);
        assert_eq!(differs(&actual), []);
        actual["properties"]["publicIpAddresses"] =
            json!([{"id": address("a").as_str()}, {"id": address("c").as_str()}]);
        let paths: Vec<String> = differs(&actual).into_iter().map(|one| one.path).collect();
        let path = |name: &str| format!("properties.publicIpAddresses[{}]", address(name));
        assert_eq!(paths, [path("b")], "one of others stays");
        let put = merged(&normalise(&actual), &want, NAT_GATEWAY.rules, &[]);
        assert_eq!(put["properties"]["idleTimeoutInMinutes"], 10);
        let ids = ["a", "c", "b"].map(|name| json!({"id": address(name).as_str()}));
        assert_eq!(put["properties"]["publicIpAddresses"], json!(ids));
        let written = [format!("[{}]", address("c"))];
        let put = merged(&normalise(&actual), &want, NAT_GATEWAY.rules, &written);
        assert_eq!(put["properties"]["publicIpAddresses"], want["properties"]["publicIpAddresses"], "ours go");
        assert!(put["properties"].get("subnets").is_none());
    }

    #[test]
    fn ids_of_any_script_are_one_in_any_case() {
        let at = |group: &str| ResourceId::group_id("s", group).resource(PUBLIC_IP_ADDRESS.arm_type, "a");
        let want = body("l", &Map::new(), &[at("Ünï-rg")]);
        let actual = body("l", &Map::new(), &[at("ÜNÏ-RG")]);
        assert_eq!(differences(&want, &actual, NAT_GATEWAY.rules, &[]), []);
        let put = merged(&actual, &want, NAT_GATEWAY.rules, &[]);
        assert_eq!(put["properties"]["publicIpAddresses"].as_array().unwrap().len(), 1, "none is named twice");
        let written = [format!("[{}]", at("ünï-rg"))];
        let put = merged(&actual, &body("l", &Map::new(), &[]), NAT_GATEWAY.rules, &written);
        assert_eq!(put["properties"]["publicIpAddresses"], json!([]), "ours goes");
    }
}
