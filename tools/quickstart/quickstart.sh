#!/usr/bin/env bash
# docs/quickstart.md as it stands: its commands, with the real helm and kubectl, on a Kubernetes API server of its own. Pods
# run as processes (node.py). Debug programs do: nothing here is about speed.
# usage: quickstart.sh      settings by environment: ACIVNET_KUBE_BIN, ACIVNET_BINARIES (a folder with both programs)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../common.sh
source "$root/tools/common.sh"

# The programs that cargo's tests have built already.
debug_binaries() {
  cargo build --locked -p acivnet-operator -p acivnet-simulator >&2
  printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}/debug"
}

clean_up() {
  local status=$?
  trap - EXIT
  case $status in
    0 | 130 | 143) rm -rf "$STATE" ;;
    *) printf '\n%s failed (exit status %d). Logs: %s\n' "${0##*/}" "$status" "$STATE" >&2 ;;
  esac
  exit "$status"
}

main() {
  cd "$root"
  tools/preflight.sh
  ACIVNET_BINARIES=${ACIVNET_BINARIES:-$(debug_binaries)}
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/build.sh)}
  ACIVNET_HELM=$(tools/go-tool.sh helm)
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-quickstart.XXXXXX")
  export ACIVNET_BINARIES ACIVNET_KUBE_BIN ACIVNET_HELM STATE
  mkdir "$STATE/logs"
  trap clean_up EXIT
  setpriv --pdeathsig KILL unshare -Urnmpf --kill-child --mount-proc bash tools/quickstart/inside.sh
}

main "$@"
