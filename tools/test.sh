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

passed=0 failed=0 left_out=() binaries=

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

# The same with the programs that cargo's tests were built with. usage: play_as_a_test SCRIPT [ARGUMENT]
play_as_a_test() {
  ACIVNET_BINARIES=$binaries script_as_a_test "$@"
}

script_as_a_test() { # SCRIPT [ARGUMENT]
  local status=0
  "$root/$1" "${@:2}" < /dev/null || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    # It has said what it lacks.
    77) left_out+=("$1") ;;
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
  binaries=$(tested_programs)
  script_as_a_test tools/kube/programs_test.sh
  script_as_a_test tools/azure/check.sh
  play_as_a_test tools/demo/demo.sh
  play_as_a_test tools/article-sdk/article-sdk.sh
  play_as_a_test tools/clients/clients.sh --quick
  play_as_a_test tools/differential/differential.sh
  play_as_a_test tools/faults/faults.sh --quick
  script_as_a_test tools/image/test.sh
  script_as_a_test tools/dist/test.sh
  play_as_a_test tools/gitops/gitops.sh --quick
  play_as_a_test tools/chart/chart.sh --quick
  play_as_a_test tools/monitoring/monitoring.sh --quick
  play_as_a_test tools/quickstart/quickstart.sh
  say_what_was_left_out
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

main "$@"
