#!/usr/bin/env bash
# What is published, as its users get it: pushed to a registry, installed from there by digest on the test bed, and run by runc
# as a node would run it. Needs root and the Debian packages that tools/preflight.sh names; all of it happens in namespaces of
# its own. usage: test.sh      by environment: ACIVNET_BINARIES, ACIVNET_KUBE_BIN
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

clean_up() {
  local status=$?
  trap - EXIT
  # Control groups are the machine's, not the namespaces'.
  find /sys/fs/cgroup -depth -type d -name "$ACIVNET_CGROUP-*" -exec rmdir {} + 2>/dev/null || true
  leave "$status"
}

main() {
  cd "$root"
  tools/preflight.sh containers || exit 77
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  ACIVNET_BINARIES=${ACIVNET_BINARIES:-$(release_programs)}
  ACIVNET_HELM=$(tools/go-tool.sh helm)
  ACIVNET_CRANE=$(tools/go-tool.sh crane)
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-dist-test.XXXXXX")
  ACIVNET_CGROUP=${STATE##*/}
  export ACIVNET_CGROUP ACIVNET_KUBE_BIN ACIVNET_BINARIES ACIVNET_HELM ACIVNET_CRANE STATE
  # The container's user passes through it.
  chmod 711 "$STATE"
  mkdir "$STATE/logs"
  trap clean_up EXIT
  ACIVNET_IMAGE_BASE=newest ACIVNET_REGISTRY=127.0.0.1:5000 tools/dist/dist.sh "$STATE/dist"
  setpriv --pdeathsig KILL unshare -nmpf --kill-child --mount-proc bash tools/dist/inside.sh
}

main "$@"
