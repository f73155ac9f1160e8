"""A stand-in for another operator, so that the harness can be tested: what it asks and writes is known to the last call.

For each SecurityGroup that is not Ready: GET (404), PUT (429, 409, then accepted) and GET in Azure; an Event and a patch of its
status in Kubernetes. For each that is Ready when this process begins: GET, and a PUT of what Azure has already, which is redundant. With SWEEP_SECONDS it then
looks again and again, and repairs.
"""

import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

AZURE, SWEEP = os.environ["AZURE"], float(os.environ["SWEEP_SECONDS"])
CONFIG = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
CLUSTER = CONFIG["clusters"][0]["cluster"]
GROUPS = "/apis/stand-in.example/v1/namespaces/stand-in/securitygroups"
RULE = {
    "name": "one",
    "properties": {
        "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "443",
    },
}


def send(method: str, url: str, ca: str, token: str, body: object = None, kind: str = "application/json") -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}", "Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=ca), timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None


def kubernetes(method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
    token = CONFIG["users"][0]["user"]["token"]
    status, answer = send(method, CLUSTER["server"] + path, CLUSTER["certificate-authority"], token, body, kind)
    assert status < 300, (method, path, status)
    return answer


def sign_in() -> str:
    form = {"grant_type": "client_credentials", "scope": f"{AZURE}/.default"}
    form |= {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
    context = ssl.create_default_context(cafile=os.environ["AZURE_CA"])
    url = f"{AZURE}/{os.environ['TENANT_ID']}/oauth2/v2.0/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), context=context) as answer:
        return json.load(answer)["access_token"]


TOKEN = sign_in()


def azure(method: str, group: dict[str, Any], body: object = None) -> tuple[int, Any]:
    url = f"{AZURE}{group['spec']['id']}?api-version=2024-05-01"
    return send(method, url, os.environ["AZURE_CA"], TOKEN, body)


def put(group: dict[str, Any]) -> int:
    status, _ = azure("PUT", group, {"location": group["spec"]["location"], "properties": {"securityRules": [RULE]}})
    return status


def put_refused(group: dict[str, Any], status: int) -> None:
    """A PUT that the simulator was asked to refuse, as for a limit or another writer."""
    fault = {"method": "PUT", "path": f"/{group['metadata']['name']}$", "status": status}
    send("POST", f"{AZURE}/simulator/faults", os.environ["AZURE_CA"], "", fault)
    came = put(group)
    assert came == status, came


def make(group: dict[str, Any]) -> None:
    azure("GET", group)
    put_refused(group, 429)
    put_refused(group, 409)
    put(group)
    azure("GET", group)
    name = group["metadata"]["name"]
    about = {"apiVersion": "stand-in.example/v1", "kind": "SecurityGroup", "namespace": "stand-in", "name": name}
    event = {"metadata": {"generateName": "made-"}, "involvedObject": about, "reason": "Made", "type": "Normal"}
    kubernetes("POST", "/api/v1/namespaces/stand-in/events", event)
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    kubernetes("PATCH", f"{GROUPS}/{name}/status", {"status": status}, "application/merge-patch+json")


def repair(group: dict[str, Any]) -> None:
    _, stands = azure("GET", group)
    if not stands["properties"]["securityRules"]:
        put(group)


def main() -> None:
    for group in kubernetes("GET", GROUPS)["items"]:
        if "status" in group:
            azure("GET", group)
            put(group)
    swept = time.monotonic()
    while True:
        groups = kubernetes("GET", GROUPS)["items"]
        for group in groups:
            if "status" not in group:
                make(group)
        if SWEEP and time.monotonic() - swept > SWEEP:
            swept = time.monotonic()
            for group in groups:
                repair(group)
        time.sleep(0.1)


main()
