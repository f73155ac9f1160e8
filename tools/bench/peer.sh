#!/usr/bin/env bash
# Measures operators one after the other, each on a fresh bed, by the same rules: docs/comparing.md. The machine should do nothing else.
# usage: peer.sh [--peer FOLDER]… [--alone] [--json FILE] [OPTION_OF_measure.py]…
#   --peer FOLDER   describes another operator; may be repeated. acivnet comes last
#   --alone         leaves acivnet out
#   --json FILE     what was measured, with all samples; by default target/bench/peer.json
# By environment: ACIVNET_BINARIES (a folder with both programs; by default the released ones are built), ACIVNET_KUBE_BIN,
# ACIVNET_DEMO_TIME_SCALE (how long Azure's operations take and its limits last; by default 1, as in Azure)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

read_arguments() {
  local own=$root/tools/bench/acivnet
  local folder
  folders=() options=() json=${CARGO_TARGET_DIR:-$root/target}/bench/peer.json
  while [ $# -gt 0 ]; do
    case $1 in
      --peer) folders+=("$(realpath "${2:?--peer needs a folder}")") && shift ;;
      --alone) own='' ;;
      --json) json=${2:?--json needs a file} && shift ;;
      *) options+=("$1") ;;
    esac
    shift
  done
  [ -z "$own" ] || folders+=("$own")
  [ "${#folders[@]}" -gt 0 ] || die "--alone needs a --peer"
  for folder in "${folders[@]}"; do
    python3 "$root/tools/bench/measure.py" check "$folder" "${options[@]}"
  done
}

prepare() {
  cd "$root"
  tools/preflight.sh network
  ACIVNET_BINARIES=${ACIVNET_BINARIES:-$(release_programs)}
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/programs.sh)}
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-peer.XXXXXX")
  export ACIVNET_BINARIES ACIVNET_KUBE_BIN STATE
  at_any_end clean_up
}

clean_up() {
  local status=$?
  trap - EXIT
  [ -z "${bed:-}" ] || kill -KILL "$bed" 2>/dev/null || true
  wait
  leave "$status"
}

# In the background, so that a signal is heeded at once. usage: measure RESULT FOLDER
measure() {
  local state=${1%.json}
  mkdir -p "$state/logs"
  ln -sfn "$state/logs" "$STATE/logs"
  STATE=$state setpriv --pdeathsig KILL unshare -Urnmpf --kill-child --mount-proc bash tools/bench/inside.sh "$2" "$1" "${options[@]}" &
  bed=$!
  wait "$bed"
  bed=''
}

main() {
  local folder results=()
  read_arguments "$@"
  prepare
  for folder in "${folders[@]}"; do
    results+=("$STATE/${#results[@]}.json")
    measure "${results[-1]}" "$folder"
  done
  mkdir -p "$(dirname "$json")"
  python3 tools/bench/table.py "$json" "${results[@]}"
}

main "$@"
