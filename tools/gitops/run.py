"""Runs the checks of one part: `customizations`, or what is played with a tool.

usage: run.py PART FILE      FILE is given the number of checks and how many of them failed
"""

import os
import sys
from pathlib import Path

from checks import Area, Checks


def areas(part: str) -> list[Area]:
    match part:
        case "customizations":
            import customizations

            return [customizations.AREA]
        case "argocd_operator" | "flux_operator" | "argocd" | "flux":
            import scenarios

            return scenarios.areas(*part.split("_"))
    sys.exit(f"no part {part}")


def main() -> int:
    checks = Checks()
    for area in areas(sys.argv[1]):
        area.run(checks, quick_only=bool(os.environ.get("ACIVNET_GITOPS_QUICK")))
    Path(sys.argv[2]).write_text(f"{checks.count} {checks.failed}\n")
    return 1 if checks.failed else 0


sys.exit(main())
