"""Two teams on one cluster: neither gets into the other's namespace by what it writes into Git."""

import cluster
import repository
import simulator
import tool
from argocd import NAMESPACE, ArgoCD
from checks import Area, Checks
from flux import Flux
from models import Models
from tool import Tool


def area(chosen: Tool) -> Area:
    found = Area(f"Two teams with {chosen.name}")
    found.step(argocd_refuses if isinstance(chosen, ArgoCD) else flux_refuses)
    return found


def teams(name: str, second: int) -> tuple[Models, Models]:
    """Two teams' folders; each team has a namespace and an identity of its own."""
    ours, theirs = Models(f"{name}-ours", second), Models(f"{name}-theirs", second + 2)
    for one in (ours, theirs):
        cluster.team(one.namespace, simulator.GROUP)
    return ours, theirs


def intruder(namespace: str) -> dict:
    """An object for a namespace that is not the team's."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "intruder", "namespace": namespace}, "data": {}}


def cluster_role() -> dict:
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return body | {"metadata": {"name": "intruder"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}


def argocd_refuses(checks: Checks) -> None:
    argocd = ArgoCD()
    ours, theirs = teams("argocd", 53)
    for one in (ours, theirs):
        project = tool.example("argocd/project.yaml", "team-ml")
        project["metadata"]["name"] = one.namespace
        project["spec"]["sourceRepos"] = [repository.URL]
        project["spec"]["destinations"][0]["namespace"] = one.namespace
        project["spec"]["roles"] = []
        cluster.apply(project, NAMESPACE)
        revision = one.push("a subnet")
        argocd.watch(one.namespace, one.path, one.namespace, project=one.namespace)
        state = tool.green(argocd, one.namespace, revision)
        checks.equal(f"{one.namespace} is healthy", (state.synced, state.health), (True, "Healthy"))
    for what, other in (("another namespace", intruder(theirs.namespace)), ("the cluster", cluster_role())):
        ours.others = [other]
        ours.push(f"something for {what}")
        argocd.refresh(ours.namespace)
        state = tool.until(argocd, ours.namespace, lambda one: "not permitted" in one.text)
        checks.contains(f"something for {what} is refused", state.text, "not permitted")
    nothing_came_of_it(checks, theirs)
    checks.equal("the other team notices nothing", argocd.state(theirs.namespace).health, "Healthy")


def flux_refuses(checks: Checks) -> None:
    flux = Flux()
    ours, theirs = teams("flux", 54)
    for one in (ours, theirs):
        account(one.namespace)
        revision = one.push("a subnet")
        flux.watch("team", one.path, one.namespace, account="team")
        applied = lambda state: state.revision == revision and state.health == "Healthy"
        state = until(flux, one.namespace, applied)
        checks.equal(f"{one.namespace} is healthy", state.health, "Healthy")
    # Without targetNamespace an object's own namespace counts; with it, that is overwritten.
    patch = '[{"op": "remove", "path": "/spec/targetNamespace"}]'
    cluster.kubectl("patch", "kustomization.kustomize.toolkit.fluxcd.io", "team", "--type=json", "-p", patch, namespace=ours.namespace)
    for what, other in (("another namespace", intruder(theirs.namespace)), ("the cluster", cluster_role())):
        ours.others = [other]
        ours.subnet["metadata"]["namespace"] = ours.namespace
        ours.push(f"something for {what}")
        state = until(flux, ours.namespace, lambda one: "forbidden" in one.text)
        checks.contains(f"something for {what} is refused", state.text, "forbidden", "system:serviceaccount:flux-ours:team")
    nothing_came_of_it(checks, theirs)
    checks.equal("the other team notices nothing", flux.state("team", theirs.namespace).health, "Healthy")


def until(flux: Flux, namespace: str, holds) -> tool.State:
    flux.refresh("team", namespace)

    class Here:
        """The unit of a team lies in the team's namespace."""

        @staticmethod
        def state(unit: str) -> tool.State:
            return flux.state(unit, namespace)

    return tool.until(Here(), "team", holds)


def account(namespace: str) -> None:
    """An account with the rights that a person has who may edit in the namespace; acivnet-edit is part of those."""
    cluster.kubectl("create", "serviceaccount", "team", namespace=namespace)
    words = ("rolebinding", "team", "--clusterrole=edit", f"--serviceaccount={namespace}:team")
    cluster.kubectl("create", *words, namespace=namespace)


def nothing_came_of_it(checks: Checks, theirs: Models) -> None:
    checks.equal("no object came to the other team", cluster.get("configmap", "intruder", theirs.namespace), {})
    checks.equal("none to the cluster", cluster.get("clusterrole", "intruder", "default"), {})
