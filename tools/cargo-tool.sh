#!/usr/bin/env bash
# Builds a program of crates.io in one exact version, once, and prints its path.
# usage: cargo-tool.sh cargo-cyclonedx
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"

release() { # TOOL
  case $1 in
    cargo-cyclonedx) echo 0.5.9 ;;
    *) die "unknown tool $1; known: cargo-cyclonedx" ;;
  esac
}

main() {
  local tool=${1:?usage: cargo-tool.sh cargo-cyclonedx} wanted folder
  wanted=$(release "$tool")
  folder=$(cache_folder)/tools/$tool-$wanted
  if [ ! -x "$folder/bin/$tool" ]; then
    mkdir -p "${folder%/*}"
    take_lock "$folder.lock" "building $tool"
  fi
  if [ ! -x "$folder/bin/$tool" ]; then
    printf 'Building %s %s (needed once; two minutes on two cores)\n' "$tool" "$wanted" >&2
    cargo install --quiet --locked --root "$folder.part" "$tool@$wanted" >&2 || die "$tool did not compile; cargo's words are above"
    rm -rf "$folder"
    mv "$folder.part" "$folder"
  fi
  printf '%s\n' "$folder/bin/$tool"
}

main "$@"
