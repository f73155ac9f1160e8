"""Flux, as its users use it: a GitRepository and Kustomizations."""

import time

import cluster
import repository
import tool
from tool import State

NAMESPACE = "flux-system"


class Flux:
    """See `tool.Tool`. Units are Kustomizations, made of the examples in deploy/flux."""

    name = "flux"

    def watch(self, unit: str, path: str, namespace: str, account: str = "") -> None:
        source = tool.example("flux/source.yaml", "acivnet")
        source["spec"]["url"] = repository.URL
        cluster.apply(source, NAMESPACE)
        template = tool.template(unit)
        kustomization = tool.example(f"flux/{'models' if template == 'models' else 'operator'}.yaml", template)
        kustomization["metadata"]["name"] = unit
        kustomization["spec"] |= {"path": f"./{path}", "retryInterval": "5s", "timeout": "3m"}
        if template == "models":
            kustomization["spec"]["targetNamespace"] = namespace
            # All that is applied, not two objects by name: the scenarios' objects have other names.
            del kustomization["spec"]["healthChecks"]
            kustomization["spec"]["wait"] = True
        if account:
            for one in (source, kustomization):
                one["metadata"]["namespace"] = namespace
            cluster.apply(source, namespace)
            kustomization["spec"]["serviceAccountName"] = account
            del kustomization["spec"]["dependsOn"]
        cluster.apply(kustomization, kustomization["metadata"]["namespace"])

    def refresh(self, unit: str, namespace: str = NAMESPACE) -> None:
        for kind, name in (("gitrepository", "acivnet"), ("kustomization.kustomize.toolkit.fluxcd.io", unit)):
            words = ("annotate", "--overwrite", kind, name, f"reconcile.fluxcd.io/requestedAt={time.time_ns()}")
            cluster.kubectl(*words, namespace=namespace)

    def kustomization(self, unit: str, namespace: str = NAMESPACE) -> dict:
        return cluster.get("kustomization.kustomize.toolkit.fluxcd.io", unit, namespace)

    def state(self, unit: str, namespace: str = NAMESPACE) -> State:
        kustomization = self.kustomization(unit, namespace)
        status = kustomization.get("status", {})
        asked = kustomization.get("metadata", {}).get("annotations", {}).get("reconcile.fluxcd.io/requestedAt")
        ready = cluster.condition(kustomization, "Ready")
        # A revision whose objects did not get healthy was applied and counts as attempted only.
        unhealthy = ready.get("reason") in ("HealthCheckFailed", "Progressing")
        revision = status.get("lastAttemptedRevision" if unhealthy else "lastAppliedRevision", "")
        over = ready.get("status") == "True" or ready.get("reason") == "HealthCheckFailed"
        return State(
            revision=revision.rpartition(":")[2],
            synced=over and asked in (None, status.get("lastHandledReconcileAt")),
            health={"True": "Healthy", "False": "Degraded"}.get(ready.get("status", ""), "Progressing"),
            text=ready.get("message", ""),
        )

    def remove(self, unit: str) -> None:
        cluster.kubectl("delete", "kustomization.kustomize.toolkit.fluxcd.io", unit, "--wait=false", namespace=NAMESPACE)

    def is_gone(self, unit: str) -> bool:
        return not self.kustomization(unit)

    def approve(self, _unit: str, namespace: str, name: str) -> None:
        """As docs/runbook.md says: Flux has no actions."""
        hash_ = cluster.get(cluster.DEPLOYMENT, name, namespace)["status"]["plan"]["hash"]
        words = ("annotate", "--overwrite", "--field-manager=acivnet-approval", "acivd", name, f"acivnet.dev/approve-plan={hash_}")
        cluster.kubectl(*words, namespace=namespace)
