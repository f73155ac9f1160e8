"""What a node does with a Pod before it starts its one container: from the Pod as the API server has it, and a bundle with the
image's files, the configuration for runc. usage: pod.py BUNDLE VOLUMES KUBERNETES_PORT < POD.json

What it does not know it refuses, so that nothing of a Pod is silently left out. The network is that of the caller."""

import base64
import json
import os
import pathlib
import subprocess
import sys

# What has no meaning for one container without a cluster around it.
OF_THE_CLUSTER = {
    "affinity", "automountServiceAccountToken", "dnsPolicy", "enableServiceLinks", "imagePullSecrets", "hostname", "nodeSelector", "preemptionPolicy", "priority",
    "priorityClassName", "restartPolicy", "schedulerName", "serviceAccount", "serviceAccountName", "subdomain",
    "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints", "containers", "securityContext", "volumes",
}  # fmt: skip
OF_THE_CONTAINER = {
    "args", "command", "env", "image", "imagePullPolicy", "livenessProbe", "name", "ports", "readinessProbe", "resources",
    "securityContext", "startupProbe", "terminationMessagePath", "terminationMessagePolicy", "volumeMounts", "workingDir",
}  # fmt: skip
# containerd's own: https://github.com/containerd/containerd/blob/main/pkg/oci/spec.go, defaultUnixCaps
DEFAULT_CAPABILITIES = [
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
    "SYS_CHROOT", "KILL", "AUDIT_WRITE",
]  # fmt: skip
SECCOMP = pathlib.Path("/usr/share/containers/seccomp.json")
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}


def known(value: dict, names: set[str], where: str) -> None:
    unknown = set(value) - names
    if unknown:
        sys.exit(f"pod.py: {where} has {sorted(unknown)}, of which this knows nothing")


def kubectl(*words: str) -> dict:
    return json.loads(subprocess.run(["kubectl", *words, "-o", "json"], check=True, capture_output=True, text=True).stdout)


def number(quantity: str) -> float:
    if quantity.endswith("m"):
        return int(quantity[:-1]) / 1000
    digits = quantity.rstrip("KMGik")
    return float(digits) * UNITS[quantity[len(digits) :]]


class Pod:
    def __init__(self, pod: dict) -> None:
        self.meta, self.spec = pod["metadata"], pod["spec"]
        known(self.spec, OF_THE_CLUSTER, "the Pod")
        (self.container,) = self.spec["containers"]
        known(self.container, OF_THE_CONTAINER, "the container")
        self.security = {**self.spec.get("securityContext", {}), **self.container.get("securityContext", {})}
        known(
            self.security,
            {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem", "runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "fsGroup", "sysctls"},
            "its security context",
        )

    def user(self, of_image: dict) -> dict:
        user = {
            "uid": self.security.get("runAsUser", of_image["uid"]),
            "gid": self.security.get("runAsGroup", of_image["gid"]),
            "additionalGids": [self.security[name] for name in ("fsGroup",) if name in self.security],
        }
        if self.security.get("runAsNonRoot") and user["uid"] == 0:
            sys.exit("pod.py: runAsNonRoot, and the image's user is root")
        return user

    def capabilities(self) -> list[str]:
        asked = self.security.get("capabilities", {})
        have = set() if "ALL" in asked.get("drop", []) else set(DEFAULT_CAPABILITIES) - set(asked.get("drop", []))
        return sorted(f"CAP_{name}" for name in have | set(asked.get("add", [])))

    def environment(self, port: str) -> list[str]:
        """The variables of the container; in a cluster the kubelet adds those of its Services."""
        said = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port, "HOSTNAME": self.meta["name"]}
        for entry in self.container.get("env", []):
            said[entry["name"]] = self.field(entry["valueFrom"]) if "valueFrom" in entry else entry.get("value", "")
        return [f"{name}={value}" for name, value in said.items()]

    def field(self, source: dict) -> str:
        known(source, {"fieldRef"}, "a variable's source")
        place = source["fieldRef"]["fieldPath"]
        fields = {"metadata.name": self.meta["name"], "metadata.namespace": self.meta["namespace"], "status.podIP": "127.0.0.1"}
        return fields[place]

    def set_kernel(self) -> None:
        """What the Pod wants of the kernel is about its network, which here is the caller's."""
        for one in self.security.get("sysctls", []):
            if not one["name"].startswith("net."):
                sys.exit(f"pod.py: sysctl {one['name']}, of which this knows nothing")
            pathlib.Path("/proc/sys", *one["name"].split(".")).write_text(one["value"])

    def limits(self) -> dict:
        limits = self.container.get("resources", {}).get("limits", {})
        known(limits, {"cpu", "memory"}, "limits")
        resources: dict = {"devices": [{"allow": False, "access": "rwm"}]}
        if "memory" in limits:
            resources["memory"] = {"limit": int(number(limits["memory"]))}
        if "cpu" in limits:
            resources["cpu"] = {"period": 100_000, "quota": int(number(limits["cpu"]) * 100_000)}
        return resources

    def seccomp(self) -> dict | None:
        kind = self.security.get("seccompProfile", {}).get("type", "Unconfined")
        if kind == "Unconfined":
            return None
        if kind != "RuntimeDefault":
            sys.exit(f"pod.py: a seccomp profile {kind}, of which this knows nothing")
        return runtime_default(self.capabilities())


def runtime_default(capabilities: list[str]) -> dict:
    """The profile that container engines of Debian ship, of those rules that hold for this machine and these rights."""
    profile = json.loads(SECCOMP.read_text())
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]

    def holds(rule: dict) -> bool:
        wanted, without = rule.get("includes") or {}, rule.get("excludes") or {}
        right = all(name in capabilities for name in wanted.get("caps", []))
        return right and machine in wanted.get("arches", [machine]) and not any(name in capabilities for name in without.get("caps", []))

    def one(rule: dict) -> dict:
        said = {"names": rule["names"], "action": rule["action"]}
        if "errnoRet" in rule:
            said["errnoRet"] = rule["errnoRet"]
        return {**said, "args": rule["args"]} if rule.get("args") else said

    architecture = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}[machine]
    rules = [one(rule) for rule in profile["syscalls"] if holds(rule)]
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile["defaultErrnoRet"], "architectures": [architecture], "syscalls": rules}


class Volumes:
    """Folders with what the kubelet would write into each volume, owned by the container's user."""

    def __init__(self, pod: Pod, folder: pathlib.Path, user: dict) -> None:
        self.pod, self.folder, self.user = pod, folder, user
        self.namespace = pod.meta["namespace"]
        self.volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}

    def write(self, volume: str, name: str, data: str) -> None:
        file = self.folder / volume / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(data)
        file.chmod(0o400)
        os.chown(file, self.user["uid"], self.user["gid"])

    def config_map(self, volume: str, source: dict) -> None:
        data = kubectl("get", "configmap", source["name"], "--namespace", self.namespace)["data"]
        for item in source.get("items") or [{"key": key, "path": key} for key in data]:
            self.write(volume, item["path"], data[item["key"]])

    def secret(self, volume: str, source: dict) -> None:
        data = kubectl("get", "secret", source["secretName"], "--namespace", self.namespace)["data"]
        for item in source.get("items") or [{"key": key, "path": key} for key in data]:
            self.write(volume, item["path"], base64.b64decode(data[item["key"]]).decode())

    def token(self, source: dict) -> str:
        words = ["create", "token", self.pod.spec["serviceAccountName"], "--namespace", self.namespace]
        words += ["--bound-object-kind", "Pod", "--bound-object-name", self.pod.meta["name"], "--bound-object-uid", self.pod.meta["uid"]]
        words += ["--duration", f"{source['expirationSeconds']}s"]
        return kubectl(*words)["status"]["token"]

    def projected(self, volume: str, source: dict) -> None:
        (kind,) = source
        if kind == "serviceAccountToken":
            self.write(volume, source[kind]["path"], self.token(source[kind]))
        elif kind == "configMap":
            self.config_map(volume, source[kind])
        elif kind == "downwardAPI":
            for item in source[kind]["items"]:
                self.write(volume, item["path"], self.pod.field({"fieldRef": item["fieldRef"]}))
        else:
            sys.exit(f"pod.py: volume {volume} is made of {kind}, of which this knows nothing")

    def mount(self, wanted: dict) -> dict:
        known(wanted, {"name", "mountPath", "readOnly"}, "a mount")
        volume = self.volumes[wanted["name"]]
        (kind,) = set(volume) - {"name"}
        options = ["nosuid", "nodev", "ro" if wanted.get("readOnly") or kind != "emptyDir" else "rw"]
        if kind == "emptyDir":
            size = [f"size={int(number(volume[kind]['sizeLimit']))}"] if "sizeLimit" in volume[kind] else []
            return {"destination": wanted["mountPath"], "type": "tmpfs", "source": "tmpfs", "options": [*options, *size, "mode=1777"]}
        if kind == "projected":
            for source in volume[kind]["sources"]:
                self.projected(volume["name"], source)
        elif kind == "configMap":
            self.config_map(volume["name"], volume[kind])
        elif kind == "secret":
            self.secret(volume["name"], volume[kind])
        else:
            sys.exit(f"pod.py: volume {volume['name']} is a {kind}, of which this knows nothing")
        return {"destination": wanted["mountPath"], "type": "bind", "source": str(self.folder / volume["name"]), "options": ["rbind", *options]}

    def own_file(self, place: str) -> dict:
        return {"destination": place, "type": "bind", "source": place, "options": ["bind", "ro"]}


def complete(config: dict, pod: Pod, volumes: Volumes, port: str) -> dict:
    process = config["process"]
    entrypoint, caps = process["args"], pod.capabilities()
    process["args"] = (pod.container.get("command") or entrypoint) + pod.container.get("args", [])
    process["env"] = process.get("env", []) + pod.environment(port)
    process["user"] = volumes.user
    process["terminal"] = False
    process["noNewPrivileges"] = not pod.security.get("allowPrivilegeEscalation", True)
    process["capabilities"] = {name: caps for name in ("bounding", "effective", "permitted")}
    process.pop("rlimits", None)
    config["hostname"] = pod.spec.get("hostname", pod.meta["name"])
    config["root"]["readonly"] = pod.security.get("readOnlyRootFilesystem", False)
    config["mounts"] += [volumes.own_file(file) for file in ("/etc/hosts", "/etc/resolv.conf")]
    config["mounts"] += [volumes.mount(wanted) for wanted in pod.container.get("volumeMounts", [])]
    linux = config["linux"]
    linux["namespaces"] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    linux["resources"] = pod.limits()
    linux["cgroupsPath"] = f"/{os.environ['ACIVNET_CGROUP']}-{pod.meta['name']}"
    if (seccomp := pod.seccomp()) is not None:
        linux["seccomp"] = seccomp
    return config


def main(bundle: pathlib.Path, folder: pathlib.Path, port: str) -> None:
    pod = Pod(json.load(sys.stdin))
    file = bundle / "config.json"
    config = json.loads(file.read_text())
    pod.set_kernel()
    volumes = Volumes(pod, folder, pod.user(config["process"]["user"]))
    file.write_text(json.dumps(complete(config, pod, volumes, port), indent=1))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3])
