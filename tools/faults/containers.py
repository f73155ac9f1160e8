"""What Azure puts in front of a container, where the container really runs."""

import json
import subprocess

import cluster
import simulator
from checks import Area, Checks
from cluster import DEPLOYMENT, SUBNET

AREA = Area("In front of the containers")
NAMESPACE = "front"
KEYS = {"primary": "primarykey-0123456789abcdefghijklmn", "secondary": "secondkey-0123456789abcdefghijklmno"}


def ask(address: str, *headers: str) -> str:
    """The status that a host in the client subnet gets; 000 when there is no answer."""
    command = ["ip", "netns", "exec", "front-client", "curl", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}"]
    for header in ("Content-Type: application/json", *headers):
        command += ["-H", header]
    sample = cluster.EXAMPLE / "sample.json"
    return subprocess.run([*command, "-d", f"@{sample}", address], capture_output=True, text=True, check=False).stdout


@AREA.quick_step
def a_namespace_with_a_client(_checks: Checks) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)
    cluster.apply(cluster.subnet("aci", "vn-front", 43), NAMESPACE)
    cluster.config_map("files", cluster.example_files(), NAMESPACE)
    cluster.secret("churn-keys", KEYS, NAMESPACE)
    cluster.until_ready(SUBNET, "aci", NAMESPACE)
    subnet = f"{simulator.NETWORK}/virtualNetworks/vn-front/subnets/clients"
    simulator.admin("POST", "hosts", {"name": "front-client", "subnetId": subnet})


@AREA.quick_step
def keys_are_asked_for(checks: Checks) -> None:
    auth = {"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}
    cluster.apply(cluster.deployment("keyed-front", "aci", auth=auth), NAMESPACE)
    stands = cluster.until_ready(DEPLOYMENT, "keyed-front", NAMESPACE)
    checks.equal("it is Ready", cluster.condition(stands, "Ready").get("status"), "True")
    address = stands.get("status", {}).get("endpoint", {}).get("scoringURI", "http://127.0.0.1:1/")
    checks.equal("without a key", ask(address), "401")
    checks.equal("with a wrong key", ask(address, "Authorization: Bearer wrong"), "401")
    for name, key in KEYS.items():
        checks.equal(f"with the {name} key", ask(address, f"Authorization: Bearer {key}"), "200")


@AREA.quick_step
def a_security_group_that_denies_everything(checks: Checks) -> None:
    rule = {"priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*"}
    anywhere = {"sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"}
    group = {"location": "japaneast", "properties": {"securityRules": [{"name": "no", "properties": rule | anywhere}]}}
    simulator.resource(f"{simulator.NETWORK}/networkSecurityGroups/denyall", "PUT", group)
    stands = cluster.get(DEPLOYMENT, "keyed-front", NAMESPACE)
    address = stands.get("status", {}).get("endpoint", {}).get("scoringURI", "http://127.0.0.1:1/")
    patch = {"spec": {"subnet": {"networkSecurityGroupID": f"{simulator.NETWORK}/networkSecurityGroups/denyall"}}}
    cluster.kubectl("patch", SUBNET, "aci", "--type=merge", "-p", json.dumps(patch), namespace=NAMESPACE)
    cluster.until_ready(SUBNET, "aci", NAMESPACE)
    key = f"Authorization: Bearer {KEYS['primary']}"
    checks.equal("no packet of another subnet arrives", ask(address, key), "000")
    released = [{"op": "remove", "path": "/spec/subnet/networkSecurityGroupID"}]
    cluster.kubectl("patch", SUBNET, "aci", "--type=json", "-p", json.dumps(released), namespace=NAMESPACE)
    cluster.until_ready(SUBNET, "aci", NAMESPACE)
    group_gone = {"properties": {"networkSecurityGroup": None}}
    simulator.resource(f"{simulator.NETWORK}/virtualNetworks/vn-front/subnets/aci", "PATCH", group_gone)
    checks.equal("without the group it does again", ask(address, key), "200")
