//! What a PUT asks for: checked, defaults filled, secrets dropped. Codes of refusals are confirmed for the subnet, the
//! private address and the image; the others are not.

use super::KIND;
use crate::error::Refusal;
use crate::store::{Resource, same_id, subscription_of};
use crate::world::World;
use serde_json::{Map, Value, json};

/// Limits of a group ("Resource availability & quota limits").
const MOST_CONTAINERS: usize = 60;
const MOST_PORTS: usize = 5;
const MOST_VOLUMES: usize = 20;
/// Members of `properties` that only the service writes.
const READ_ONLY: &[&str] = &["provisioningState", "instanceView"];
/// Members with a fixed set of values: name, the usual one first where there is one.
const WORDS: &[(&str, Option<&str>, &[&str])] = &[
    ("osType", None, &["Linux", "Windows"]),
    ("restartPolicy", Some("Always"), &["Always", "OnFailure", "Never"]),
    ("sku", Some("Standard"), &["Standard", "Dedicated", "Confidential"]),
];

/// The containers of a group.
pub(super) fn containers(properties: &Map<String, Value>) -> &[Value] {
    list(properties, "containers")
}

fn list<'a>(properties: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    properties.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn container_name(container: &Value) -> &str {
    text_at(container, "/name")
}

pub(super) fn container_image(container: &Value) -> &str {
    text_at(container, "/properties/image")
}

/// The text at a JSON pointer, or empty text.
fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The subnet of a group.
pub(super) fn subnet(group: &Resource) -> Option<&str> {
    list(&group.properties, "subnetIds").first()?.get("id")?.as_str()
}

/// Cores of all containers.
pub(super) fn cores(group: &Resource) -> f64 {
    containers(&group.properties)
        .iter()
        .filter_map(|one| one.pointer("/properties/resources/requests/cpu")?.as_f64())
        .sum()
}

/// A member of `ipAddress`.
pub(super) fn address_member<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    properties.get("ipAddress")?.get(name)?.as_str()
}

/// `properties` as they are stored: words in Azure's spelling, defaults, and no secret.
pub(super) fn normalised(document: &Value) -> Map<String, Value> {
    let mut properties = document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.retain(|name, value| !READ_ONLY.contains(&name.as_str()) && !value.is_null());
    for (name, usual, words) in WORDS {
        let given = properties.get(*name).and_then(Value::as_str).or(*usual);
        if let Some(word) = given.and_then(|given| words.iter().find(|word| word.eq_ignore_ascii_case(given))) {
            properties.insert((*name).to_owned(), json!(word));
        }
    }
    properties.entry("initContainers").or_insert_with(|| json!([]));
    for name in ["containers", "initContainers"] {
        for container in properties.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            normalise_container(container, name == "containers");
        }
    }
    normalise_address(&mut properties);
    drop_secrets(&mut properties);
    properties
}

fn normalise_container(container: &mut Value, has_ports: bool) {
    let Some(properties) = container.get_mut("properties").and_then(Value::as_object_mut) else { return };
    properties.retain(|name, value| name != "instanceView" && !value.is_null());
    for list in ["ports", "environmentVariables"].into_iter().filter(|list| has_ports || *list != "ports") {
        properties.entry(list).or_insert_with(|| json!([]));
    }
    let ports = properties.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten();
    ports.for_each(normalise_port);
    if let Some(requests) = properties.get_mut("resources").and_then(Value::as_object_mut) {
        requests.retain(|_, value| !value.is_null());
    }
}

fn normalise_port(port: &mut Value) {
    if let Some(port) = port.as_object_mut() {
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP").to_ascii_uppercase();
        port.insert("protocol".to_owned(), json!(protocol));
    }
}

fn normalise_address(properties: &mut Map<String, Value>) {
    let Some(address) = properties.get_mut("ipAddress").and_then(Value::as_object_mut) else { return };
    address.retain(|name, value| !["ip", "fqdn"].contains(&name.as_str()) && !value.is_null());
    address.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().for_each(normalise_port);
    let sort = address.get("type").and_then(Value::as_str).unwrap_or_default();
    if let Some(word) = ["Public", "Private"].iter().find(|word| word.eq_ignore_ascii_case(sort)) {
        address.insert("type".to_owned(), json!(word));
    }
}

/// Secure values, passwords of registries, keys of storage accounts and workspaces, contents of secret volumes: Azure
/// never returns them, so nothing of them is kept.
fn drop_secrets(properties: &mut Map<String, Value>) {
    let drop_in = |values: Option<&mut Value>, secret: &str| {
        for value in values.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
            value.remove(secret);
        }
    };
    for name in ["containers", "initContainers"] {
        for container in properties.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            drop_in(container.pointer_mut("/properties/environmentVariables"), "secureValue");
        }
    }
    drop_in(properties.get_mut("imageRegistryCredentials"), "password");
    for volume in properties.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(share) = volume.get_mut("azureFile").and_then(Value::as_object_mut) {
            share.remove("storageAccountKey");
        }
        if let Some(secret) = volume.get_mut("secret").and_then(Value::as_object_mut) {
            secret.clear();
        }
    }
    let analytics = properties.get_mut("diagnostics").and_then(|all| all.get_mut("logAnalytics"));
    if let Some(analytics) = analytics.and_then(Value::as_object_mut) {
        analytics.remove("workspaceKey");
    }
}

/// Checks a requested group by itself, without its surroundings.
pub(super) fn check(wanted: &Resource) -> Result<(), Refusal> {
    // A group's name may have capitals, against the documentation: `myContainerGroup` was taken (azure-mgmt-network, 2021).
    check_name(&wanted.name, "container group", |byte| byte.is_ascii_alphanumeric())?;
    let properties = &wanted.properties;
    for (name, _, words) in WORDS {
        let given = properties.get(*name).and_then(Value::as_str).unwrap_or_default();
        if !words.contains(&given) {
            let what = format!("has {name} '{given}', which is none of {}", words.join(", "));
            return Err(invalid(wanted, "InvalidContainerGroupProperty", &what));
        }
    }
    let (containers, volumes) = (containers(properties), list(properties, "volumes"));
    if containers.is_empty() || containers.len() > MOST_CONTAINERS || volumes.len() > MOST_VOLUMES {
        let what = format!("needs 1 to {MOST_CONTAINERS} containers and has at most {MOST_VOLUMES} volumes");
        return Err(invalid(wanted, "InvalidContainerCount", &what));
    }
    containers.iter().try_for_each(|container| check_container(wanted, container, volumes))?;
    let credentials = list(properties, "imageRegistryCredentials");
    if credentials.iter().any(|one| one.get("identity").is_none() && one.get("username").is_none()) {
        return Err(invalid(wanted, "InvalidImageRegistryCredential", "has a credential without identity or username"));
    }
    check_network(wanted)
}

fn invalid(group: &Resource, code: &'static str, what: &str) -> Refusal {
    Refusal::bad_request(code, format!("The container group '{}' {what}.", group.name))
}

/// 1 to 63 letters (lower-case ones by the documentation), digits and hyphens, the first and the last no hyphen.
fn check_name(name: &str, what: &str, is_word: impl Fn(u8) -> bool) -> Result<(), Refusal> {
    let is_inner = |byte: u8| is_word(byte) || byte == b'-';
    let is_valid =
        (1..=63).contains(&name.len()) && name.bytes().all(is_inner) && !name.starts_with('-') && !name.ends_with('-');
    if is_valid {
        return Ok(());
    }
    let message = format!(
        "The {what} name '{name}' is invalid: 1 to 63 lower-case letters, digits and hyphens, not at either end."
    );
    Err(Refusal::bad_request("InvalidContainerName", message))
}

fn check_container(group: &Resource, container: &Value, volumes: &[Value]) -> Result<(), Refusal> {
    let (name, image) = (container_name(container), container_image(container));
    check_name(name, "container", |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())?;
    if image.is_empty() {
        return Err(invalid(group, "ImageNotSpecified", &format!("has no image for container '{name}'")));
    }
    let request = |member: &str| {
        let pointer = format!("/properties/resources/requests/{member}");
        container.pointer(&pointer).and_then(Value::as_f64).filter(|amount| *amount > 0.0)
    };
    if request("cpu").is_none() || request("memoryInGB").is_none() {
        let what = format!("has no resource requests (cpu, memoryInGB) for container '{name}'");
        return Err(invalid(group, "ResourceRequestsNotSpecified", &what));
    }
    let mounts = container.pointer("/properties/volumeMounts").and_then(Value::as_array).into_iter().flatten();
    let is_there = |mount: &&Value| volumes.iter().any(|volume| volume.get("name") == mount.get("name"));
    match mounts.into_iter().find(|mount| !is_there(mount)) {
        None => Ok(()),
        Some(mount) => {
            let what = format!("has no volume {} for container '{name}'", mount.get("name").unwrap_or(&Value::Null));
            Err(invalid(group, "VolumeNotFound", &what))
        }
    }
}

fn ports(value: Option<&Value>) -> Vec<(i64, String)> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|port| Some((port.get("port")?.as_i64()?, port.get("protocol")?.as_str()?.to_owned()))).collect()
}

fn check_network(group: &Resource) -> Result<(), Refusal> {
    let properties = &group.properties;
    if properties.contains_key("networkProfile") {
        return Err(invalid(
            group,
            "NetworkProfileNotSupported",
            "has a networkProfile; subnetIds has taken its place",
        ));
    }
    let subnets = list(properties, "subnetIds");
    if subnets.len() > 1 || (!subnets.is_empty() && subnet(group).is_none()) {
        return Err(invalid(group, "InvalidSubnetIds", "has not exactly one id in subnetIds"));
    }
    check_address(group)?;
    let Some(subnet) = subnet(group) else { return Ok(()) };
    if subscription_of(subnet).eq_ignore_ascii_case(subscription_of(&group.id)) {
        return Ok(());
    }
    Err(invalid(group, "SubnetInOtherSubscription", "has a subnet in another subscription"))
}

fn check_address(group: &Resource) -> Result<(), Refusal> {
    let properties = &group.properties;
    let Some(address) = properties.get("ipAddress") else { return Ok(()) };
    let sort = address_member(properties, "type").unwrap_or_default();
    let has_subnet = subnet(group).is_some();
    if address_member(properties, "dnsNameLabel").is_some() && sort != "Public" {
        let message = "DNS name label for container group is only supported when IP Address type is public.";
        return Err(Refusal::bad_request("DnsNameLabelNotSupported", message));
    }
    match sort {
        "Public" if has_subnet => {
            let message = "IP Address type can't be public when a subnet ID is set.";
            return Err(Refusal::bad_request("PublicIPAddressNotSupported", message));
        }
        "Private" if !has_subnet => {
            let message = format!(
                "IP Address type in container group '{}' is invalid. Private IP address is only supported when a \
                 subnet ID is defined.",
                group.name
            );
            return Err(Refusal::bad_request("PrivateIpWithoutSubnetNotSupported", message));
        }
        "Public" | "Private" => {}
        _ => return Err(invalid(group, "InvalidIPAddressType", "has an ipAddress that is neither Public nor Private")),
    }
    let wanted = ports(address.get("ports"));
    let open: Vec<_> = containers(properties).iter().flat_map(|one| ports(one.pointer("/properties/ports"))).collect();
    if wanted.is_empty() || wanted.len() > MOST_PORTS || wanted.iter().any(|port| !open.contains(port)) {
        let what = format!("needs 1 to {MOST_PORTS} ports of its address, each one of a container");
        return Err(invalid(group, "InvalidIPAddressPorts", &what));
    }
    Ok(())
}

/// The name under which a public group is found.
pub(super) fn fqdn(group: &Resource) -> Option<String> {
    let label = address_member(&group.properties, "dnsNameLabel")?;
    Some(format!("{label}.{}.azurecontainer.io", group.location.as_deref().unwrap_or_default()))
}

/// Whether no other group has the name (the code is not confirmed).
pub(super) fn check_fqdn(world: &World, group: &Resource) -> Result<(), Refusal> {
    let Some(name) = fqdn(group) else { return Ok(()) };
    let taken =
        |other: &Resource| other.kind == KIND && !same_id(&other.id, &group.id) && fqdn(other).as_ref() == Some(&name);
    if world.resources.iter().any(taken) {
        return Err(Refusal::bad_request("DnsNameLabelNotAvailable", format!("The DNS name {name} is not available.")));
    }
    Ok(())
}

/// What can't be changed by a PUT: operating system, restart policy, network, and what each container asks for.
pub(super) fn check_update(there: &Resource, wanted: &Resource) -> Result<(), Refusal> {
    let fixed = |group: &Resource| {
        let properties = &group.properties;
        let of = |name: &str| properties.get(name).cloned().unwrap_or_default();
        let resources = |one: &Value| (one.get("name").cloned(), amounts(one));
        (
            [of("osType"), of("restartPolicy"), of("sku"), group.members.get("zones").cloned().unwrap_or_default()],
            (subnet(group).map(str::to_ascii_lowercase), address_member(properties, "type").map(str::to_owned)),
            ports(properties.get("ipAddress").and_then(|address| address.get("ports"))),
            containers(properties).iter().map(resources).collect::<Vec<_>>(),
        )
    };
    if fixed(there) == fixed(wanted) {
        return Ok(());
    }
    let message = format!(
        "The updates on container group '{}' are invalid. If you are going to update the os type, restart policy, \
         network profile, CPU, memory or GPU resources for a container group, you must delete it first and then create \
         a new one.",
        there.name
    );
    Err(Refusal::bad_request("InvalidContainerGroupUpdate", message))
}

/// Requests and limits of a container; numbers compare by value.
fn amounts(container: &Value) -> Vec<Option<f64>> {
    let amount =
        |pointer: &&str| container.pointer(&format!("/properties/resources/{pointer}")).and_then(Value::as_f64);
    ["requests/cpu", "requests/memoryInGB", "requests/gpu/count", "limits/cpu", "limits/memoryInGB"]
        .iter()
        .map(amount)
        .collect()
}
