"""A team's folder in Git: a subnet, deployments, and the files of the how-to's model."""

import json
import urllib.error
from typing import Any

import cluster
import repository
import simulator

FILES = ("model.pkl", "score.py", "myenv.yml", "sample.json")
CRASHES = "def init():\n    raise KeyError('threshold')\n\n\ndef run(data):\n    return 1\n"


class Models:
    """Written anew as a whole at each push."""

    def __init__(self, namespace: str, second: int) -> None:
        self.namespace = namespace
        self.path = f"models/{namespace}"
        self.subnet = cluster.subnet("aci", f"vn-{namespace}", second)
        self.deployments: dict[str, dict[str, Any]] = {}
        self.files = cluster.example_files()
        # Further objects, and the namespace that manifests name themselves.
        self.others: list[dict[str, Any]] = []

    def deploy(self, name: str, **spec: object) -> None:
        """Says that a deployment is wanted; `spec` replaces whole members."""
        self.deployments[name] = cluster.deployment(name, "aci", **spec)

    def push(self, message: str) -> str:
        """Writes the folder and gives the revision."""
        objects = [self.subnet, *self.deployments.values(), *self.others]
        repository.write(f"{self.path}/objects.yaml", "\n---\n".join(json.dumps(one, indent=2) for one in objects))
        for name in FILES:
            repository.write(f"{self.path}/{name}", self.files[name])
        generator = {"name": "files", "files": list(FILES)}
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": ["objects.yaml"],
            "components": ["../../deploy/kustomize"],
            "configMapGenerator": [generator],
        }
        repository.write(f"{self.path}/kustomization.yaml", json.dumps(kustomization, indent=2))
        return repository.push(f"{self.namespace}: {message}")

    def get(self, name: str) -> dict[str, Any]:
        return cluster.get(cluster.DEPLOYMENT, name, self.namespace)

    def config_maps(self) -> list[str]:
        """The generated ConfigMaps that stand."""
        listed = cluster.kubectl("get", "configmaps", "-o", "name", namespace=self.namespace).split()
        return [one for one in listed if one.startswith("configmap/files-")]


def serves(name: str) -> bool:
    """Whether the workspace has the web service of a deployment."""
    return any(one["name"] == name for one in simulator.admin("GET", "dump")["services"])


def delete_service(name: str) -> None:
    """As somebody in the portal does."""
    simulator.resource(f"{simulator.WORKSPACE}/services/{name}", "DELETE")


def network_stands(name: str) -> bool:
    """Whether a virtual network is there in Azure."""
    try:
        simulator.resource(f"{simulator.NETWORK}/virtualNetworks/{name}")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise
    return True
