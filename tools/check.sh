#!/usr/bin/env bash
# Everything that is judged without running it: format, clippy, scripts, length of files.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=common.sh
source "$root/tools/common.sh"
longest=600

tracked() { # PATTERN…
  git ls-files --cached --others --exclude-standard -- "$@"
}

check_scripts() {
  local shellcheck
  shellcheck=$(tools/python-tool.sh shellcheck)
  tracked '*.sh' .ci/run | xargs -r "$shellcheck"
}

# Lock files and what a program wrote (CRDs, golden files) may be as long as they are.
check_lengths() {
  local file lines bad=0
  while IFS= read -r file; do
    [ -f "$file" ] || continue
    lines=$(wc -l < "$file")
    [ "$lines" -le "$longest" ] && continue
    printf '%s has %d lines; cut it, %d is the most\n' "$file" "$lines" "$longest" >&2
    bad=1
  done < <(tracked '*.rs' '*.sh' '*.py' '*.md' '*.toml' '*.yaml' '*.yml' Makefile ':!deploy/crds')
  return "$bad"
}

main() {
  cd "$root"
  cargo fmt --all --check
  check_scripts
  check_lengths
  cargo clippy --workspace --all-targets --locked -- -D warnings
  echo "check: format, scripts, lengths and clippy are clean"
}

main "$@"
