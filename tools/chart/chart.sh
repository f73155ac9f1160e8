#!/usr/bin/env bash
# The Helm chart of the operator, judged and installed for real.
# usage: chart.sh [--quick|--write]
#   --quick  all that is judged by rendering: lint, values against settings, README, golden renders, likeness to deploy/operator
#   --write  writes anew what is generated: definitions, README, golden renders
# Without either: that, linters (lint.sh), and install, upgrade, rollback, removal and work on a real API server.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"
chart=$root/charts/acivnet
# The oldest that the chart takes. A Helm that is built without its release's flags asks for none.
oldest=(--kube-version 1.34.0)
checks=0

check() { # WHAT COMMAND…
  local what=$1
  shift
  "$@" || die "$what: see above"
  checks=$((checks + 1))
}

render() { # VALUES [ARGUMENT_OF_TEMPLATE]…
  "$helm" template acivnet "$chart" "${oldest[@]}" --namespace acivnet-system --values "$root/tools/chart/values/$1.yaml" "${@:2}"
}

value_sets() {
  local file
  for file in "$root"/tools/chart/values/*.yaml; do
    basename "$file" .yaml
  done
}

# Definitions have a check of their own, and what the dashboards and rules say is other people's.
golden() { # VALUES
  render "$1" --set crds.enabled=false --set prometheusRule.enabled=false --set dashboards.enabled=false
}

write_all() {
  local name
  tools/chart/crds.sh
  "$python" tools/chart/readme.py
  for name in $(value_sets); do
    golden "$name" > "tools/chart/golden/$name.yaml"
  done
}

is_golden() { # VALUES
  golden "$1" > "$scratch/golden.yaml"
  # Helm 3 lays them out otherwise.
  diff -u "tools/chart/golden/$1.yaml" "$scratch/golden.yaml" > "$scratch/differs" \
    || { [ "$helm" != "${helm%helm3}" ] && "$python" tools/chart/same.py "tools/chart/golden/$1.yaml" "$scratch/golden.yaml"; } \
    || { cat "$scratch/differs" >&2; false; } \
    || die "the chart renders something else for $1; if that is meant: tools/chart/chart.sh --write"
}

definitions_are_those_of_deploy() {
  mkdir -p "$scratch/crds"
  tools/chart/crds.sh "$scratch/crds"
  local file
  for file in "$scratch"/crds/*; do
    diff -q "$file" "$chart/templates/${file##*/}" || return 1
  done
}

is_that_of_deploy() {
  "$helm" template acivnet "$chart" "${oldest[@]}" --namespace acivnet-system > "$scratch/chart.yaml"
  "$ACIVNET_KUBE_BIN/kubectl" kustomize deploy/operator > "$scratch/operator.yaml"
  "$ACIVNET_KUBE_BIN/kubectl" kustomize deploy/crds > "$scratch/crds.yaml"
  "$python" tools/chart/parity.py "$scratch/chart.yaml" "$scratch/operator.yaml" "$scratch/crds.yaml"
}

files_are_carried() {
  render everything > "$scratch/everything.yaml"
  "$python" tools/chart/files.py "$scratch/everything.yaml"
}

# usage: refused WORD ARGUMENT_OF_TEMPLATE…     it says why, in a message with that word
refused() {
  local said
  if said=$("$helm" template acivnet "$chart" "${oldest[@]}" "${@:2}" 2>&1 > "$scratch/refused"); then
    printf 'accepted: %s\n' "${*:2}" >&2
    return 1
  fi
  grep -qF -- "$1" <<<"$said" || { printf 'refused %s without the word %s:\n%s\n' "${*:2}" "$1" "$said" >&2; return 1; }
}

refusals() {
  check "a misspelt setting" refused "clouds" --set settings.clouds=Custom
  check "a misspelt value" refused "tagg" --set image.tagg=1
  check "another cloud" refused "/settings/cloud" --set settings.cloud=Azure
  check "a lease too short" refused "/settings/leaseDurationSeconds" --set settings.leaseDurationSeconds=2
  check "no number" refused "/replicas" --set replicas=two
  check "namespaces without an id" refused "settings.clusterId" --set 'namespaces={a}'
  check "namespaces without networks" refused "settings.clusterNetworks" --set 'namespaces={a},settings.clusterId=c'
  check "two that work at once" refused "leaderElection" --set settings.leaderElection=Disabled
  check "two bundles" refused "caBundle" --set caBundle.configMap=a,caBundle.secret=b
  check "a tenant's name" refused "serviceAccount.name" --set serviceAccount.name=acivnet
  check "what a parent chart adds" "$helm" template acivnet "$chart" "${oldest[@]}" --set global.anything=here,enabled=true > "$scratch/accepted"
  check "a fraction of --set" "$helm" template acivnet "$chart" "${oldest[@]}" --set settings.pace=0.5 > "$scratch/accepted"
  grep -qF 'value: "0.5"' "$scratch/accepted" || die "settings.pace=0.5 is not carried over"
}

judge() {
  local name
  check "lint" "$helm" lint --quiet --strict "${oldest[@]}" "$chart"
  check "values and settings" "$python" tools/chart/settings.py
  check "README" "$python" tools/chart/readme.py --check
  check "definitions of the chart (tools/chart/chart.sh --write writes them)" definitions_are_those_of_deploy
  check "chart and deploy/operator" is_that_of_deploy
  check "rules and dashboards" files_are_carried
  refusals
  for name in $(value_sets); do
    check "lint with $name" "$helm" lint --quiet --strict "${oldest[@]}" "$chart" --values "tools/chart/values/$name.yaml"
    check "golden render of $name" is_golden "$name"
  done
}

# Files with the definitions of PodMonitor and PrometheusRule, divided by a comma.
monitoring_definitions() {
  local folder module=github.com/prometheus-operator/prometheus-operator
  folder=$(cd tools/chart/monitoring && go mod download "$module" >&2 && go list -m -f '{{.Dir}}' "$module")
  folder=$folder/example/prometheus-operator-crd
  printf '%s,%s\n' "$folder/monitoring.coreos.com_podmonitors.yaml" "$folder/monitoring.coreos.com_prometheusrules.yaml"
}

# Folders of the linters, divided by a colon.
linters() {
  local score conform
  score=$(tools/go-tool.sh kube-score)
  conform=$(tools/go-tool.sh kubeconform)
  printf '%s:%s\n' "${score%/*}" "${conform%/*}"
}

main() {
  cd "$root"
  helm=$(tools/go-tool.sh helm)
  python=$(python_environment PyYAML python3 PyYAML==6.0.3)/bin/python
  export PYTHONDONTWRITEBYTECODE=1
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-chart.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  case ${1:-} in
    --write) write_all; return ;;
    --quick | '') ;;
    *) die "usage: chart.sh [--quick|--write]" ;;
  esac
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  export ACIVNET_KUBE_BIN
  judge
  printf 'Chart: %d checks\n' "$checks"
  [ "${1:-}" != --quick ] || return 0
  # The other major version that people have renders and refuses the same.
  helm=$(tools/go-tool.sh helm3) judge
  printf 'Chart: %d checks, those of Helm 3 among them\n' "$checks"
  rm -rf "$scratch"
  prepare
  ACIVNET_HELM=${helm%/*}
  ACIVNET_LINTERS=$(linters)
  ACIVNET_CHECKOV=$(tools/python-tool.sh checkov)
  ACIVNET_MONITORING_CRDS=$(monitoring_definitions)
  export ACIVNET_HELM ACIVNET_LINTERS ACIVNET_CHECKOV ACIVNET_MONITORING_CRDS
  play tools/chart/inside.sh
}

main "$@"
