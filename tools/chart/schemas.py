"""Writes a JSON schema for each kind of an API server, from its own OpenAPI document, as kubeconform reads them. No field is
taken that the API server would drop.

usage: kubectl get --raw /openapi/v2 | schemas.py FOLDER
"""

import json
import sys
from pathlib import Path

PREFIX = "#/definitions/"
# Both are texts in the document, and may be numbers (kubernetes, docs "OpenAPI v2": int-or-string, Quantity).
OR_NUMBER = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity"}


def strict(schema):
    """Refuses fields that are not known, where all are. Formats are Go's and say nothing here."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items() if key not in ("format", "properties", "default")}
    if "properties" in schema:
        # names of fields are no words of a schema, whatever they are
        out["properties"] = {name: strict(field) for name, field in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            out.setdefault("additionalProperties", False)
    return out


def names(schema, found):
    """All definitions that a schema refers to, on whatever way."""
    if isinstance(schema, dict):
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref.startswith(PREFIX):
            yield ref.removeprefix(PREFIX)
        for value in schema.values():
            yield from names(value, found)
    elif isinstance(schema, list):
        for one in schema:
            yield from names(one, found)


def closure(name, definitions):
    found, waiting = {}, [name]
    while waiting:
        next_name = waiting.pop()
        if next_name in found:
            continue
        found[next_name] = definitions[next_name]
        waiting += names(definitions[next_name], found)
    return found


def main(folder):
    document = json.load(sys.stdin)
    definitions = {name: strict(schema) for name, schema in document["definitions"].items()}
    for name in OR_NUMBER:
        definitions[name] = {"type": ["string", "number"]}
    count = 0
    for name, schema in document["definitions"].items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            group = kind["group"].split(".")[0]
            file = "-".join(word.lower() for word in (kind["kind"], group, kind["version"]) if word)
            own = {"$ref": f"{PREFIX}{name}", "definitions": closure(name, definitions)}
            Path(folder, f"{file}.json").write_text(json.dumps(own), encoding="utf-8")
            count += 1
    print(f"{count} kinds")


main(*sys.argv[1:])
