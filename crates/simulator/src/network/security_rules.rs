//! Rules of network security groups ("Security Rules - Create Or Update").

use super::entries::{Entries, is_named, name_of};
use super::references;
use crate::arm::names;
use crate::error::Refusal;
use crate::store::Resource;
use serde_json::{Map, Value, json};

/// The type.
pub const KIND: &str = "Microsoft.Network/networkSecurityGroups/securityRules";
/// Singular and plural forms that exclude each other, and the groups that exclude both.
const CHOICES: &[(&str, &str, Option<&str>)] = &[
    ("sourcePortRange", "sourcePortRanges", None),
    ("destinationPortRange", "destinationPortRanges", None),
    ("sourceAddressPrefix", "sourceAddressPrefixes", Some("sourceApplicationSecurityGroups")),
    ("destinationAddressPrefix", "destinationAddressPrefixes", Some("destinationApplicationSecurityGroups")),
];
/// Most rules of a group, and most entries of all its rules in one of the lists.
const MOST_RULES: usize = 1_000;
const MOST_ENTRIES: usize = 4_000;
/// Longest description of a rule, in characters (API description).
const DESCRIPTION_LIMIT: usize = 140;
/// Members with a fixed set of values, in Azure's spelling.
const WORDS: &[(&str, &[&str])] = &[
    ("protocol", &["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"]),
    ("access", &["Allow", "Deny"]),
    ("direction", &["Inbound", "Outbound"]),
];
/// The six rules that every group has: name, direction, priority, access, source, destination, description.
const DEFAULTS: &[(&str, &str, u32, &str, &str, &str, &str)] = &[
    (
        "AllowVnetInBound",
        "Inbound",
        65000,
        "Allow",
        "VirtualNetwork",
        "VirtualNetwork",
        "Allow inbound traffic from all VMs in VNET",
    ),
    (
        "AllowAzureLoadBalancerInBound",
        "Inbound",
        65001,
        "Allow",
        "AzureLoadBalancer",
        "*",
        "Allow inbound traffic from azure load balancer",
    ),
    ("DenyAllInBound", "Inbound", 65500, "Deny", "*", "*", "Deny all inbound traffic"),
    (
        "AllowVnetOutBound",
        "Outbound",
        65000,
        "Allow",
        "VirtualNetwork",
        "VirtualNetwork",
        "Allow outbound traffic from all VMs to all VMs in VNET",
    ),
    (
        "AllowInternetOutBound",
        "Outbound",
        65001,
        "Allow",
        "*",
        "Internet",
        "Allow outbound traffic from all VMs to Internet",
    ),
    ("DenyAllOutBound", "Outbound", 65500, "Deny", "*", "*", "Deny all outbound traffic"),
];

/// What is special about the type.
pub(super) static RULES: Entries = Entries {
    name: KIND,
    member: "securityRules",
    put: "PutSecurityRuleOperation",
    delete: "DeleteSecurityRuleOperation",
    normalised,
    check: check_all,
    show,
};

/// `{"name","properties"}` without read-only members, fixed words in Azure's spelling. What is empty is as if it were not
/// there: azure-cli sends `""` beside a list.
fn normalised(rule: &Value) -> Value {
    let mut properties = super::writable(rule, &["provisioningState"]);
    let is_choice = |name: &str| CHOICES.iter().any(|(one, ..)| *one == name);
    properties.retain(|name, value| {
        value.as_array().is_none_or(|list| !list.is_empty()) && !(is_choice(name) && value.as_str() == Some(""))
    });
    for groups in CHOICES.iter().filter_map(|(.., groups)| *groups) {
        if let Some(list) = properties.get_mut(groups) {
            *list = references::normalised(list);
        }
    }
    for (name, words) in WORDS {
        if let Some(text) = properties.get(*name).and_then(Value::as_str)
            && let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text))
        {
            properties.insert((*name).to_owned(), json!(word));
        }
    }
    json!({"name": rule.get("name"), "properties": properties})
}

/// Checks all rules of a group.
///
/// # Errors
/// `400 SecurityRuleConflict` for one priority twice in a direction; `SecurityRuleCountLimitReached`
/// (Azure/azure-rest-api-specs#3003); `SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached`
/// (kubernetes-sigs/cloud-provider-azure#2725); `SecurityRuleInvalid…` else (of these codes only the ones for prefixes and
/// ports are confirmed by messages that users report).
pub(super) fn check_all(group: &str, rules: &[Value]) -> Result<(), Refusal> {
    check_counts(group, rules)?;
    for (position, rule) in rules.iter().enumerate() {
        check(group, rule)?;
        let text = |rule: &Value, name: &str| rule.get("properties").and_then(|all| all.get(name)).cloned();
        let clashes = |other: &&Value| {
            is_named(other, name_of(rule))
                || (text(other, "priority") == text(rule, "priority")
                    && text(other, "direction") == text(rule, "direction"))
        };
        if let Some(other) = rules.iter().skip(position + 1).find(clashes) {
            let message = format!(
                "Security rule {} conflicts with rule {}. Rules cannot have the same Priority and Direction.",
                name_of(other),
                name_of(rule)
            );
            return Err(Refusal::bad_request("SecurityRuleConflict", message));
        }
    }
    Ok(())
}

fn check_counts(group: &str, rules: &[Value]) -> Result<(), Refusal> {
    if rules.len() > MOST_RULES {
        let message = format!("A security group cannot have more than {MOST_RULES} security rules.");
        return Err(Refusal::bad_request("SecurityRuleCountLimitReached", message));
    }
    for (_, many, _) in CHOICES {
        let count = |rule: &Value| rule.pointer(&format!("/properties/{many}"))?.as_array().map(Vec::len);
        let count: usize = rules.iter().filter_map(count).sum();
        if count > MOST_ENTRIES {
            let name = format!(
                "{}{}",
                many.get(..1).unwrap_or_default().to_ascii_uppercase(),
                many.get(1..).unwrap_or_default()
            );
            let message = format!(
                "Network security group {group} has {count} {name}. A security group cannot have more than {MOST_ENTRIES} \
                 {name} as per the limit MaxSecurityRuleAddressesOrPortsPerSecurityGroup."
            );
            return Err(Refusal::bad_request("SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached", message));
        }
    }
    Ok(())
}

fn check(group: &str, rule: &Value) -> Result<(), Refusal> {
    let name = name_of(rule);
    let invalid = |code: &'static str, what: &str| {
        Err(Refusal::bad_request(code, format!("Security rule {group}/securityRules/{name} has {what}.")))
    };
    names::check(KIND, name)?;
    let Some(properties) = rule.get("properties").and_then(Value::as_object) else {
        return invalid("SecurityRuleInvalidParameter", "no properties");
    };
    let description = properties.get("description").and_then(Value::as_str).unwrap_or_default();
    if description.chars().count() > DESCRIPTION_LIMIT {
        let what = format!("a description that is longer than {DESCRIPTION_LIMIT} characters");
        return invalid("SecurityRuleInvalidDescription", &what);
    }
    for (member, words) in WORDS {
        let text = properties.get(*member).and_then(Value::as_str).unwrap_or_default();
        if !words.contains(&text) {
            return invalid("SecurityRuleInvalidValue", &format!("an invalid {member}. Value provided: '{text}'"));
        }
    }
    let priority = properties.get("priority").and_then(Value::as_u64).unwrap_or_default();
    if !(100..=4096).contains(&priority) {
        let what = format!("an invalid priority. Value provided: {priority}. Valid range 100-4096");
        return invalid("SecurityRuleInvalidPriority", &what);
    }
    for (one, many, groups) in CHOICES {
        let values = super::prefixes::texts(properties, one, many);
        let given = [Some(*one), Some(*many), *groups].into_iter().flatten();
        if given.filter(|name| properties.contains_key(*name)).count() != 1 {
            let groups = groups.map(|groups| format!(" and {groups}")).unwrap_or_default();
            let what = format!("to specify exactly one of {one}, {many}{groups}");
            return invalid("SecurityRuleInvalidParameter", &what);
        }
        let (code, is_valid): (_, fn(&str) -> bool) = if one.ends_with("PortRange") {
            ("SecurityRuleInvalidPortRange", is_port_range)
        } else {
            ("SecurityRuleInvalidAddressPrefix", is_prefix)
        };
        if let Some(value) = values.iter().find(|value| !is_valid(value)) {
            return invalid(code, &format!("invalid {one}. Value provided: {value}"));
        }
    }
    Ok(())
}

fn is_port_range(text: &str) -> bool {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    text == "*" || matches!((from.parse::<u16>(), to.parse::<u16>()), (Ok(from), Ok(to)) if from <= to)
}

/// `*`, a CIDR, an address, or a service tag (whose names are not checked). A number is taken too, as azure-cli's own tests
/// show (`test_network_nsg`).
fn is_prefix(text: &str) -> bool {
    let is_tag = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '.');
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text == "*"
        || is_tag
        || is_number
        || text.parse::<ipnet::IpNet>().is_ok()
        || text.parse::<std::net::IpAddr>().is_ok()
}

fn show(properties: &mut Map<String, Value>) {
    for (_, many, _) in CHOICES {
        properties.entry(*many).or_insert_with(|| json!([]));
    }
}

/// The six default rules, in the state of their group, as recorded.
pub(super) fn defaults(group: &Resource) -> Value {
    let rule = |&(name, direction, priority, access, source, destination, description): &_| {
        json!({
            "name": name,
            "id": format!("{}/defaultSecurityRules/{name}", group.id),
            "etag": group.etag,
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": group.state, "description": description, "protocol": "*",
                "sourcePortRange": "*", "destinationPortRange": "*", "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination, "access": access, "priority": priority,
                "direction": direction, "sourcePortRanges": [], "destinationPortRanges": [],
                "sourceAddressPrefixes": [], "destinationAddressPrefixes": [],
            },
        })
    };
    DEFAULTS.iter().map(rule).collect()
}
