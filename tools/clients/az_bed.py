"""How the checks call `az`: as its users do, one process a command."""

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

import simulator

GROUP = "amlrg"
LOCATION = simulator.LOCATION


@dataclass
class Answer:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out) if self.out.strip() else None


def az(*words: str) -> Answer:
    """Runs a command; its output is JSON."""
    ended = subprocess.run(
        ["python", "-m", "azure.cli", *words, "--output", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def done(*words: str) -> Any:
    """Runs a command that has to succeed, and gives its output."""
    answer = az(*words)
    if answer.status:
        raise RuntimeError(f"az {' '.join(words)} ended with {answer.status}: {answer.err}")
    return answer.json


def choose_cloud() -> None:
    """Registers the simulated cloud; what is set is kept in AZURE_CONFIG_DIR."""
    endpoint, authority = os.environ["AZURE_RESOURCE_MANAGER"], os.environ["AZURE_AUTHORITY_HOST"]
    done(
        "config",
        "set",
        "core.instance_discovery=false",
        "core.collect_telemetry=false",
        "extension.use_dynamic_install=no",
    )
    done(
        "cloud",
        "register",
        "-n",
        "Sim",
        "--endpoint-resource-manager",
        endpoint,
        "--endpoint-active-directory",
        authority,
    )
    done("cloud", "set", "-n", "Sim")
    if done("cloud", "show")["endpoints"]["resourceManager"] != endpoint:
        raise RuntimeError("az would speak to another cloud")


def login(secret: str) -> Answer:
    application = ["-u", os.environ["AZURE_CLIENT_ID"], "-p", secret, "--tenant", os.environ["AZURE_TENANT_ID"]]
    return az("login", "--service-principal", *application)
