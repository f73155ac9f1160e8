"""The API server as the harness uses it: an administrator's requests, watches, and the audit log of one user."""

import contextlib
import json
import os
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

BED = Path(os.environ["STATE"]) / "kube"
URL = "https://127.0.0.1:6443"
_context = ssl.create_default_context(cafile=str(BED / "ca.crt"))
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def _open(method: str, path: str, body: object = None, timeout: float = 60) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, method=method)
    request.add_header("Authorization", f"Bearer {(BED / 'token').read_text()}")
    request.add_header("Content-Type", "application/json")
    try:
        return urllib.request.urlopen(request, context=_context, timeout=timeout)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error


def kubectl(*words: str, text: str = "") -> str:
    """Runs a command that has to succeed, and gives what it printed."""
    ended = subprocess.run(["kubectl", *words], input=text, capture_output=True, text=True, timeout=600, check=False)
    if ended.returncode:
        raise RuntimeError(f"kubectl {' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def documents(text: str) -> list[dict[str, Any]]:
    """YAML as the objects that kubectl reads in it."""
    said = kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", text=text)
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(said.rstrip()):
        document, place = decoder.raw_decode(said, place)
        found += document["items"] if document["kind"] == "List" else [document]
        place += len(said[place:]) - len(said[place:].lstrip())
    return found


@cache
def _resources(version: str) -> dict[str, str]:
    """Plurals by kind."""
    with _open("GET", f"/apis/{version}" if "/" in version else f"/api/{version}") as answer:
        return {one["kind"]: one["name"] for one in json.load(answer)["resources"] if "/" not in one["name"]}


def _path(version: str, kind: str, namespace: str = "") -> str:
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{within}/{_resources(version)[kind]}"


def create(document: dict[str, Any]) -> None:
    """Creates an object, as `kubectl create` does."""
    metadata = document["metadata"]
    namespace = metadata.setdefault("namespace", "default")
    _open("POST", _path(document["apiVersion"], document["kind"], namespace), document).close()


def watch(version: str, kind: str, tell: Callable[[dict[str, Any]], None]) -> None:
    """Tells of every object of a kind as it stands and as it changes, from another thread, until the program ends."""
    path = _path(version, kind)

    def run() -> None:
        while True:
            # a watch ends by itself after a while, and anyhow while the API server is busy
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                for document in _changes(path):
                    # items of a list don't say what they are
                    tell(document | {"kind": kind})
            time.sleep(0.5)

    threading.Thread(target=run, daemon=True).start()


def _changes(path: str) -> Iterator[dict[str, Any]]:
    """What stands, then what changes, until the API server ends the watch."""
    with _open("GET", path) as answer:
        standing = json.load(answer)
    yield from standing["items"]
    version = standing["metadata"]["resourceVersion"]
    with _open("GET", f"{path}?watch=1&resourceVersion={version}", timeout=7200) as answer:
        for line in answer:
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            yield event["object"]


class AuditLog:
    """The finished requests of the operator, read on as they come."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._place = 0
        self._counts: Counter[str] = Counter()

    def counts(self) -> "Counter[str]":
        """How many so far, by sort."""
        with self._file.open() as log:
            log.seek(self._place)
            while (line := log.readline()).endswith("\n"):
                self._counts[_sort(json.loads(line))] += 1
                self._place = log.tell()
        return self._counts.copy()


def _sort(entry: dict[str, Any]) -> str:
    """`reads`, or what a write is about. Nothing is stored of a token or a review, and a lease is renewed by the clock."""
    about = entry.get("objectRef", {})
    resource = about.get("resource", "")
    if entry["verb"] not in WRITES or about.get("subresource") == "token" or resource.endswith("reviews"):
        return "reads"
    if resource == "leases":
        return "leases"
    if entry.get("responseStatus", {}).get("code", 0) >= 300:
        return "refused"
    return "events" if resource == "events" else "writes"
