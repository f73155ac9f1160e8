"""The status never lies."""

import json

import cluster
import simulator
from checks import Area, Checks
from cluster import SUBNET

AREA = Area("The status never lies")
NAMESPACE = "na"
NETWORK = f"{simulator.SUBSCRIPTION}/resourceGroups/rg-na/providers/Microsoft.Network"


@AREA.quick_step
def a_namespace(_checks: Checks) -> None:
    cluster.team(NAMESPACE, cluster.resource_group("rg-na", "ws-na"), simulator.GROUP)


@AREA.quick_step
def a_plan_longer_than_the_schema_allows(checks: Checks) -> None:
    cluster.apply(cluster.given("plan-longer-than-the-schema/subnet.yaml"), NAMESPACE)
    cluster.kubectl("patch", SUBNET, "mr", "--type=merge", "-p", '{"spec": {"drift": {"mode": "Detect"}}}', namespace=NAMESPACE)
    cluster.until_ready(SUBNET, "mr", NAMESPACE)
    simulator.resource(f"{NETWORK}/networkSecurityGroups/nsg-mr", "PATCH", {"properties": {"securityRules": []}})
    stands = cluster.look(SUBNET, "mr", NAMESPACE)
    checks.contains("the drift is told", cluster.told(stands, "DriftDetected"), "True")
    text = json.dumps(stands["status"])
    checks.contains("what is left out is counted", text, " more")
    cluster.kubectl("patch", SUBNET, "mr", "--type=merge", "-p", '{"spec": {"drift": {"mode": "Correct"}}}', namespace=NAMESPACE)
    back = lambda _: len(simulator.resource(f"{NETWORK}/networkSecurityGroups/nsg-mr")["properties"]["securityRules"]) >= 99
    cluster.until(SUBNET, "mr", NAMESPACE, back)
    checks.that("it is put right", back(None))


@AREA.quick_step
def all_rules_of_an_adopted_group_renamed(checks: Checks) -> None:
    group = f"{NETWORK}/networkSecurityGroups/nsg-ad"
    simulator.resource(group, "PUT", {"location": "japaneast", "properties": {"securityRules": []}})
    cluster.apply(cluster.given("all-rules-renamed/before.yaml"), NAMESPACE)
    cluster.until_ready(SUBNET, "ad", NAMESPACE)
    cluster.apply(cluster.given("all-rules-renamed/after.yaml"), NAMESPACE)
    stands = cluster.until_ready(SUBNET, "ad", NAMESPACE)
    checks.equal("it is Ready for the new spec", cluster.condition(stands, "Ready").get("status"), "True")
    names = {rule["name"] for rule in simulator.resource(group)["properties"]["securityRules"]}
    checks.that("the new rules stand", {f"q{i}" for i in range(99)} <= names, sorted(names))
    checks.equal("the old rules are gone", [name for name in names if name.startswith("r")], [])


@AREA.quick_step
def a_change_that_azure_refuses(checks: Checks) -> None:
    text = cluster.given("refused-rule/subnet.yaml")
    cluster.apply(text, NAMESPACE)
    cluster.until_ready(SUBNET, "rules", NAMESPACE)
    cluster.apply(text, NAMESPACE)
    path = "networkSecurityGroups/rulensg"
    message = f"Security rule parameter has an invalid value in {NETWORK}/{path}: the point of it"
    body = {"error": {"code": "SecurityRuleInvalidPortRange", "message": message}}
    simulator.fault(method="PUT", path=path, status=400, body=body)
    rule = {"name": "web", "priority": 4000, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}
    spec = {"clientSubnet": {"networkSecurityGroup": {"securityRules": [rule | {"destinationPortRange": "443"}]}}}
    cluster.kubectl("patch", SUBNET, "rules", "--type=merge", "-p", json.dumps({"spec": spec}), namespace=NAMESPACE)
    refused = lambda s: cluster.is_current(s) and cluster.condition(s, "Stalled")
    stands = cluster.until(SUBNET, "rules", NAMESPACE, refused, seconds=60)
    checks.contains("Stalled says so", cluster.told(stands, "Stalled"), "True")
    checks.contains("the part is False", cluster.told(stands, "ClientSubnetReady"), "False", "the point of it")
    checks.that("Ready is not True for it, or says so", "the point of it" in cluster.told(stands), cluster.told(stands))
    simulator.clear_faults()


@AREA.quick_step
def a_refusal_stops_writes_but_not_looks(checks: Checks) -> None:
    wanted = cluster.subnet("looks", "vn-looks", 26)
    wanted["spec"]["azure"]["resourceGroup"] = "rg-na"
    cluster.apply(wanted, NAMESPACE)
    cluster.until_ready(SUBNET, "looks", NAMESPACE)
    subnet = f"{NETWORK}/virtualNetworks/vn-looks/subnets/looks"
    before = simulator.resource(subnet)["properties"]["delegations"]
    other = [{"name": "x", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]
    simulator.resource(subnet, "PATCH", {"properties": {"delegations": other}})
    stands = cluster.look(SUBNET, "looks", NAMESPACE)
    stands = cluster.until(SUBNET, "looks", NAMESPACE, lambda s: cluster.condition(s, "Ready").get("status") == "False")
    checks.equal("it is not Ready", cluster.condition(stands, "Ready").get("status"), "False")
    simulator.resource(subnet, "PATCH", {"properties": {"delegations": before}})
    simulator.resource(f"{NETWORK}/networkSecurityGroups/vn-looks-nsg", "PATCH", {"properties": {"securityRules": []}})
    # Sweeps only: nobody asks for a look.
    ready = lambda s: cluster.condition(s, "Ready").get("status") == "True" and not cluster.condition(s, "Stalled")
    stands = cluster.until(SUBNET, "looks", NAMESPACE, ready, seconds=60)
    checks.that("mended in Azure, it is Ready at the next sweep", ready(stands), cluster.told(stands))
    rules = lambda _: simulator.resource(f"{NETWORK}/networkSecurityGroups/vn-looks-nsg")["properties"]["securityRules"]
    cluster.until(SUBNET, "looks", NAMESPACE, rules, seconds=60)
    checks.that("other drift is put right", rules(None))


@AREA.quick_step
def a_foreign_mark_for_a_moment(checks: Checks) -> None:
    wanted = cluster.subnet("marked", "vn-marked", 27)
    wanted["spec"]["azure"]["resourceGroup"] = "rg-na"
    cluster.apply(wanted, NAMESPACE)
    cluster.until_ready(SUBNET, "marked", NAMESPACE)
    subnet, group = f"{NETWORK}/virtualNetworks/vn-marked/subnets/marked", f"{NETWORK}/networkSecurityGroups/vn-marked-nsg"
    service = simulator.resource(subnet)["properties"]["delegations"][0]["properties"]["serviceName"]
    for name in ("acivnet-00000000000000000000", "0"):
        delegation = [{"name": name, "properties": {"serviceName": service}}]
        simulator.resource(subnet, "PATCH", {"properties": {"delegations": delegation}})
        simulator.resource(group, "PATCH", {"tags": {"acivnet-owner": "somebody/else/s" if name != "0" else None}})
        cluster.looks(SUBNET, "marked", NAMESPACE)
    stands = cluster.until_ready(SUBNET, "marked", NAMESPACE)
    checks.equal("it is ours again", cluster.condition(stands, "Ready").get("status"), "True")
    cluster.kubectl("delete", SUBNET, "marked", "--timeout=120s", namespace=NAMESPACE)
    left = [i for i in simulator.admin("GET", "dump")["resources"] if "vn-marked" in i.lower()]
    checks.equal("deleted, nothing stays in Azure", left, [])


@AREA.quick_step
def an_empty_file(checks: Checks) -> None:
    wanted = cluster.subnet("s1", "vn-s1", 28)
    wanted["spec"]["azure"]["resourceGroup"] = "rg-na"
    cluster.apply(wanted, NAMESPACE)
    cluster.until_ready(SUBNET, "s1", NAMESPACE)
    cluster.apply(cluster.given("empty-files/objects.yaml"), NAMESPACE)
    told = lambda s: cluster.condition(s, "ModelReady").get("status") == "True"
    stands = cluster.until(cluster.DEPLOYMENT, "with-empty", NAMESPACE, told, seconds=60)
    checks.that("the directory with an empty file is registered", told(stands), cluster.told(stands, "ModelReady"))
    cluster.kubectl("delete", cluster.DEPLOYMENT, "with-empty", "--timeout=120s", namespace=NAMESPACE)
