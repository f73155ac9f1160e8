#!/usr/bin/env bash
# Alerts, recording rules and dashboards: judged by promtool, and with a real Prometheus that scrapes the operator on the bed
# while faults are played, so that each alert fires and clears.
# usage: monitoring.sh [--quick]      --quick leaves out the bed
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

rules=charts/acivnet/files/rules

# Durations as they are, with promtool's own clock.
judge() {
  local folder expressions
  folder=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-rules.XXXXXX")
  python3 tools/monitoring/dashboards.py --check
  python3 tools/monitoring/checks.py
  promtool check rules "$rules"/*.yaml
  expressions=$folder/dashboards.yaml
  python3 tools/monitoring/checks.py --as-rules > "$expressions"
  promtool check rules "$expressions"
  cp "$rules"/*.yaml tools/monitoring/rules_test.yaml "$folder"
  (cd "$folder" && promtool test rules rules_test.yaml)
  rm -rf "$folder"
  echo "monitoring: rules and dashboards are as they should be"
}

main() {
  local quick='' programs
  case ${1:-} in
    --quick) quick=1 ;;
    '') ;;
    *) die "usage: monitoring.sh [--quick]" ;;
  esac
  cd "$root"
  programs=$(tools/monitoring/programs.sh)
  PATH=$programs:$PATH
  judge
  [ -z "$quick" ] || return 0
  prepare
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  export ACIVNET_KUBE_BIN
  play tools/monitoring/inside.sh
}

main "$@"
