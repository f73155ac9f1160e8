#!/usr/bin/env bash
# The bed of the faults; faults.sh starts this as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"

# The operator waits a tenth, and Azure takes a fiftieth, of what they do in production.
export ACIVNET_DEMO_PACE=${ACIVNET_DEMO_PACE:-0.1} ACIVNET_DEMO_TIME_SCALE=${ACIVNET_DEMO_TIME_SCALE:-0.02}

start_the_bed() {
  start_kubernetes
  start_azure tools/demo/seed.json --issuer-ca "$STATE/kube/ca.crt"
  install_operator
  kubectl apply --server-side -f tests/faults/probe-of-pods/node.yaml
  start_operator
}

main() {
  local checks failed
  enter "$ACIVNET_KUBE_BIN" "$ACIVNET_PLAIN_PYTHON/bin"
  step "Kubernetes, Azure and the operator start"
  start_the_bed
  step "The faults"
  OPERATOR_PID=$(pid_of operator)
  export SIMULATOR=$azure/simulator SSL_CERT_FILE=$STATE/azure/ca.pem PYTHONPATH=$root/tools/clients OPERATOR_PID
  python "$root/tools/faults/run.py" "$STATE/counts" || [ -s "$STATE/counts" ] || fail "the checks did not come to their end"
  check_programs
  trap - EXIT
  print_times
  read -r checks failed < "$STATE/counts"
  printf '\nFaults: %d checks, %d failed\n' "$checks" "$failed"
  [ "$checks" != 0 ] && [ "$failed" = 0 ]
}

main "$@"
