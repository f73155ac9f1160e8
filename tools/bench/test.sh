#!/usr/bin/env bash
# The harness of docs/comparing.md with an operator whose every call is known: the numbers it prints are just those.
# usage: test.sh      by environment: ACIVNET_BINARIES (its simulator), ACIVNET_KUBE_BIN
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/parts.sh
source "$root/tools/lib/parts.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

clean_up() {
  local status=$?
  trap - EXIT
  end_parts
  wait
  rm -rf "$STATE"
  exit "$status"
}

# A stand-in outside the repository, as any peer is. usage: stand_in NAME SWEEP_SECONDS
stand_in() {
  cp -r "$root/tools/bench/stand-in" "$STATE/$1"
  sed -i "s/\"SWEEP_SECONDS\": \"0\"/\"SWEEP_SECONDS\": \"$2\"/" "$STATE/$1/operator.json"
}

compare() { # NAME OPTION…
  "$root/tools/bench/peer.sh" --alone --peer "$STATE/$1" --json "$STATE/$1.json" --objects 3 --start 0 --settle 0 --rest 1 --quiet 10 --patience 120 "${@:2}"
}

main() {
  cd "$root"
  ACIVNET_BINARIES=$(played_programs)
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/programs.sh)}
  export ACIVNET_BINARIES ACIVNET_KUBE_BIN ACIVNET_DEMO_TIME_SCALE=0.01
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-peer-test.XXXXXX")
  at_any_end clean_up
  stand_in counted 0
  stand_in repairing 1
  # Each has a bed in namespaces of its own.
  begin_part repairing compare repairing --scenario drift
  begin_part counted compare counted --scenario steady --scenario restart
  await_part repairing
  await_part counted
  printed_by counted
  python3 tools/bench/test.py "$STATE/counted.json" "$STATE/repairing.json"
}

main "$@"
