#!/usr/bin/env bash
# The chart on a real API server; chart.sh starts this as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=lifecycle.sh
source "$root/tools/chart/lifecycle.sh"
# shellcheck source=lint.sh
source "$root/tools/chart/lint.sh"
# shellcheck source=namespaces.sh
source "$root/tools/chart/namespaces.sh"

main() {
  enter "$ACIVNET_KUBE_BIN" "$ACIVNET_HELM" "$ACIVNET_LINTERS" "$ACIVNET_PLAIN_PYTHON/bin"
  step "Kubernetes starts";                                      start_kubernetes
  step "The API server takes every render";                      dry_runs
  step "Install, upgrade, rollback";                             install_upgrade_rollback
  step "Uninstall: definitions and objects stay; reinstall";     uninstall_and_reinstall
  step "Linters";                                                linters
  step "From deploy/operator to the chart";                      take_over_from_kustomize
  step "As part of another chart";                               as_a_subchart
  step "Azure starts; the operator has Roles in two namespaces"; start_with_namespaces
  step "A model there, and nothing elsewhere";                   work_in_namespaces
  step "Deleted again, by object and by definition";             delete_in_namespaces
  check_programs
  trap - EXIT
  print_times
}

main "$@"
