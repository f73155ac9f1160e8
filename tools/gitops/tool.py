"""What the scenarios ask of a GitOps tool, whichever it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cluster

# How long anything may take before a check gives up, in seconds. Never a measure of speed.
PATIENCE = 300


@dataclass
class State:
    """What a tool shows of one unit (Application, Kustomization)."""

    # The revision that it has applied last; empty before the first.
    revision: str
    # The cluster is as Git says.
    synced: bool
    # `Healthy`, `Progressing`, `Suspended`, `Degraded`; of Flux the first and the last, or `Progressing`.
    health: str
    # What it says about objects that are not healthy, and about its own last work.
    text: str


class Tool(Protocol):
    """Argo CD or Flux."""

    # Used in names of namespaces.
    name: str

    def watch(self, unit: str, path: str, namespace: str) -> None:
        """Makes a unit that keeps a folder of the repository applied."""

    def refresh(self, unit: str) -> None:
        """Has the tool look at Git now, as a webhook of the Git server would."""

    def state(self, unit: str) -> State: ...

    def remove(self, unit: str) -> None:
        """Deletes a unit and all that it applied; does not wait."""

    def is_gone(self, unit: str) -> bool: ...

    def approve(self, unit: str, namespace: str, name: str) -> None:
        """Approves what `status.plan` of a deployment shows."""


def until(tool: Tool, unit: str, holds: Callable[[State], object], seconds: float = PATIENCE) -> State:
    """Waits until a unit is so; gives it, or as it is when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        state = tool.state(unit)
        if holds(state) or time.monotonic() > deadline:
            return state
        time.sleep(0.5)


def sync(tool: Tool, unit: str, revision: str) -> State:
    """Has the tool look at Git, and waits until it has applied the revision."""
    tool.refresh(unit)
    return until(tool, unit, lambda state: state.revision == revision and state.synced)


def green(tool: Tool, unit: str, revision: str) -> State:
    """Waits until a unit has applied the revision and shows it healthy."""
    tool.refresh(unit)
    return until(tool, unit, lambda state: state.revision == revision and state.synced and state.health == "Healthy")


def example(path: str, name: str) -> dict:
    """The object of a name in a file of deploy/."""
    import yaml

    objects = yaml.safe_load_all((cluster.ROOT / "deploy" / path).read_text())
    return next(one for one in objects if one["metadata"]["name"] == name)


def template(unit: str) -> str:
    """Which of the examples a unit is made of: that of its own name, or the one of a team's models."""
    return unit if unit.startswith("acivnet") else "models"
