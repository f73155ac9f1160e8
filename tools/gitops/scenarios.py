"""What happens to a team's models under a GitOps tool. The same for both tools."""

import os
import time
from pathlib import Path
from typing import Any

import cluster
import repository
import simulator
import tenants
import together
import tool
from argocd import ArgoCD
from checks import Area, Checks
from flux import Flux
from models import CRASHES, Models, delete_service, network_stands, serves
from tool import Tool

# How long both tools are looked at while nothing happens, in seconds.
REST = float(os.environ.get("ACIVNET_GITOPS_REST") or (10 if os.environ.get("ACIVNET_GITOPS_QUICK") else 600))


def areas(name: str, part: str = "") -> list[Area]:
    """What is played with a tool."""
    chosen: Tool = ArgoCD() if name == "argocd" else Flux()
    if part == "operator":
        return [installation(chosen)]
    areas = [Story(chosen).area(), tenants.area(chosen)]
    return areas if name == "flux" else [*areas, together.AREA]


def installation(chosen: Tool) -> Area:
    area = Area("The operator, from Git")

    @area.quick_step
    def the_operator_is_installed(checks: Checks) -> None:
        revision = repository.git("rev-parse", "HEAD")
        for unit, path in (("acivnet-crds", "deploy/crds"), ("acivnet", "operator")):
            chosen.watch(unit, path, "acivnet-system")
            state = tool.green(chosen, unit, revision)
            checks.equal(f"{unit} is healthy", (state.synced, state.health), (True, "Healthy"))
        account = cluster.get("serviceaccount", "acivnet-operator", "acivnet-system")
        checks.that("its account is there", account)

    return area


class Story:
    """One team from its first commit to its last."""

    def __init__(self, chosen: Tool) -> None:
        self.tool = chosen
        # Names of web services are those of the workspace, which both tools' teams share.
        self.name = f"churn-{chosen.name}"
        self.unit = f"models-{chosen.name}"
        self.models = Models(f"{chosen.name}-ml", 51 if chosen.name == "argocd" else 52)

    def area(self) -> Area:
        area = Area(f"A team's models with {self.tool.name}")
        for quick in (self.first_sync_to_green, self.broken_script_turns_red_with_the_reason, self.approval_in_git):
            area.quick_step(quick)
        area.step(self.drift_in_azure_is_the_operators)
        area.step(self.a_new_model)
        area.step(self.approval_by_hand)
        area.step(self.an_edit_by_hand_is_reverted)
        if isinstance(self.tool, ArgoCD):
            area.step(self.suspended_and_resumed)
        area.quick_step(self.nothing_happens_at_rest)
        area.step(self.renamed)
        area.step(self.pruned)
        area.quick_step(self.all_is_deleted)
        area.quick_step(self.the_definitions_stay)
        return area

    def push_to_green(self, checks: Checks, message: str) -> tool.State:
        revision = self.models.push(message)
        state = tool.green(self.tool, self.unit, revision)
        checks.equal(f"{message}: it is synced and healthy", (state.synced, state.health), (True, "Healthy"))
        return state

    def first_sync_to_green(self, checks: Checks) -> None:
        cluster.team(self.models.namespace, simulator.GROUP)
        self.models.deploy(self.name)
        if isinstance(self.tool, Flux):
            self.models.subnet["spec"]["azure"]["location"] = "${location}"
        revision = self.models.push("a model")
        self.tool.watch(self.unit, self.models.path, self.models.namespace)
        state = tool.green(self.tool, self.unit, revision)
        checks.equal("it is synced and healthy", (state.synced, state.health), (True, "Healthy"))
        checks.contains("the model answers", cluster.told(self.models.get(self.name)), "True Serving")
        if isinstance(self.tool, ArgoCD):
            checks.contains("Argo CD tells of it in our words", state.text, f"AciVnetDeployment/{self.name} Healthy: Serving: ")
        else:
            subnet = cluster.get(cluster.SUBNET, "aci", self.models.namespace)
            checks.equal("Flux filled in what differs between stages", subnet["spec"]["azure"]["location"], simulator.LOCATION)

    def broken_script_turns_red_with_the_reason(self, checks: Checks) -> None:
        good, self.models.files["score.py"] = self.models.files["score.py"], CRASHES
        revision = self.models.push("a script that crashes")
        self.tool.refresh(self.unit)
        red = lambda state: state.revision == revision and state.health == "Degraded"
        state = tool.until(self.tool, self.unit, red)
        checks.equal("it is red", state.health, "Degraded")
        told = cluster.told(self.models.get(self.name))
        checks.contains("the object has the script's own error", told, "ScoringScriptCrashed", "KeyError: 'threshold'", "score.py")
        if isinstance(self.tool, ArgoCD):
            checks.contains("Argo CD shows it", state.text, "Degraded: ScoringScriptCrashed: ", "KeyError: 'threshold'")
        else:
            checks.contains("Flux names the object", state.text, f"AciVnetDeployment/{self.models.namespace}/{self.name} status: 'Failed'")
        self.models.files["score.py"] = good
        self.push_to_green(checks, "the script is put back")

    def a_new_model(self, checks: Checks) -> None:
        # What follows a pickle is not read: the model is the other one, and larger than what client-side apply takes.
        self.models.files["model.pkl"] = (Path(os.environ["STATE"]) / "model-2.pkl").read_bytes() + bytes(300_000)
        before = self.models.get(self.name)["status"]["modelLabel"]
        self.push_to_green(checks, "a new model")
        after = self.models.get(self.name)["status"]["modelLabel"]
        checks.that("another version of the model is registered", before != after, f"{before}, then {after}")
        checks.equal("the ConfigMap of the model before is gone", len(self.models.config_maps()), 1)

    def waits_for_approval(self, checks: Checks, message: str) -> str:
        """Pushes a change that needs another web service, sees it wait, and gives the hash of the plan."""
        revision = self.models.push(message)
        self.tool.refresh(self.unit)
        waiting = "Suspended" if isinstance(self.tool, ArgoCD) else "Degraded"
        state = tool.until(self.tool, self.unit, lambda one: one.revision == revision and one.health == waiting)
        checks.equal(f"{message}: it waits", state.health, waiting)
        stands_ = self.models.get(self.name)
        checks.contains(f"{message}: for approval", cluster.told(stands_, "Stalled"), "ApprovalRequired")
        return stands_.get("status", {}).get("plan", {}).get("hash", "")

    def approval_in_git(self, checks: Checks) -> None:
        self.models.deploy(self.name, resources={"cpu": "0.6", "memory": "1G"})
        hash_ = self.waits_for_approval(checks, "more processor")
        self.models.deployments[self.name]["metadata"]["annotations"] = {"acivnet.dev/approve-plan": hash_}
        self.push_to_green(checks, "approved in Git")
        checks.equal("it has what was approved", self.models.get(self.name)["status"]["resourcesResolved"]["cpu"], "0.6")

    def approval_by_hand(self, checks: Checks) -> None:
        self.models.deploy(self.name, resources={"cpu": "0.7", "memory": "1G"})
        self.waits_for_approval(checks, "more processor still")
        self.tool.approve(self.unit, self.models.namespace, self.name)
        done = lambda one: cluster.is_current(one) and "True Serving" in cluster.told(one) and not one["status"].get("plan")
        stands_ = cluster.until(cluster.DEPLOYMENT, self.name, self.models.namespace, done)
        checks.equal("it has what was approved", stands_["status"]["resourcesResolved"]["cpu"], "0.7")
        state = tool.green(self.tool, self.unit, repository.git("rev-parse", "HEAD"))
        checks.equal("and the tool sees no difference", (state.synced, state.health), (True, "Healthy"))

    def drift_in_azure_is_the_operators(self, checks: Checks) -> None:
        before = self.models.get(self.name)
        worked, sequence = self.last_work(), cluster.mark()
        delete_service(self.name)
        made = lambda: cluster.writes_since(sequence, "/services")
        stood = lambda: made() and serves(self.name) and "True Serving" in cluster.told(self.models.get(self.name))
        cluster.look(cluster.DEPLOYMENT, self.name, self.models.namespace)
        seen: list[str] = []
        deadline = time.monotonic() + tool.PATIENCE
        while not stood() and time.monotonic() < deadline:
            seen += self.differences()
            time.sleep(0.5)
        checks.that("the operator makes the web service again", stood(), cluster.told(self.models.get(self.name)))
        checks.equal("no tool calls that a difference", seen, [])
        after = self.models.get(self.name)
        checks.equal("the spec is the same", after["metadata"]["generation"], before["metadata"]["generation"])
        checks.equal("the tool had nothing to do", self.last_work(), worked)

    def differences(self) -> list[str]:
        """What the tool shows as not being as Git says."""
        if isinstance(self.tool, ArgoCD):
            return self.tool.out_of_sync()
        state = self.tool.kustomization(self.unit)
        applied, attempted = (state["status"].get(f"last{word}Revision") for word in ("Applied", "Attempted"))
        return [] if applied == attempted else [f"{applied} is applied, {attempted} attempted"]

    def last_work(self) -> Any:
        """The tool's last sync, which it begins only where Git and cluster differ; of Flux what it manages."""
        if isinstance(self.tool, ArgoCD):
            return self.tool.application(self.unit)["status"]["operationState"]["startedAt"]
        return self.tool.kustomization(self.unit)["status"]["inventory"]

    def an_edit_by_hand_is_reverted(self, checks: Checks) -> None:
        edit = '{"spec": {"drift": {"intervalSeconds": 77}}}'
        cluster.kubectl("patch", cluster.DEPLOYMENT, self.name, "--type=merge", "-p", edit, namespace=self.models.namespace)
        self.tool.refresh(self.unit)
        back = lambda one: one["spec"]["drift"]["intervalSeconds"] == 30
        stands_ = cluster.until(cluster.DEPLOYMENT, self.name, self.models.namespace, back)
        checks.equal("it is as in Git again", stands_["spec"]["drift"]["intervalSeconds"], 30)
        state = tool.green(self.tool, self.unit, repository.git("rev-parse", "HEAD"))
        checks.equal("and healthy", (state.synced, state.health), (True, "Healthy"))

    def suspended_and_resumed(self, checks: Checks) -> None:
        where = (self.unit, self.models.namespace, self.name)
        checks.equal("suspend is carried out", self.tool.action(*where, "suspend"), "")
        state = tool.until(self.tool, self.unit, lambda one: one.health == "Suspended")
        checks.contains("Argo CD shows it", state.text, "Suspended: Suspended: spec.suspend is true")
        checks.that("the field is not in Git, so that nothing takes it back", state.synced, state)
        checks.equal("resume is carried out", self.tool.action(*where, "resume"), "")
        state = tool.until(self.tool, self.unit, lambda one: one.health == "Healthy")
        checks.equal("it is healthy again", (state.synced, state.health), (True, "Healthy"))
        checks.equal("restart is carried out", self.tool.action(*where, "restart"), "")
        asked = self.models.get(self.name)["metadata"]["annotations"]["acivnet.dev/restart-requested-at"]
        done = lambda one: one["status"].get("lastHandledRestartAt") == asked and "True Serving" in cluster.told(one)
        stands_ = cluster.until(cluster.DEPLOYMENT, self.name, self.models.namespace, done)
        checks.that("it was restarted", done(stands_), cluster.told(stands_))
        subnet = (self.unit, self.models.namespace, "aci")
        checks.equal("a look at the subnet too", self.tool.action(*subnet, "reconcile", "DelegatedSubnet"), "")
        checks.contains("approve without a plan is refused", self.tool.action(*where, "approve"), "nothing waits for approval")

    def nothing_happens_at_rest(self, checks: Checks) -> None:
        kinds = "acivnetdeployments,delegatedsubnets,configmaps"
        listed = lambda: cluster.kubectl("get", kinds, "-o", "jsonpath={.items[*].metadata.resourceVersion}", namespace=self.models.namespace)
        # A probe soon after a web service was replaced may be reset, and its subnet counts the addresses that are in use: what
        # comes of that is over before rest begins.
        cluster.looks(cluster.DEPLOYMENT, self.name, self.models.namespace)
        cluster.looks(cluster.SUBNET, "aci", self.models.namespace)
        tool.green(self.tool, self.unit, repository.git("rev-parse", "HEAD"))
        before, sequence, seen = listed(), cluster.mark(), []
        deadline = time.monotonic() + REST
        looks = 0
        while time.monotonic() < deadline:
            self.tool.refresh(self.unit) if looks % 10 == 0 else None
            seen += self.differences()
            looks += 1
            time.sleep(1)
        checks.equal(f"no difference in {looks} looks", seen, [])
        checks.equal("no object was written", listed(), before)
        checks.equal("nothing was written to Azure", cluster.writes_since(sequence), [])

    def renamed(self, checks: Checks) -> None:
        before, self.name = self.name, f"{self.name}-2"
        del self.models.deployments[before]
        self.models.deploy(self.name)
        self.push_to_green(checks, "another name")
        gone = cluster.until(cluster.DEPLOYMENT, before, self.models.namespace, lambda one: not one)
        checks.equal("the object of the former name is gone", gone, {})
        checks.equal("and so is its web service; the new one stands", (serves(before), serves(self.name)), (False, True))

    def pruned(self, checks: Checks) -> None:
        kept, extra = self.name, f"{self.name}-extra"
        self.models.deploy(extra, probe=None)
        self.push_to_green(checks, "a second model")
        del self.models.deployments[extra]
        self.push_to_green(checks, "the second model goes")
        gone = cluster.until(cluster.DEPLOYMENT, extra, self.models.namespace, lambda one: not one)
        checks.equal("its object is gone", gone, {})
        checks.equal("its web service too; the other stands", (serves(extra), serves(kept)), (False, True))

    def all_is_deleted(self, checks: Checks) -> None:
        self.tool.remove(self.unit)
        deadline = time.monotonic() + tool.PATIENCE
        kinds = "acivnetdeployments,delegatedsubnets"
        left = lambda: cluster.kubectl("get", kinds, "-o", "name", namespace=self.models.namespace)
        while (left() or not self.tool.is_gone(self.unit)) and time.monotonic() < deadline:
            time.sleep(0.5)
        checks.equal("no object is left", left(), "")
        checks.that("the tool's own object is gone", self.tool.is_gone(self.unit))
        left_in_azure = (serves(self.name), network_stands(f"vn-{self.models.namespace}"))
        checks.equal("nothing is left in Azure", left_in_azure, (False, False))



    def the_definitions_stay(self, checks: Checks) -> None:
        """Whoever deletes what brought the definitions deletes no object of any team."""
        kinds = ("acivnetdeployments.acivnet.dev", "delegatedsubnets.acivnet.dev")
        uids = lambda: [cluster.get("crd", kind, "default").get("metadata", {}).get("uid") for kind in kinds]
        before = uids()
        if isinstance(self.tool, ArgoCD):
            self.tool.cascade("acivnet-crds")
        self.tool.remove("acivnet-crds")
        deadline = time.monotonic() + tool.PATIENCE
        while not self.tool.is_gone("acivnet-crds") and time.monotonic() < deadline:
            time.sleep(0.5)
        checks.that("what brought them is gone", self.tool.is_gone("acivnet-crds"))
        checks.equal("the definitions are what they were", uids(), before)
        going = [cluster.get("crd", kind, "default")["metadata"].get("deletionTimestamp") for kind in kinds]
        checks.equal("and are not on their way", going, [None, None])
