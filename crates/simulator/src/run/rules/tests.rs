use super::*;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn rule(access: Access, protocol: Option<&'static str>) -> Rule {
    Rule {
        access,
        protocol,
        sources: vec![Addresses::Any],
        source_ports: Vec::new(),
        destinations: vec![Addresses::Any],
        destination_ports: Vec::new(),
    }
}

fn inbound(rules: Vec<Rule>) -> Vec<String> {
    let text = ruleset(Some(&Filter { inbound: Some(rules), ..Filter::default() }), None);
    text.lines().skip(7).take_while(|line| *line != "  }").map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_rule_is_one_line_for_each_pair_of_addresses() {
    let network = vec![net("10.0.0.0/16"), net("168.63.129.16/32")];
    let mixed = Rule {
        sources: vec![Addresses::Within(network.clone()), Addresses::Outside(network)],
        destinations: vec![Addresses::Within(vec![net("10.0.1.0/24")])],
        destination_ports: vec![(80, 80), (443, 445)],
        ..rule(Access::Allow, Some("tcp"))
    };
    let behind = "ip daddr { 10.0.1.0/24 } meta l4proto tcp th dport { 80, 443-445 } accept";
    assert_eq!(
        inbound(vec![mixed, rule(Access::Deny, None)]),
        [
            format!("ip saddr {{ 10.0.0.0/16, 168.63.129.16/32 }} {behind}"),
            format!("ip saddr != {{ 10.0.0.0/16, 168.63.129.16/32 }} {behind}"),
            "drop".to_owned(),
        ]
    );
}

#[test]
fn ports_of_any_protocol_are_those_of_tcp_and_udp() {
    let any = Rule { destination_ports: vec![(80, 80)], ..rule(Access::Deny, None) };
    let icmp = Rule { destination_ports: vec![(80, 80)], ..rule(Access::Allow, Some("icmp")) };
    assert_eq!(
        inbound(vec![any, icmp]),
        ["meta l4proto { tcp, udp } th dport { 80 } drop", "meta l4proto icmp accept"]
    );
}

#[test]
fn the_whole_is_no_set_and_nothing_is_outside_of_it() {
    let all = vec![net("0.0.0.0/0")];
    let within = Rule { sources: vec![Addresses::Within(all.clone())], ..rule(Access::Allow, None) };
    let outside = Rule { sources: vec![Addresses::Outside(all)], ..rule(Access::Allow, None) };
    assert_eq!(inbound(vec![within, outside]), ["accept", "ip saddr 127.0.0.0/8 accept"]);
    let nobody = Rule { sources: Vec::new(), ..rule(Access::Allow, None) };
    assert!(inbound(vec![nobody]).is_empty(), "a tag whose addresses are not known fits nothing");
}

#[test]
fn without_a_group_there_is_no_chain_and_a_door_is_one_port() {
    let bare = ruleset(None, None);
    assert!(!bare.contains("chain"), "{bare}");
    let door = ruleset(None, Some(443));
    assert!(door.contains("tcp dport 443 accept") && door.contains("reject with tcp reset"), "{door}");
}

#[test]
fn routes_take_the_place_of_the_systems() {
    let filter = Filter {
        routes: vec![
            (net("10.0.2.0/24"), Hop::Appliance(Ipv4Addr::new(10, 0, 9, 4))),
            (net("10.0.0.0/16"), Hop::Local),
            (net("0.0.0.0/0"), Hop::Nowhere),
        ],
        ..Filter::default()
    };
    let text = routes(Some(&filter), Ipv4Addr::new(10, 0, 1, 4));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "route replace 10.0.2.0/24 via 10.0.9.4 dev eth0 onlink src 10.0.1.4 table 100",
            "route replace 10.0.0.0/16 dev eth0 scope link src 10.0.1.4 table 100",
            "route replace 0.0.0.0/0 dev lo src 10.0.1.4 table 100",
            "rule add pref 100 table 100",
        ]
    );
    assert!(routes(Some(&filter), Ipv4Addr::new(10, 0, 9, 4)).contains("10.0.2.0/24 dev eth0"), "not to itself");
    assert_eq!(routes(None, Ipv4Addr::LOCALHOST), "");
}
