"""Writes the chart's README from the comments of its values.yaml.

usage: readme.py [--check]     --check only says whether it is up to date
"""

import re
import sys
from pathlib import Path

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts/acivnet"
KEY = re.compile(r"^( *)([A-Za-z0-9]+):")


def at(values, path):
    for name in path:
        values = values[name]
    return values


def default(value):
    """As YAML writes it on one line."""
    if value == "":
        return "`\"\"`"
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return f"`{text.removesuffix(chr(10)).removesuffix(chr(10) + '...')}`"


def is_told(path, found):
    """Whether it lies in a value that has a row."""
    above = {".".join(path[:depth]) for depth in range(1, len(path))}
    return any(row[0] in above for _, rows in found for row in rows)


def sections(text):
    """Title and rows (name, default, meaning) of each table."""
    values, found, path, comment = yaml.safe_load(text), [], [], None
    for line in text.splitlines():
        stripped = line.strip()
        if line.startswith("## "):
            found.append((line[3:], []))
        elif stripped.startswith("# --"):
            comment = [stripped[4:].strip()]
        elif stripped.startswith("#") and comment is not None:
            comment.append(stripped[1:].strip())
        elif key := KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if comment is not None:
                found[-1][1].append((".".join(path), default(at(values, path)), " ".join(comment)))
                comment = None
            elif not is_told(path, found) and not isinstance(at(values, path), dict):
                sys.exit(f"values.yaml: {'.'.join(path)} has no comment `# -- …`")
    return found


def page(text):
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    head = (CHART / "README.head.md").read_text(encoding="utf-8")
    lines = [head.rstrip().replace("{version}", chart["version"]), ""]
    for title, rows in sections(text):
        lines += [f"### {title}", "", "| value | default | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {value.replace('|', chr(92) + '|')} | {meaning.replace('|', chr(92) + '|')} |" for name, value, meaning in rows]
        lines.append("")
    return "\n".join(lines)


def main(check):
    wanted = page((CHART / "values.yaml").read_text(encoding="utf-8"))
    file = CHART / "README.md"
    if check:
        if not file.exists() or file.read_text(encoding="utf-8") != wanted:
            sys.exit("charts/acivnet/README.md is not what values.yaml says; run tools/chart/chart.sh --write")
        return
    file.write_text(wanted, encoding="utf-8")


main(sys.argv[1:] == ["--check"])
