#!/usr/bin/env bash
# The whole how-to on this machine: builds what is missing, then plays inside.sh in namespaces of its own.
# usage: demo.sh          KEEP=1 leaves everything standing in a shell before it is deleted
# Other settings by environment: ACIVNET_DEMO_TIME_SCALE (length of Azure's operations, 1 = as in Azure; default 0.05),
# ACIVNET_DEMO_PACE (length of the operator's own waits; default 0.5).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../common.sh
source "$root/tools/common.sh"

prepare() {
  cd "$root"
  tools/preflight.sh
  ACIVNET_KUBE_BIN=${ACIVNET_KUBE_BIN:-$(tools/kube/build.sh)}
  echo "Building the operator and the simulator (release)"
  cargo build --release --locked -p acivnet-operator -p acivnet-simulator
  ACIVNET_BINARIES=${CARGO_TARGET_DIR:-$root/target}/release
  cache=$(cache_folder)
  uv=$(tools/python-tool.sh uv)
  ACIVNET_PLAIN_PYTHON=$(plain_python)
  export ACIVNET_KUBE_BIN ACIVNET_BINARIES ACIVNET_PLAIN_PYTHON
}

# The packages that the example's conda file names, as the Python index writes them.
example_requirement() { # NAME
  sed -nE "/^  - $1[=<>]/{s/^  - //; s/^([a-z-]+)=([0-9])/\1==\2/; p}" deploy/examples/article/myenv.yml
}

# An environment without any server, to train the example's model and to compare answers with.
plain_python() {
  local python folder packages
  python=$(example_requirement python)
  mapfile -t packages < <(example_requirement scikit-learn; example_requirement numpy)
  [ -n "$python" ] && [ "${#packages[@]}" = 2 ] || die "deploy/examples/article/myenv.yml does not name python, scikit-learn and numpy"
  folder=$cache/python/$(printf '%s\n' "$python" "${packages[@]}" | sha256sum | cut -c1-16)
  if [ ! -e "$folder/complete" ]; then
    mkdir -p "$folder"
    echo "Installing ${packages[*]} (needed once)" >&2
    export UV_PYTHON_DOWNLOADS=never
    "$uv" venv --quiet --clear --python "${python#python}" "$folder" >&2 || die "no Python on this machine satisfies $python"
    "$uv" pip install --quiet --python "$folder/bin/python" "${packages[@]}" >&2 || die "uv could not install ${packages[*]}; its words are above"
    touch "$folder/complete"
  fi
  printf '%s\n' "$folder"
}

# Builds Python environments for the simulator's containers. The one part that stays outside: it needs the Python index.
start_environment_builder() {
  setpriv --pdeathsig TERM "$ACIVNET_BINARIES/acivnet-simulator" environments --socket "$STATE/environments.sock" \
    --cache "$cache/environments" --uv "$uv" > "$STATE/logs/environments.log" 2>&1 < /dev/null &
  builder=$!
}

# User, mount, PID and network namespaces: nothing else can be reached or disturbed, and all of it ends with this script.
play() {
  setpriv --pdeathsig KILL unshare -Urnmpf --kill-child --mount-proc bash "$root/tools/demo/inside.sh"
}

clean_up() {
  local status=$?
  trap - EXIT
  [ -z "${builder:-}" ] || kill "$builder" 2>/dev/null || true
  case $status in
    0 | 130 | 143) rm -rf "$STATE" ;;
    *) printf '\nThe demo failed (exit status %d). Logs, one per program: %s\n' "$status" "$STATE/logs" >&2 ;;
  esac
  exit "$status"
}

main() {
  prepare
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-demo.XXXXXX")
  export STATE
  mkdir "$STATE/logs"
  trap clean_up EXIT
  start_environment_builder
  play
}

main "$@"
