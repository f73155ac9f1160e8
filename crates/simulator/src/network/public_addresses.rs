//! Public IP addresses ("Public IP Addresses - Create Or Update").

use super::tracked::Kind;
use super::{references, writable};
use crate::error::Refusal;
use crate::store::Resource;
use crate::world::World;
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;

/// The type.
pub const KIND: &str = "Microsoft.Network/publicIPAddresses";
/// Members of `properties` that only the service writes.
const READ_ONLY: &[&str] = &["provisioningState", "resourceGuid", "ipAddress", "ipConfiguration", "natGateway"];
/// The SKUs.
const SKUS: &[&str] = &["Basic", "Standard", "StandardV2"];

/// What is special about the type. Its duration is not recorded; a network security group's is used. Without a
/// `sku` it is a basic one (Azure/bicep#5914).
pub(super) static ADDRESSES: Kind = Kind {
    name: KIND,
    put: ("PutPublicIpAddressOperation", 2.0),
    delete: ("DeletePublicIpAddressOperation", 3.0),
    retry_after: 1.0,
    members: &[("sku", || json!({"name": "Basic", "tier": "Regional"})), ("zones", || Value::Null)],
    normalised,
    check,
    in_use,
    show,
    settled,
    kept: &["ipAddress"],
    entries: None,
};

/// The SKU of an address.
pub(super) fn sku(address: &Resource) -> &str {
    address.members.get("sku").and_then(|sku| sku.get("name")).and_then(Value::as_str).unwrap_or_default()
}

fn normalised(document: &Value) -> Map<String, Value> {
    let mut properties = writable(document, READ_ONLY);
    if let Some(settings) = properties.get_mut("dnsSettings").and_then(Value::as_object_mut) {
        settings.retain(|name, value| name != "fqdn" && !value.is_null());
    }
    for (name, usual) in [
        ("publicIPAddressVersion", json!("IPv4")),
        ("publicIPAllocationMethod", json!("Dynamic")),
        ("idleTimeoutInMinutes", json!(4)),
        ("ipTags", json!([])),
    ] {
        properties.entry(name).or_insert(usual);
    }
    properties
}

/// Checks that the SKU is known and fits the allocation, the timeout is 4 to 30 minutes, and the DNS label is valid and
/// free (the codes of the first and the third are not confirmed).
fn check(world: &World, wanted: &Resource) -> Result<(), Refusal> {
    let sku = sku(wanted);
    if !SKUS.contains(&sku) {
        let message = format!("Public IP address {} has sku '{sku}', none of {}.", wanted.id, SKUS.join(", "));
        return Err(super::malformed("InvalidPublicIpAddressSku", message));
    }
    if sku != "Basic" && !is_static(wanted) {
        let message = format!("{sku} sku publicIp {} must have AllocationMethod set to Static.", wanted.id);
        return Err(Refusal::bad_request("StandardSkuPublicIPAddressesMustBeStatic", message));
    }
    check_minutes(wanted)?;
    check_label(wanted)?;
    let Some(label) = fqdn(wanted) else { return Ok(()) };
    let taken = |other: &&Resource| other.kind == KIND && other.id != wanted.id && fqdn(other).as_ref() == Some(&label);
    if world.resources.iter().any(|other| taken(&other)) {
        let message = format!("DNS record {label} is already used by another public IP.");
        return Err(Refusal::bad_request("DnsRecordInUse", message));
    }
    Ok(())
}

/// "Public IP addresses", idle timeout.
fn check_minutes(wanted: &Resource) -> Result<(), Refusal> {
    let minutes = wanted.properties.get("idleTimeoutInMinutes").and_then(Value::as_u64).unwrap_or_default();
    if (4..=30).contains(&minutes) {
        return Ok(());
    }
    let message = format!(
        "Public IP address {} has idleTimeoutInMinutes {minutes}. The value must be between 4 and 30.",
        wanted.id
    );
    Err(Refusal::bad_request("PublicIPAddressIdleTimeoutInvalid", message))
}

/// As Azure words it (deis/deis#4854).
fn check_label(wanted: &Resource) -> Result<(), Refusal> {
    let Some(label) = domain_label(wanted) else { return Ok(()) };
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_valid = (3..=63).contains(&label.len())
        && label.bytes().all(is_inner)
        && label.starts_with(|first: char| first.is_ascii_lowercase())
        && !label.ends_with('-');
    if is_valid {
        return Ok(());
    }
    let message = format!(
        "The domain name label {label} is invalid. It must conform to the following regular expression: \
         ^[a-z][a-z0-9-]{{1,61}}[a-z0-9]$."
    );
    Err(Refusal::bad_request("InvalidDomainNameLabel", message))
}

fn domain_label(address: &Resource) -> Option<&str> {
    address.properties.get("dnsSettings")?.get("domainNameLabel")?.as_str()
}

fn is_static(address: &Resource) -> bool {
    let method = address.properties.get("publicIPAllocationMethod").and_then(Value::as_str);
    method.is_some_and(|method| method.eq_ignore_ascii_case("Static"))
}

fn fqdn(address: &Resource) -> Option<String> {
    let label = domain_label(address)?;
    Some(format!("{label}.{}.cloudapp.azure.com", address.location.as_deref().unwrap_or_default()))
}

fn in_use(address: &Resource, users: &[String]) -> Refusal {
    let message = format!(
        "Public IP address {} can not be deleted since it is still allocated to resource {}. In order to delete the \
         public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see \
         aka.ms/deletepublicip.",
        address.id,
        users.join(", ")
    );
    Refusal::bad_request("PublicIPAddressCannotBeDeleted", message)
}

/// A static address is assigned once the write that made it static has succeeded, as recorded
/// (`net-Fluent-Tests-Network-PublicIPAddress-CreateUpdate`, 4 and 6).
fn settled(address: &mut Resource) {
    if is_static(address) {
        address.properties.insert("ipAddress".to_owned(), json!(number(address.sequence).to_string()));
    } else {
        address.properties.remove("ipAddress");
    }
}

/// A dynamic address is assigned while something uses it.
fn show(world: &World, address: &Resource, properties: &mut Map<String, Value>) {
    let user = references::referrers(world, address).into_iter().next();
    if user.is_some() {
        properties.insert("ipAddress".to_owned(), json!(number(address.sequence).to_string()));
    }
    if let Some(user) = user {
        properties.insert("natGateway".to_owned(), json!({"id": user}));
    }
    let settings = properties.get_mut("dnsSettings").and_then(Value::as_object_mut);
    if let (Some(fqdn), Some(settings)) = (fqdn(address), settings) {
        settings.insert("fqdn".to_owned(), json!(fqdn));
    }
}

/// The public address for a position in the order of creation, in 198.18.0.0/15, which is reserved for benchmarks (RFC
/// 2544).
pub(crate) fn number(sequence: u64) -> Ipv4Addr {
    const FIRST: u32 = u32::from_be_bytes([198, 18, 0, 0]);
    let within = u32::try_from(sequence % 0x1_fffe).unwrap_or_default();
    Ipv4Addr::from(FIRST + 1 + within)
}
