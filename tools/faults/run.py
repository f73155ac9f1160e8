"""Runs the checks of all faults, or of the areas that ACIVNET_FAULTS names.

usage: run.py FILE      FILE is given the number of checks and how many of them failed
"""

import importlib
import os
import sys
from pathlib import Path

from checks import Area, Checks

AREAS = ["admission", "network", "status", "tenants", "credentials", "scripts", "containers", "bounds"]


def main() -> int:
    wanted = os.environ.get("ACIVNET_FAULTS", "").split() or AREAS
    unknown = set(wanted) - set(AREAS)
    if unknown:
        sys.exit(f"ACIVNET_FAULTS names {sorted(unknown)}; there are {AREAS}")
    checks = Checks()
    for name in wanted:
        area: Area = importlib.import_module(name).AREA
        area.run(checks, quick_only=bool(os.environ.get("ACIVNET_FAULTS_QUICK")))
    print(f"\n{checks.count} checks, {checks.failed} failed")
    Path(sys.argv[1]).write_text(f"{checks.count} {checks.failed}\n")
    return 1 if checks.failed else 0


sys.exit(main())
