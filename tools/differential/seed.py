"""Prints a seed of the simulator: the demo's, with a workspace for every configuration in place of its one.

usage: seed.py SEED NAME…
"""

import json
import sys
from pathlib import Path


def main(seed: str, *names: str) -> None:
    content = json.loads(Path(seed).read_text())
    (workspace,) = content["workspaces"]
    content["workspaces"] = [{**workspace, "name": name} for name in names]
    json.dump(content, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
