"""No work and no memory that one tenant can grow for all."""

import subprocess
import sys
import threading
import time
import urllib.request

import cluster
import simulator
from checks import Area, Checks
from cluster import DEPLOYMENT, SUBNET

AREA = Area("No work and no memory without a bound")
NAMESPACE = "bounds"
# The limit of deploy/operator, in MiB.
LIMIT = 128


def made(script: str, count: int) -> str:
    command = [sys.executable, str(cluster.INPUTS / script), str(count)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def the_operator_is_alive(checks: Checks, what: str) -> None:
    with urllib.request.urlopen("http://127.0.0.1:8080/livez", timeout=5) as answer:
        checks.equal(f"{what}: the operator is alive", answer.status, 200)
    memory = cluster.operator_memory()
    checks.that(f"{what}: its memory stays below the limit of {LIMIT} MiB", memory < LIMIT / 2, f"{memory:.1f} MiB")
    checks.say(f"          ({memory:.1f} MiB)")


@AREA.quick_step
def a_namespace(_checks: Checks) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)


@AREA.step
def many_config_maps(checks: Checks) -> None:
    cluster.kubectl("apply", "--server-side", "-f", "-", text=made("many-config-maps/make.py", 170), namespace=NAMESPACE)
    seen = lambda s: s.get("status", {}).get("observedGeneration")
    cluster.until(DEPLOYMENT, "mmm169", NAMESPACE, seen)
    time.sleep(5)
    the_operator_is_alive(checks, "170 ConfigMaps of a megabyte")
    cluster.kubectl("delete", DEPLOYMENT, "--all", "--timeout=150s", namespace=NAMESPACE)
    cluster.kubectl("delete", "configmap", "--all", namespace=NAMESPACE)


@AREA.step
def large_objects(checks: Checks) -> None:
    refused = 0
    for document in made("large-objects/make.py", 160).split("\n---\n"):
        if document.strip():
            try:
                cluster.apply(document, NAMESPACE)
            except RuntimeError as error:
                refused += 1
                told = str(error)
    if refused:
        checks.contains("what is refused says the bound", told, "Too")
    time.sleep(5)
    the_operator_is_alive(checks, f"160 objects of 670 KB, of which {refused} are refused")
    cluster.kubectl("delete", DEPLOYMENT, "--all", "--timeout=150s", namespace=NAMESPACE)


@AREA.quick_step
def a_conda_file_of_twelve_thousand_lines(checks: Checks) -> None:
    cluster.apply(cluster.subnet("long", "vn-long", 29), NAMESPACE)
    cluster.until_ready(SUBNET, "long", NAMESPACE)
    long = made("long-conda-file/make.py", 12000)
    cluster.config_map("files", cluster.example_files(myenv_yml=long), NAMESPACE)
    slowest, end = [0.0], threading.Event()

    def ask() -> None:
        while not end.wait(0.2):
            began = time.monotonic()
            urllib.request.urlopen("http://127.0.0.1:8080/metrics", timeout=60).read()
            slowest[0] = max(slowest[0], time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    cluster.apply(cluster.deployment("long", "long"), NAMESPACE)
    refused = lambda s: "CondaFileInvalid" in cluster.told(s)
    stands = cluster.until(DEPLOYMENT, "long", NAMESPACE, refused, seconds=60)
    checks.contains("it is refused with its bound", cluster.told(stands), "CondaFileInvalid")
    end.set()
    asking.join()
    checks.say(f"          (the longest silence of the operator's one thread: {slowest[0]:.2f} s)")
    cluster.kubectl("delete", DEPLOYMENT, "long", "--timeout=60s", namespace=NAMESPACE)
