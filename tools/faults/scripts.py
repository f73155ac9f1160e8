"""What people write: scoring scripts, conda files, samples."""

import json

import cluster
import simulator
from checks import Area, Checks
from cluster import DEPLOYMENT, SUBNET

AREA = Area("Scripts and environments")
NAMESPACE = "scripts"
RUN = "\n\ndef run(data):\n    return 1\n"
CRASHES = {
    "raises": (cluster.given("python-error-hidden/score.py"), ("WeightsMissing: weights file /mnt/w.bin is not there", "score.py", "6")),
    "noinit": ("def run(data):\n    return 1\n", ("init",)),
    "exits": (f"import sys\n\n\ndef init():\n    sys.exit('no licence')\n{RUN}", ("SystemExit", "no licence")),
    "noted": (
        f"def init():\n    try:\n        {{}}['threshold']\n    except KeyError as error:\n        error.add_note('set it in myenv')\n        raise\n{RUN}",
        ("KeyError: 'threshold'", "score.py"),
    ),
    "noargs": ("def init():\n    pass\n\n\ndef run():\n    return 1\n", ("run",)),
    "noimport": (f"import no_such_module\n\n\ndef init():\n    pass\n{RUN}", ("ModuleNotFoundError: No module named 'no_such_module'", "score.py")),
    "syntax": ("def init(:\n    pass\n", ("SyntaxError", "score.py")),
}


@AREA.quick_step
def a_namespace_with_a_subnet(_checks: Checks) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)
    cluster.apply(cluster.subnet("aci", "vn-scripts", 42), NAMESPACE)
    cluster.config_map("files", cluster.example_files(), NAMESPACE)
    cluster.until_ready(SUBNET, "aci", NAMESPACE)


def crash(checks: Checks, name: str) -> None:
    script, expected = CRASHES[name]
    cluster.config_map(f"files-{name}", cluster.example_files(score_py=script), NAMESPACE)
    cluster.apply(cluster.deployment(name, "aci", f"files-{name}"), NAMESPACE)
    crashed = lambda s: cluster.is_current(s) and "ScoringScript" in cluster.told(s)
    stands = cluster.until(DEPLOYMENT, name, NAMESPACE, crashed, seconds=600)
    checks.contains(f"{name}: the script's own error is told", cluster.told(stands), "ScoringScriptCrashed", *expected)
    cluster.kubectl("delete", DEPLOYMENT, name, "--wait=false", namespace=NAMESPACE)


@AREA.quick_step
def a_script_that_raises(checks: Checks) -> None:
    crash(checks, "raises")


@AREA.step
def scripts_that_fail_in_other_ways(checks: Checks) -> None:
    for name in CRASHES:
        if name != "raises":
            crash(checks, name)


@AREA.quick_step
def an_answer_that_is_an_error_as_text(checks: Checks) -> None:
    files = cluster.example_files(score_py=cluster.given("error-with-200/score.py"))
    cluster.config_map("files-text", files, NAMESPACE)
    request = {"configMap": {"name": "files-text", "key": "sample.json"}}
    probe = {"request": request, "expect": {"bodyMatches": r"^\[[0-9]"}}
    cluster.apply(cluster.deployment("text", "aci", "files-text", probe=probe), NAMESPACE)
    told = lambda s: cluster.condition(s, "ProbePassed").get("status") == "False"
    stands = cluster.until(DEPLOYMENT, "text", NAMESPACE, told, seconds=600)
    checks.contains("the answer is told", cluster.told(stands, "ProbePassed"), "False", "name 'model' is not defined")
    checks.equal("it is not Ready", cluster.condition(stands, "Ready").get("status"), "False")
    wanted = {"spec": {"probe": {"expect": {"bodyMatches": "model"}}}}
    cluster.kubectl("patch", DEPLOYMENT, "text", "--type=merge", "-p", json.dumps(wanted), namespace=NAMESPACE)
    stands = cluster.until(DEPLOYMENT, "text", NAMESPACE, lambda s: "True" in cluster.told(s, "ProbePassed"))
    checks.contains("an answer as expected passes", cluster.told(stands, "ProbePassed"), "True")
    cluster.kubectl("delete", DEPLOYMENT, "text", "--wait=false", namespace=NAMESPACE)


@AREA.step
def schema_decorators(checks: Checks) -> None:
    given = {name: cluster.given(f"schema-decorators/{name}") for name in ("score.py", "myenv.yml", "sample.json")}
    cluster.config_map("files-schema", cluster.example_files() | given, NAMESPACE)
    cluster.apply(cluster.deployment("schema", "aci", "files-schema"), NAMESPACE)
    stands = cluster.until_ready(DEPLOYMENT, "schema", NAMESPACE)
    checks.equal("a decorated script answers", cluster.condition(stands, "ProbePassed").get("status"), "True")
    cluster.kubectl("delete", DEPLOYMENT, "schema", "--wait=false", namespace=NAMESPACE)


def environment(checks: Checks, name: str, conda: str) -> "tuple[str, str]":
    """Makes a deployment with a script that needs nothing but the server; gives Ready, and the definition that was sent."""
    script = f"def init():\n    pass\n{RUN}"
    cluster.config_map(f"files-{name}", cluster.example_files(myenv_yml=conda, score_py=script), NAMESPACE)
    cluster.apply(cluster.deployment(name, "aci", f"files-{name}"), NAMESPACE)
    over = lambda s: cluster.is_current(s) and any(r in cluster.told(s) for r in ("Serving", "ImageBuildFailed", "CondaFileInvalid"))
    stands = cluster.until(DEPLOYMENT, name, NAMESPACE, over, seconds=600)
    sent = json.dumps([one for one in simulator.admin("GET", "dump")["environments"] if f"env-{name}" in json.dumps(one)])
    cluster.kubectl("delete", DEPLOYMENT, name, "--wait=false", namespace=NAMESPACE)
    return cluster.told(stands), sent


@AREA.step
def conda_files(checks: Checks) -> None:
    for name, folder in (("channel", "python-of-a-channel"), ("nopython", "no-python-named")):
        told, _ = environment(checks, name, cluster.given(f"{folder}/myenv.yml"))
        checks.contains(f"{folder} is built and answers", told, "True Serving")
    told, _ = environment(checks, "options", cluster.given("pip-options/myenv.yml"))
    checks.that("pip options are carried out, or told as the simulator's limit", "Serving" in told or "simulator" in told, told)
