#!/usr/bin/env bash
# Checks deploy/azure as far as that goes without Azure: check.py says how; the form of the Terraform files where terraform is
# installed. usage: check.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

main() {
  local python
  cd "$root"
  # both are for locked_python
  cache=$(cache_folder)
  uv=$(tools/python-tool.sh uv)
  export cache uv
  python=$(locked_python "what reads Bicep and Terraform" tools/azure/requirements.txt)
  "$python/bin/python" tools/azure/check.py deploy/azure
  if command -v terraform > /dev/null; then
    TF_CLI_CONFIG_FILE=/dev/null terraform fmt -check -diff deploy/azure/terraform
  else
    echo "terraform is not installed: the form of its files was not checked"
  fi
}

main "$@"
