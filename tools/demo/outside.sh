# shellcheck shell=bash disable=SC2154 # `root` is the sourcing script's
# What has to happen outside the namespaces, where there is a network: building, installing, cleaning up. Sourced by the
# scripts that play something inside: demo.sh, ../article-sdk/article-sdk.sh.

# shellcheck source=../lib/parts.sh
source "$root/tools/lib/parts.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

# Sets what inside.sh needs of any play.
prepare() {
  cd "$root" || exit
  tools/preflight.sh programs network
  cache=$(cache_folder)
  uv=$(tools/python-tool.sh uv)
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

# The packages that the example's conda file names, as the Python index writes them.
example_requirement() { # NAME
  sed -nE "/^  - $1[=<>]/{s/^  - //; s/^([a-z-]+)=([0-9])/\1==\2/; p}" deploy/examples/article/myenv.yml
}

# An environment without any server, to train the example's model and to compare answers with.
plain_python() {
  local python packages
  python=$(example_requirement python)
  mapfile -t packages < <(example_requirement scikit-learn; example_requirement numpy)
  [ -n "$python" ] && [ "${#packages[@]}" = 2 ] || die "deploy/examples/article/myenv.yml does not name python, scikit-learn and numpy"
  python_environment "${packages[*]}" "$python" "${packages[@]}"
}

# Prints the folder of a Python environment, which is made once for the same words; Python itself is fetched too where
# this machine has none that fits. usage: python_environment WHAT pythonVERSIONS PACKAGE…
python_environment() {
  local what=$1 python=$2 folder
  shift
  folder=$cache/python/$(printf '%s\n' "$@" | sha256sum | cut -c1-16)
  shift
  mkdir -p "$cache/python"
  take_lock "$folder.lock" "installing $what"
  if [ ! -e "$folder/complete" ]; then
    echo "Installing $what (needed once)" >&2
    export UV_PYTHON_INSTALL_DIR=$cache/python/interpreters
    "$uv" venv --quiet --clear --python "${python#python}" "$folder" >&2 || die "no Python on this machine satisfies $python, and uv could not fetch one"
    "$uv" pip install --quiet --python "$folder/bin/python" "$@" >&2 || die "uv could not install $what; its words are above"
    touch "$folder/complete"
  fi
  printf '%s\n' "$folder"
}

# A client in exactly the versions of a lock file. usage: locked_python WHAT LOCK_FILE
locked_python() {
  local packages
  mapfile -t packages < <(grep '==' "$2")
  # The newest Python that azureml-core still knows; the others run on it too.
  python_environment "$1" python3.11 "${packages[@]}"
}

# Builds Python environments for the simulator's containers. The one part that stays outside: it needs the Python index.
start_environment_builder() {
  setpriv --pdeathsig TERM "$ACIVNET_BINARIES/acivnet-simulator" environments --socket "$STATE/environments.sock" \
    --cache "$cache/environments" --uv "$uv" > "$STATE/logs/environments.log" 2>&1 < /dev/null &
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
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

clean_up() {
  local status=$?
  trap - EXIT
  end_parts
  [ -z "${builder:-}" ] || kill "$builder" 2>/dev/null || true
  leave "$status"
}
