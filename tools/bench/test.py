"""What was measured of the stand-in is what it does. usage: test.py COUNTED REPAIRING"""

import json
import sys
from pathlib import Path
from typing import Any

APPS = 3
failed = 0


def equal(what: str, came: object, expected: object) -> None:
    global failed
    failed += came != expected
    print(f"{'ok' if came == expected else 'FAILED'}  {what}: {came}" + ("" if came == expected else f", not {expected}"))


def counted(name: str, phase: dict[str, Any], calls: dict[str, int], redundant: int, kubernetes: dict[str, int]) -> None:
    writes = {sort: count for sort, count in phase["kubernetes"].items() if sort != "reads"}
    equal(f"{name}: calls", phase["calls"], calls)
    equal(f"{name}: writes", phase["writes"], sum(count for sort, count in calls.items() if sort.startswith("PUT")))
    equal(f"{name}: redundant writes", phase["redundant"], redundant)
    equal(f"{name}: writes to Kubernetes", writes, kubernetes)
    equal(f"{name}: reads of Kubernetes", phase["kubernetes"].get("reads", 0) > 0, True)


def measured(file: str) -> dict[str, Any]:
    return json.loads(Path(file).read_text())["operators"][0]


def main() -> int:
    stand_in, repairing = measured(sys.argv[1]), measured(sys.argv[2])
    create, steady, restart, drift = stand_in["create"], stand_in["steady"], stand_in["restart"], repairing["drift"]
    made = {"GET 2xx": APPS, "GET 4xx": APPS, "PUT 2xx": APPS, "PUT 409": APPS, "PUT 429": APPS}
    # It signs in as soon as it starts, which may be before the first app.
    counted("create", create, made | {key: 1 for key in create["calls"] if key == "sign-in"}, 0, {"events": APPS, "writes": APPS})
    counted("steady", steady, {}, 0, {})
    counted("restart", restart, {"GET 2xx": APPS, "PUT 2xx": APPS, "sign-in": 1}, APPS, {})
    equal("restart: it came to an end", restart["quiet"], True)
    equal("every app was Ready, in order", create["readySeconds"], sorted(create["readySeconds"]))
    equal("as many as there are", len(create["readySeconds"]), APPS)
    equal("memory is that of a Python program, at least", steady["memory"]["resident"] > 5, True)
    equal("and never more than the most", steady["memory"]["most"] >= steady["memory"]["resident"], True)
    equal("processor time is counted", create["cpu"] > 0, True)
    equal("drift: changed", drift["edited"], APPS)
    equal("drift: repaired", len(drift["repairedSeconds"]), APPS)
    equal("drift: writes, none of them redundant", [drift["writes"], drift["redundant"]], [APPS, 0])
    print(f"\ncomparison: {'as known' if not failed else f'{failed} wrong'}")
    return 1 if failed else 0


sys.exit(main())
