"""The four scenarios, each by the same rules for every operator; docs/comparing.md says them."""

import argparse
import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import api_server
import simulator
from azure_log import AzureLog
from folder import Folder
from prepare import apps_of, prepare
from process import Process, bed_cpu

STATE = Path(os.environ["STATE"])
# Who applies at the same time, as performance tests of controllers do.
WRITERS = 8
# How many resources are changed behind the operator's back.
EDITED = 10
# What Azure writes into a resource by itself, which is no part of what is wanted.
OF_AZURE = {"etag", "resourceGuid", "provisioningState"}


class Run:
    """One operator on one bed, from nothing."""

    def __init__(self, folder: Folder, wanted: argparse.Namespace) -> None:
        self.folder, self.wanted = folder, wanted
        self._scratch = STATE / "operator"
        self._scratch.mkdir()
        simulator.admin("PATCH", "settings", wanted.settings)
        prepare(folder, self._scratch)
        self._azure = AzureLog()
        self._audit = api_server.AuditLog(STATE / "audit.log")
        self._process = self._start()

    def create(self) -> dict[str, Any]:
        """All apps at once, and then time to tell what was held back."""
        apps = apps_of(self.folder, self.wanted.app, self.wanted.objects)
        readiness = Readiness(self.folder, apps)
        self._wait(self.wanted.start)
        phase = Phase(self)
        began = time.monotonic()
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda app: [api_server.create(document) for document in app], apps))
        applied = time.monotonic() - began
        self._until("every app is Ready", lambda: readiness.all_ready.wait(0.05), readiness.tell)
        ready = sorted(moment - began for moment in readiness.moments.values())
        quantiles = {name: ready[math.ceil(part * len(ready)) - 1] for name, part in QUANTILES.items()}
        counted = phase.end()
        settling = Phase(self)
        self._wait(self.wanted.settle)
        times = {"applied": applied, "ready": {"first": ready[0], **quantiles}, "readySeconds": ready}
        return counted | times | {"settling": settling.end()}

    def steady(self) -> dict[str, Any]:
        """Nothing changes."""
        memory, phase = self._process.memory(), Phase(self)
        self._wait(self.wanted.rest)
        return phase.end() | {"memory": memory}

    def restart(self) -> dict[str, Any]:
        """The process ends as in a rollout, and the next one begins."""
        self._process.end()
        phase, began = Phase(self), time.time()
        self._process = self._start()
        quiet = self._until("no more calls", lambda: self._is_quiet_since(began), must=False)
        called = self._azure.last_call() - began
        return phase.end() | {"quiet": quiet, "lastCall": called if called > 0 else None, "memory": self._process.memory()}

    def drift(self) -> dict[str, Any]:
        """Somebody changes resources in Azure."""
        drift = self.folder.drift
        if not drift:
            return {}
        patch, ids = drift["patch"], [self.folder.of_app(drift["id"], number) for number in range(min(EDITED, self.wanted.objects))]
        before = {one: self._parts(one, patch) for one in ids}
        if within(patch, patch) in before.values():
            raise RuntimeError("the `patch` of `drift` in operator.json changes nothing")
        phase, began = Phase(self), time.monotonic()
        for one in ids:
            self._azure.forget(one)
            simulator.resource(one, "PATCH", patch)
        repaired: dict[str, float] = {}

        def look() -> bool:
            for one in ids:
                if one not in repaired and self._parts(one, patch) == before[one]:
                    repaired[one] = time.monotonic() - began
            return len(repaired) == len(ids)

        self._until("every change is repaired", look, must=False)
        return phase.end() | {"edited": len(ids), "repairedSeconds": sorted(repaired.values())}

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def counts(self) -> dict[str, Any]:
        """What was counted so far, of the operator and of the bed."""
        return {"calls": self._azure.counts(), "kubernetes": self._audit.counts(), "cpu": self._process.cpu(), "bed": bed_cpu()}

    @staticmethod
    def _parts(resource_id: str, patch: Any) -> Any:
        """What a resource has where a patch changes it."""
        try:
            return within(simulator.resource(resource_id), patch)
        except OSError as error:
            raise RuntimeError(f"{resource_id}: {error}") from error

    def _start(self) -> Process:
        return Process(self.folder, STATE / "logs" / "operator.log", self._scratch)

    def _is_quiet_since(self, began: float) -> bool:
        return time.time() - max(began, self._azure.last_call()) >= self.wanted.quiet

    def _wait(self, for_seconds: float) -> None:
        end = time.monotonic() + for_seconds
        while (left := end - time.monotonic()) > 0:
            self._process.check()
            time.sleep(min(left, 1))

    def _until(self, what: str, holds: Callable[[], object], tell: Callable[[], str] = str, must: bool = True) -> bool:
        """Whether it came to be so in time; `must` ends the run when it did not."""
        deadline = time.monotonic() + self.wanted.patience
        while not holds():
            self._process.check()
            if time.monotonic() > deadline:
                if must:
                    raise TimeoutError(f"not within {self.wanted.patience:.0f} s: {what}; {tell()}\n{self._process.last_words()}")
                return False
            time.sleep(0.2)
        return True


QUANTILES = {"25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "all": 1.0}


class Readiness:
    """When each app was first Ready as a whole, by watches of its objects."""

    def __init__(self, folder: Folder, apps: list[list[dict[str, Any]]]) -> None:
        self._folder = folder
        self._app_of: dict[tuple[str, str, str], int] = {}
        self._waiting: list[set[tuple[str, str, str]]] = [set() for _ in apps]
        self._lock = threading.Lock()
        self.moments: dict[int, float] = {}
        self.all_ready = threading.Event()
        awaited = [(number, one) for number, app in enumerate(apps) for one in app if folder.is_awaited(one)]
        for number, document in awaited:
            self._app_of[key(document)] = number
            self._waiting[number].add(key(document))
        if not all(self._waiting):
            raise RuntimeError("no object of an app is one that is to become Ready; see `ready` in operator.json")
        for version, kind in {(one["apiVersion"], one["kind"]) for _, one in awaited}:
            api_server.watch(version, kind, self._seen)

    def tell(self) -> str:
        return f"{len(self.moments)} of {len(self._waiting)} apps were"

    def _seen(self, document: dict[str, Any]) -> None:
        with self._lock:
            number = self._app_of.get(key(document))
            if number is None:
                return
            waiting = self._waiting[number]
            (waiting.discard if self._folder.is_ready(document) else waiting.add)(key(document))
            if not waiting:
                self.moments.setdefault(number, time.monotonic())
            if not any(self._waiting):
                self.all_ready.set()


def key(document: dict[str, Any]) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace", "default"), metadata["name"]


def within(body: Any, patch: Any) -> Any:
    """What a resource has at the places that a patch names, without what Azure writes there by itself."""
    if isinstance(patch, dict):
        return {name: within(body.get(name) if isinstance(body, dict) else None, part) for name, part in patch.items()}
    return without_azures(body)


def without_azures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_azures(part) for name, part in value.items() if name not in OF_AZURE}
    return [without_azures(part) for part in value] if isinstance(value, list) else value


class Phase:
    """What is counted between two moments."""

    def __init__(self, run: Run) -> None:
        self._run, self._before, self._began = run, run.counts(), time.monotonic()

    def end(self) -> dict[str, Any]:
        lasted, after = time.monotonic() - self._began, self._run.counts()
        calls = after["calls"] - self._before["calls"]
        redundant = calls.pop("redundant", 0)
        writes = sum(count for sort, count in calls.items() if sort.startswith(("PUT", "PATCH", "DELETE")))
        bed = {name: (spent - self._before["bed"].get(name, 0)) / lasted for name, spent in after["bed"].items()}
        kubernetes = dict(after["kubernetes"] - self._before["kubernetes"])
        return {
            "seconds": lasted, "calls": dict(sorted(calls.items())), "writes": writes, "redundant": redundant,
            "kubernetes": kubernetes, "cpu": after["cpu"] - self._before["cpu"], "bed": bed,
        }
