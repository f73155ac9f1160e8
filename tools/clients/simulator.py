"""The simulator's own interface below `/simulator`: what stands for the portal, for time and for misfortune."""

import json
import os
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

SUBSCRIPTION_ID = "00000000-0000-0000-0000-000000000001"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/amlrg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/amlws"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
LOCATION = "japaneast"

_context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


def admin(method: str, path: str, body: object = None) -> Any:
    """Sends a request and gives what the answer holds; its lines when it is JSON lines."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{os.environ['SIMULATOR']}/{path}", data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, context=_context, timeout=60) as answer:
        text = answer.read().decode()
        if "ndjson" in (answer.headers["Content-Type"] or ""):
            return [json.loads(line) for line in text.splitlines()]
    return json.loads(text) if text else None


def fault(**members: object) -> None:
    """The next request that fits `method` and `path` goes wrong as `members` say."""
    admin("POST", "faults", members)


def clear_faults() -> None:
    admin("DELETE", "faults")


def waiting_faults() -> list[dict]:
    """The faults that did not strike yet."""
    return admin("GET", "faults")


def script(service: str, **members: object) -> None:
    """How the container of a web service behaves."""
    admin("PUT", f"containers/{service}", members)


def page_size(number: int) -> None:
    """The most that one page of a list holds."""
    admin("PUT", "seed", {"pageSize": number})


def resource(resource_id: str, method: str = "GET", body: object = None) -> Any:
    """A resource as a person in the portal sees or changes it."""
    return admin(method, f"resources?id={urllib.parse.quote(resource_id)}", body)


def requests_since(sequence: int) -> list[dict]:
    return admin("GET", f"requests?since={sequence}")


def delegated_subnet(network: str = "amlvnet1", subnet: str = "amlsubnet1") -> str:
    """A virtual network with a subnet for container groups, as an administrator has prepared it."""
    group = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    resource(f"{NETWORK}/virtualNetworks/{network}", "PUT", group)
    delegation = {"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}
    body = {"properties": {"addressPrefix": "10.0.1.0/24", "delegations": [delegation]}}
    resource_id = f"{NETWORK}/virtualNetworks/{network}/subnets/{subnet}"
    resource(resource_id, "PUT", body)
    return resource_id


def wait_until(what: str, holds: Callable[[], object], seconds: float = 60) -> None:
    """Waits for something that Azure does meanwhile."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.2)
