#!/usr/bin/env bash
# The whole how-to on this machine: builds what is missing, then plays inside.sh in namespaces of its own.
# usage: demo.sh          KEEP=1 leaves everything standing in a shell before it is deleted
# Other settings by environment: ACIVNET_DEMO_TIME_SCALE (length of Azure's operations, 1 = as in Azure; default 0.05),
# ACIVNET_DEMO_PACE (length of the operator's own waits; default 0.5).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../common.sh
source "$root/tools/common.sh"
# shellcheck source=outside.sh
source "$root/tools/demo/outside.sh"

main() {
  prepare
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  export ACIVNET_KUBE_BIN
  play tools/demo/inside.sh
}

main "$@"
