"""Values that people keep in Secrets."""

import json
import subprocess
import time

import cluster
import simulator
from checks import Area, Checks
from cluster import DEPLOYMENT, SUBNET

AREA = Area("What stands in Secrets")
NAMESPACE = "credentials"
KEYS = {"primary": "primarykey-0123456789abcdefghijklmn", "secondary": "secondkey-0123456789abcdefghijklmno"}


@AREA.quick_step
def a_namespace_with_a_subnet(_checks: Checks) -> None:
    cluster.team(NAMESPACE, simulator.GROUP)
    cluster.apply(cluster.subnet("aci", "vn-credentials", 41), NAMESPACE)
    cluster.config_map("files", cluster.example_files(), NAMESPACE)
    cluster.until_ready(SUBNET, "aci", NAMESPACE)


@AREA.quick_step
def keys_with_a_line_end(checks: Checks) -> None:
    cluster.secret("churn-keys", {name: f"{key}\n" for name, key in KEYS.items()}, NAMESPACE)
    auth = {"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}
    before = cluster.mark()
    cluster.apply(cluster.deployment("keyed", "aci", auth=auth), NAMESPACE)
    over = lambda s: cluster.condition(s, "Ready").get("status") == "True" or "churn-keys" in cluster.told(s)
    stands = cluster.until(DEPLOYMENT, "keyed", NAMESPACE, over, seconds=600)
    if cluster.condition(stands, "Ready").get("status") != "True":
        checks.contains("the Secret and its key are named", cluster.told(stands), "churn-keys", "primary")
        checks.equal("no key was written", cluster.writes_since(before, "regenerate"), [])
    else:
        sent = str(simulator.admin("GET", "requests?since=0"))
        checks.that("the key was sent without its line end", "\\n" not in sent.replace("\\\\n", "\\n"), sent)
    cluster.secret("churn-keys", KEYS, NAMESPACE)
    ready = lambda s: cluster.is_current(s) and cluster.condition(s, "Ready").get("status") == "True"
    stands = cluster.until(DEPLOYMENT, "keyed", NAMESPACE, ready, seconds=600)
    checks.that("without line ends it is Ready", ready(stands), cluster.told(stands))


@AREA.quick_step
def a_secret_that_is_only_touched(checks: Checks) -> None:
    cluster.secret("store", {"password": "abc123"}, NAMESPACE)
    variable = {"name": "STORE_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "store", "key": "password"}}}
    script = {"configMap": {"name": "files", "key": "score.py"}}
    wanted = cluster.deployment("stored", "aci", scoring={"script": script, "environmentVariables": [variable]})
    cluster.apply(wanted, NAMESPACE)
    stands = cluster.until_ready(DEPLOYMENT, "stored", NAMESPACE)
    revision = stands["status"].get("revision")
    before = cluster.mark()
    cluster.kubectl("annotate", "secret", "store", f"refreshed-at={time.time_ns()}", namespace=NAMESPACE)
    cluster.looks(DEPLOYMENT, "stored", NAMESPACE)
    cluster.kubectl("delete", "secret", "store", namespace=NAMESPACE)
    cluster.secret("store", {"password": "abc123"}, NAMESPACE)
    stands = cluster.looks(DEPLOYMENT, "stored", NAMESPACE)
    checks.equal("annotated and made again, nothing is written", cluster.writes_since(before, "services/stored"), [])
    checks.equal("nor is there another revision", stands["status"].get("revision"), revision)
    cluster.secret("store", {"password": "zebra-77"}, NAMESPACE)
    cluster.look(DEPLOYMENT, "stored", NAMESPACE)
    rolled = lambda s: s["status"].get("revision") != revision
    stands = cluster.until(DEPLOYMENT, "stored", NAMESPACE, rolled)
    checks.that("another value makes another revision", rolled(stands), stands["status"].get("revision"))
    text = json.dumps(cluster.get(DEPLOYMENT, "stored", NAMESPACE))
    checks.that("no value is in the status", "abc123" not in text and "zebra-77" not in text)


@AREA.quick_step
def a_tls_key_with_a_passphrase(checks: Checks) -> None:
    def openssl(*words: str) -> str:
        return subprocess.run(["openssl", *words], capture_output=True, text=True, check=True).stdout

    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "s.key", "-out", "s.crt", "-days", "2",
                "-subj", "/CN=t.ml.corp", "-addext", "subjectAltName=DNS:t.ml.corp")  # fmt: skip
        openssl("rsa", "-in", "s.key", "-aes256", "-passout", "pass:x", "-out", "enc.key", "-traditional")
        pair = {"tls.crt": open("s.crt").read(), "tls.key": open("enc.key").read()}
        os.chdir("/")
    cluster.secret("churn-tls", pair, NAMESPACE, kind="kubernetes.io/tls")
    tls = {"secretRef": {"name": "churn-tls"}, "hostname": "t.ml.corp"}
    cluster.apply(cluster.deployment("sealed", "aci", tls=tls), NAMESPACE)
    stands = cluster.until(DEPLOYMENT, "sealed", NAMESPACE, lambda s: "churn-tls" in cluster.told(s), seconds=60)
    checks.contains("it says what to do", cluster.told(stands), "encrypted", "passphrase")
    cluster.kubectl("delete", DEPLOYMENT, "sealed", "--timeout=60s", namespace=NAMESPACE)
