#!/usr/bin/env bash
# The tests of definitions, rules, rights and removal on the oldest Kubernetes that is supported, which is built once
# (ten minutes on two cores). usage: compat.sh [FILTER_OF_CARGO_TEST]…
# ACIVNET_RESULTS=1 keeps what came out in docs/results/kubernetes-versions.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"

tests=(schema:: deploy:: kstatus:: scenarios::rights scenarios::life control_plane::the_definitions removal::)
[ $# = 0 ] || tests=("$@")

keep_result() { # VERSION COUNTS
  cat > "$root/docs/results/kubernetes-versions.md" <<MARKDOWN
# The oldest Kubernetes that is supported

\`make compat\`, $(date -u +%F), commit $(git -C "$root" rev-parse --short HEAD): real kube-apiserver, kube-controller-manager
and etcd of Kubernetes $1. All other tests run on the version that \`tools/kube/go.mod\` pins.

| tests | result |
| --- | --- |
| ${tests[*]} | $2 |
MARKDOWN
}

main() {
  local output status=0 counts
  cd "$root"
  ACIVNET_KUBE_BIN=$(tools/kube/build.sh --oldest)
  export ACIVNET_KUBE_BIN CARGO_TERM_COLOR=never
  output=$(mktemp "${TMPDIR:-/tmp}/acivnet-compat.XXXXXX")
  cargo test --workspace --locked --test it -- "${tests[@]}" 2>&1 | tee "$output" || status=$?
  counts=$(sed -nE 's/^test result: [a-zA-Z]+\. ([0-9]+ passed; [0-9]+ failed).*/\1/p' "$output")
  rm -f "$output"
  [ -n "$counts" ] || die "the tests did not run; what they said is above"
  [ -z "${ACIVNET_RESULTS:-}" ] || keep_result "${ACIVNET_KUBE_BIN##*kube-}" "$counts"
  return "$status"
}

main "$@"
