"""Joins what was measured of each operator, and prints it side by side.

usage: table.py FILE RESULT…      FILE is given everything, samples included, as JSON
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

Result = dict[str, Any]
Row = tuple[str, Callable[[Result], object]]


def number(value: "float | None", digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def calls(phase: Result) -> str:
    """All calls, and which: sign-ins are told but not counted among them."""
    found = {sort: count for sort, count in phase["calls"].items() if sort != "sign-in"}
    parts = ", ".join(f"{sort} {count:,}" for sort, count in found.items())
    return f"{sum(found.values()):,}" + (f": {parts}" if parts else "")


def answered(status: str) -> Callable[[Result], object]:
    def row(phase: Result) -> str:
        found = {sort: count for sort, count in phase["calls"].items() if sort != "sign-in"}
        refused = sum(count for sort, count in found.items() if sort.endswith(f" {status}"))
        return f"{refused:,} ({100 * refused / max(1, sum(found.values())):.1f} %)"

    return row


def kubernetes(sort: str) -> Callable[[Result], object]:
    return lambda phase: f"{phase['kubernetes'].get(sort, 0):,}"


def bed(phase: Result) -> str:
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in phase["bed"].items())


def repaired(phase: Result) -> str:
    took = phase["repairedSeconds"]
    times = f": first {number(took[0])}, last {number(took[-1])}" if took else ""
    return f"{len(took)} of {phase['edited']}{times}"


COUNTED: list[Row] = [
    ("calls to Azure", calls),
    ("answered 409", answered("409")),
    ("answered 429", answered("429")),
    ("sign-ins", lambda phase: phase["calls"].get("sign-in", 0)),
    ("writes to Azure (PUT, PATCH, DELETE)", lambda phase: f"{phase['writes']:,}"),
    ("of them redundant", lambda phase: f"{phase['redundant']:,}"),
    ("writes to Kubernetes", kubernetes("writes")),
    ("events", kubernetes("events")),
    ("writes that Kubernetes refused", kubernetes("refused")),
    ("reads of Kubernetes", kubernetes("reads")),
    ("processor time, s", lambda phase: number(phase["cpu"], 2)),
]
MEMORY: list[Row] = [
    ("resident memory, MiB", lambda phase: number(phase["memory"]["resident"])),
    ("most ever, MiB", lambda phase: number(phase["memory"]["most"])),
]


def ready(name: str) -> Row:
    return f"Ready, {name}, s", lambda phase: number(phase["ready"][name])


TABLES: dict[str, tuple[str, list[Row]]] = {
    "create": (
        "All apps at once, until every one is Ready",
        [("applied after, s", lambda phase: number(phase["applied"]))]
        + [ready(name) for name in ("first", "25 %", "50 %", "75 %", "all")]
        + COUNTED
        + [("of a core: the bed", bed)],
    ),
    "steady": (
        "At rest",
        [("looked for, s", lambda phase: number(phase["seconds"], 0)), *MEMORY, *COUNTED]
        + [("of a core", lambda phase: f"{100 * phase['cpu'] / phase['seconds']:.2f} %")],
    ),
    "restart": (
        "A new process, until no calls come any more",
        [
            ("last call after, s", lambda phase: number(phase["lastCall"]) + ("" if phase["quiet"] else ", and no end")),
            *MEMORY,
            *COUNTED,
        ],
    ),
    "drift": ("Resources changed in Azure", [("repaired, s after the change", repaired), *COUNTED]),
}


def print_table(title: str, rows: list[Row], names: list[str], phases: list[Result]) -> None:
    print(f"\n## {title}\n\n| | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for what, value in rows:
        print(f"| {what} | {' | '.join(str(value(phase)) if phase else '–' for phase in phases)} |")


def about() -> Result:
    """When, of what, and on which machine."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout
    return {
        "taken": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.strip(),
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.release()}, {platform.machine()}",
        "timeScale": os.environ.get("ACIVNET_DEMO_TIME_SCALE", "1"),
        "load": os.getloadavg(),
    }


def main() -> None:
    results = [json.loads(Path(file).read_text()) for file in sys.argv[2:]]
    everything = {**about(), "operators": results}
    Path(sys.argv[1]).write_text(json.dumps(everything, indent=1) + "\n")
    wanted = results[0]["options"]
    print(f"\n{wanted['objects']} apps, {everything['machine']}, {everything['taken']}, Azure's time × {everything['timeScale']}")
    for scenario, (title, rows) in TABLES.items():
        phases = [result.get(scenario) for result in results]
        if any(phases):
            print_table(title, rows, [result["name"] for result in results], phases)
    print(f"\nAll of it, with the samples: {sys.argv[1]}")


main()
