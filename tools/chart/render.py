"""What a render holds, object by object. Shared by the checks of this folder."""

import sys

import yaml


def objects(path):
    """The objects of a file of YAML documents, by what names them."""
    with open(path, encoding="utf-8") as file:
        found = [one for one in yaml.safe_load_all(file) if one]
    named = {identity(one): one for one in found}
    if len(named) != len(found):
        sys.exit(f"{path}: two objects have the same name")
    return named


def identity(one):
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def fail_if(problems):
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)
