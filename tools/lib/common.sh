# shellcheck shell=bash
# Functions that the scripts of this folder share; sourced, never run.

# Prints a message and ends the script. usage: die WHAT_WAS_WRONG_AND_WHAT_TO_DO
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The folder that holds what is built or fetched once: Kubernetes binaries, Python tools, environments.
cache_folder() {
  local folder=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME}/.cache}/acivnet
  mkdir -p "$folder"
  printf '%s\n' "$folder"
}

# A moment, in microseconds.
now() {
  printf '%s' "${EPOCHREALTIME/[.,]/}"
}

seconds_since() { # MOMENT_OF_now
  local tenths=$((($(now) - $1) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# True when version $1 is at least version $2; both are numbers with dots.
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]
}

# Waits for a lock and keeps it until the script ends. usage: take_lock FILE WHAT
take_lock() {
  local descriptor
  exec {descriptor}>"$1"
  flock -n "$descriptor" && return
  printf 'waiting for another process that is busy with %s …\n' "$2" >&2
  flock "$descriptor"
}

# Calls a function of the script's own when it ends, also by a signal. usage: at_any_end FUNCTION
at_any_end() {
  # shellcheck disable=SC2064 # the name is meant as it is now
  trap "$1" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Ends a script that played something with its logs in $STATE/logs: they stay, and are named, when it failed.
# usage: leave EXIT_STATUS
leave() {
  case $1 in
    0 | 130 | 143) rm -rf "$STATE" ;;
    *) printf '\n%s failed (exit status %d). Logs, one per program: %s\n' "${0##*/}" "$1" "$STATE/logs" >&2 ;;
  esac
  exit "$1"
}
