# shellcheck shell=bash
# Parts of a preparation that run at the same time. What each prints goes to the file $STATE/parts/NAME, and how long it took to
# NAME.seconds. Each is a process group of its own, so that it can be ended with all that it started.

# shellcheck source=../lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

declare -A part_groups=()

# usage: begin_part NAME COMMAND…     messages of the command come to this terminal
begin_part() {
  mkdir -p "$STATE/parts"
  set -m
  run_part "$@" < /dev/null &
  set +m
  part_groups[$1]=$!
}

run_part() { # NAME COMMAND…
  local file=$STATE/parts/$1 began
  trap - INT TERM
  # shellcheck disable=SC2064 # this file
  trap "[ -e '$file.seconds' ] || touch '$file.failed'" EXIT
  began=$(now)
  "${@:2}" > "$file"
  seconds_since "$began" > "$file.seconds"
}

# Waits for the end of a part, and ends this script when it failed: the part has said why.
await_part() { # NAME
  wait "${part_groups[$1]}" || exit 1
}

# Waits until a command succeeds, or the part ends. usage: await_of_part NAME COMMAND…
await_of_part() {
  until "${@:2}"; do
    [ -e "$STATE/parts/$1.seconds" ] || [ -e "$STATE/parts/$1.failed" ] || { sleep 0.2; continue; }
    await_part "$1"
    "${@:2}" || die "$1 has ended without what was waited for: ${*:2}"
  done
}

printed_by() { # NAME OF A PART
  cat "$STATE/parts/$1"
}

end_parts() {
  local group
  for group in "${part_groups[@]}"; do
    kill -TERM -- "-$group" 2>/dev/null || true
  done
}
