#!/usr/bin/env bash
# Speed, memory and quiet, each with its bar; what was measured goes to docs/results. The machine should do nothing else.
# usage: bench.sh [FIGURE]…    writes, steady, burst, waits, ready, 1000, 10000; all of them without
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib/programs.sh
source "$root/tools/lib/programs.sh"
cd "$root"
export ACIVNET_RESULTS=1 CARGO_TERM_COLOR=never

release_programs >/dev/null
ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/build.sh)}
export ACIVNET_KUBE_BIN
cargo test --workspace --locked --test bench -- "$@"
