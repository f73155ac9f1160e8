#!/usr/bin/env bash
# Plays recorded answers of Azure to the simulator and says, type by type, how many of its answers are Azure's. Fails on a
# difference that is not on the list in crates/simulator/tests/replay/known.rs, and on an entry there that is not true.
# usage: replay.sh    environment: ACIVNET_AZURE_RECORDINGS (folder with the recordings; without it nothing is done)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib/common.sh
source "$root/tools/lib/common.sh"

main() {
  if [ -z "${ACIVNET_AZURE_RECORDINGS:-}" ]; then
    echo "replay: no recordings of Azure are at hand, so nothing was compared; set ACIVNET_AZURE_RECORDINGS to their folder"
    return
  fi
  [ -d "$ACIVNET_AZURE_RECORDINGS" ] || die "ACIVNET_AZURE_RECORDINGS=$ACIVNET_AZURE_RECORDINGS is no folder"
  ACIVNET_AZURE_RECORDINGS=$(cd "$ACIVNET_AZURE_RECORDINGS" && pwd)
  export ACIVNET_AZURE_RECORDINGS CARGO_TERM_COLOR=never
  cd "$root"
  cargo test --quiet --locked -p acivnet-simulator --test replay -- --nocapture recorded_answers_of_azure
}

main "$@"
