"""Runs the checks of one client.

usage: run.py sdk|serving|management|az FILE      FILE is given the number of checks and how many of them failed
"""

import importlib
import os
import sys
from pathlib import Path

from checks import Area, Checks

CLIENTS = {
    "sdk": ["sdk_models", "sdk_environments", "sdk_deployments", "sdk_arguments", "sdk_updates", "sdk_failures"],
    "serving": ["sdk_serving"],
    "management": [
        "management_identity",
        "management_groups",
        "management_network",
        "management_egress",
        "management_container_groups",
        "management_private_dns",
        "management_faults",
    ],
    "az": [
        "az_account",
        "az_identity",
        "az_network",
        "az_network_more",
        "az_egress",
        "az_containers",
        "az_private_dns",
        "az_private_dns_more",
    ],
}


def main() -> int:
    client, counts = sys.argv[1:]
    os.chdir(os.environ["WORK"])
    checks = Checks()
    for name in CLIENTS[client]:
        area: Area = importlib.import_module(name).AREA
        area.run(checks, quick_only=bool(os.environ.get("ACIVNET_CLIENTS_QUICK")))
    print(f"\n{client}: {checks.count} checks, {checks.failed} failed")
    Path(counts).write_text(f"{checks.count} {checks.failed}\n")
    return 1 if checks.failed else 0


sys.exit(main())
