"""One tenant stops nobody else."""

import threading
import socket
import time
import urllib.request

import cluster
import simulator
from checks import Area, Checks
from cluster import DEPLOYMENT, SUBNET

AREA = Area("One tenant and the others")


@AREA.quick_step
def a_network_that_a_stranger_names_first(checks: Checks) -> None:
    group = cluster.resource_group("rg-named", "ws-named")
    cluster.team("victim", group)
    cluster.kubectl("create", "namespace", "stranger")
    place = lambda text, old, new: text.replace(f"namespace: {old}", f"namespace: {new}").replace("rg-na", "rg-named")
    cluster.apply(place(cluster.given("network-named-first/1-b.yaml"), "nb", "stranger"), "stranger")
    time.sleep(2)
    cluster.apply(place(cluster.given("network-named-first/2-a.yaml"), "na", "victim"), "victim")
    stands = cluster.until_ready(SUBNET, "s2", "victim")
    checks.equal("the owner's network is made", cluster.condition(stands, "Ready").get("status"), "True")
    text = str(stands.get("status")) + cluster.kubectl("get", "events", "-o", "json", namespace="victim")
    checks.that("nothing of the stranger is told", "evil" not in text and "stranger" not in text, text)
    cluster.kubectl("delete", SUBNET, "s2", "--timeout=120s", namespace="victim")
    left = [i for i in simulator.admin("GET", "dump")["resources"] if "vn-new" in i.lower()]
    checks.equal("deleted, nothing stays, whatever the stranger's object says", left, [])


@AREA.quick_step
def a_probe_reaches_no_pod(checks: Checks) -> None:
    cluster.team("nb", cluster.resource_group("rg-nb", "ws-nb"))
    files = {"score.py": "def init(): pass\ndef run(data): return 1\n", "model.pkl": "m", "sample.json": "{}"}
    cluster.config_map("files", files | {"env.yml": cluster.example_files()["myenv.yml"]}, "nb")
    cluster.apply(cluster.given("probe-of-pods/objects.yaml"), "nb")
    told = lambda s: cluster.condition(s, "ProbePassed").get("status") == "False"
    stands = cluster.until(DEPLOYMENT, "qqq3", "nb", told, seconds=600)
    said = cluster.told(stands, "ProbePassed")
    checks.contains("no request is sent there, and why", said, "False AddressNotAllowed", "belongs to the cluster")
    for kind, name in ((DEPLOYMENT, "qqq3"), (SUBNET, "p3")):
        cluster.kubectl("delete", kind, name, "--timeout=120s", namespace="nb")


@AREA.quick_step
def slow_clients_of_the_admin_port(checks: Checks) -> None:
    end = time.monotonic() + 6

    def slow() -> None:
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", 8080), timeout=2) as one:
                    one.send(b"GET /livez HTTP/1.1\r\nX: ")
                    one.settimeout(2)
                    one.recv(10)
            except OSError:
                pass

    threads = [threading.Thread(target=slow) for _ in range(100)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    answers = []
    for _ in range(4):
        try:
            # The kubelet's own patience is one second.
            with urllib.request.urlopen("http://127.0.0.1:8080/livez", timeout=1) as answer:
                answers.append(answer.status)
        except OSError as error:
            answers.append(str(error))
        time.sleep(0.5)
    for thread in threads:
        thread.join()
    checks.equal("/livez answers beside a hundred slow clients", answers, [200] * 4)
