#!/usr/bin/env bash
# All tests: cargo's with the Kubernetes test bed, then the demo and the how-to's own Python from begin to end, and one round of
# Microsoft's clients. The last line counts them.
# usage: test.sh [ARGUMENT_OF_CARGO_TEST]…
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=common.sh
source "$root/tools/common.sh"

passed=0 failed=0

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

script_as_a_test() { # SCRIPT [ARGUMENT]
  if "$root/$1" "${@:2}" < /dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

main() {
  cd "$root"
  tools/preflight.sh
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/build.sh)}
  export ACIVNET_KUBE_BIN CARGO_TERM_COLOR=never
  cargo_tests "$@"
  script_as_a_test tools/demo/demo.sh
  script_as_a_test tools/article-sdk/article-sdk.sh
  script_as_a_test tools/clients/clients.sh --quick
  script_as_a_test tools/differential/differential.sh
  script_as_a_test tools/faults/faults.sh --quick
  script_as_a_test tools/quickstart/quickstart.sh
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

main "$@"
