"""What the simulated Azure was asked, out of its own log and its own record of bodies."""

import json
import re
from collections import Counter
from datetime import datetime, timezone
from typing import Any

import simulator

# Reading keys, tokens and metadata is no call that a limit counts.
SIGN_IN = re.compile(r"/oauth2/|/\.well-known/|/discovery/")


def sort(entry: dict[str, Any]) -> str:
    """`sign-in`, or verb and answer: `PUT 2xx`, `GET 4xx`; 409 and 429 by themselves."""
    if SIGN_IN.search(entry["path"]):
        return "sign-in"
    status = entry["status"]
    answer = str(status) if status in (409, 429) else f"{status // 100}xx" if status else "closed"
    return f"{entry['verb']} {answer}"


def moment(text: str) -> float:
    """Seconds since 1970 of `2026-11-30T10:00:00.123456789Z`, with as many digits as there are."""
    whole = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return whole.timestamp() + float(f"0{text[19:].rstrip('Z')}")


class AzureLog:
    """Requests so far; reads on with each question."""

    def __init__(self) -> None:
        simulator.admin("POST", "recording")
        self._seq = 0
        self._calls: Counter[str] = Counter()
        self._recorded = 0
        self._accepted: dict[str, str] = {}
        self._redundant = 0
        self._last = 0.0

    def last_call(self) -> float:
        """When the last one came, in seconds since 1970; 0 when none did."""
        for entry in simulator.requests_since(self._seq):
            self._seq = entry["seq"]
            self._calls[sort(entry)] += 1
            self._last = moment(entry["time"])
        return self._last

    def counts(self) -> "Counter[str]":
        """How many by sort, and `redundant`: writes that Azure had accepted last with the same body at the same path."""
        self.last_call()
        recorded = simulator.admin("GET", "recording")
        for sent in recorded[self._recorded :]:
            self._redundant += self._is_redundant(sent)
        self._recorded = len(recorded)
        return self._calls + Counter(redundant=self._redundant)

    def forget(self, resource_id: str) -> None:
        """Somebody else has changed the resource: writing it again is no waste."""
        self.counts()
        self._accepted.pop(resource_id.lower(), None)

    def _is_redundant(self, sent: dict[str, Any]) -> bool:
        path, status = sent["path"].lower(), sent.get("status") or 0
        if sent["verb"] == "DELETE":
            self._accepted.pop(path, None)
            return status in (204, 404)
        if sent["verb"] not in ("PUT", "PATCH") or not 200 <= status < 300:
            return False
        body = json.dumps([sent["verb"], sent.get("json"), sent.get("base64")], sort_keys=True)
        before = self._accepted.get(path)
        self._accepted[path] = body
        return body == before
