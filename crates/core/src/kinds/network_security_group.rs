//! `Microsoft.Network/networkSecurityGroups`. The rules of a group of ours are exact: an additional one is drift.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Kind, Write, strip},
};
use acivnet_api::{NetworkSecurityGroup, NumberOrText, RulePreset, SecurityRule};
use serde_json::{Map, Value, json};

/// The kind.
pub static NETWORK_SECURITY_GROUP: Kind = Kind {
    rules: &[
        Rule::Loose("location"),
        Rule::Tags("tags"),
        Rule::Exact("properties.securityRules", "name"),
        Rule::Loose("properties.securityRules[].properties.direction"),
        Rule::Loose("properties.securityRules[].properties.access"),
        Rule::Loose("properties.securityRules[].properties.protocol"),
        Rule::Sole(
            "properties.securityRules[].properties.sourceAddressPrefix",
            &["sourceAddressPrefixes", "sourceApplicationSecurityGroups"],
        ),
        Rule::Sole("properties.securityRules[].properties.sourcePortRange", &["sourcePortRanges"]),
        Rule::Sole(
            "properties.securityRules[].properties.destinationAddressPrefix",
            &["destinationAddressPrefixes", "destinationApplicationSecurityGroups"],
        ),
        Rule::Sole("properties.securityRules[].properties.destinationPortRange", &["destinationPortRanges"]),
    ],
    write: Write::Merge,
    normalise,
    ..Kind::arm("NetworkSecurityGroup", "Microsoft.Network/networkSecurityGroups", "2024-05-01")
};

/// The id of a security group.
pub fn id(group: &ResourceId, name: &str) -> ResourceId {
    group.resource(NETWORK_SECURITY_GROUP.arm_type, name)
}

/// The fields that we set.
pub fn body(location: &str, tags: &Map<String, Value>, group: &NetworkSecurityGroup) -> Value {
    let preset = match group.preset.unwrap_or_default() {
        RulePreset::ComputeInstance => Some(compute_instance()),
        RulePreset::None => None,
    };
    let rules: Vec<Value> = preset.into_iter().chain(group.security_rules.iter().map(rule)).collect();
    json!({"location": location, "tags": tags, "properties": {"securityRules": rules}})
}

/// What a compute instance with a public address needs (Azure Machine Learning, "Secure an Azure Machine Learning
/// training environment with virtual networks", 2026: TCP 44224 from the service tag AzureMachineLearning).
fn compute_instance() -> Value {
    json!({"name": "AllowAzureMachineLearning", "properties": {
        "description": "Azure Machine Learning reaches its compute instances", "priority": 100, "direction": "Inbound",
        "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "AzureMachineLearning", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "44224"}})
}

fn rule(rule: &SecurityRule) -> Value {
    let any = |field: &Option<String>| field.clone().unwrap_or_else(|| "*".into());
    let any_port = |field: &Option<NumberOrText>| field.as_ref().map_or("*", NumberOrText::as_str).to_owned();
    json!({"name": rule.name, "properties": {
        "description": rule.description, "priority": rule.priority, "direction": rule.direction, "access": rule.access,
        "protocol": rule.protocol, "sourceAddressPrefix": any(&rule.source_address_prefix),
        "sourcePortRange": any_port(&rule.source_port_range),
        "destinationAddressPrefix": any(&rule.destination_address_prefix),
        "destinationPortRange": any_port(&rule.destination_port_range)}})
}

/// Without the read-only members, and without empty lists beside a single value.
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    strip(&mut body, &["etag", "id", "name", "type"]);
    if let Some(properties) = body.get_mut("properties") {
        strip(
            properties,
            &["provisioningState", "resourceGuid", "defaultSecurityRules", "subnets", "networkInterfaces"],
        );
        let rules = properties.get_mut("securityRules").and_then(Value::as_array_mut);
        rules.into_iter().flatten().for_each(normalise_rule);
    }
    body
}

fn normalise_rule(rule: &mut Value) {
    strip(rule, &["etag", "id", "type"]);
    let Some(Value::Object(properties)) = rule.get_mut("properties") else { return };
    properties
        .retain(|name, value| name != "provisioningState" && value.as_array().is_none_or(|list| !list.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::differences;

    fn answered() -> Value {
        let mut body = body("japaneast", &Map::new(), &group());
        for rule in body["properties"]["securityRules"].as_array_mut().unwrap() {
            rule["id"] = "x".into();
            rule["properties"]["provisioningState"] = "Succeeded".into();
            rule["properties"]["direction"] = "inbound".into();
            rule["properties"]["sourcePortRanges"] = json!([]);
            rule["properties"]["destinationPortRanges"] = json!(["44224"]);
            rule["properties"].as_object_mut().unwrap().remove("destinationPortRange");
        }
        body["properties"]["defaultSecurityRules"] = json!([{"name": "DenyAllInBound"}]);
        body
    }

    fn group() -> NetworkSecurityGroup {
        serde_json::from_value(json!({"name": "amlnsg", "preset": "ComputeInstance"})).unwrap()
    }

    fn drift(have: &Value) -> Vec<String> {
        let want = body("japaneast", &Map::new(), &group());
        let found = differences(&want, &normalise(have), NETWORK_SECURITY_GROUP.rules, &[]);
        found.into_iter().map(|one| one.path).collect()
    }

    #[test]
    fn azures_own_form_is_no_drift() {
        assert_eq!(drift(&answered()), Vec::<String>::new());
    }

    #[test]
    fn a_missing_an_extra_and_a_changed_rule_are_drift() {
        let mut have = answered();
        have["properties"]["securityRules"] = json!([]);
        assert_eq!(drift(&have), ["properties.securityRules[AllowAzureMachineLearning]"]);
        let mut have = answered();
        have["properties"]["securityRules"].as_array_mut().unwrap().push(json!({"name": "ssh"}));
        assert_eq!(drift(&have), ["properties.securityRules[ssh]"]);
        let mut have = answered();
        have["properties"]["securityRules"][0]["properties"]["access"] = "Deny".into();
        assert_eq!(drift(&have), ["properties.securityRules[AllowAzureMachineLearning].properties.access"]);
    }
}
