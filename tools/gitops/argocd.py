"""Argo CD, as its users use it: Applications, and its command for actions."""

import json
import os
import subprocess

import cluster
import repository
import tool
from tool import State

NAMESPACE = "argocd"
CLI = [os.environ["ARGOCD"], "--server", "127.0.0.1:8090", "--plaintext", "--auth-token", "none"]


class ArgoCD:
    """See `tool.Tool`. Units are Applications, made of the example in deploy/argocd."""

    name = "argocd"

    def watch(self, unit: str, path: str, namespace: str, project: str = "default") -> None:
        application = tool.example("argocd/application.yaml", tool.template(unit))
        application["metadata"]["name"] = unit
        application["spec"]["project"] = project
        application["spec"]["source"] |= {"repoURL": repository.URL, "path": path}
        application["spec"]["destination"]["namespace"] = namespace
        cluster.apply(application, NAMESPACE)

    def application(self, unit: str) -> dict:
        return cluster.get("application.argoproj.io", unit, NAMESPACE)

    def refresh(self, unit: str) -> None:
        words = ("annotate", "--overwrite", "application.argoproj.io", unit, "argocd.argoproj.io/refresh=normal")
        cluster.kubectl(*words, namespace=NAMESPACE)

    def state(self, unit: str) -> State:
        application = self.application(unit)
        status = application.get("status", {})
        looked = "argocd.argoproj.io/refresh" not in application.get("metadata", {}).get("annotations", {})
        operation = status.get("operationState", {})
        done = operation.get("phase") == "Succeeded" and "operation" not in application
        lines = [f"{one['kind']}/{one['name']} {one['health'].get('status')}: {one['health'].get('message', '')}" for one in status.get("resources", []) if one.get("health")]
        lines += [one["message"] for one in status.get("conditions", [])] + [operation.get("message", "")]
        return State(
            revision=operation.get("syncResult", {}).get("revision", ""),
            synced=looked and done and status.get("sync", {}).get("status") == "Synced",
            health=status.get("health", {}).get("status", ""),
            text="\n".join(lines),
        )

    def remove(self, unit: str) -> None:
        cluster.kubectl("delete", "application.argoproj.io", unit, "--wait=false", namespace=NAMESPACE)

    def cascade(self, unit: str) -> None:
        """Has the deletion of a unit delete what it applied."""
        patch = '{"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}}'
        cluster.kubectl("patch", "application.argoproj.io", unit, "--type=merge", "-p", patch, namespace=NAMESPACE)

    def is_gone(self, unit: str) -> bool:
        return not self.application(unit)

    def action(self, unit: str, namespace: str, name: str, action: str, kind: str = "AciVnetDeployment") -> str:
        """Runs an action of deploy/argocd by Argo CD's API server; gives what it said when it was refused."""
        where = ["--group", "acivnet.dev", "--kind", kind, "--namespace", namespace, "--resource-name", name]
        command = [*CLI, "app", "actions", "run", unit, action, *where]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return ended.stderr if ended.returncode else ""

    def approve(self, unit: str, namespace: str, name: str) -> None:
        said = self.action(unit, namespace, name, "approve")
        if said:
            raise RuntimeError(f"argocd app actions run {unit} approve: {said}")

    def out_of_sync(self) -> list[str]:
        """Applications that are not Synced, with the resources that differ."""
        listed = json.loads(cluster.kubectl("get", "applications.argoproj.io", "-o", "json", namespace=NAMESPACE))
        found = []
        for one in listed["items"]:
            if one.get("status", {}).get("sync", {}).get("status") != "Synced":
                differ = [f"{r['kind']}/{r['name']}" for r in one.get("status", {}).get("resources", []) if r.get("status") != "Synced"]
                found.append(f"{one['metadata']['name']}: {differ}")
        return found
