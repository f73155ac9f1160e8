"""Stands for a node: runs the Pods of the bed's cluster as processes, with exactly the arguments, environment, files and
readiness probes that their specs have.

usage: node.py FOLDER LOGS     FOLDER gets a folder per Pod, and `hosts`, what cluster DNS would know; LOGS a log per container
By environment: KUBECONFIG, ACIVNET_BINARIES (image NAME is the program NAME in it), API_SERVER (host:port, where the Service
`kubernetes` leads). Processes differ from Pods in this: they share one network, and run as the user that started this.
"""

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE = "stand-in"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def kubectl(*words, body=None):
    done = subprocess.run(["kubectl", *words], input=body, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def read(path):
    return json.loads(kubectl("get", "--raw", path))


class Pod:
    """One Pod as a process."""

    def __init__(self, folder, logs, pod):
        self.namespace, self.name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self.path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self.folder = folder / self.name
        (self.container,) = pod["spec"]["containers"]
        self.log = logs / f"{self.container['name']}.log"
        self.spec, self.ready, self.process = pod["spec"], False, None

    def bind(self):
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": self.name}, "target": target}
        kubectl("create", "--raw", f"{self.path}/binding", "-f", "-", body=json.dumps(binding))

    def start(self, hosts):
        volumes = {volume["name"]: self.volume(volume) for volume in self.spec.get("volumes", [])}
        mounts = [f"{volumes[one['name']]}:{one['mountPath']}" for one in self.container.get("volumeMounts", [])]
        program = Path(os.environ["ACIVNET_BINARIES"]) / self.container["image"].split("/")[-1].split("@")[0].split(":")[0]
        host, port = os.environ["API_SERVER"].rsplit(":", 1)
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        environment |= {one["name"]: one.get("value", "") for one in self.container.get("env", [])}
        words = [str(HERE / "pod.sh"), str(self.folder / "root"), str(hosts), *mounts, "--"]
        words += [f"{name}={value}" for name, value in environment.items()]
        words += [str(program), *self.container.get("args", [])]
        with open(self.log, "ab") as log:
            command = ["unshare", "--mount", *words]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def volume(self, volume):
        folder = self.folder / "volumes" / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        sources = volume["projected"]["sources"] if "projected" in volume else [volume]
        for source in sources:
            for name, content in self.files(source).items():
                (folder / name).write_bytes(content)
        return folder

    def files(self, source):
        if "secret" in source:
            name = source["secret"].get("secretName", source["secret"].get("name"))
            data = read(f"/api/v1/namespaces/{self.namespace}/secrets/{name}").get("data", {})
            return self.items(source["secret"], {key: base64.b64decode(value) for key, value in data.items()})
        if "configMap" in source:
            data = read(f"/api/v1/namespaces/{self.namespace}/configmaps/{source['configMap']['name']}").get("data", {})
            return self.items(source["configMap"], {key: value.encode() for key, value in data.items()})
        if "serviceAccountToken" in source:
            account = self.spec.get("serviceAccountName", "default")
            return {"token": kubectl("create", "token", account, "-n", self.namespace).strip().encode()}
        if "downwardAPI" in source:
            return {"namespace": self.namespace.encode()}
        if "emptyDir" in source:
            return {}
        raise RuntimeError(f"Pod {self.name}: no files can be made of a volume with {', '.join(source)}")

    @staticmethod
    def items(source, data):
        items = source.get("items")
        return {item["path"]: data[item["key"]] for item in items} if items else data

    def answers(self):
        """The readiness probe, as a kubelet sends it."""
        probe = self.container["readinessProbe"]["httpGet"]
        ports = {port.get("name"): port["containerPort"] for port in self.container.get("ports", [])}
        scheme, port = probe.get("scheme", "HTTP").lower(), ports.get(probe["port"], probe["port"])
        headers = {one["name"]: one["value"] for one in probe.get("httpHeaders", [])}
        # a kubelet asks the Pod's address, and does not verify certificates (Kubernetes, "Configure Probes")
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{probe['path']}", headers={"Host": "10.244.9.9", **headers})
        trust = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
                return answer.status < 400
        except OSError:
            return False

    def tell(self):
        """Status, when it has changed."""
        ended = self.process.poll()
        if ended is not None:
            raise RuntimeError(f"Pod {self.name} ended with {ended}; see {self.log}")
        ready = self.answers()
        if ready == self.ready:
            return
        self.ready = ready
        kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [{"type": kind, "status": "True" if ready else "False", "lastTransitionTime": moment} for kind in kinds]
        status = {"phase": "Running", "startTime": moment, "conditions": conditions}
        kubectl("patch", "pod", self.name, "-n", self.namespace, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        kubectl("delete", "pod", self.name, "-n", self.namespace, "--grace-period=0", "--force", "--ignore-not-found")


def names(services, pods):
    """What cluster DNS answers (Kubernetes, "DNS for Services and Pods"), with one address for all."""
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        chosen = (spec.get("selector") or {}).items()
        domain = f"{meta['name']}.{meta['namespace']}.svc"
        behind = [pod for pod in pods if chosen and chosen <= pod["metadata"]["labels"].items()]
        behind = [pod for pod in behind if pod["metadata"]["namespace"] == meta["namespace"]]
        if behind:
            yield domain
        if spec.get("clusterIP") == "None":
            same = [pod["spec"] for pod in behind if pod["spec"].get("subdomain") == meta["name"]]
            yield from (f"{spec['hostname']}.{domain}" for spec in same if spec.get("hostname"))


def step(folder, logs, running):
    pods = read("/api/v1/pods")["items"]
    found = sorted(names(read("/api/v1/services")["items"], pods))
    (folder / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in ["localhost", *found]))
    for pod in pods:
        uid = pod["metadata"]["uid"]
        if "deletionTimestamp" in pod["metadata"]:
            if uid in running:
                running.pop(uid).end()
        elif uid not in running:
            made = Pod(folder, logs, pod)
            made.folder.mkdir()
            if not pod["spec"].get("nodeName"):
                made.bind()
            made.start(folder / "hosts")
            running[uid] = made
    for pod in running.values():
        pod.tell()


def main():
    folder, logs = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir()
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "spec": {"podCIDR": "10.244.9.0/24", "podCIDRs": ["10.244.9.0/24"]}}
    kubectl("create", "-f", "-", body=json.dumps(node))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running = {}
    try:
        while True:
            step(folder, logs, running)
            time.sleep(0.5)
    finally:
        for pod in running.values():
            pod.process.terminate()


main()
