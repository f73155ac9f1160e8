"""How the checks use the cluster: by kubectl, as a tenant's person would."""

import copy
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simulator

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ROOT / "tests/faults"
EXAMPLE = ROOT / "deploy/examples/article"
TENANT = "00000000-0000-0000-0000-00000000000a"
# How long anything may take before a check gives up, in seconds. Never a measure of speed.
PATIENCE = 180

SUBNET, DEPLOYMENT = "delegatedsubnet", "acivnetdeployment"


def kubectl(*words: str, text: str = "", namespace: str = "default") -> str:
    """Runs a command that has to succeed, and gives what it printed."""
    ended = _run(words, text, namespace)
    if ended.returncode:
        raise RuntimeError(f"kubectl {' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def refusal(document: object, namespace: str) -> str:
    """Why the API server does not take an object; empty when it does."""
    words = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    ended = _run(words, _text(document), namespace)
    return ended.stderr if ended.returncode else ""


def _run(words: tuple[str, ...], text: str, namespace: str) -> "subprocess.CompletedProcess[str]":
    command = ["kubectl", "--namespace", namespace, *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)


def _text(document: object) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def apply(document: object, namespace: str) -> None:
    """Applies an object (a dictionary, or YAML as text) as GitOps tools do."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=_text(document), namespace=namespace)


def given(name: str) -> str:
    """The text of an input."""
    return (INPUTS / name).read_text()


def config_map(name: str, files: dict[str, "str | bytes"], namespace: str) -> None:
    """A ConfigMap; bytes as `binaryData`."""
    import base64

    data = {key: value for key, value in files.items() if isinstance(value, str)}
    binary = {key: base64.b64encode(value).decode() for key, value in files.items() if isinstance(value, bytes)}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data, "binaryData": binary}
    apply(body, namespace)


def secret(name: str, values: dict[str, str], namespace: str, kind: str = "Opaque") -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": values}
    apply(body, namespace)


def example_files(**others: "str | bytes") -> dict[str, "str | bytes"]:
    """The files of the how-to, with those of `others` in their places; `score_py` is `score.py`."""
    files: dict[str, str | bytes] = {"model.pkl": (EXAMPLE / "model.pkl").read_bytes()}
    for name in ("score.py", "myenv.yml", "sample.json"):
        files[name] = (EXAMPLE / name).read_text()
    files.update({name.replace("_", "."): content for name, content in others.items()})
    return files


def deployment(name: str, subnet: str, files: str = "files", **spec: object) -> dict[str, Any]:
    """An AciVnetDeployment as the how-to's; `spec` replaces whole members."""
    key = lambda k: {"configMap": {"name": files, "key": k}}
    wanted: dict[str, Any] = {
        "backend": {"type": "AzureMLWebService"},
        "network": {"subnetRef": {"name": subnet}},
        "workspace": {"name": "amlws"},
        "model": {"name": f"model-{name}", "source": key("model.pkl")},
        "scoring": {"script": key("score.py")},
        "environment": {"name": f"env-{name}", "conda": key("myenv.yml")},
        "resources": {"cpu": "0.5", "memory": "1G"},
        "probe": {"request": key("sample.json")},
        "drift": {"intervalSeconds": 30},
    }
    wanted.update(copy.deepcopy(spec))
    return _object("AciVnetDeployment", name, {k: v for k, v in wanted.items() if v is not None})


def subnet(name: str, network: str, second: int, **spec: object) -> dict[str, Any]:
    """A DelegatedSubnet of a network of its own, 10.`second`.0.0/16, with a client subnet called `clients`."""
    wanted: dict[str, Any] = {
        "azure": {"subscriptionID": simulator.SUBSCRIPTION_ID, "resourceGroup": "amlrg", "location": "japaneast"},
        "virtualNetwork": {"name": network, "addressPrefixes": [f"10.{second}.0.0/16"]},
        "subnet": {"name": name, "addressPrefix": f"10.{second}.1.0/24"},
        "clientSubnet": {
            "name": "clients",
            "addressPrefix": f"10.{second}.0.0/24",
            "networkSecurityGroup": {"name": f"{network}-nsg", "preset": "ComputeInstance"},
        },
        "drift": {"intervalSeconds": 30},
    }
    wanted.update(copy.deepcopy(spec))
    return _object("DelegatedSubnet", name, {k: v for k, v in wanted.items() if v is not None})


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "acivnet.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def team(namespace: str, *scopes: str) -> str:
    """A namespace with an identity of its own, which is Contributor of the scopes; gives the namespace's name."""
    kubectl("create", "namespace", namespace)
    number = sum(namespace.encode())
    client, principal = (f"{part}-0000-4000-8000-{number:012x}" for part in ("000000c0", "000000d0"))
    credential = {
        "name": namespace,
        "issuer": "https://127.0.0.1:6443",
        "subject": f"system:serviceaccount:{namespace}:acivnet",
        "audience": "api://AzureADTokenExchange",
    }
    application = {"tenantId": TENANT, "clientId": client, "objectId": principal, "displayName": namespace}
    application |= {"secrets": [], "federatedCredentials": [credential]}
    roles = [{"principalId": principal, "role": "Contributor", "scope": scope} for scope in scopes]
    simulator.admin("PUT", "seed", {"applications": [application], "roleAssignments": roles})
    annotations = {"azure.workload.identity/client-id": client, "azure.workload.identity/tenant-id": TENANT}
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    apply(account | {"metadata": {"name": "acivnet", "annotations": annotations}}, namespace)
    _let_secrets_be_read(namespace)
    return namespace


def _let_secrets_be_read(namespace: str) -> None:
    words = ("rolebinding", "acivnet-secrets", "--clusterrole=acivnet-secrets")
    kubectl("create", *words, "--serviceaccount=acivnet-system:acivnet-operator", namespace=namespace)


def resource_group(name: str, workspace: str) -> str:
    """A resource group with a workspace of Azure ML; gives the group's id."""
    where = {"subscriptionId": simulator.SUBSCRIPTION_ID, "location": "japaneast"}
    storage = f"st{workspace.replace('-', '')}"
    space = where | {"resourceGroup": name, "name": workspace, "storageAccount": storage}
    simulator.admin("PUT", "seed", {"resourceGroups": [where | {"name": name}], "workspaces": [space]})
    return f"{simulator.SUBSCRIPTION}/resourceGroups/{name}"


def get(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """An object as the API server has it; empty when it is not there."""
    return json.loads(kubectl("get", kind, name, "--ignore-not-found", "-o", "json", namespace=namespace) or "{}")


def condition(stands: dict[str, Any], type_: str) -> dict[str, Any]:
    """A condition; empty when it is not there."""
    conditions = stands.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == type_), {})


def told(stands: dict[str, Any], type_: str = "Ready") -> str:
    """A condition in a line: `False SubnetFull | message`."""
    one = condition(stands, type_)
    return f"{one.get('status')} {one.get('reason')} | {one.get('message')}"


def is_current(stands: dict[str, Any]) -> bool:
    """The status is about the spec as it is now."""
    return stands.get("status", {}).get("observedGeneration") == stands.get("metadata", {}).get("generation")


def until(kind: str, name: str, namespace: str, holds: Callable[[dict[str, Any]], object], seconds: float = PATIENCE) -> dict[str, Any]:
    """Waits until an object is so; gives it, or as it is when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        stands = get(kind, name, namespace)
        if holds(stands) or time.monotonic() > deadline:
            return stands
        time.sleep(0.3)


def until_ready(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """Waits until an object is Ready, or Stalled, for its present spec; gives it."""
    over = lambda stands: condition(stands, "Ready").get("status") == "True" or condition(stands, "Stalled")
    return until(kind, name, namespace, lambda stands: is_current(stands) and over(stands), seconds=600)


def look(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """Asks the operator to look at an object, and gives it once that was done."""
    token = str(time.time_ns())
    words = ("annotate", "--overwrite", kind, name, f"acivnet.dev/reconcile-requested-at={token}")
    kubectl(*words, namespace=namespace)
    return until(kind, name, namespace, lambda s: s.get("status", {}).get("lastHandledReconcileAt") == token)


def looks(kind: str, name: str, namespace: str, times: int = 3) -> dict[str, Any]:
    """Several looks, one after the other; gives the object after the last."""
    stands: dict[str, Any] = {}
    for _ in range(times):
        stands = look(kind, name, namespace)
    return stands


def writes_since(sequence: int, part: str = "") -> list[str]:
    """Requests that change something in Azure, after a number of the request log; those with `part` in their path."""
    found = [one for one in simulator.requests_since(sequence) if one["verb"] in ("PUT", "PATCH", "DELETE", "POST")]
    quiet = ("/token", "/listkeys", "/listartifacts")
    lines = [f"{one['verb']} {one['path']}" for one in found if not one["path"].lower().endswith(quiet)]
    return [line for line in lines if part.lower() in line.lower()]


def mark() -> int:
    """The number of the last request to Azure so far."""
    requests = simulator.requests_since(0)
    return requests[-1]["seq"] if requests else 0


def operator_memory() -> float:
    """MiB of resident memory of the operator now."""
    text = Path(f"/proc/{os.environ['OPERATOR_PID']}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
