#!/usr/bin/env bash
# Writes deploy/crds/*.yaml, one file per kind, from the types, and the same as templates of the chart. Tests say when they
# are out of date.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

definitions=$(mktemp)
trap 'rm -f "$definitions"' EXIT
cargo run --quiet --locked -p acivnet-operator -- crd > "$definitions"
# Documents are told apart by `---`; each is named after its group and its plural.
awk -v folder=deploy/crds '
  function flush() {
    if (text == "") return
    if (!match(text, /\n  name: [a-z]+\.[a-z.]+\n/)) { print "a document has no metadata.name" > "/dev/stderr"; exit 1 }
    name = substr(text, RSTART + 9, RLENGTH - 10)
    dot = index(name, ".")
    file = folder "/" substr(name, dot + 1) "_" substr(name, 1, dot - 1) ".yaml"
    printf "%s", text > file
    close(file)
    print file
    text = ""
  }
  /^---$/ { flush(); next }
  { text = text $0 "\n" }
  END { flush() }' "$definitions"
tools/chart/crds.sh
