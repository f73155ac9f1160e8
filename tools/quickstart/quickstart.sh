#!/usr/bin/env bash
# docs/quickstart.md as it stands: its commands, with the real helm and kubectl, on a Kubernetes API server of its own. Pods
# run as processes (node.py).
# usage: quickstart.sh      settings by environment: ACIVNET_KUBE_BIN, ACIVNET_BINARIES (a folder with both programs)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

clean_up() {
  local status=$?
  trap - EXIT
  leave "$status"
}

main() {
  cd "$root"
  tools/preflight.sh programs network
  ACIVNET_BINARIES=$(played_programs)
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  ACIVNET_HELM=$(tools/go-tool.sh helm)
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-quickstart.XXXXXX")
  export ACIVNET_BINARIES ACIVNET_KUBE_BIN ACIVNET_HELM STATE
  mkdir "$STATE/logs"
  trap clean_up EXIT
  setpriv --pdeathsig KILL unshare -Urnmpf --kill-child --mount-proc bash tools/quickstart/inside.sh
}

main "$@"
