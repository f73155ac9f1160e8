"""What others own in a network, and what they do to it."""

import copy
from typing import Any

import cluster
import simulator
from checks import Area, Checks
from cluster import SUBNET

AREA = Area("What others own")
NAMESPACE = "network"
NETWORK = simulator.NETWORK


def edit(resource_id: str, change: "Any") -> None:
    """A hand in the portal: reads, changes, puts."""
    body = copy.deepcopy(simulator.resource(resource_id))
    change(body["properties"], body)
    simulator.resource(resource_id, "PUT", body)


def at_rest(checks: Checks, name: str) -> None:
    """Looks that find nothing to write."""
    before = cluster.mark()
    stands = cluster.looks(SUBNET, name, NAMESPACE)
    checks.equal("nothing is written", cluster.writes_since(before, "microsoft.network"), [])
    checks.equal("it is Ready", cluster.condition(stands, "Ready").get("status"), "True")
    checks.equal("it is not Stalled", cluster.condition(stands, "Stalled"), {})


@AREA.quick_step
def a_namespace(_checks: Checks) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)


@AREA.quick_step
def a_subnet_with_two_prefixes(checks: Checks) -> None:
    hub = {"location": "japaneast", "properties": {"addressSpace": {"addressPrefixes": ["10.15.0.0/16", "fd00:15::/48"]}}}
    simulator.resource(f"{NETWORK}/virtualNetworks/hub", "PUT", hub)
    cluster.apply(cluster.given("subnet-with-two-prefixes/subnet.yaml"), NAMESPACE)
    cluster.until_ready(SUBNET, "dual", NAMESPACE)

    def dual(properties: dict[str, Any], _body: object) -> None:
        properties.pop("addressPrefix")
        properties["addressPrefixes"] = ["10.15.0.0/24", "fd00:15:0:1::/64"]

    subnet = f"{NETWORK}/virtualNetworks/hub/subnets/clients"
    edit(subnet, dual)
    at_rest(checks, "dual")
    properties = simulator.resource(subnet)["properties"]
    checks.equal("both prefixes stay", properties.get("addressPrefixes"), ["10.15.0.0/24", "fd00:15:0:1::/64"])
    checks.that("there is no second form", "addressPrefix" not in properties, properties)
    simulator.resource(subnet, "PATCH", {"properties": {"networkSecurityGroup": None}})
    cluster.looks(SUBNET, "dual", NAMESPACE)
    properties = simulator.resource(subnet)["properties"]
    checks.that("the group is put back", properties.get("networkSecurityGroup"), properties)
    checks.equal("both prefixes still stand", properties.get("addressPrefixes"), ["10.15.0.0/24", "fd00:15:0:1::/64"])


@AREA.quick_step
def a_network_that_others_extend(checks: Checks) -> None:
    cluster.apply(cluster.given("network-grown-by-others/subnet.yaml"), NAMESPACE)
    cluster.until_ready(SUBNET, "grow", NAMESPACE)

    def grow(properties: dict[str, Any], _body: object) -> None:
        properties["addressSpace"]["addressPrefixes"].append("10.19.0.0/16")
        properties["subnets"].append({"name": "theirs", "properties": {"addressPrefix": "10.19.1.0/24"}})
        properties["dhcpOptions"] = {"dnsServers": ["10.19.1.4"]}

    network = f"{NETWORK}/virtualNetworks/grow"
    edit(network, grow)
    at_rest(checks, "grow")
    tags = [{"name": "team", "value": "churn"}]
    cluster.kubectl("patch", SUBNET, "grow", "--type=merge", f"--patch={{\"spec\": {{\"azure\": {{\"tags\": {tags!r}}}}}}}".replace("'", '"'), namespace=NAMESPACE)
    stands = cluster.until(SUBNET, "grow", NAMESPACE, lambda s: simulator.resource(network).get("tags", {}).get("team") and cluster.is_current(s))
    checks.equal("a later change arrives", simulator.resource(network).get("tags", {}).get("team"), "churn")
    properties = simulator.resource(network)["properties"]
    checks.contains("their range stays", properties["addressSpace"]["addressPrefixes"], "10.9.0.0/16", "10.19.0.0/16")
    checks.equal("their DNS server stays", properties.get("dhcpOptions"), {"dnsServers": ["10.19.1.4"]})
    checks.contains("their subnet stays", [one["name"] for one in properties["subnets"]], "theirs", "grow")
    checks.equal("it is Ready", cluster.condition(stands, "Ready").get("status"), "True")


@AREA.quick_step
def a_tag_name_in_another_case(checks: Checks) -> None:
    cluster.apply(cluster.given("tag-names-in-another-case/subnet.yaml"), NAMESPACE)
    cluster.until_ready(SUBNET, "tagged", NAMESPACE)
    network = f"{NETWORK}/virtualNetworks/tagnet"

    def policy(_properties: object, body: dict[str, Any]) -> None:
        body["tags"] = {k: v for k, v in body["tags"].items() if k != "costcenter"} | {"CostCenter": "42"}

    edit(network, policy)
    at_rest(checks, "tagged")
    simulator.resource(network, "PATCH", {"tags": {"CostCenter": "7"}})
    cluster.looks(SUBNET, "tagged", NAMESPACE)
    tags = {name.lower(): value for name, value in simulator.resource(network)["tags"].items()}
    checks.equal("another value is put right", tags.get("costcenter"), "42")
    names = [name.lower() for name in simulator.resource(network)["tags"]]
    checks.equal("the name is there once", names.count("costcenter"), 1)


@AREA.quick_step
def a_subnet_of_another_service(checks: Checks) -> None:
    legacy = {"location": "japaneast", "properties": {"addressSpace": {"addressPrefixes": ["10.5.0.0/16"]}}}
    simulator.resource(f"{NETWORK}/virtualNetworks/legacy", "PUT", legacy)
    web = {"addressPrefix": "10.5.1.0/24", "delegations": [{"name": "web", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]}
    simulator.resource(f"{NETWORK}/virtualNetworks/legacy/subnets/web", "PUT", {"properties": web})
    before = cluster.mark()
    cluster.apply(cluster.given("subnet-of-another-service/subnet.yaml"), NAMESPACE)
    blocked = lambda s: cluster.is_current(s) and "serverFarms" in cluster.told(s)
    stands = cluster.until(SUBNET, "other", NAMESPACE, blocked, seconds=30)
    checks.contains("whose it is is told", cluster.told(stands), "False", "Microsoft.Web/serverFarms", "another subnet")
    by_create = {"spec": {"subnet": {"management": "Create"}, "virtualNetwork": {"management": "Reference"}, "adoption": "IfUnowned"}}
    import json

    cluster.kubectl("patch", SUBNET, "other", "--type=merge", "-p", json.dumps(by_create), namespace=NAMESPACE)
    stands = cluster.until(SUBNET, "other", NAMESPACE, blocked, seconds=30)
    checks.contains("so it is for one to adopt", cluster.told(stands), "False", "Microsoft.Web/serverFarms", "another subnet")
    checks.equal("no write was tried on it", cluster.writes_since(before, "legacy"), [])


@AREA.quick_step
def a_reference_that_differs(checks: Checks) -> None:
    delegation = [{"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]
    properties = {"addressPrefix": "10.5.4.0/29", "delegations": delegation}
    simulator.resource(f"{NETWORK}/virtualNetworks/legacy/subnets/small", "PUT", {"properties": properties})
    cluster.apply(cluster.given("small-or-unicode-names/subnet.yaml"), NAMESPACE)
    stands = cluster.until_ready(SUBNET, "small", NAMESPACE)
    checks.equal("a /29 that exists is Ready", cluster.condition(stands, "Ready").get("status"), "True")
    text = cluster.given("small-or-unicode-names/subnet.yaml").replace("10.5.4.0/29", "10.5.4.0/28")
    cluster.apply(text.replace("name: small}\n", "name: differs}\n", 1), NAMESPACE)
    stands = cluster.until(SUBNET, "differs", NAMESPACE, lambda s: "10.5.4.0/2" in cluster.told(s), seconds=30)
    checks.contains("both prefixes are told", cluster.told(stands), "10.5.4.0/29", "10.5.4.0/28")
    checks.that("the reason is not one of marks", "AdoptionRefused" not in cluster.told(stands), cluster.told(stands))
