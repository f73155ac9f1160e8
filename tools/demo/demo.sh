#!/usr/bin/env bash
# The whole how-to on this machine: builds what is missing, then plays inside.sh in namespaces of its own.
# usage: demo.sh          KEEP=1 leaves everything standing in a shell before it is deleted
# Other settings by environment: ACIVNET_DEMO_TIME_SCALE (length of Azure's operations, 1 = as in Azure; default 0.05),
# ACIVNET_DEMO_PACE (length of the operator's own waits; default 0.5).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

# The controller manager deletes, so it is needed last: it may still be compiled while the demo plays.
cluster_can_start() {
  local folder program
  folder=$(printed_by kubernetes | head -n 1)
  [ -n "$folder" ] || return 1
  for program in etcd kube-apiserver kubectl; do
    [ -x "$folder/$program" ] || return 1
  done
}

# All parts at the same time. Kubernetes' programs are the longest where they have to be compiled, and yield to the others, so
# that these and the play are not held up.
prepare_parts() {
  begin_part kubernetes nice -n 5 tools/kube/programs.sh
  begin_part python plain_python
  begin_part programs played_programs
  await_part programs
  ACIVNET_BINARIES=$(printed_by programs)
  export ACIVNET_BINARIES
  start_environment_builder
  begin_part environment python3 tools/demo/environment.py "$STATE/environments.sock"
  await_part python
  ACIVNET_PLAIN_PYTHON=$(printed_by python)
  await_of_part kubernetes cluster_can_start
  ACIVNET_KUBE_BIN=$(printed_by kubernetes | head -n 1)
  export ACIVNET_PLAIN_PYTHON ACIVNET_KUBE_BIN
}

main() {
  ACIVNET_DEMO_BEGAN=$(now)
  export ACIVNET_DEMO_BEGAN
  cd "$root"
  tools/preflight.sh programs network
  find_specs
  make_state
  prepare_parts
  play tools/demo/inside.sh
}

main "$@"
