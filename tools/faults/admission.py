"""What people write that is refused, and how it is said."""

import json
from typing import Any

import cluster
import simulator
from checks import Area, Checks
from cluster import DEPLOYMENT, SUBNET

AREA = Area("What people write, at admission")
NAMESPACE = "admission"


def patched(**resources: object) -> dict[str, Any]:
    return cluster.deployment("units", "none", resources=resources)


def as_given(name: str) -> str:
    """A deployment with the patch of an input, as JSON."""
    text = json.dumps(cluster.deployment("units", "none"))
    patch = str(cluster.INPUTS / name / "deployment-patch.yaml")
    return cluster.kubectl("patch", "--local", "-f", "-", "--type=merge", "--patch-file", patch, "-o", "json", text=text)


@AREA.quick_step
def a_namespace(_checks: Checks) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)


@AREA.quick_step
def memory_and_cpu_that_no_container_can_have(checks: Checks) -> None:
    said = cluster.refusal(as_given("memory-units"), NAMESPACE)
    checks.contains("400m of memory, which is less than a byte, is refused with what may be meant", said, "memory", "400M")
    for memory in ("400m", 512, "1", "999999T"):
        said = cluster.refusal(patched(cpu="1", memory=memory), NAMESPACE)
        checks.contains(f"memory {memory} is refused with how to write it", said, "memory", "M")
    for cpu in ("1m", "0", "100000"):
        checks.contains(f"cpu {cpu} is refused", cluster.refusal(patched(cpu=cpu, memory="1G"), NAMESPACE), "cpu")
    for memory in ("1000M", "1e9", "+1G", ".5G", "1.5Gi"):
        checks.equal(f"memory {memory} is taken", cluster.refusal(patched(cpu="0.5", memory=memory), NAMESPACE), "")


@AREA.quick_step
def numbers_without_quotes(checks: Checks) -> None:
    explained = cluster.kubectl("explain", "acivnetdeployment.spec.resources.cpu")
    for resources in (as_given("cpu-without-quotes"), json.dumps(patched(cpu="1", memory=1.5))):
        said = cluster.refusal(resources, NAMESPACE)
        checks.that("a number without quotes is taken, or kubectl explain says quotes", not said or "quote" in explained, said)


@AREA.quick_step
def tags_that_azure_refuses(checks: Checks) -> None:
    said = cluster.refusal(cluster.given("tag-characters/subnet.yaml"), NAMESPACE)
    checks.contains("a tag name with a slash", said, "tag", "/")
    for name in ("a<b", "a>b", "a%b", "a&b", "a\\b", "a?b", "microsoftthing", "windows-x", "azure-x"):
        tagged = cluster.subnet("tagged", "tagnet", 8)
        tagged["spec"]["azure"]["tags"] = [{"name": name, "value": "x"}]
        checks.that(f"the tag name {name!r} is refused", cluster.refusal(tagged, NAMESPACE))
    twice = cluster.subnet("tagged", "tagnet", 8)
    twice["spec"]["azure"]["tags"] = [{"name": "Team", "value": "x"}, {"name": "team", "value": "y"}]
    checks.that("one tag name in two spellings is refused", cluster.refusal(twice, NAMESPACE))


@AREA.quick_step
def names_that_differ_in_case_only(checks: Checks) -> None:
    said = cluster.refusal(cluster.given("subnet-names-in-case/subnet.yaml").replace("namespace: na", ""), NAMESPACE)
    checks.contains("two subnets whose names differ in case only", said, "differ")
    rules = cluster.subnet("rules", "rulenet", 4)
    rule = {"priority": 400, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}
    group = rules["spec"]["clientSubnet"]["networkSecurityGroup"]
    group["securityRules"] = [rule | {"name": "Web"}, rule | {"name": "web", "priority": 401}]
    checks.that("one rule name in two spellings is refused", cluster.refusal(rules, NAMESPACE))


@AREA.quick_step
def ports_of_rules(checks: Checks) -> None:
    for ports, right in (("80,443", False), ("443-80", False), ("70000", False), ("80-443", True), ("*", True), ("22", True)):
        rules = cluster.subnet("rules", "rulenet", 4)
        rule = {"name": "web", "priority": 4000, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}
        rules["spec"]["clientSubnet"]["networkSecurityGroup"]["securityRules"] = [rule | {"destinationPortRange": ports}]
        said = cluster.refusal(rules, NAMESPACE)
        checks.that(f"ports {ports}: {'taken' if right else 'refused'}", (not said) == right, said or "taken")


@AREA.quick_step
def ids_of_another_type(checks: Checks) -> None:
    network = simulator.NETWORK
    for id_, right in (
        (f"{network}/networkSecurityGroups/shared", True),
        (f"{network.upper()}/NETWORKSECURITYGROUPS/shared".replace("/SUBSCRIPTIONS", "/subscriptions"), True),
        (f"{network}/routeTables/shared", False),
        (f"{network}/networkSecurityGroups/shared/securityRules/a", False),
        (f"{network}/networkSecurityGroups/shared/", False),
        (f"{simulator.GROUP}/providers/Wrong.Provider/networkSecurityGroups/shared", False),
    ):
        wanted = cluster.subnet("ids", "idnet", 4)
        wanted["spec"]["subnet"]["networkSecurityGroupID"] = id_
        said = cluster.refusal(wanted, NAMESPACE)
        checks.that(f"{id_}: {'taken' if right else 'refused'}", (not said) == right, said or "taken")


@AREA.quick_step
def small_subnets_and_letters_of_any_script(checks: Checks) -> None:
    checks.equal("a /29 by Reference", cluster.refusal(cluster.given("small-or-unicode-names/subnet.yaml"), NAMESPACE), "")
    for group in ("Ünï-rg", "機械学習"):
        wanted = cluster.subnet("letters", "letternet", 4)
        wanted["spec"]["azure"]["resourceGroup"] = group
        checks.equal(f"a resource group called {group}", cluster.refusal(wanted, NAMESPACE), "")


@AREA.quick_step
def a_resource_group_in_letters_of_another_script_works(checks: Checks) -> None:
    group = cluster.resource_group("機械学習", "wsunicode")
    cluster.team("letters", group)
    wanted = cluster.subnet("letters", "letternet", 64)
    wanted["spec"]["azure"]["resourceGroup"] = "機械学習"
    cluster.apply(wanted, "letters")
    stands = cluster.until_ready(SUBNET, "letters", "letters")
    checks.equal("its subnet is Ready", cluster.condition(stands, "Ready").get("status"), "True")
    cluster.config_map("files", cluster.example_files(), "letters")
    model = cluster.deployment("letters", "letters", workspace={"name": "wsunicode", "resourceGroup": "機械学習"}, probe=None)
    cluster.apply(model, "letters")
    found = lambda s: cluster.condition(s, "ModelReady").get("status") == "True"
    stands = cluster.until(DEPLOYMENT, "letters", "letters", found)
    checks.equal("its model is registered", cluster.condition(stands, "ModelReady").get("status"), "True")
    cluster.kubectl("delete", DEPLOYMENT, "letters", namespace="letters")
