//! Parts of our resources that others own.

use super::{Scenario, actions};
use crate::in_process::{
    actions::of_others,
    end_state::EndState,
    expect::{self, absent, present, resource},
};
use serde_json::{Value, json};

pub(super) const OF_OTHERS: &[Scenario] = &[
    Scenario {
        name: "others extend the network",
        prepare: actions::network,
        act: of_others::grown_and_tagged,
        ends: grown_and_tagged,
    },
    Scenario {
        name: "a prefix that others use is dropped",
        prepare: of_others::two_ranges,
        act: of_others::range_in_use_dropped,
        ends: one_range,
    },
    Scenario {
        name: "subnets become dual-stack",
        prepare: actions::network,
        act: of_others::dual_stack,
        ends: dual_stack,
    },
    Scenario {
        name: "an address of others on the gateway",
        prepare: actions::parts::egress,
        act: of_others::address_of_others,
        ends: address_of_others,
    },
    Scenario {
        name: "a policy spells a tag",
        prepare: actions::tag_network,
        act: of_others::tag_by_policy,
        ends: spelled,
    },
    Scenario {
        name: "a Secret is made again, then changed",
        prepare: of_others::article_of_secrets,
        act: of_others::rewritten_then_changed,
        ends: other_value,
    },
];

fn space(end: &EndState) -> &Value {
    &resource(end, "/virtualNetworks/amlvnet1")["properties"]["addressSpace"]["addressPrefixes"]
}

fn grown_and_tagged(end: &EndState) {
    expect::tagged_network(end);
    present(end, &["/subnets/theirs"]);
    assert_eq!(*space(end), json!(["10.19.0.0/16", "10.0.0.0/16"]));
    let servers = &resource(end, "/virtualNetworks/amlvnet1")["properties"]["dhcpOptions"]["dnsServers"];
    assert_eq!(*servers, json!(["10.19.1.4"]));
}

fn one_range(end: &EndState) {
    expect::network(end);
    absent(end, &["/subnets/theirs"]);
    assert_eq!(*space(end), json!(["10.0.0.0/16"]));
}

fn dual_stack(end: &EndState) {
    expect::network(end);
    for (name, both) in
        [("amlsubnet1", ["10.0.1.0/24", "fd00:15:0:0::/64"]), ("default", ["10.0.0.0/24", "fd00:15:0:1::/64"])]
    {
        let properties = &resource(end, &format!("/subnets/{name}"))["properties"];
        assert_eq!((&properties["addressPrefixes"], &properties["addressPrefix"]), (&json!(both), &Value::Null));
    }
    let properties = |name: &str| resource(end, &format!("/subnets/{name}"))["properties"].clone();
    assert_eq!(properties("amlsubnet1")["delegations"].as_array().map(Vec::len), Some(1));
    assert!(properties("default")["networkSecurityGroup"]["id"].is_string());
}

fn address_of_others(end: &EndState) {
    expect::network(end);
    absent(end, &["nat-ml-ip2"]);
    let list = resource(end, "/natGateways/nat-ml")["properties"]["publicIpAddresses"].clone();
    let names = list.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()?.rsplit('/').next());
    assert_eq!(names.collect::<Vec<_>>(), ["nat-ml-ip1", "theirs"]);
}

fn spelled(end: &EndState) {
    expect::network(end);
    for place in ["/virtualNetworks/amlvnet1", "/networkSecurityGroups/amlnsg"] {
        let tags = &resource(end, place)["tags"];
        assert_eq!((&tags["Cost-Centre"], &tags["cost-centre"]), (&json!("4711"), &Value::Null), "{tags}");
    }
}

fn other_value(end: &EndState) {
    expect::article(end);
    let variables = "/environmentImageRequest/environment/environmentVariables/STORE_PASSWORD";
    assert_eq!(end.azure["services"][0].pointer(variables), Some(&json!("another-value")));
    let status = &end.kubernetes["acivnetdeployments"]["ml/aciservice"]["status"];
    assert_eq!(status["revision"], 2, "{status:#}");
}
