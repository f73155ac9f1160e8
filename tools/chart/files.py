"""The chart carries its rules and dashboards over as they are.

usage: files.py RENDER.yaml     a render with both switched on
"""

import json
import sys
from pathlib import Path

import yaml
from render import fail_if, objects

FILES = Path(__file__).resolve().parents[2] / "charts/acivnet/files"


def main(render):
    found = objects(render).values()
    groups = [group for one in found if one["kind"] == "PrometheusRule" for group in one["spec"]["groups"]]
    maps = [one["data"] for one in found if one["kind"] == "ConfigMap" and "-dashboard-" in one["metadata"]["name"]]
    carried = {name: json.loads(text) for data in maps for name, text in data.items()}
    rules = [path.read_text(encoding="utf-8") for path in sorted(FILES.glob("rules/*.yaml"))]
    dashboards = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in FILES.glob("dashboards/*.json")}
    problems = [] if groups == [group for text in rules for group in yaml.safe_load(text)["groups"]] else ["rules differ"]
    if carried != dashboards:
        problems.append(f"dashboards differ: {sorted(carried)} are carried of {sorted(dashboards)}")
    fail_if(problems)
    print(f"{len(groups)} groups of rules and {len(dashboards)} dashboards are carried over")


main(*sys.argv[1:])
