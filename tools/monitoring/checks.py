"""What can be said of rules and dashboards without a Prometheus, and the forms in which tools take them.

usage: checks.py                       compares names with the reference of metrics and alerts with the runbook
       checks.py --as-rules            prints the dashboards' expressions as recording rules, for promtool
       checks.py --shortened FOLDER    writes the rules with short durations, and Prometheus' configuration
"""

import re
import sys
from pathlib import Path

import dashboards

ROOT = dashboards.ROOT
RULES = ROOT / "charts/acivnet/files/rules"
# Alerts are for people: more of them would not be read.
MOST_ALERTS = 8
# Scrapes come each second: a rate needs some of them, and a fault on the bed lasts seconds.
FOR, RANGE = "3s", "15s"


def texts() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}


def alerts() -> list[str]:
    return re.findall(r"(?m)^\s+- alert: (\w+)$", "\n".join(texts().values()))


def recorded() -> list[str]:
    return re.findall(r"(?m)^\s+- record: (\S+)$", "\n".join(texts().values()))


def metrics(expression: str) -> set[str]:
    """Names of metrics, without what a histogram or a counter adds to them."""
    named = re.findall(r"(?<![\w:])(acivnet_\w+|process_\w+)", re.sub(r'"[^"]*"', "", expression))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in named if name not in {"acivnet_azure_requests:rate5m"}}


def problems() -> list[str]:
    found = []
    reference = (ROOT / "docs/reference/metrics.md").read_text()
    asked = "\n".join([*texts().values(), *dashboards.expressions()])
    found += [f"{name} is in no row of docs/reference/metrics.md" for name in sorted(metrics(asked)) if f"`{name}`" not in reference]
    known = set(recorded())
    for name in set(re.findall(r"\b\w*:\w+:\w+\b", "\n".join(dashboards.expressions()))) - known:
        found.append(f"{name} is recorded by no rule")
    runbook = (ROOT / "docs/runbook.md").read_text()
    text = "\n".join(texts().values())
    for name in alerts():
        found += [] if f"### {name}\n" in runbook else [f"{name} has no heading in docs/runbook.md"]
        link = f"docs/runbook.md#{name.lower()}\n"
        found += [] if link in text else [f"{name} has no runbook_url that ends in {link.strip()}"]
    if not 0 < len(alerts()) <= MOST_ALERTS:
        found.append(f"{len(alerts())} alerts; {MOST_ALERTS} are the most")
    tested = (ROOT / "tools/monitoring/rules_test.yaml").read_text()
    found += [f"{name} is not in rules_test.yaml" for name in alerts() if tested.count(f"alertname: {name}\n") < 2]
    return found


def as_rules() -> str:
    lines = ["groups:", "  - name: dashboards", "    rules:"]
    for at, expression in enumerate(dashboards.expressions()):
        lines += [f"      - record: dashboard:expression:{at}", "        expr: |-", f"          {expression}"]
    return "\n".join(lines) + "\n"


def shortened(text: str) -> str:
    """The same rules; only how long they look back and wait is another."""
    text = re.sub(r"(?m)^(\s+for: )\S+$", rf"\g<1>{FOR}", text)
    return re.sub(r"\[\d+[smhd]\]", f"[{RANGE}]", text)


CONFIGURATION = """\
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ["%s/rules/*.yaml"]
scrape_configs:
  - job_name: acivnet
    # as the object is named, not as the pod is
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:8080"]}]
"""


def main() -> int:
    match sys.argv[1:]:
        case []:
            found = problems()
            print("\n".join(found), file=sys.stderr, end="\n" if found else "")
            return bool(found)
        case ["--as-rules"]:
            print(as_rules(), end="")
        case ["--shortened", folder]:
            rules = Path(folder, "rules")
            rules.mkdir()
            for name, text in texts().items():
                (rules / name).write_text(shortened(text))
            Path(folder, "prometheus.yml").write_text(CONFIGURATION % folder)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
