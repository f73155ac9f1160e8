#!/usr/bin/env bash
# Whatever stops the operator, it ends right: the whole of what `cargo test` runs a slice of. Minutes on two cores; what
# was found goes to docs/results.
# usage: converge.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export ACIVNET_RESULTS=1 CARGO_TERM_COLOR=never

cargo test --locked -p acivnet-tests --test interruptions -- --ignored --nocapture whole
cargo run --locked -p acivnet-seeds -- --seeds 0..500
