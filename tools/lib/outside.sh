# shellcheck shell=bash
# What has to happen outside the namespaces, where there is a network: building, installing, cleaning up. Sourced by the
# scripts that play something inside.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/python.sh
source "$root/tools/lib/python.sh"
# shellcheck source=../lib/parts.sh
source "$root/tools/lib/parts.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

# Sets what inside.sh needs of any play.
prepare() {
  cd "$root" || exit
  tools/preflight.sh programs network
  ACIVNET_BINARIES=$(played_programs)
  ACIVNET_PLAIN_PYTHON=$(plain_python)
  export ACIVNET_BINARIES ACIVNET_PLAIN_PYTHON
  find_specs
}

# The folder with Microsoft's API descriptions, as the simulator is to read it: by its whole path, or not at all.
find_specs() {
  if [ -z "${ACIVNET_AZURE_SPECS:-}" ]; then
    unset ACIVNET_AZURE_SPECS
    return
  fi
  [ -d "$ACIVNET_AZURE_SPECS" ] || die "ACIVNET_AZURE_SPECS=$ACIVNET_AZURE_SPECS is no folder"
  ACIVNET_AZURE_SPECS=$(cd "$ACIVNET_AZURE_SPECS" && pwd)
  export ACIVNET_AZURE_SPECS
}

# Builds Python environments for the simulator's containers. The one part that stays outside: it needs the Python index.
start_environment_builder() {
  setpriv --pdeathsig TERM "$ACIVNET_BINARIES/acivnet-simulator" environments --socket "$STATE/environments.sock" \
    --cache "$(cache_folder)/environments" --uv "$("$root/tools/python-tool.sh" uv)" > "$STATE/logs/environments.log" 2>&1 < /dev/null &
  builder=$!
}

# Plays a script in user, mount, PID and network namespaces of its own: nothing else can be reached or disturbed, and all
# of it ends with this script. usage: play SCRIPT
play() {
  [ -n "${STATE:-}" ] || make_state
  [ -n "${builder:-}" ] || start_environment_builder
  setpriv --pdeathsig KILL unshare -Urnmpf --kill-child --mount-proc bash "$1"
}

# The folder of this run, which goes with it.
make_state() {
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-demo.XXXXXX")
  export STATE
  mkdir "$STATE/logs"
  at_any_end clean_up
}

clean_up() {
  local status=$?
  trap - EXIT
  end_parts
  [ -z "${builder:-}" ] || kill "$builder" 2>/dev/null || true
  leave "$status"
}
