#!/usr/bin/env bash
# The inputs of tests/faults, each of which once had a wrong result, against the real bed: a Kubernetes API server, the
# operator as a process, the simulated Azure with containers that really run.
# usage: faults.sh [--quick]      --quick leaves out what needs a container image that nothing else builds
# The last line is the number of checks. By environment: ACIVNET_FAULTS (default: all; a list of areas, see run.py).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

main() {
  case ${1:-} in
    --quick) export ACIVNET_FAULTS_QUICK=1 ;;
    '') ;;
    *) die "usage: faults.sh [--quick]" ;;
  esac
  prepare
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  export ACIVNET_KUBE_BIN
  play tools/faults/inside.sh
}

main "$@"
