#!/usr/bin/env bash
# Microsoft's own clients, unmodified, against the simulator: azureml-core, the management libraries for Python, az.
# usage: clients.sh [--quick]      --quick makes only the steps that every run of the tests makes
# The last line is the number of checks. By environment: ACIVNET_CLIENTS (default: all; a list of sdk, serving,
# management, az), ACIVNET_AZURE_SPECS (folder with Microsoft's specifications, which the traffic is then held to).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

main() {
  case ${1:-} in
    --quick) export ACIVNET_CLIENTS_QUICK=1 ;;
    '') ;;
    *) die "usage: clients.sh [--quick]" ;;
  esac
  prepare
  ACIVNET_SDK_PYTHON=$(locked_python azureml-core tools/article-sdk/requirements.txt)
  ACIVNET_MANAGEMENT_PYTHON=$(locked_python "the management libraries" tools/clients/management.txt)
  ACIVNET_AZ_PYTHON=$(locked_python azure-cli tools/clients/cli.txt)
  export ACIVNET_SDK_PYTHON ACIVNET_MANAGEMENT_PYTHON ACIVNET_AZ_PYTHON
  play tools/clients/inside.sh
}

main "$@"
