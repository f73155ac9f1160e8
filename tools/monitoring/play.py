"""Plays a fault for each alert, and waits until a real Prometheus says that it fires, and after the repair that it does not.

usage: play.py FILE      FILE is given the number of checks and how many of them failed
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import checks as monitoring
import cluster
import dashboards
import simulator
from cluster import DEPLOYMENT, ROOT, SUBNET

PROMETHEUS = "http://127.0.0.1:9090/api/v1"
NAMESPACE = "watched"
STATE = Path(os.environ["STATE"])
# How long anything may take before a check gives up, in seconds. Never a measure of speed.
PATIENCE = 180


def ask(path: str, **parameters: object) -> Any:
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{PROMETHEUS}/{path}?{query}", timeout=30) as answer:
        return json.load(answer)["data"]


def firing() -> set[str]:
    return {one["labels"]["alertname"] for one in ask("alerts")["alerts"] if one["state"] == "firing"}


class Counts:
    """Counts what holds."""

    def __init__(self) -> None:
        self.made = self.failed = 0

    def that(self, name: str, holds: object, came: object = "") -> None:
        self.made += 1
        self.failed += not holds
        print(f"  {'ok     ' if holds else 'FAILED '} {name}" + ("" if holds else f"\n            {came}"), flush=True)


def until(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.5)
    return False


def prepare(counts: Counts) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)
    cluster.apply(cluster.subnet("aci", "vn-watched", 51), NAMESPACE)
    cluster.config_map("files", cluster.example_files(), NAMESPACE)
    cluster.until_ready(SUBNET, "aci", NAMESPACE)
    probe = {"request": {"configMap": {"name": "files", "key": "sample.json"}}, "intervalSeconds": 10, "timeoutSeconds": 2}
    cluster.apply(cluster.deployment("model", "aci", probe=probe), NAMESPACE)
    stands = cluster.until_ready(DEPLOYMENT, "model", NAMESPACE)
    counts.that("a model is Ready", cluster.condition(stands, "Ready").get("status") == "True", cluster.told(stands))
    counts.that("no alert fires at rest", until(lambda: not firing()), firing())


def address() -> str:
    uri = cluster.get(DEPLOYMENT, "model", NAMESPACE)["status"]["endpoint"]["scoringURI"]
    return urllib.parse.urlsplit(uri).hostname or ""


def route(word: str) -> None:
    subprocess.run(["ip", "route", word, "blackhole", f"{address()}/32"], check=True)


def certificate(days: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tls.key", "-out", "tls.crt"]
        words += ["-days", str(days), "-subj", "/CN=t.ml.corp", "-addext", "subjectAltName=DNS:t.ml.corp"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        pair = {name: Path(folder, name).read_text() for name in ("tls.crt", "tls.key")}
    cluster.secret("sealed-tls", pair, NAMESPACE, kind="kubernetes.io/tls")


def a_certificate_that_ends() -> None:
    certificate(5)
    tls = {"secretRef": {"name": "sealed-tls"}, "hostname": "t.ml.corp"}
    cluster.apply(cluster.deployment("sealed", "aci", tls=tls, suspend=True, probe=None), NAMESPACE)


def a_renewed_certificate() -> None:
    certificate(90)
    cluster.look(DEPLOYMENT, "sealed", NAMESPACE)


def a_deployment_without_its_file() -> None:
    script = {"configMap": {"name": "files", "key": "missing.py"}}
    cluster.apply(cluster.deployment("stalled", "aci", scoring={"script": script}, probe=None), NAMESPACE)


def no_deployment() -> None:
    cluster.kubectl("delete", DEPLOYMENT, "stalled", "--timeout=60s", namespace=NAMESPACE)


def an_identity_of_nobody() -> None:
    words = ("annotate", "--overwrite", "serviceaccount", "acivnet")
    cluster.kubectl(*words, "azure.workload.identity/client-id=00000000-0000-4000-8000-00000000dead", namespace=NAMESPACE)


def the_identity() -> None:
    number = sum(NAMESPACE.encode())
    words = ("annotate", "--overwrite", "serviceaccount", "acivnet")
    cluster.kubectl(*words, f"azure.workload.identity/client-id=000000c0-0000-4000-8000-{number:012x}", namespace=NAMESPACE)
    cluster.look(DEPLOYMENT, "model", NAMESPACE)


def too_many_requests() -> None:
    body = {"error": {"code": "TooManyRequests", "message": "Too many requests."}}
    simulator.fault(path="^/subscriptions/", times=1000, status=429, headers={"Retry-After": "1"}, body=body)


def an_azure_that_fails() -> None:
    body = {"error": {"code": "InternalServerError", "message": "An error occurred."}}
    simulator.fault(path="^/subscriptions/", times=1000, status=500, body=body)


def no_rights() -> None:
    cluster.kubectl("delete", "clusterrolebinding", "acivnet")


def the_rights() -> None:
    cluster.kubectl("apply", "--server-side", "-k", str(ROOT / "tools/demo/operator"), namespace="acivnet-system")


running: list[subprocess.Popen[bytes]] = []


def no_operator() -> None:
    os.kill(int(os.environ["OPERATOR_PID"]), signal.SIGKILL)


def the_operator() -> None:
    with (STATE / "logs/operator-again.log").open("wb") as log:
        running.append(subprocess.Popen(["bash", str(STATE / "operator.sh")], stdout=log, stderr=log))


FAULTS: list[tuple[str, Callable[[], None], Callable[[], None]]] = [
    ("AcivnetModelNotAnswering", lambda: route("add"), lambda: route("del")),
    ("AcivnetCertificateExpiring", a_certificate_that_ends, a_renewed_certificate),
    ("AcivnetObjectStalled", a_deployment_without_its_file, no_deployment),
    ("AcivnetCredentialsRefused", an_identity_of_nobody, the_identity),
    ("AcivnetAzureThrottled", too_many_requests, simulator.clear_faults),
    ("AcivnetAzureErrors", an_azure_that_fails, simulator.clear_faults),
    ("AcivnetKubernetesFailing", no_rights, the_rights),
    ("AcivnetNoLeader", no_operator, the_operator),
]


def play(counts: Counts, alert: str, breaks: Callable[[], None], repairs: Callable[[], None]) -> None:
    print(f"{alert}: {getattr(breaks, '__name__', '')}".replace("<lambda>", "the network breaks").replace("_", " "), flush=True)
    counts.that("it does not fire before", until(lambda: alert not in firing()), firing())
    breaks()
    counts.that("it fires", until(lambda: alert in firing()), ask("query", query="ALERTS")["result"])
    repairs()
    counts.that("it clears", until(lambda: alert not in firing()), ask("query", query="ALERTS")["result"])


def had_data(expression: str, begin: float) -> bool:
    """Whether an expression had a value at any time."""
    step = max(1, int((time.time() - begin) / 5000))
    found = ask("query_range", query=expression, start=begin, end=time.time(), step=step)["result"]
    return any(value not in ("NaN", "+Inf") for one in found for _, value in one["values"])


def look_at_dashboards(counts: Counts, begin: float) -> None:
    expressions = [expr.replace("[5m]", "[15s]") for expr in dashboards.expressions()]
    for expression in [*expressions, *monitoring.recorded()]:
        counts.that(f"has data: {expression}", had_data(expression, begin))


def main() -> int:
    counts, begin = Counts(), time.time()
    prepare(counts)
    left = {name for name, *_ in FAULTS} ^ set(monitoring.alerts())
    counts.that("each alert has a fault", not left, left)
    only = os.environ.get("ACIVNET_ALERTS", "").split()
    for alert, breaks, repairs in FAULTS:
        if not only or alert in only:
            play(counts, alert, breaks, repairs)
    if not only:
        look_at_dashboards(counts, begin)
    Path(sys.argv[1]).write_text(f"{counts.made} {counts.failed}\n")
    for one in running:
        one.terminate()
    return 1 if counts.failed else 0


sys.exit(main())
