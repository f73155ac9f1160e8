//! The rules and routes of a subnet, from its security group and route table.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// The rules and routes of a subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Resource id of the virtual network, in one case.
    pub network: String,
    /// Prefixes of the subnet.
    pub prefixes: Vec<Ipv4Net>,
    /// Rules for incoming connections, of which the first match decides; without a security group all may come in.
    pub inbound: Option<Vec<Rule>>,
    /// Rules for outgoing connections, as `inbound`.
    pub outbound: Option<Vec<Rule>>,
    /// Where packets go, the longest prefix decides; none without a route table.
    pub routes: Vec<(Ipv4Net, Hop)>,
}

/// A security rule, tags resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What happens to a connection that matches.
    pub access: Access,
    /// `tcp`, `udp`, `icmp`, `esp` or `ah`; any if absent.
    pub protocol: Option<&'static str>,
    /// Its source; one of these has to match.
    pub sources: Vec<Addresses>,
    /// First and last port of each range; any if empty.
    pub source_ports: Vec<(u16, u16)>,
    /// Its destination; one of these has to match.
    pub destinations: Vec<Addresses>,
    /// As `source_ports`.
    pub destination_ports: Vec<(u16, u16)>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Lets the connection through.
    Allow,
    /// Drops it silently.
    Deny,
}

/// A set of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addresses {
    /// All of them.
    Any,
    /// Those of these prefixes.
    Within(Vec<Ipv4Net>),
    /// All except those of these prefixes.
    Outside(Vec<Ipv4Net>),
}

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// To the holder of the address in the virtual network.
    Local,
    /// To the machine at this address.
    Appliance(Ipv4Addr),
    /// Nowhere: packets are dropped.
    Nowhere,
}

impl Filter {
    /// Whether the subnet contains this address.
    pub(super) fn covers(&self, network: &str, address: Ipv4Addr) -> bool {
        self.network == network && self.prefixes.iter().any(|prefix| prefix.contains(&address))
    }
}
