#!/usr/bin/env bash
# All tests: cargo's with the Kubernetes test bed, then the demo and the how-to's own Python from begin to end, and one round of
# Microsoft's clients, faults, images, Argo CD and Flux. What this machine or this user can't do is left out by name. The last line
# counts them.
# usage: test.sh [ARGUMENT_OF_CARGO_TEST]…      by environment: ACIVNET_ALL=1 leaves nothing out, but fails
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=lib/programs.sh
source "$root/tools/lib/programs.sh"

# Two rows of scripts: what the operator does for its users, with the programs that cargo's tests were built with; and how it is
# published, installed and watched, with the published programs. The how-to's Python is in the shorter one.
used=(
  tools/kube/programs_test.sh
  tools/azure/check.sh
  tools/demo/demo.sh
  "tools/clients/clients.sh --quick"
  tools/differential/differential.sh
  tools/bench/test.sh
  "tools/faults/faults.sh --quick"
)
installed=(
  tools/image/test.sh
  tools/dist/test.sh
  "tools/gitops/gitops.sh --quick"
  "tools/chart/chart.sh --quick"
  "tools/monitoring/monitoring.sh --quick"
  tools/quickstart/quickstart.sh
  tools/article-sdk/article-sdk.sh
)
passed=0 failed=0 left_out=()

cargo_tests() {
  local output status=0 counts
  output=$(mktemp "${TMPDIR:-/tmp}/acivnet-test.XXXXXX")
  cargo test --workspace --locked --no-fail-fast "$@" 2>&1 | tee "$output" || status=$?
  counts=$(awk '/^test result: / { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1) } } END { print p + 0, f + 0 }' "$output")
  rm -f "$output"
  read -r passed failed <<<"$counts"
  # A test program that did not compile, or that was ended by a signal, has no line of its own.
  [ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
}

# The rows side by side, since a script mostly waits. What each says comes whole, at its end.
scripts_as_tests() {
  local folder tested status script
  tested=$(tested_programs)
  folder=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-test.XXXXXX")
  (ACIVNET_BINARIES=$(release_programs) && export ACIVNET_BINARIES && row "$folder/installed" "${installed[@]}") &
  ACIVNET_BINARIES=$tested row "$folder/used" "${used[@]}"
  wait $! || failed=$((failed + 1))
  while read -r status script; do
    count "$status" "$script"
  done < <(cat "$folder"/{used,installed})
  rm -rf "$folder"
}

# usage: row FILE_FOR_STATUS_AND_NAME_OF_EACH SCRIPT…
row() {
  local script output=$1.output status began
  for script in "${@:2}"; do
    status=0 began=$SECONDS
    # shellcheck disable=SC2086 # a script with its arguments
    "$root"/$script >"$output" 2>&1 </dev/null || status=$?
    printf '\n===== %s: %s, %d s\n%s\n' "$script" "$(outcome "$status")" "$((SECONDS - began))" "$(<"$output")"
    printf '%d %s\n' "$status" "$script" >>"$1"
  done
}

outcome() { # STATUS
  case $1 in
    0) echo passed ;;
    77) echo "left out" ;;
    *) echo "failed with status $1" ;;
  esac
}

count() { # STATUS SCRIPT
  case $1 in
    0) passed=$((passed + 1)) ;;
    # It has said what it lacks.
    77) left_out+=("$2") ;;
    *) failed=$((failed + 1)) ;;
  esac
}

say_what_was_left_out() {
  [ "${#left_out[@]}" -gt 0 ] || return 0
  printf '\nleft out, for what is said to be missing above: %s\n' "${left_out[*]}"
  [ -z "${ACIVNET_ALL:-}" ] || failed=$((failed + ${#left_out[@]}))
}

main() {
  cd "$root"
  tools/preflight.sh
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/build.sh)}
  export ACIVNET_KUBE_BIN CARGO_TERM_COLOR=never
  cargo_tests "$@"
  scripts_as_tests
  say_what_was_left_out
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

main "$@"
