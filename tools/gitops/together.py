"""Operator and objects in one Application: deleting it ends, and leaves nothing in Azure (docs/uninstall.md)."""

import time

import cluster
import repository
import simulator
import tool
from argocd import ArgoCD
from checks import Area, Checks
from models import Models, network_stands, serves

AREA = Area("Operator and a model in one Application")
NAMESPACE, NAME, UNIT = "argocd-together", "together", "together"
KUSTOMIZATION = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../operator, ../models/argocd-together]
"""


@AREA.step
def the_cascade_ends(checks: Checks) -> None:
    argocd = ArgoCD()
    cluster.team(NAMESPACE, simulator.GROUP)
    models = Models(NAMESPACE, 57)
    models.deploy(NAME)
    repository.write("together/kustomization.yaml", KUSTOMIZATION)
    revision = models.push("operator and a model")
    # Without a finalizer it leaves what it applied, for the other one to take over.
    argocd.remove("acivnet")
    argocd.watch(UNIT, "together", NAMESPACE)
    state = tool.green(argocd, UNIT, revision)
    checks.equal("it is synced and healthy", (state.synced, state.health), (True, "Healthy"))
    argocd.remove(UNIT)
    objects = lambda: cluster.kubectl("get", "acivnetdeployments,delegatedsubnets", "-o", "name", namespace=NAMESPACE)
    rights = lambda: cluster.get("clusterrolebinding", "acivnet", "default")
    deadline, early = time.monotonic() + tool.PATIENCE, False
    while not argocd.is_gone(UNIT) and time.monotonic() < deadline:
        early = early or (not rights() and objects() != "")
        time.sleep(0.3)
    checks.that("the Application is gone", argocd.is_gone(UNIT), argocd.state(UNIT).text)
    checks.that("the operator had its rights as long as there were objects", not early)
    checks.equal("no object is left", objects(), "")
    checks.equal("nothing is left in Azure", (serves(NAME), network_stands(f"vn-{NAMESPACE}")), (False, False))
    checks.equal("the operator's rights are gone", rights(), {})
