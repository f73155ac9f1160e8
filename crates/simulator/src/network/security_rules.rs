//! Rules of network security groups ("Security Rules - Create Or Update").

use super::{child_not_found, parent_not_found, security_groups, shown, writes};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::Resource;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use writes::Write;

/// The type.
pub const KIND: &str = "Microsoft.Network/networkSecurityGroups/securityRules";
/// Singular and plural forms that exclude each other.
const PAIRS: &[(&str, &str)] = &[
    ("sourcePortRange", "sourcePortRanges"),
    ("destinationPortRange", "destinationPortRanges"),
    ("sourceAddressPrefix", "sourceAddressPrefixes"),
    ("destinationAddressPrefix", "destinationAddressPrefixes"),
];
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

/// The rules of a group.
///
/// # Errors
/// The 404 family, `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, group: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("{KIND}/read"), group)?;
    let group = world.find(group, security_groups::KIND)?;
    let rules = security_groups::rules_in(&group.properties).iter();
    let items = rules.map(|rule| (id_of(group, rule), body(group, rule))).collect();
    paging::page(world, call, raw_path, items)
}

/// GET, PUT, DELETE of one rule.
///
/// # Errors
/// The 404 family, `400 SecurityRule…`, `429 RetryableError`, `403 AuthorizationFailed`, `409 ScopeLocked`, `405`.
pub fn one(world: &mut World, call: &Call, group: &str, name: &str) -> Result<Response, Refusal> {
    let id = format!("{group}/securityRules/{name}");
    call.enter(world, KIND, &id)?;
    match call.method {
        Method::GET => {
            let group = world.find(group, security_groups::KIND)?;
            let rule = find(group, name).ok_or_else(|| child_not_found(&id))?;
            Ok(shown(&group.etag, &body(group, rule)))
        }
        Method::PUT => put(world, call, group, name),
        Method::DELETE => delete(world, call, group, name),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, group: &str, name: &str) -> Result<Response, Refusal> {
    let parent = parent(world, group, "write")?;
    writes::check_free(world, group)?;
    let mut document = call.json()?;
    if let Some(object) = document.as_object_mut() {
        object.insert("name".to_owned(), json!(name));
    }
    let rule = normalised(&document);
    let mut rules = security_groups::rules_in(&parent.properties).to_vec();
    let present = rules.iter().position(|there| is_named(there, name));
    match present.and_then(|position| rules.get_mut(position)) {
        Some(there) => *there = rule,
        None => rules.push(rule),
    }
    check_all(&parent.id, &rules)?;
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    replace(world, &parent.id, rules);
    let write = Write {
        lock: &parent.id,
        name: "PutSecurityRuleOperation",
        seconds: security_groups::PUT_SECONDS,
        has_result: false,
    };
    let answered = security_groups::begin_update(world, call, &write, status);
    let shown = world.resources.get(&parent.id).and_then(|group| Some(body(group, find(group, name)?)));
    let mut response = json_response(status, &shown.unwrap_or_default());
    response.headers_mut().extend(answered.headers().clone());
    Ok(response)
}

fn delete(world: &mut World, call: &Call, group: &str, name: &str) -> Result<Response, Refusal> {
    let parent = parent(world, group, "delete")?;
    if find(&parent, name).is_none() {
        return nothing(StatusCode::NO_CONTENT);
    }
    writes::check_free(world, group)?;
    let rules = security_groups::rules_in(&parent.properties).iter().filter(|rule| !is_named(rule, name));
    replace(world, &parent.id, rules.cloned().collect());
    security_groups::mark(world, &parent.id, "Updating");
    let write = Write {
        lock: &parent.id,
        name: "DeleteSecurityRuleOperation",
        seconds: security_groups::PUT_SECONDS,
        has_result: true,
    };
    let (location, id) = (parent.location.unwrap_or_default(), parent.id.clone());
    let settle = move |world: &mut World, ending: &_| security_groups::settle(world, &id, ending);
    let handle = writes::begin(world, call, &write, &location, settle);
    Ok(writes::accepted(world, &handle, 1.0))
}

fn parent(world: &World, group: &str, verb: &str) -> Result<Resource, Refusal> {
    groups::for_write(world, group)?;
    let parent = world.resource(group, security_groups::KIND).cloned();
    parent.ok_or_else(|| parent_not_found(verb, KIND, group))
}

fn replace(world: &mut World, group: &str, rules: Vec<Value>) {
    if let Some(group) = world.resources.get_mut(group) {
        group.properties.insert("securityRules".to_owned(), Value::Array(rules));
    }
}

fn find<'a>(group: &'a Resource, name: &str) -> Option<&'a Value> {
    security_groups::rules_in(&group.properties).iter().find(|rule| is_named(rule, name))
}

fn is_named(rule: &Value, name: &str) -> bool {
    name_of(rule).eq_ignore_ascii_case(name)
}

fn name_of(rule: &Value) -> &str {
    rule.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn id_of(group: &Resource, rule: &Value) -> String {
    format!("{}/securityRules/{}", group.id, name_of(rule))
}

/// `{"name","properties"}` without read-only members, fixed words in Azure's spelling.
pub(super) fn normalised(rule: &Value) -> Value {
    let mut properties = super::writable(rule, &["provisioningState"]);
    properties.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
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
/// `400 SecurityRuleConflict` for one priority twice in a direction; `SecurityRuleInvalid…` else (of these codes only
/// the ones for prefixes and ports are confirmed by messages that users report).
pub(super) fn check_all(group: &str, rules: &[Value]) -> Result<(), Refusal> {
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

fn check(group: &str, rule: &Value) -> Result<(), Refusal> {
    let name = name_of(rule);
    let invalid = |code: &'static str, what: &str| {
        Err(Refusal::bad_request(code, format!("Security rule {group}/securityRules/{name} has {what}.")))
    };
    let Some(properties) = rule.get("properties").and_then(Value::as_object).filter(|_| !name.is_empty()) else {
        return invalid("SecurityRuleInvalidName", "no name or no properties");
    };
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
    for (one, many) in PAIRS {
        let values = super::prefixes::texts(properties, one, many);
        if values.is_empty() || (properties.contains_key(*one) && properties.contains_key(*many)) {
            let what = format!("to specify exactly one of {one} and {many}");
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

/// `*`, a CIDR, an address, or a service tag (whose names are not checked).
fn is_prefix(text: &str) -> bool {
    let is_tag = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '.');
    text == "*" || is_tag || text.parse::<ipnet::IpNet>().is_ok() || text.parse::<std::net::IpAddr>().is_ok()
}

/// What GET shows of a rule.
pub(super) fn body(group: &Resource, rule: &Value) -> Value {
    let mut properties = serde_json::Map::new();
    properties.insert("provisioningState".to_owned(), json!(group.state));
    properties.extend(rule.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    for (_, many) in PAIRS {
        properties.entry(*many).or_insert_with(|| json!([]));
    }
    json!({
        "name": name_of(rule), "id": id_of(group, rule), "etag": group.etag, "type": KIND, "properties": properties,
    })
}

/// The six default rules.
pub(super) fn defaults(group: &Resource) -> Value {
    let rule = |&(name, direction, priority, access, source, destination, description): &_| {
        json!({
            "name": name,
            "id": format!("{}/defaultSecurityRules/{name}", group.id),
            "etag": group.etag,
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded", "description": description, "protocol": "*",
                "sourcePortRange": "*", "destinationPortRange": "*", "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination, "access": access, "priority": priority,
                "direction": direction, "sourcePortRanges": [], "destinationPortRanges": [],
                "sourceAddressPrefixes": [], "destinationAddressPrefixes": [],
            },
        })
    };
    DEFAULTS.iter().map(rule).collect()
}
