#!/usr/bin/env bash
# Everything that is judged without running it: format, Clippy, scripts, workflows, length of files,
# unused public items, tuples by number, tests that docs/faults.md names, the documentation of the code.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
longest=450

tracked() { # PATTERN…
  git ls-files --cached --others --exclude-standard -- "$@"
}

check_scripts() {
  local shellcheck
  shellcheck=$(tools/python-tool.sh shellcheck)
  tracked '*.sh' .ci/run | xargs -r "$shellcheck"
}

# Form, types and scripts of the forge's workflows (actionlint); what an attacker could use (zizmor).
check_workflows() {
  local actionlint zizmor shellcheck
  actionlint=$(tools/go-tool.sh actionlint)
  shellcheck=$(tools/python-tool.sh shellcheck)
  zizmor=$(tools/python-tool.sh zizmor)
  "$actionlint" -shellcheck "$shellcheck" -pyflakes= .github/workflows/*.yml
  "$zizmor" --offline --quiet --persona=pedantic .github
}

# Lock files, what a program wrote (CRDs, those of releases, golden files) and inputs that failed may be as long as they are.
check_lengths() {
  local file lines bad=0
  while IFS= read -r file; do
    [ -f "$file" ] || continue
    lines=$(wc -l < "$file")
    [ "$lines" -le "$longest" ] && continue
    printf '%s has %d lines; cut it, %d is the most\n' "$file" "$lines" "$longest" >&2
    bad=1
  done < <(tracked '*.rs' '*.sh' '*.py' '*.md' '*.toml' '*.yaml' '*.yml' Makefile ':!deploy/crds' ':!charts/acivnet/templates/crd-*' ':!tools/chart/golden' ':!tests/releases' ':!tests/faults')
  return "$bad"
}

# What a call answers has a name where it is used: `let (name, _) = …` or a struct, not `call(…).0`.
check_tuples() {
  local found
  found=$(tracked '*.rs' ':!*tests*' | xargs grep -nE '[[:alnum:]_]\([^()]*(\([^()]*\)[^()]*)*\)\.[0-9]\b' | grep -v '"' || true)
  [ -z "$found" ] && return
  printf '%s\n' "$found" >&2
  printf 'these lines take a part of an answer by its number; give it a name\n' >&2
  return 1
}

# The tests that docs/faults.md names are there, and so are the scenarios, which stand in double quotes.
check_tests_of_faults() {
  local path name bad=0
  while IFS=: read -r path _ name; do
    grep -qsE "(fn|def) $name\\(" "$path" && continue
    printf 'docs/faults.md names %s::%s, which is not there\n' "$path" "$name" >&2
    bad=1
  done < <(grep -oE '[[:alnum:]_./-]+\.(rs|py)::[a-z0-9_]+' docs/faults.md)
  while IFS= read -r name; do
    grep -rqsF "name: $name" tests/src/in_process && continue
    grep -rqsF "($name," tests/src/in_process && continue
    printf 'docs/faults.md names the scenario %s, which is not there\n' "$name" >&2
    bad=1
  done < <(awk -F'|' '/^[|]/ { print $4 }' docs/faults.md | grep -o '"[^"]*"')
  return "$bad"
}

main() {
  cd "$root"
  cargo fmt --all --check
  check_scripts
  check_workflows
  check_lengths
  python3 tools/check/unused.py
  check_tuples
  check_tests_of_faults
  cargo clippy --workspace --all-targets --locked -- -D warnings
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
  echo "check: format, scripts, workflows, lengths, public items, tuples, tests of faults, Clippy and documentation are clean"
}

main "$@"
