//! Address prefixes: reading, and the refusals around them.

use crate::error::Refusal;
use ipnet::IpNet;
use serde_json::Value;

/// Ranges that no virtual network may contain ("Azure Virtual Network FAQ").
const FORBIDDEN: &[&str] = &["224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"];

/// The strings in a member with one prefix, or with a list.
pub fn texts(properties: &serde_json::Map<String, Value>, one: &str, many: &str) -> Vec<String> {
    let single = properties.get(one).and_then(Value::as_str).map(str::to_owned);
    let list = properties.get(many).and_then(Value::as_array).into_iter().flatten();
    single.into_iter().chain(list.filter_map(Value::as_str).map(str::to_owned)).collect()
}

/// Reads a prefix of the resource `id`.
///
/// # Errors
/// `400 InvalidAddressPrefixFormat` when it is not a CIDR, `InvalidCIDRNotation` when host bits are set.
pub fn parse(text: &str, id: &str) -> Result<IpNet, Refusal> {
    let prefix: IpNet = text.parse().map_err(|_| {
        let message = format!(
            "Address prefix {text} of resource {id} is not formatted correctly. It should follow CIDR notation, for \
             example 10.0.0.0/24."
        );
        Refusal::bad_request("InvalidAddressPrefixFormat", message)
    })?;
    if prefix.addr() == prefix.network() {
        return Ok(prefix);
    }
    let message = format!(
        "The address prefix {text} in resource {id} has an invalid CIDR notation. For the given prefix length, the \
         address prefix should be {}.",
        prefix.trunc()
    );
    Err(Refusal::bad_request("InvalidCIDRNotation", message))
}

/// Reads all prefixes of the resource `id`.
///
/// # Errors
/// As [`parse`].
pub fn parse_all(texts: &[String], id: &str) -> Result<Vec<IpNet>, Refusal> {
    texts.iter().map(|text| parse(text, id)).collect()
}

/// Whether two prefixes have an address in common.
pub fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// Checks an address space: prefixes that don't overlap and are usable.
///
/// # Errors
/// `400 InvalidAddressSpace…` (codes not confirmed).
pub fn check_space(space: &[IpNet], id: &str) -> Result<(), Refusal> {
    for (position, prefix) in space.iter().enumerate() {
        if let Some(other) = space.iter().skip(position + 1).find(|other| overlap(prefix, other)) {
            let message = format!("Address prefixes {prefix} and {other} of resource {id} overlap.");
            return Err(Refusal::bad_request("AddressPrefixesOverlapInVirtualNetwork", message));
        }
        let forbidden = FORBIDDEN.iter().filter_map(|text| text.parse::<IpNet>().ok());
        if let Some(range) = forbidden.into_iter().find(|range| overlap(prefix, range)) {
            let message = format!("Address prefix {prefix} of resource {id} overlaps {range}, which can't be used.");
            return Err(Refusal::bad_request("InvalidAddressPrefix", message));
        }
    }
    Ok(())
}

/// Checks the prefixes of a subnet against its network and its siblings (name and prefixes).
///
/// # Errors
/// `400 NetcfgSubnetRangeOutsideVnet`, `NetcfgSubnetRangesOverlap`, `NetcfgInvalidSubnet` below /29, and of IPv6 for all but
/// /64 ("Azure Virtual Network FAQ").
pub fn check_subnet(
    (name, network): (&str, &str),
    own: &[IpNet],
    space: &[IpNet],
    siblings: &[(String, Vec<IpNet>)],
) -> Result<(), Refusal> {
    let has_no_size = |prefix: &IpNet| match prefix {
        IpNet::V4(prefix) => prefix.prefix_len() > 29,
        IpNet::V6(prefix) => prefix.prefix_len() != 64,
    };
    if own.iter().any(has_no_size) {
        let message = format!("Subnet '{name}' is not valid in virtual network '{network}'.");
        return Err(Refusal::bad_request("NetcfgInvalidSubnet", message));
    }
    if own.iter().any(|prefix| !space.iter().any(|range| range.contains(prefix))) {
        return Err(outside(name, network));
    }
    let hit = |other: &&(String, Vec<IpNet>)| other.1.iter().any(|there| own.iter().any(|here| overlap(here, there)));
    if siblings.iter().any(|other| hit(&other)) {
        let message = format!(
            "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in \
             virtual network '{network}'."
        );
        return Err(Refusal::bad_request("NetcfgSubnetRangesOverlap", message));
    }
    Ok(())
}

/// `400 NetcfgSubnetRangeOutsideVnet`.
pub fn outside(name: &str, network: &str) -> Refusal {
    let message = format!(
        "Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network \
         '{network}'."
    );
    Refusal::bad_request("NetcfgSubnetRangeOutsideVnet", message)
}
