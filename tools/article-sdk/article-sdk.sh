#!/usr/bin/env bash
# The how-to's own Python with Microsoft's azureml-core, unmodified, against the simulator: no operator, no Kubernetes.
# usage: article-sdk.sh   ACIVNET_DEMO_TIME_SCALE is the length of Azure's operations (1 = as in Azure; default 0.05)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

main() {
  prepare
  ACIVNET_SDK_PYTHON=$(locked_python azureml-core tools/article-sdk/requirements.txt)
  export ACIVNET_SDK_PYTHON
  play tools/article-sdk/inside.sh
}

main "$@"
