#!/usr/bin/env bash
# What azureml-core sends for each configuration of tests/differential, recorded anew and compared with what is in the
# repository and with what the operator sends. usage: differential.sh [--accept]     --accept takes the new recordings over
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

# Microsoft may still publish a release: then somebody has to look at what it sends.
newest_sdk_is_known() {
  local pinned newest
  pinned=$(sed -nE 's/^azureml-core==//p' tools/article-sdk/requirements.txt)
  newest=$(printf 'azureml-core\n' | "$(tools/python-tool.sh uv)" pip compile --quiet --no-annotate --no-header --no-deps --python-version 3.11 - | sed -nE 's/^azureml-core==//p') ||
    { echo "The Python index did not say which azureml-core is the newest; $pinned is compared" >&2; return 0; }
  [ "$pinned" = "$newest" ] ||
    die "azureml-core $newest is out and $pinned is compared: set it in tools/article-sdk/requirements.in, compile that, and run this with --accept"
}

main() {
  local server
  prepare
  newest_sdk_is_known
  server=$(locked_python "the scoring server" tools/differential/requirements.txt)
  ACIVNET_SDK_PYTHON=$(locked_python azureml-core tools/article-sdk/requirements.txt)
  ACIVNET_SDK_RECORDINGS=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-recordings.XXXXXX")
  [ "${1:-}" != --accept ] || export ACIVNET_ACCEPT_RECORDINGS=1
  export ACIVNET_SDK_PYTHON ACIVNET_SDK_RECORDINGS
  (play tools/differential/inside.sh)
  "$ACIVNET_SDK_PYTHON/bin/python" tools/differential/drivers.py "$ACIVNET_SDK_RECORDINGS" crates/core/src/kinds/web_service/driver.py "$server/bin/python"
  cargo test --workspace --locked --test differential
  rm -rf "$ACIVNET_SDK_RECORDINGS"
}

main "$@"
