//! The effect of security groups and route tables on each subnet ("How network security groups filter network traffic",
//! "Virtual network traffic routing"): for the runner that carries them out.

use super::{prefixes, route_tables, security_groups, security_rules, subnets, virtual_networks};
use crate::run::{Access, Addresses, Filter, Hop, Rule};
use crate::store::{Resource, key, parent_of};
use crate::world::World;
use ipnet::{IpNet, Ipv4Net};
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};

/// The platform's own address: health probes come from it, and the tag `VirtualNetwork` holds it.
const PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// One filter for every subnet that has an IPv4 prefix.
pub(crate) fn filters(world: &World) -> Vec<Filter> {
    let subnets = world.resources.iter().filter(|resource| resource.kind == subnets::KIND);
    subnets.filter_map(|subnet| filter(world, subnet)).collect()
}

fn filter(world: &World, subnet: &Resource) -> Option<Filter> {
    let network = world.resource(parent_of(&subnet.id)?, virtual_networks::KIND)?;
    let own = ipv4(&prefixes::texts(&subnet.properties, "addressPrefix", "addressPrefixes"));
    let space = network.properties.get("addressSpace").and_then(Value::as_object)?;
    let space = ipv4(&prefixes::texts(space, "addressPrefix", "addressPrefixes"));
    let group = linked(world, subnet, "networkSecurityGroup", security_groups::KIND);
    let table = linked(world, subnet, "routeTable", route_tables::KIND);
    let routes = table.map(user_routes).unwrap_or_default();
    let tags = Tags { network: virtual_network(&space, &routes) };
    let rules = |direction: &str| group.map(|group| rules(group, direction, &tags));
    Some(Filter {
        network: key(&network.id),
        prefixes: own,
        inbound: rules("Inbound"),
        outbound: rules("Outbound"),
        routes: if routes.is_empty() { routes } else { effective(&space, routes) },
    })
}

fn linked<'a>(world: &'a World, subnet: &Resource, member: &str, kind: &str) -> Option<&'a Resource> {
    world.resource(subnet.properties.get(member)?.get("id")?.as_str()?, kind)
}

fn ipv4(texts: &[String]) -> Vec<Ipv4Net> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// The tag `VirtualNetwork`: the address space, the platform's address, and the prefixes of user-defined routes
/// ("Virtual network service tags"). Peered networks are not among them.
fn virtual_network(space: &[Ipv4Net], routes: &[(Ipv4Net, Hop)]) -> Vec<Ipv4Net> {
    let of_routes = routes.iter().map(|(prefix, _)| *prefix);
    let all: Vec<_> = space.iter().copied().chain(of_routes).chain([Ipv4Net::from(PLATFORM)]).collect();
    Ipv4Net::aggregate(&all)
}

struct Tags {
    network: Vec<Ipv4Net>,
}

impl Tags {
    /// An address prefix, an address, or a tag. The addresses of other services are unknown here: nothing matches them.
    fn addresses(&self, text: &str) -> Option<Addresses> {
        match text.to_ascii_lowercase().as_str() {
            "*" | "any" | "0.0.0.0/0" => return Some(Addresses::Any),
            "virtualnetwork" => return Some(Addresses::Within(self.network.clone())),
            "internet" => return Some(Addresses::Outside(self.network.clone())),
            "azureloadbalancer" => return Some(Addresses::Within(vec![Ipv4Net::from(PLATFORM)])),
            _ => {}
        }
        let prefix = match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
            (Ok(IpNet::V4(prefix)), _) => prefix.trunc(),
            (_, Ok(IpAddr::V4(address))) => Ipv4Net::from(address),
            _ => return None,
        };
        Some(Addresses::Within(vec![prefix]))
    }
}

/// The rules of one direction in the order in which they are looked at, the default ones among them.
fn rules(group: &Resource, direction: &str, tags: &Tags) -> Vec<Rule> {
    let own = super::entries::stored(&security_rules::RULES, &group.properties).to_vec();
    let defaults = security_rules::defaults(group);
    let all = own.into_iter().chain(defaults.as_array().cloned().unwrap_or_default());
    let mut all: Vec<Map<String, Value>> =
        all.filter_map(|rule| rule.get("properties").and_then(Value::as_object).cloned()).collect();
    all.retain(|rule| rule.get("direction").and_then(Value::as_str) == Some(direction));
    all.sort_by_key(|rule| rule.get("priority").and_then(Value::as_u64).unwrap_or(u64::MAX));
    all.iter().map(|rule| resolved(rule, tags)).collect()
}

fn resolved(rule: &Map<String, Value>, tags: &Tags) -> Rule {
    let text = |member: &str| rule.get(member).and_then(Value::as_str).unwrap_or_default();
    // Application security groups have no members here: a rule that names one matches nothing.
    let addresses = |one: &str, many: &str| {
        prefixes::texts(rule, one, many).iter().filter_map(|text| tags.addresses(text)).collect()
    };
    let ports = |one: &str, many: &str| ports(&prefixes::texts(rule, one, many));
    let protocol =
        ["tcp", "udp", "icmp", "esp", "ah"].into_iter().find(|name| text("protocol").eq_ignore_ascii_case(name));
    Rule {
        access: if text("access") == "Allow" { Access::Allow } else { Access::Deny },
        protocol,
        sources: addresses("sourceAddressPrefix", "sourceAddressPrefixes"),
        source_ports: ports("sourcePortRange", "sourcePortRanges"),
        destinations: addresses("destinationAddressPrefix", "destinationAddressPrefixes"),
        destination_ports: ports("destinationPortRange", "destinationPortRanges"),
    }
}

/// Ranges in order and without overlap; none for all ports.
fn ports(texts: &[String]) -> Vec<(u16, u16)> {
    if texts.iter().any(|text| text == "*") {
        return Vec::new();
    }
    let range = |text: &String| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        Some((from.trim().parse::<u16>().ok()?, to.trim().parse::<u16>().ok()?))
    };
    let mut ranges: Vec<_> = texts.iter().filter_map(range).collect();
    ranges.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if u32::from(from) <= u32::from(*end) + 1 => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// The routes of a table. There is no gateway and no internet here: packets to them are lost.
fn user_routes(table: &Resource) -> Vec<(Ipv4Net, Hop)> {
    let routes = table.properties.get("routes").and_then(Value::as_array).into_iter().flatten();
    let route = |route: &Value| {
        let text = |member: &str| route.get("properties")?.get(member)?.as_str();
        let prefix = text("addressPrefix")?.parse().ok()?;
        let hop = match text("nextHopType")? {
            "VnetLocal" => Hop::Local,
            "VirtualAppliance" => text("nextHopIpAddress")?.parse().map_or(Hop::Nowhere, Hop::Appliance),
            _ => Hop::Nowhere,
        };
        Some((prefix, hop))
    };
    routes.filter_map(route).collect()
}

/// The system's routes to the prefixes of the network, where no user-defined one has the same prefix.
fn effective(space: &[Ipv4Net], routes: Vec<(Ipv4Net, Hop)>) -> Vec<(Ipv4Net, Hop)> {
    let is_free = |prefix: &&Ipv4Net| !routes.iter().any(|(other, _)| other == *prefix);
    let mut all: Vec<_> = space.iter().filter(is_free).map(|prefix| (*prefix, Hop::Local)).collect();
    all.extend(routes);
    all.sort_by_key(|(prefix, _)| (std::cmp::Reverse(prefix.prefix_len()), prefix.network()));
    all
}
