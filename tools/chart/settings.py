"""Each setting of the operator has a value, and each value of `settings` is a setting; defaults, choices and ranges agree.

usage: settings.py     compares docs/reference/settings.md, which a test holds against the command line, with the chart
"""

import json
import re
from pathlib import Path

import yaml
from render import fail_if

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/acivnet"
# Decides about rights too, so that it stands beside `settings`.
ABOVE = {"namespaces"}
ROW = re.compile(r"^\| `--([a-z-]+)` \| `([A-Z_]+)` \| (?:–|`(.*?)`) \| (.*) \|$")


def rows():
    """Name as a value, env name, default or nothing, meaning; of each setting."""
    for line in (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8").splitlines():
        if found := ROW.match(line):
            first, *rest = found[1].split("-")
            yield first + "".join(word.capitalize() for word in rest), found[2], found[3], found[4]


def defaults():
    """Default by env name. A list of networks that nobody filled in says nothing."""
    return {env: default or "" for _, env, default, _ in rows()}


def text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


def differ(name, default, meaning, value, schema):
    if text(value) != (default or ""):
        yield f"{name}: {text(value)!r} in the chart, {default!r} by default"
    chosen = re.search(r"One of (.*)\.$", meaning)
    choices = re.findall(r"`([^`]+)`", chosen[1]) if chosen else None
    if choices == ["true", "false"] and "boolean" in schema.get("type", ()):
        choices = None
    if choices != ([one for one in schema["enum"] if one is not None] if "enum" in schema else None):
        yield f"{name}: the schema has other choices than {choices}"
    limits = re.search(r"([0-9][0-9,]*) to ([0-9][0-9,]*)\.", meaning)
    if limits and "minimum" in schema:
        wanted = [int(limit.replace(",", "")) for limit in limits.groups()]
        if [schema["minimum"], schema["maximum"]] != wanted:
            yield f"{name}: the schema has other limits than {wanted}"


def main():
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    known, problems = list(rows()), []
    for name, env, default, meaning in known:
        above = name in ABOVE
        value = values.get(name) if above else values["settings"].get(name)
        place = schema if above else schema["settings"]["properties"]
        if value is None or name not in place:
            problems.append(f"{env} has no value {name}")
            continue
        snake = re.sub(r"([A-Z])", r"_\1", name).upper()
        if f"ACIVNET_{snake}" != env:
            problems.append(f"{name} would be set as ACIVNET_{snake}, not as {env}")
        problems += differ(name, default, meaning, value, place[name])
    names = {name for name, *_ in known}
    problems += [f"settings.{name} is no setting" for name in values["settings"] if name not in names]
    problems += unlike("", values, {"properties": schema})
    fail_if(problems)
    print(f"{len(known)} settings have their values")


def unlike(path, values, schema):
    """Where values and schema know different names."""
    if "properties" not in schema:
        return
    known = schema["properties"]
    for name in values.keys() - known.keys():
        yield f"{path}{name} is not in the schema"
    for name, inner in known.items():
        if name not in values:
            if path or name != "global":
                # a member that only some have is told by the type it belongs to
                if not path.endswith("Probe.") and path not in ("resources.",):
                    yield f"{path}{name} is only in the schema"
        elif isinstance(values[name], dict):
            yield from unlike(f"{path}{name}.", values[name], inner)


if __name__ == "__main__":
    main()
