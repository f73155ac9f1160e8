"""What a folder says about an operator: operator.json, and templates with {{placeholders}}. docs/comparing.md describes both."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MEMBERS = {"name", "command", "environment", "account", "setup", "subject", "ready", "drift"}
REQUIRED = {"name", "command", "account"}


@dataclass
class Folder:
    """An operator as its folder describes it; `values` stand for the placeholders."""

    path: Path
    members: dict[str, Any]
    values: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Folder":
        """Ends the program, with a sentence, when the folder is not as it has to be."""
        file = path / "operator.json"
        try:
            members = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            sys.exit(f"{file}: {error}")
        if unknown := members.keys() - MEMBERS:
            sys.exit(f"{file} has {sorted(unknown)}; known are {sorted(MEMBERS)}")
        if missing := REQUIRED - members.keys():
            sys.exit(f"{file} lacks {sorted(missing)}")
        return cls(path.resolve(), members, {"folder": str(path.resolve())})

    @property
    def name(self) -> str:
        return self.members["name"]

    @property
    def user(self) -> str:
        """Whose requests the API server counts as the operator's."""
        namespace, _, account = self.members["account"].partition("/")
        return f"system:serviceaccount:{namespace}:{account}"

    @property
    def command(self) -> list[str]:
        return [self.fill(word) for word in self.members["command"]]

    @property
    def environment(self) -> dict[str, str]:
        return {name: self.fill(value) for name, value in self.members.get("environment", {}).items()}

    @property
    def setup(self) -> list[Path]:
        """What an administrator applies first: files, or folders with a kustomization, relative to this folder."""
        return [self.path / self.fill(entry) for entry in self.members.get("setup", [])]

    @property
    def drift(self) -> dict[str, Any]:
        """What is changed in Azure behind the operator's back: `id`, `patch`. Empty when the folder names nothing."""
        return self.members.get("drift", {})

    def is_awaited(self, document: dict[str, Any]) -> bool:
        """Whether an app is Ready only when this object is: by `ready.kinds`, otherwise every custom resource."""
        kinds = self.members.get("ready", {}).get("kinds")
        return document["kind"] in kinds if kinds else "." in document["apiVersion"].partition("/")[0]

    def is_ready(self, document: dict[str, Any]) -> bool:
        """Whether the object says so, of its present spec where it says of which."""
        wanted = self.members.get("ready", {}).get("condition", "Ready")
        conditions = document.get("status", {}).get("conditions", [])
        found = next((one for one in conditions if one.get("type") == wanted and one.get("status") == "True"), None)
        generation = document["metadata"].get("generation")
        return found is not None and found.get("observedGeneration", generation) == generation

    def fill(self, text: str, **more: object) -> str:
        """The text with all placeholders filled in."""
        values = {**self.values, **more}

        def value(match: "re.Match[str]") -> str:
            if match[1] not in values:
                sys.exit(f"{self.path}: {match[0]} is unknown; known are {sorted(values)}")
            return str(values[match[1]])

        return PLACEHOLDER.sub(value, text)

    def fill_known(self, text: str) -> str:
        """The same, but what is no placeholder of ours stays: the text may be a definition with braces in its descriptions."""
        return PLACEHOLDER.sub(lambda match: self.values.get(match[1], match[0]), text)

    def of_app(self, text: str, number: int) -> str:
        """The text for the app of this number; networks of 64 apps have addresses outside the cluster's 10.96.0.0/12."""
        return self.fill(text, n=number, octet=number % 64)
