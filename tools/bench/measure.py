"""Measures one operator on the bed that inside.sh has started, by its folder, from outside of it.

usage: measure.py check FOLDER [OPTION]…            refuses what `run` would, before anything has started
       measure.py policy FOLDER                     prints the audit policy that the API server needs beforehand
       measure.py run FOLDER RESULT [OPTION]…       measures, and writes RESULT, JSON
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from folder import Folder

SCENARIOS = ["create", "steady", "restart", "drift"]


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("a number of seconds, at most a day")
    return value


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="peer.sh", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--objects", type=int, default=100, metavar="N", help="apps")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="may be repeated; all of them without; `create` always comes first")
    parser.add_argument("--app", default="app", metavar="NAME", help="the template NAME.yaml of each folder, with the objects of one app")
    parser.add_argument("--settings", default="{}", type=json.loads, metavar="JSON", help="for the simulator's /simulator/settings")
    parser.add_argument("--start", type=seconds, default=15, metavar="S", help="from the start of the process to the first app")
    parser.add_argument("--settle", type=seconds, default=60, metavar="S", help="from the last Ready to the next scenario")
    parser.add_argument("--rest", type=seconds, default=300, metavar="S", help="how long `steady` looks")
    parser.add_argument("--quiet", type=seconds, default=20, metavar="S", help="without a call, after which a restart is over")
    parser.add_argument("--patience", type=seconds, default=3600, metavar="S", help="the most that any scenario takes")
    found = parser.parse_args(words)
    if not 1 <= found.objects <= 10000:
        parser.error("--objects is a number from 1 to 10000")
    found.scenario = [name for name in SCENARIOS if name == "create" or not found.scenario or name in found.scenario]
    return found


def audit_policy(user: str) -> dict[str, Any]:
    """The API server writes a line for each request of the operator that it has answered, and for nobody else's."""
    rules = [{"level": "Metadata", "users": [user]}, {"level": "None"}]
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"], "rules": rules}


def check(folder: Folder, wanted: argparse.Namespace) -> None:
    template = folder.path / f"{wanted.app}.yaml"
    if not template.is_file():
        sys.exit(f"{template} is missing: the objects of one app, see docs/comparing.md")


def run(folder: Folder, result: Path, wanted: argparse.Namespace) -> None:
    # These need the bed, which the other commands don't have.
    from scenarios import Run

    measured: dict[str, Any] = {"name": folder.name, "options": vars(wanted)}
    try:
        with Run(folder, wanted) as bench:
            for name in wanted.scenario:
                print(f"{folder.name}: {name}", flush=True)
                measured[name] = getattr(bench, name)()
    except (OSError, RuntimeError) as error:
        sys.exit(f"{folder.name}: {error}")
    result.write_text(json.dumps(measured, indent=1) + "\n")


def main() -> None:
    command, *words = sys.argv[1:]
    if command == "policy":
        print(json.dumps(audit_policy(Folder.read(Path(words[0])).user)))
    elif command == "check":
        check(Folder.read(Path(words[0])), options(words[1:]))
    else:
        run(Folder.read(Path(words[0])), Path(words[1]), options(words[2:]))


main()
