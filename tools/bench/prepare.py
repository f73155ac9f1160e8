"""What happens before an operator starts: its identity in Azure, what an administrator applies, its credentials."""

import base64
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

import api_server
import simulator
from folder import Folder

STATE = Path(os.environ["STATE"])
TENANT = "00000000-0000-0000-0000-00000000000a"


def prepare(folder: Folder, scratch: Path) -> None:
    """Fills the folder's placeholders, and makes ready what the operator needs."""
    folder.values |= values(scratch)
    let_sign_in(folder)
    set_up(folder)


def values(scratch: Path) -> dict[str, str]:
    """What the placeholders stand for."""
    kube, azure = STATE / "kube", os.environ["SIMULATOR"].removesuffix("/simulator")
    return {
        "kubeconfig": str(STATE / "operator.kubeconfig"),
        "azure": azure,
        "azure_authority": azure.removeprefix("https://"),
        "azure_ca": os.environ["SSL_CERT_FILE"],
        "tenant_id": TENANT,
        "subscription_id": simulator.SUBSCRIPTION_ID,
        "resource_group": "amlrg",
        "location": simulator.LOCATION,
        "client_id": "00000000-0000-0000-0000-0000000000d0",
        "client_secret": secrets.token_hex(24),
        "certificate": str(kube / "apiserver.crt"),
        "certificate_key": str(kube / "apiserver.key"),
        "certificate_ca": base64.b64encode((kube / "ca.crt").read_bytes()).decode(),
        "scratch": str(scratch),
        "programs": os.environ["ACIVNET_BINARIES"],
        "repository": str(Path(__file__).resolve().parents[2]),
    }


def let_sign_in(folder: Folder) -> None:
    """An identity with rights on the resource group: by a secret, and by tokens of the subject that the folder names."""
    principal = "00000000-0000-0000-0000-0000000000d1"
    application = {"tenantId": TENANT, "clientId": folder.values["client_id"], "objectId": principal, "displayName": "operator"}
    application |= {"secrets": [folder.values["client_secret"]], "federatedCredentials": []}
    if subject := folder.members.get("subject"):
        credential = {"name": "bed", "issuer": api_server.URL, "subject": subject, "audience": "api://AzureADTokenExchange"}
        application["federatedCredentials"] = [credential]
    role = {"principalId": principal, "role": "Contributor", "scope": simulator.GROUP}
    simulator.admin("PUT", "seed", {"applications": [application], "roleAssignments": [role]})


def set_up(folder: Folder) -> None:
    """What an administrator applies, then the operator's own credentials for the API server."""
    for entry in folder.setup:
        if entry.is_dir():
            api_server.kubectl("apply", "--server-side", "-k", str(entry))
        else:
            api_server.kubectl("apply", "--server-side", "-f", "-", text=folder.fill_known(entry.read_text()))
        await_definitions()
    write_kubeconfig(Path(folder.values["kubeconfig"]), folder.members["account"])


def await_definitions() -> None:
    """Until objects of every definition can be listed, which is a moment after it is established."""
    names = api_server.kubectl("get", "crd", "--output", "jsonpath={.items[*].metadata.name}").split()
    if names:
        api_server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    deadline = time.monotonic() + 60
    while names:
        try:
            api_server.kubectl("get", ",".join(names), "--all-namespaces", "--output", "name")
            return
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def write_kubeconfig(file: Path, namespaced: str) -> None:
    """For a token of a ServiceAccount, `NAMESPACE/NAME`, and nothing else."""
    namespace, _, account = namespaced.partition("/")
    token = api_server.kubectl("create", "token", account, "--namespace", namespace, "--duration", "24h").strip()
    cluster = {"server": api_server.URL, "certificate-authority": str(STATE / "kube/ca.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bed", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "operator"}}],
        "current-context": "bed",
    }
    file.touch(0o600)
    file.write_text(json.dumps(config))


def apps_of(folder: Folder, template: str, apps: int) -> list[list[dict[str, Any]]]:
    """The objects of each app, in the order of the template."""
    text = (folder.path / f"{template}.yaml").read_text()
    size = len(api_server.documents(folder.of_app(text, 0)))
    documents = api_server.documents("\n---\n".join(folder.of_app(text, number) for number in range(apps)))
    return [documents[number * size : (number + 1) * size] for number in range(apps)]
