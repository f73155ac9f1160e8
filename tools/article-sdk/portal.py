"""The how-to's steps in the portal, as the requests that the portal sends to Resource Manager for them.

usage: portal.py create|delete
"""

import os
import sys
import time

import requests

from sign_in import token

# One of which Microsoft's descriptions are usually at hand, so that these requests can be checked too.
API_VERSION = "2024-01-01"
NETWORK = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg/providers/Microsoft.Network"
GROUP = f"{NETWORK}/networkSecurityGroups/amlnsg"
VIRTUAL_NETWORK = f"{NETWORK}/virtualNetworks/amlvnet1"
CONTAINER_GROUPS = "Microsoft.ContainerInstance/containerGroups"
PATIENCE_SECONDS = 1800

session = requests.Session()


def send(method: str, resource_id: str, body: dict | None) -> requests.Response:
    """Sends a change. Azure takes the mark of container groups out of a subnet some time after the last one has gone."""
    url = os.environ["AZURE_RESOURCE_MANAGER"] + resource_id
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = session.request(method, url, params={"api-version": API_VERSION}, json=body, timeout=60)
        if answer.ok:
            return answer
        if "InUseSubnetCannotBeDeleted" not in answer.text or time.monotonic() > deadline:
            sys.exit(f"{method} {url}: {answer.status_code} {answer.text}")
        time.sleep(2)


def wait(operation: str) -> None:
    """Waits for the end of an asynchronous operation of Resource Manager."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = session.get(operation, timeout=60)
        answer.raise_for_status()
        status = answer.json()["status"]
        if status == "Succeeded":
            return
        if status in ("Failed", "Canceled"):
            sys.exit(f"{operation}: {answer.text}")
        time.sleep(1)
    sys.exit(f"{operation} did not end within {PATIENCE_SECONDS} s")


def change(method: str, resource_id: str, body: dict | None = None) -> None:
    """Changes a resource and waits until Azure is done with it."""
    answer = send(method, resource_id, body)
    if operation := answer.headers.get("Azure-AsyncOperation"):
        wait(operation)
    print(f"{method} {resource_id.partition('/providers/')[2]}: done")


def create() -> None:
    rule = {
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "AzureMachineLearning",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "44224",
    }
    rules = [{"name": "AllowAzureMachineLearning", "properties": rule}]
    change("PUT", GROUP, {"location": "japaneast", "properties": {"securityRules": rules}})
    default = {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": GROUP}}
    network = {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "default", "properties": default}],
    }
    change("PUT", VIRTUAL_NETWORK, {"location": "japaneast", "properties": network})
    delegation = {"name": "aci", "properties": {"serviceName": CONTAINER_GROUPS}}
    delegated = {"addressPrefix": "10.0.1.0/24", "delegations": [delegation]}
    change("PUT", f"{VIRTUAL_NETWORK}/subnets/amlsubnet1", {"properties": delegated})


def delete() -> None:
    change("DELETE", VIRTUAL_NETWORK)
    change("DELETE", GROUP)


session.headers["Authorization"] = f"Bearer {token('https://management.azure.com')}"
{"create": create, "delete": delete}[sys.argv[1]]()
