#!/usr/bin/env bash
# Writes what an image holds as CycloneDX JSON: the crates that the program is built of, and Debian's packages below it.
# usage: sbom.sh PROGRAM BASE FILE      BASE is what base.sh made
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"

crate_of() { # PROGRAM
  case $1 in
    acivnet) echo operator ;;
    acivnet-simulator) echo simulator ;;
    *) die "unknown program $1" ;;
  esac
}

# cargo-cyclonedx writes beside each manifest, so it gets a copy of the sources.
copy_of_sources() { # FOLDER
  (cd "$root" && cp -r --parents Cargo.toml Cargo.lock rust-toolchain.toml crates tests "$1")
}

main() {
  local program=${1:?usage: sbom.sh PROGRAM BASE FILE} base=$2 file=$3 tool crate sources
  tool=$("$root/tools/cargo-tool.sh" cargo-cyclonedx)
  crate=$(crate_of "$program")
  sources=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-sbom.XXXXXX")
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$sources'" EXIT
  copy_of_sources "$sources"
  (cd "$sources" && "$tool" cyclonedx --quiet --quiet --manifest-path "crates/$crate/Cargo.toml" --format json --spec-version 1.5 \
    --describe binaries) || die "cargo-cyclonedx failed; its words are above"
  python3 "$root/tools/image/sbom.py" "$sources" "$base" < "$sources/crates/$crate/${program}_bin.cdx.json" > "$file.part"
  mv "$file.part" "$file"
}

main "$@"
