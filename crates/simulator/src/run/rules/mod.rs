//! Filters as input for `nft` (nftables) and `ip`.
//!
//! The chains are where packets enter and leave the machine, so that forwarded ones are checked too. Open connections
//! stay open when rules change, as in Azure.

use std::fmt::Write;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::filter::{Access, Addresses, Filter, Hop, Rule};

/// Our table in each namespace.
const TABLE: &str = "acivnet";
/// The routing table for user-defined routes.
const ROUTES: &str = "100";

/// The ruleset of a namespace in place of what it had: the filter of its subnet, and for a container group the only TCP
/// port that is open.
#[must_use]
pub fn ruleset(filter: Option<&Filter>, open: Option<u16>) -> String {
    let mut text = format!("table ip {TABLE} {{ }}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n");
    let inbound = filter.and_then(|filter| filter.inbound.as_ref());
    let outbound = filter.and_then(|filter| filter.outbound.as_ref());
    if let Some(rules) = inbound {
        chain(&mut text, "inbound", "prerouting", "iifname", rules);
    }
    if let Some(rules) = outbound {
        chain(&mut text, "outbound", "postrouting", "oifname", rules);
    }
    if let Some(port) = open {
        line(&mut text, "  chain door {\n    type filter hook input priority 0; policy accept;");
        line(&mut text, "    iifname != \"eth0\" accept\n    ct state established,related accept");
        line(&mut text, &format!("    tcp dport {port} accept\n    meta l4proto tcp reject with tcp reset"));
        line(&mut text, "    meta l4proto udp drop\n  }");
    }
    text.push_str("}\n");
    text
}

fn chain(text: &mut String, name: &str, hook: &str, device: &str, rules: &[Rule]) {
    line(text, &format!("  chain {name} {{\n    type filter hook {hook} priority 0; policy drop;"));
    line(text, &format!("    {device} != \"eth0\" accept\n    ct state established,related accept"));
    for rule in rules {
        for source in &rule.sources {
            for destination in &rule.destinations {
                line(text, &format!("    {}", matched(rule, source, destination)));
            }
        }
    }
    line(text, "  }");
}

fn line(text: &mut String, more: &str) {
    text.push_str(more);
    text.push('\n');
}

fn matched(rule: &Rule, source: &Addresses, destination: &Addresses) -> String {
    let mut words = Vec::new();
    words.extend(addresses("saddr", source));
    words.extend(addresses("daddr", destination));
    let has_ports = !(rule.source_ports.is_empty() && rule.destination_ports.is_empty());
    match rule.protocol {
        Some(protocol) => words.push(format!("meta l4proto {protocol}")),
        // Other protocols have no ports.
        None if has_ports => words.push("meta l4proto { tcp, udp }".to_owned()),
        None => {}
    }
    if matches!(rule.protocol, None | Some("tcp" | "udp")) {
        words.extend(ports("sport", &rule.source_ports));
        words.extend(ports("dport", &rule.destination_ports));
    }
    words.push(if rule.access == Access::Allow { "accept".to_owned() } else { "drop".to_owned() });
    words.join(" ")
}

fn addresses(member: &str, set: &Addresses) -> Option<String> {
    let list = |prefixes: &[Ipv4Net]| {
        let texts: Vec<_> = prefixes.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    let is_all = |prefixes: &[Ipv4Net]| prefixes.iter().any(|prefix| prefix.prefix_len() == 0);
    match set {
        Addresses::Any => None,
        Addresses::Within(prefixes) if is_all(prefixes) => None,
        Addresses::Outside(prefixes) if prefixes.is_empty() => None,
        Addresses::Within(prefixes) => Some(format!("ip {member} {{ {} }}", list(prefixes))),
        // Nothing is outside of everything; the loopback never comes here.
        Addresses::Outside(prefixes) if is_all(prefixes) => Some(format!("ip {member} 127.0.0.0/8")),
        Addresses::Outside(prefixes) => Some(format!("ip {member} != {{ {} }}", list(prefixes))),
    }
}

fn ports(member: &str, ranges: &[(u16, u16)]) -> Option<String> {
    let texts: Vec<_> =
        ranges.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect();
    (!texts.is_empty()).then(|| format!("th {member} {{ {} }}", texts.join(", ")))
}

/// Commands for `ip -batch` that give the machine at `address` the routes of its subnet in place of those it had. A packet
/// without a route is dropped silently, as in Azure: it is sent to the loopback, which has no such address.
#[must_use]
pub fn routes(filter: Option<&Filter>, address: Ipv4Addr) -> String {
    let mut text = String::new();
    for (prefix, hop) in filter.map(|filter| filter.routes.as_slice()).unwrap_or_default() {
        let way = match hop {
            Hop::Local => "dev eth0 scope link".to_owned(),
            Hop::Appliance(there) if *there == address => "dev eth0 scope link".to_owned(),
            Hop::Appliance(there) => format!("via {there} dev eth0 onlink"),
            Hop::Nowhere => "dev lo".to_owned(),
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "route replace {prefix} {way} src {address} table {ROUTES}");
    }
    if !text.is_empty() {
        text.push_str(&format!("rule add pref {ROUTES} table {ROUTES}\n"));
    }
    text
}

/// Commands that remove the routes; they fail if there are none.
pub const NO_ROUTES: [&[&str]; 2] =
    [&["rule", "delete", "pref", ROUTES, "table", ROUTES], &["route", "flush", "table", ROUTES]];

#[cfg(test)]
mod tests;
