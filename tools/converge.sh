#!/usr/bin/env bash
# Whatever stops the operator, it ends right: the whole of what `cargo test` runs a slice of. Half an hour on two cores;
# what was found goes to docs/results.
# usage: converge.sh [PART]…    interruptions, planted, real-bed, seeds, leader; all of them without
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export ACIVNET_RESULTS=1 CARGO_TERM_COLOR=never

part() { # NAME
  case $1 in
    interruptions) cargo test --workspace --locked --test interruptions -- --ignored --nocapture whole ;;
    planted) cargo test --workspace --locked --test interruptions -- --nocapture planted_bugs ;;
    real-bed) ACIVNET_REAL_BED=all cargo test --workspace --locked --test real_bed -- --nocapture ;;
    seeds) cargo run --locked -p acivnet-seeds -- --seeds 0..500 ;;
    leader) ACIVNET_WHOLE=1 cargo test --workspace --locked --test it -- --nocapture leader control_plane ;;
    *) printf 'there is no part %s; see the head of %s\n' "$1" "$0" >&2 && return 2 ;;
  esac
}

main() {
  local name failed=()
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/build.sh)}
  export ACIVNET_KUBE_BIN
  [ $# -gt 0 ] || set -- interruptions planted real-bed seeds leader
  for name in "$@"; do
    part "$name" || failed+=("$name")
  done
  [ ${#failed[@]} = 0 ] || { printf 'converge: not as it should be: %s\n' "${failed[*]}" >&2 && return 1; }
}

main "$@"
