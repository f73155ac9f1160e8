# shellcheck shell=bash
# Python environments, made once for the same packages and kept in the cache folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"

# The packages that the example's conda file names, as the Python index writes them.
example_requirement() { # NAME
  sed -nE "/^  - $1[=<>]/{s/^  - //; s/^([a-z-]+)=([0-9])/\1==\2/; p}" "$root/deploy/examples/article/myenv.yml"
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
  local what=$1 python=$2 cache uv folder
  shift
  cache=$(cache_folder)
  uv=$("$root/tools/python-tool.sh" uv)
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
