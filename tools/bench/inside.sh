#!/usr/bin/env bash
# The bed of a comparison, for one operator; peer.sh starts this as the first process of its own user, mount, PID and network
# namespaces: nothing else can be reached, and all of it ends with this. usage: inside.sh FOLDER RESULT [OPTION_OF_measure.py]…
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"

# Azure takes what it takes, and no container runs.
export ACIVNET_DEMO_TIME_SCALE=${ACIVNET_DEMO_TIME_SCALE:-1} ACIVNET_DEMO_RUNNER=none

main() {
  local flag measure=$root/tools/bench/measure.py
  enter "$ACIVNET_KUBE_BIN"
  step "${1##*/}"
  python3 "$measure" policy "$1" > "$STATE/audit-policy.json"
  for flag in "policy-file=$STATE/audit-policy.json" "log-path=$STATE/audit.log" log-maxsize=100000; do
    kubernetes_options+=(--apiserver-flag "--audit-$flag")
  done
  start_kubernetes
  start_azure tools/demo/seed.json --issuer-ca "$STATE/kube/ca.crt"
  SIMULATOR=$azure/simulator SSL_CERT_FILE=$STATE/azure/ca.pem PYTHONPATH=$root/tools/clients python3 "$measure" run "$@"
  check_programs
  trap - EXIT
}

main "$@"
