//! What security groups and route tables come to for a runner that carries them out.

use super::*;
use crate::network;
use crate::run::{Access, Addresses, Filter, Hop, Rule};
use ipnet::Ipv4Net;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn rule(name: &str, priority: u32, more: Value) -> Value {
    let mut rule = json!({"name": name, "properties": {
        "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*",
    }});
    for (member, value) in more.as_object().unwrap() {
        rule["properties"][member] = value.clone();
    }
    rule
}

/// The filter of a subnet with these rules and routes.
async fn filter(rules: &[Value], routes: &[Value]) -> Filter {
    let bed = Bed::new().await;
    let table = format!("{}/providers/Microsoft.Network/routeTables/t", group());
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&nsg(), json!({"location": "westeurope", "properties": {"securityRules": rules}})).await;
    bed.stands(&table, json!({"location": "westeurope", "properties": {"routes": routes}})).await;
    let body = json!({"properties": {
        "addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": nsg()}, "routeTable": {"id": table},
    }});
    bed.stands(&subnet("s"), body).await;
    bed.stands(&subnet("free"), json!({"properties": {"addressPrefix": "10.0.2.0/24"}})).await;
    let filters = bed.simulator.with(|world| network::filters(world));
    let free = filters.iter().find(|filter| filter.prefixes == [net("10.0.2.0/24")]).unwrap();
    assert_eq!((&free.inbound, &free.outbound, free.routes.len()), (&None, &None, 0), "no group, no table: no limits");
    filters.into_iter().find(|filter| filter.prefixes == [net("10.0.1.0/24")]).unwrap()
}

fn network_tag() -> Vec<Ipv4Net> {
    vec![net("10.0.0.0/16"), net("168.63.129.16/32")]
}

#[tokio::test]
async fn rules_come_in_the_order_of_their_priority_with_the_default_ones_last() {
    let deny = json!({"access": "Deny", "protocol": "*", "sourceAddressPrefix": "VirtualNetwork"});
    let out = json!({"direction": "Outbound", "access": "Deny", "destinationAddressPrefix": "Internet"});
    let filter = filter(&[rule("last", 4096, json!({})), rule("first", 100, deny), rule("out", 100, out)], &[]).await;
    assert_eq!(filter.network, vnet().to_ascii_lowercase());
    let inbound = filter.inbound.unwrap();
    let accesses: Vec<Access> = inbound.iter().map(|rule| rule.access).collect();
    assert_eq!(accesses, [Access::Deny, Access::Allow, Access::Allow, Access::Allow, Access::Deny]);
    assert_eq!((inbound[0].protocol, inbound[1].protocol), (None, Some("tcp")));
    assert_eq!(inbound[0].sources, [Addresses::Within(network_tag())]);
    let outbound = filter.outbound.unwrap();
    assert_eq!(outbound[0].destinations, [Addresses::Outside(network_tag())]);
    assert_eq!(outbound.len(), 4);
}

#[tokio::test]
async fn prefixes_tags_and_ports_in_all_their_forms() {
    let mut many = rule(
        "many",
        100,
        json!({
            "sourceAddressPrefixes": ["10.0.2.0/24", "10.0.3.7"],
            "destinationPortRanges": ["443", "80-90", "85-100", "101"],
        }),
    );
    let properties = many["properties"].as_object_mut().unwrap();
    for single in ["sourceAddressPrefix", "destinationPortRange"] {
        properties.remove(single);
    }
    let unknown =
        rule("tag", 110, json!({"sourceAddressPrefix": "AzureMachineLearning", "destinationPortRange": "44224"}));
    let probe = rule("probe", 120, json!({"sourceAddressPrefix": "AzureLoadBalancer", "protocol": "Icmp"}));
    let inbound = filter(&[many, unknown, probe], &[]).await.inbound.unwrap();
    let within = |text: &str| Addresses::Within(vec![net(text)]);
    let expected = Rule {
        access: Access::Allow,
        protocol: Some("tcp"),
        sources: vec![within("10.0.2.0/24"), within("10.0.3.7/32")],
        source_ports: Vec::new(),
        destinations: vec![Addresses::Any],
        destination_ports: vec![(80, 101), (443, 443)],
    };
    assert_eq!(inbound[0], expected);
    assert!(inbound[1].sources.is_empty(), "whose addresses are not known fits nobody");
    assert_eq!((&inbound[2].sources[..], inbound[2].protocol), (&[within("168.63.129.16/32")][..], Some("icmp")));
}

#[tokio::test]
async fn routes_join_those_of_the_system() {
    let route = |name: &str, prefix: &str, hop: &str, address: Option<&str>| json!({"name": name, "properties": {"addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address}});
    let routes = [
        route("all", "0.0.0.0/0", "Internet", None),
        route("own", "10.0.2.0/24", "VirtualAppliance", Some("10.0.3.4")),
        route("none", "10.0.4.0/24", "None", None),
    ];
    let filter = filter(&[], &routes).await;
    let appliance = Hop::Appliance("10.0.3.4".parse().unwrap());
    assert_eq!(
        filter.routes,
        [
            (net("10.0.2.0/24"), appliance),
            (net("10.0.4.0/24"), Hop::Nowhere),
            (net("10.0.0.0/16"), Hop::Local),
            (net("0.0.0.0/0"), Hop::Nowhere),
        ]
    );
    let sources = filter.inbound.unwrap()[0].sources.clone();
    assert_eq!(sources, [Addresses::Within(vec![net("0.0.0.0/0")])], "the tag holds the prefixes of routes too");
}
