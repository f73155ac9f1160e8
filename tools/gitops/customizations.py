"""The health checks and actions of deploy/argocd, run by Argo CD's own program on every file of their testdata.

The form of the tests (`health_test.yaml`, `action_test.yaml`) is that of Argo CD's repository.
"""

import difflib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from checks import Area, Checks

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/argocd/resource_customizations/acivnet.dev"
AREA = Area("Health checks and actions of deploy/argocd")
# What an action writes when it is run is not what it wrote when the expected output was made.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Two ways to write the same text in YAML.
QUOTES = str.maketrans("", "", "\"'")


def argocd(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [os.environ["ARGOCD"], "admin", "settings", "resource-overrides", *words]
    command += ["--argocd-cm-path", str(ROOT / "deploy/argocd/argocd-cm.yaml")]
    environment = os.environ | {"KUBECONFIG": "/dev/null", "ARGOCD_BINARY_NAME": "argocd"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def kinds() -> list[Path]:
    return sorted(one for one in FOLDER.iterdir() if one.is_dir())


@AREA.quick_step
def health(checks: Checks) -> None:
    for kind in kinds():
        tests = yaml.safe_load((kind / "health_test.yaml").read_text())["tests"]
        told = {one["inputPath"] for one in tests}
        states = {str(one.relative_to(kind)) for one in (kind / "testdata").iterdir()}
        checks.equal(f"{kind.name}: every state has a test", states - told, set())
        with ThreadPoolExecutor(2) as runs:
            answers = list(runs.map(lambda test, kind=kind: argocd("health", str(kind / test["inputPath"])), tests))
        for test, said in zip(tests, answers, strict=True):
            expected = test["healthStatus"]
            text = expected.get("deletionMessage") or expected["message"]
            wanted = f"STATUS: {expected['status']}\nMESSAGE: {text}\n"
            checks.equal(f"{kind.name}: {test['inputPath']}", said.stdout or said.stderr, wanted)


@AREA.quick_step
def discovery(checks: Checks) -> None:
    for kind in kinds():
        for test in yaml.safe_load((kind / "actions/action_test.yaml").read_text())["discoveryTests"]:
            said = argocd("list-actions", str(kind / "actions" / test["inputPath"]))
            rows = (line.split() for line in said.stdout.splitlines()[1:])
            found = {row[0]: row[1] == "false" for row in rows if row}
            wanted = {one["name"]: not one.get("disabled", False) for one in test["result"]}
            checks.equal(f"{kind.name}: what {test['inputPath']} offers", found, wanted)


@AREA.quick_step
def actions(checks: Checks) -> None:
    for kind in kinds():
        tests = yaml.safe_load((kind / "actions/action_test.yaml").read_text())["actionTests"]
        named = {one["action"] for one in tests}
        there = {one.name for one in (kind / "actions").iterdir() if (one / "action.lua").exists()}
        checks.equal(f"{kind.name}: every action has a test", named, there)
        for test in tests:
            run_action(checks, kind, test)


def run_action(checks: Checks, kind: Path, test: dict) -> None:
    name = f"{kind.name}: {test['action']} of {test['inputPath']}"
    given = yaml.safe_load((kind / "actions" / test["inputPath"]).read_text())
    said = argocd("run-action", str(kind / "actions" / test["inputPath"]), test["action"])
    if "expectedErrorMessage" in test:
        checks.contains(name, said.stdout + said.stderr, test["expectedErrorMessage"])
        return
    wanted = yaml.safe_load((kind / "actions" / test["expectedOutputPath"]).read_text())
    checks.equal(name, changed_lines(said.stdout), difference(given, wanted))


def changed_lines(diff: str) -> list[str]:
    """The lines that a diff takes away or adds, without moments."""
    lines = (line for line in diff.splitlines() if line.startswith(("<", ">", "+", "-")) and not line.startswith(("---", "+++")))
    signs = {"<": "-", ">": "+"}
    return sorted(MOMENT.sub("MOMENT", signs.get(line[0], line[0]) + line[1:].strip()).translate(QUOTES) for line in lines)


def difference(given: dict, wanted: dict) -> list[str]:
    before, after = (yaml.safe_dump(one).splitlines() for one in (given, wanted))
    return changed_lines("\n".join(difflib.unified_diff(before, after, n=0, lineterm="")))
