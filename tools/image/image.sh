#!/usr/bin/env bash
# The images of the operator and of the simulator, without a container engine and without root: for each an OCI layout, the same
# as one file, and its list of contents (CycloneDX). Of the same commit and the same programs come the same digests.
# usage: image.sh [FOLDER]      default: target/image. Prints name, digest and compressed size of each
# By environment: ACIVNET_BINARIES (a folder with both release programs; default: they are built), ACIVNET_REVISION and
# SOURCE_DATE_EPOCH (default: those of the commit), ACIVNET_SOURCE (URL of the repository, for the label).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/release.sh
source "$root/tools/lib/release.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"
# shellcheck source=layers.sh
source "$root/tools/image/layers.sh"

main() {
  local program
  cd "$root"
  command -v umoci >/dev/null || die "umoci is missing: apt-get install umoci (Debian, Ubuntu)"
  out=${1:-${CARGO_TARGET_DIR:-$root/target}/image}
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  name_the_release
  ACIVNET_BINARIES=${ACIVNET_BINARIES:-$(release_programs)}
  work=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-image.XXXXXX")
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$work'" EXIT
  tools/image/base.sh "$work/base"
  for program in acivnet acivnet-simulator; do
    make_image "$program" "$out" "$work"
  done
}

main "$@"
