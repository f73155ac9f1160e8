//! Rules of a `DelegatedSubnet` about more than one text.

use super::{
    NAME, OWN_TAG, Rule,
    Try::{Change, New},
    rule,
};
use acivnet_tests::examples;
use serde_json::{Value, json};

const PREFIX: &str = "must be an IPv4 prefix, /2 to /29, without host bits, such as 10.0.1.0/24 (not 10.0.1.5/24)";
const CANNOT_OVERLAP: &str = "subnet.addressPrefix and clientSubnet.addressPrefix must not overlap";

/// A route table of a subscription.
fn route_table(subscription: u32) -> String {
    examples::network_id("routeTables/hub").replace("000000000001", &format!("00000000000{subscription}"))
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn table() -> Vec<Rule> {
    let new = || New(examples::subnet());
    let subnet = examples::subnet;
    let with = |pointer: &str, value: Value| New(examples::subnet().with(pointer, value));
    let changed = |pointer: &str, value: Value| Change(examples::subnet(), examples::subnet().with(pointer, value));
    let prefix = "/spec/subnet/addressPrefix";
    let client_prefix = "/spec/clientSubnet/addressPrefix";
    let group = "/spec/clientSubnet/networkSecurityGroup";
    let rules = |rules: Value| {
        New(examples::full_subnet().with("/spec/clientSubnet/networkSecurityGroup/securityRules", rules))
    };
    let security_rule = |name: &str, priority: i32, direction: &str| json!({"name": name, "priority": priority, "direction": direction, "access": "Allow", "protocol": "Tcp"});
    let tags = |names: &[&str]| {
        with("/spec/azure/tags", names.iter().map(|name| json!({"name": name, "value": "x"})).collect())
    };
    let endpoints = |services: &[&str]| {
        with("/spec/subnet/serviceEndpoints", services.iter().map(|one| json!({"service": one})).collect())
    };
    let own_group = subnet().with("/spec/virtualNetwork/resourceGroup", "rg-network");
    let without_client = || subnet().without("/spec/clientSubnet");
    let egress = |egress: Value| with("/spec/egress", egress);
    let by = |gateway: Value| json!({"type": "NATGateway", "natGateway": gateway});
    let by_id = |number: u32| by(json!({"id": route_table(number).replace("routeTables", "natGateways")}));
    let referenced = || subnet().with("/spec/subnet/management", "Reference");
    let instance = "/spec/clientSubnet/computeInstance";
    let with_instance = || subnet().with(instance, examples::compute_instance());
    let not_cidr = ["10.0.1.5/24", "10.0.1.0/30", "0.0.0.0/1", "fd00::/28", "10.0.1.0", "nonsense"];
    vec![
        rule(NAME, [New(subnet().named(&"a".repeat(63)))], [New(subnet().named(&"a".repeat(64)))]),
        rule(
            OWN_TAG,
            [with("/spec/azure/tags", json!([{"name": "acivnet", "value": "x"}]))],
            [with("/spec/azure/tags", json!([{"name": "acivnet-owner", "value": "x"}]))],
        ),
        rule(
            "azure.subscriptionID, azure.resourceGroup and azure.location cannot change; create a new DelegatedSubnet",
            [changed("/spec/azure/tags", json!([{"name": "a", "value": "b"}]))],
            [
                changed("/spec/azure/subscriptionID", json!("00000000-0000-0000-0000-000000000002")),
                changed("/spec/azure/resourceGroup", json!("other")),
                changed("/spec/azure/location", json!("westeurope")),
            ],
        ),
        rule(
            "virtualNetwork.name and virtualNetwork.resourceGroup cannot change; create a new DelegatedSubnet",
            [
                changed("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.1.0.0/16"])),
                changed("/spec/virtualNetwork/management", json!("Reference")),
            ],
            [
                changed("/spec/virtualNetwork/name", json!("other")),
                changed("/spec/virtualNetwork/resourceGroup", json!("rg-network")),
                Change(own_group.clone(), subnet()),
                Change(own_group.clone(), own_group.with("/spec/virtualNetwork/resourceGroup", "other")),
            ],
        ),
        rule(
            "subnet.name and subnet.addressPrefix cannot change; create a new DelegatedSubnet",
            [changed("/spec/subnet/management", json!("Reference"))],
            [changed("/spec/subnet/name", json!("other")), changed(prefix, json!("10.0.2.0/24"))],
        ),
        rule(
            "clientSubnet.name and clientSubnet.addressPrefix cannot change, and clientSubnet cannot be removed; create a new DelegatedSubnet",
            [Change(without_client(), subnet()), changed(&format!("{group}/preset"), json!("None"))],
            [
                Change(subnet(), without_client()),
                changed("/spec/clientSubnet/name", json!("other")),
                changed(client_prefix, json!("10.0.2.0/24")),
            ],
        ),
        rule(
            "clientSubnet.computeInstance.name and .workspace cannot change, and computeInstance cannot be removed; create a new DelegatedSubnet",
            [
                Change(subnet(), with_instance()),
                Change(with_instance(), with_instance().with(&format!("{instance}/vmSize"), "STANDARD_D2")),
                Change(with_instance(), with_instance().with(&format!("{instance}/deletion"), "Delete")),
            ],
            [
                Change(with_instance(), subnet()),
                Change(with_instance(), with_instance().with(&format!("{instance}/name"), "other")),
                Change(with_instance(), with_instance().with(&format!("{instance}/workspace/name"), "other")),
                Change(with_instance(), with_instance().without(&format!("{instance}/workspace/resourceGroup"))),
            ],
        ),
        rule(
            "virtualNetwork.addressPrefixes is required with virtualNetwork.management: Create",
            [
                New(subnet()
                    .without("/spec/virtualNetwork/addressPrefixes")
                    .with("/spec/virtualNetwork/management", "Reference")),
                new(),
            ],
            [
                New(subnet().without("/spec/virtualNetwork/addressPrefixes")),
                with("/spec/virtualNetwork/addressPrefixes", json!([])),
            ],
        ),
        rule(
            "each must be an IPv4 prefix, /2 to /29, without host bits, such as 10.0.0.0/16 (not 10.0.1.5/16)",
            [
                with("/spec/virtualNetwork/addressPrefixes", json!(["0.0.0.0/2"])),
                with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "192.168.0.0/29"])),
            ],
            ["10.0.1.0/16", "0.0.0.0/1", "192.168.0.0/30", "fd00::/28", "10.0.0.0", "nonsense"]
                .map(|one| with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", one]))),
        ),
        rule(
            "subnet.addressPrefix must lie inside one of virtualNetwork.addressPrefixes",
            [with("/spec/virtualNetwork/addressPrefixes", json!(["192.168.0.0/16", "10.0.0.0/16"]))],
            [with(prefix, json!("10.1.1.0/24")), with(prefix, json!("10.0.0.0/15"))],
        ),
        rule(
            "clientSubnet.addressPrefix must lie inside one of virtualNetwork.addressPrefixes",
            [with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.1.0/24", "10.0.0.0/24"]))],
            [with(client_prefix, json!("10.1.0.0/24"))],
        ),
        rule(
            CANNOT_OVERLAP,
            [with(client_prefix, json!("10.0.2.0/23"))],
            [
                with(client_prefix, json!("10.0.1.0/24")),
                with(client_prefix, json!("10.0.1.128/25")),
                with(client_prefix, json!("10.0.0.0/23")),
            ],
        ),
        rule(
            "subnet.name and clientSubnet.name must differ in more than case, which Azure ignores",
            [new(), with("/spec/clientSubnet/name", json!("amlsubnet2"))],
            ["amlsubnet1", "AMLsubnet1"].map(|name| with("/spec/clientSubnet/name", json!(name))),
        ),
        rule(
            "Azure accepts no prefix with addresses of 127.0.0.0/8, 169.254.0.0/16, 168.63.129.16/32 or 224.0.0.0/4; write a private one, such as 10.0.0.0/16",
            [with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "168.63.128.0/24"]))],
            ["127.0.0.0/16", "169.254.1.0/24", "168.63.129.0/24", "224.0.0.0/24", "64.0.0.0/2"]
                .map(|one| with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", one]))),
        ),
        rule(
            "two prefixes overlap, which Azure refuses; keep the larger one, such as 10.0.0.0/16 of 10.0.0.0/16 and 10.0.1.0/24",
            [with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.1.0.0/16"]))],
            [
                with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.0.1.0/24"])),
                with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.1.0/24", "10.0.0.0/16"])),
                with("/spec/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.0.0.0/16"])),
            ],
        ),
        rule(
            "clientSubnet.name is one that Azure reserves for the subnet of one of its own services; choose another, such as ml-clients",
            [
                with("/spec/clientSubnet/name", json!("GatewaySubnet2")),
                New(subnet()
                    .without(group)
                    .with("/spec/clientSubnet/name", "GatewaySubnet")
                    .with("/spec/clientSubnet/management", "Reference")),
            ],
            ["GatewaySubnet", "azurebastionsubnet"].map(|name| with("/spec/clientSubnet/name", json!(name))),
        ),
        rule(
            "two securityRules have names that differ only in case, which Azure treats as one; give them different names, such as ssh-office and ssh-home",
            [rules(json!([security_rule("ssh", 200, "Inbound"), security_rule("ssh2", 201, "Inbound")]))],
            [
                rules(json!([security_rule("ssh", 200, "Inbound"), security_rule("SSH", 201, "Inbound")])),
                rules(json!([security_rule("Ssh", 200, "Inbound"), security_rule("sSh", 200, "Outbound")])),
            ],
        ),
        rule(
            "two tags have names that differ only in case, which Azure treats as one; keep one of them",
            [tags(&["cost", "costs"])],
            [tags(&["costcenter", "CostCenter"]), tags(&["a", "b", "A"])],
        ),
        rule(
            "the name of a tag can't contain < > % & \\ ? / or a control character; write kubernetes.io_name for kubernetes.io/name",
            [tags(&["kubernetes.io_name", "cost centre", "a:b=c#d", "\u{e9}quipe"])],
            ["kubernetes.io/name", "a<", "a>", "50%", "r&d", "a\\b", "why?", "a\tb", "a\u{7f}"]
                .map(|name| tags(&["fine", name])),
        ),
        rule(
            "tag names that begin with microsoft, azure or windows are reserved by Azure; write team-azure-region for azure-region",
            [tags(&["team-azure-region", "azur", "my-windows"])],
            ["azure-region", "Azure", "MicrosoftTeam", "WINDOWS"].map(|name| tags(&[name])),
        ),
        rule(
            "two serviceEndpoints differ only in case, which Azure treats as one; keep one of them",
            [endpoints(&["Microsoft.Storage", "Microsoft.KeyVault"])],
            [endpoints(&["Microsoft.Storage", "Microsoft.storage"])],
        ),
        rule(
            PREFIX,
            [
                with(prefix, json!("10.0.1.0/29")),
                with(prefix, json!("10.0.128.0/17")),
                with(client_prefix, json!("10.0.0.0/28")),
            ],
            not_cidr
                .map(|one| with(prefix, json!(one)))
                .into_iter()
                .chain(not_cidr.map(|one| with(client_prefix, json!(one)))),
        ),
        rule(
            "subnet.networkSecurityGroupID, subnet.routeTableID and egress.natGateway.id must lie in azure.subscriptionID",
            [
                egress(by_id(1)),
                New(examples::full_subnet()),
                with("/spec/subnet/routeTableID", json!(route_table(1).replace("resourceGroups", "resourcegroups"))),
            ],
            [
                egress(by_id(2)),
                with("/spec/subnet/routeTableID", json!(route_table(2))),
                with(
                    "/spec/subnet/networkSecurityGroupID",
                    json!(route_table(2).replace("routeTables", "networkSecurityGroups")),
                ),
            ],
        ),
        rule(
            "egress.type NATGateway needs subnet.management: Create; a referenced subnet is never changed, so use Existing or None",
            [egress(by_id(1)), New(referenced().with("/spec/egress", json!({"type": "Existing"})))],
            [New(referenced().with("/spec/egress", by_id(1)))],
        ),
        rule(
            "set exactly the member named by type: natGateway with type NATGateway, none with the others",
            ["Existing", "None"].map(|one| egress(json!({"type": one}))).into_iter().chain([egress(by_id(1))]),
            [
                egress(json!({"type": "NATGateway"})),
                egress(by_id(1)).edited("/spec/egress/type", "Existing"),
                egress(by_id(1)).edited("/spec/egress/type", "None"),
            ],
        ),
        rule(
            "set exactly one of natGateway.id, for one that exists, and natGateway.name, for one to create",
            [egress(by_id(1)), egress(by(json!({"name": "nat"})))],
            [egress(by(json!({}))), egress(by_id(1)).edited("/spec/egress/natGateway/name", "nat")],
        ),
        rule(
            "publicIPCount needs name",
            [egress(by(json!({"name": "nat", "publicIPCount": 16})))],
            [egress(by_id(1)).edited("/spec/egress/natGateway/publicIPCount", 1)],
        ),
        rule(
            "networkSecurityGroupID, routeTableID and serviceEndpoints need management: Create; a referenced subnet is never changed",
            [
                with("/spec/subnet/routeTableID", json!(route_table(1))),
                with("/spec/subnet/management", json!("Reference")),
            ],
            [
                New(subnet()
                    .with("/spec/subnet/routeTableID", route_table(1))
                    .with("/spec/subnet/management", "Reference")),
                New(subnet()
                    .with("/spec/subnet/serviceEndpoints", json!([{"service": "Microsoft.Storage"}]))
                    .with("/spec/subnet/management", "Reference")),
                New(examples::full_subnet().with("/spec/subnet/management", "Reference")),
            ],
        ),
        rule(
            "a subnet created here needs a security group created here: management: Create needs networkSecurityGroup.management: Create",
            [new(), New(subnet().without(group).with("/spec/clientSubnet/management", "Reference"))],
            [New(subnet().without(group)), with(&format!("{group}/management"), json!("Reference"))],
        ),
        rule(
            "two securityRules of one direction have the same priority",
            [rules(json!([
                security_rule("a", 200, "Inbound"),
                security_rule("b", 200, "Outbound"),
                security_rule("c", 201, "Inbound")
            ]))],
            [rules(json!([security_rule("a", 200, "Inbound"), security_rule("b", 200, "Inbound")]))],
        ),
        rule(
            "preset ComputeInstance takes the rule name AllowAzureMachineLearning and the inbound priority 100",
            [rules(json!([security_rule("a", 100, "Outbound"), security_rule("b", 101, "Inbound")]))],
            [
                rules(json!([security_rule("AllowAzureMachineLearning", 200, "Inbound")])),
                rules(json!([security_rule("allowAzureMachineLearning", 200, "Inbound")])),
                rules(json!([security_rule("a", 100, "Inbound")])),
            ],
        ),
    ]
}
