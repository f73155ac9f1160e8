#!/usr/bin/env bash
# Builds a program that is written in Go from the modules pinned in tools/go/NAME, once, and prints its path.
# usage: go-tool.sh NAME            the names are the folders of tools/go
#        go-tool.sh NAME MODULE     prints the folder with the files of a module that it is built from
# The first line `tool PACKAGE` of NAME/go.mod says what is built; the cache is keyed by go.mod. Where the machine has no Go, or
# one that is older than the line `go` there demands, the one of the Python index compiles.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"

package_of() { # FOLDER
  awk '$1 == "tool" && NF == 2 { print $2; exit }' "$1/go.mod"
}

compiler_for() { # FOLDER; prints the command
  local wanted have=
  wanted=$(awk '$1 == "go" { print $2; exit }' "$1/go.mod")
  ! command -v go >/dev/null || have=$(cd / && go env GOVERSION)
  have=${have#go}
  if version_at_least "${have%%[- ]*}" "$wanted"; then
    command -v go
  else
    "$here/python-tool.sh" go
  fi
}

build() { # FOLDER PACKAGE FILE
  local name=${1##*/} go
  go=$(compiler_for "$1")
  printf 'Building %s (needed once; some minutes on two cores)\n' "$name" >&2
  CGO_ENABLED=0 GOTOOLCHAIN=local "$go" build -C "$1" -trimpath -ldflags '-s -w' -o "$3.part" "$2" >&2 \
    || die "$name did not compile; the compiler's words are above. Run the same command again to go on"
  mv "$3.part" "$3"
}

# Of a program that was built elsewhere, or long ago, the modules need not be here any more.
files_of() { # FOLDER MODULE
  local go
  go=$(compiler_for "$1")
  GOTOOLCHAIN=local "$go" -C "$1" mod download "$2" >&2 || die "$2 could not be fetched; the compiler's words are above"
  GOTOOLCHAIN=local "$go" -C "$1" list -m -f '{{.Dir}}' "$2"
}

main() {
  local name=${1:?usage: go-tool.sh NAME [MODULE]} folder package file
  folder=$here/go/$name
  [ -f "$folder/go.mod" ] || die "unknown program $name; known: $(cd "$here/go" && echo *)"
  if [ -n "${2:-}" ]; then
    files_of "$folder" "$2"
    return
  fi
  package=$(package_of "$folder")
  file=$(cache_folder)/tools/$name-$(sha256sum < "$folder/go.mod" | cut -c1-12)/$name
  if [ ! -x "$file" ]; then
    mkdir -p "${file%/*}"
    take_lock "${file%/*}/.lock" "building $name"
  fi
  [ -x "$file" ] || build "$folder" "$package" "$file"
  printf '%s\n' "$file"
}

main "$@"
