"""Writes both Grafana dashboards from the code below, or compares them with what is committed.

usage: dashboards.py [--check]
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "charts/acivnet/files/dashboards"
# The schema of Grafana 11; newer ones read it.
SCHEMA = 39
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
HEIGHT, WIDE = 8, 24


def panel(title: str, kind: str, width: int, unit: str, queries: list[tuple[str, str]], about: str = "") -> dict[str, Any]:
    """A panel; each query has its expression and its legend."""
    instant = kind in ("stat", "table")
    targets = [
        {"datasource": SOURCE, "expr": expr, "legendFormat": legend, "refId": chr(ord("A") + at)}
        | ({"instant": True, "range": False, "format": "table" if kind == "table" else "time_series"} if instant else {})
        for at, (expr, legend) in enumerate(queries)
    ]
    return {
        "datasource": SOURCE,
        "description": about,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "gridPos": {"h": HEIGHT, "w": width, "x": 0, "y": 0},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if kind == "stat" else {},
        "targets": targets,
        "title": title,
        "type": kind,
    }


def placed(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Panels from left to right, in rows as wide as Grafana's grid."""
    x = y = 0
    for number, one in enumerate(panels, start=1):
        width = one["gridPos"]["w"]
        if x + width > WIDE:
            x, y = 0, y + HEIGHT
        one["gridPos"] |= {"x": x, "y": y}
        one["id"] = number
        x += width
    return panels


def dashboard(uid: str, title: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    variable = {"label": "Data source", "name": "datasource", "query": "prometheus", "type": "datasource"}
    return {
        "annotations": {"list": []},
        "editable": True,
        "graphTooltip": 1,
        "panels": placed(panels),
        "refresh": "30s",
        "schemaVersion": SCHEMA,
        "tags": ["acivnet"],
        "templating": {"list": [variable]},
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "title": title,
        "uid": uid,
        "version": 1,
    }


def quantile(share: float, metric: str, by: str) -> str:
    labels = ", ".join(filter(None, [by, "le"]))
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))"


def fleet() -> dict[str, Any]:
    """Models and subnets: do they answer, how fast, and what holds those that do not."""
    models = 'acivnet_objects{kind="AciVnetDeployment"}'
    return dashboard(
        "acivnet-fleet",
        "acivnet: fleet of models",
        [
            panel("Models", "stat", 4, "none", [(f"sum({models})", "models")]),
            panel("Ready", "stat", 4, "percentunit", [('kind:acivnet_objects_ready:ratio{kind="AciVnetDeployment"}', "ready")]),
            panel("Probes that pass", "stat", 4, "percentunit", [("acivnet:probe_success:ratio_rate5m", "passed")]),
            panel(
                "Waiting for a person",
                "stat",
                4,
                "none",
                [('sum(acivnet_stalled_objects{reason!="Suspended"}) or vector(0)', "stalled")],
                "Nothing moves without a change by a person.",
            ),
            panel(
                "First certificate ends in",
                "stat",
                4,
                "s",
                [("min(acivnet_certificate_not_after_timestamp_seconds) - time()", "certificate")],
                "Of all AciVnetDeployments with spec.tls.",
            ),
            panel("Subnets", "stat", 4, "none", [('sum(acivnet_objects{kind="DelegatedSubnet"})', "subnets")]),
            panel("Models by reason", "timeseries", 12, "none", [(f"sum by (ready, reason) ({models})", "{{ready}} {{reason}}")]),
            panel(
                "Subnets by reason",
                "timeseries",
                12,
                "none",
                [('sum by (ready, reason) (acivnet_objects{kind="DelegatedSubnet"})', "{{ready}} {{reason}}")],
            ),
            panel(
                "Probes",
                "timeseries",
                8,
                "reqps",
                [("sum by (result) (rate(acivnet_probe_duration_seconds_count[$__rate_interval]))", "{{result}}")],
            ),
            panel(
                "Latency of passed probes",
                "timeseries",
                8,
                "s",
                [
                    (quantile(share, 'acivnet_probe_duration_seconds', ""), name)
                    for share, name in [(0.5, "median"), (0.95, "95 %")]
                ],
            ),
            panel(
                "Addresses that moved",
                "timeseries",
                8,
                "none",
                [("sum(increase(acivnet_endpoint_moves_total[1h]))", "in an hour")],
                "Each move is a time in which callers by address need the new one.",
            ),
            panel(
                "From apply to Ready",
                "timeseries",
                12,
                "s",
                [
                    (
                        "histogram_quantile(0.95, sum by (kind, change, le) (acivnet_ready_duration_seconds_bucket))",
                        "{{kind}} {{change}}, 95 %",
                    )
                ],
                "Of all since the operator started: in an hour there are too few for a rate.",
            ),
            panel(
                "What holds objects that wait for a person",
                "timeseries",
                12,
                "none",
                [("sum by (kind, reason) (acivnet_stalled_objects)", "{{kind}} {{reason}}")],
            ),
            panel(
                "Objects that are not Ready",
                "table",
                24,
                "none",
                [("acivnet_object_ready == 0", "")],
                "Empty unless the operator runs with --metrics-per-object.",
            ),
        ],
    )


def operator() -> dict[str, Any]:
    """The operator's own work, and how Azure answers it."""
    return dashboard(
        "acivnet-operator",
        "acivnet: operator and Azure",
        [
            panel("Leads", "stat", 4, "none", [("sum(acivnet_leader)", "replicas")], "One, or nothing is done."),
            panel("Build", "table", 8, "none", [("acivnet_build_info", "")]),
            panel(
                "First ServiceAccount token ends in",
                "stat",
                6,
                "s",
                [("min(acivnet_credential_not_after_timestamp_seconds) - time()", "token")],
                "Renewed every six hours; under twelve hours it can't be.",
            ),
            panel("Memory", "stat", 6, "bytes", [("max(process_resident_memory_bytes and acivnet_leader)", "resident")]),
            panel(
                "Requests to Azure",
                "timeseries",
                12,
                "reqps",
                [("class:acivnet_azure_requests:rate5m", "{{class}}")],
            ),
            panel(
                "Errors of Azure",
                "timeseries",
                12,
                "reqps",
                [("sum by (class, error) (rate(acivnet_azure_errors_total[$__rate_interval]))", "{{class}} {{error}}")],
            ),
            panel(
                "Share of failed requests",
                "timeseries",
                8,
                "percentunit",
                [("class:acivnet_azure_errors:ratio_rate5m", "{{class}}")],
                "Without conflicts, and without refusals for asking too often.",
            ),
            panel(
                "Latency of Azure",
                "timeseries",
                8,
                "s",
                [(quantile(0.95, "acivnet_azure_request_duration_seconds", "class"), "{{class}}, 95 %")],
            ),
            panel(
                "Budget that is left",
                "timeseries",
                8,
                "none",
                [("min by (class, sort) (acivnet_azure_budget_remaining)", "{{class}} {{sort}}")],
                "Requests that may be sent at once; those to Network have a limit of their own.",
            ),
            panel(
                "Refused for asking too often",
                "timeseries",
                8,
                "none",
                [("sum by (class, sort) (increase(acivnet_azure_throttled_total[$__rate_interval]))", "{{class}} {{sort}}")],
            ),
            panel(
                "Waits for a turn",
                "timeseries",
                8,
                "s",
                [("sum by (class, sort) (rate(acivnet_azure_waits_seconds_total[$__rate_interval]))", "{{class}} {{sort}}")],
                "Seconds of waiting in a second, of all requests together.",
            ),
            panel(
                "Passes",
                "timeseries",
                8,
                "ops",
                [("sum by (kind, result) (rate(acivnet_reconciles_total[$__rate_interval]))", "{{kind}} {{result}}")],
            ),
            panel(
                "Writes to Kubernetes",
                "timeseries",
                12,
                "ops",
                [("sum by (kind, verb) (rate(acivnet_kubernetes_writes_total[$__rate_interval]))", "{{kind}} {{verb}}")],
            ),
            panel(
                "Watches that broke",
                "timeseries",
                12,
                "none",
                [("sum by (kind, result) (increase(acivnet_watch_failures_total[$__rate_interval]))", "{{kind}} {{result}}")],
            ),
        ],
    )


def texts() -> dict[Path, str]:
    made = {"fleet.json": fleet(), "operator.json": operator()}
    return {FOLDER / name: json.dumps(one, indent=2, sort_keys=True) + "\n" for name, one in made.items()}


def expressions() -> list[str]:
    """All expressions, with `$__rate_interval` as Grafana would fill it in."""
    found = [target["expr"] for one in (fleet(), operator()) for shown in one["panels"] for target in shown["targets"]]
    return [expr.replace("$__rate_interval", "5m") for expr in found]


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        stale = [path.name for path, text in texts().items() if not path.is_file() or path.read_text() != text]
        if stale:
            print(f"{', '.join(stale)}: not what tools/monitoring/dashboards.py writes; run it", file=sys.stderr)
        return bool(stale)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in texts().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
