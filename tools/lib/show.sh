# shellcheck shell=bash
# How a play speaks: headings, commands as a user would type them, waiting, failing.

# shellcheck source=../lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
step_names=() step_seconds=()

# Ends the step before and begins one. usage: step TITLE
step() {
  end_step
  step_names+=("$1")
  step_began=$(now)
  printf '\n%s== %s ==%s\n' "$bold" "$1" "$plain"
}

end_step() {
  [ "${#step_names[@]}" -gt "${#step_seconds[@]}" ] || return 0
  step_seconds+=("$(seconds_since "$step_began")")
}

note() {
  printf '%s# %s%s\n' "$dim" "$*" "$plain"
}

type_command() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
}

# Prints a command line and carries it out. usage: show 'COMMAND LINE'
show() {
  type_command "$1"
  eval "$1" || fail "this command failed with exit status $?: $1"
}

# The same for a command that has to fail. usage: show_refused 'COMMAND LINE'
show_refused() {
  type_command "$1"
  ! eval "$1" || fail "this command should not have succeeded: $1"
}

fail() {
  trap - EXIT
  explain_failure >&2
  printf '\n%sFAILED%s in "%s": %s\n' "$bold" "$plain" "${step_names[*]: -1}" "$*" >&2
  exit 1
}

# For an end that nobody foresaw; set as the EXIT trap.
report_unforeseen_end() {
  local status=$?
  case $status in
    0 | 130 | 143) ;;
    *) fail "the script ended with exit status $status at: $BASH_COMMAND" ;;
  esac
}

# What a person would look at first.
explain_failure() {
  printf '\n--- state at the end\n'
  [ ! -f "${KUBECONFIG:-}" ] || kubectl --request-timeout=5s describe delegatedsubnets,acivnetdeployments 2>&1 | tail -n 120 || true
  local log
  for log in operator acivnet simulator environments node; do
    [ -s "$STATE/logs/$log.log" ] || continue
    printf -- '--- last lines of %s\n' "$STATE/logs/$log.log"
    tail -n 25 "$STATE/logs/$log.log"
  done
}

# usage: wait_until WHAT SECONDS COMMAND…     fails when a background program has ended meanwhile
wait_until() {
  local what=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    check_programs
    [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for: $what"
    sleep 0.3
  done
}

# Shows `kubectl get KIND -w` as it comes until a condition of NAME is True for its present generation.
watch_until() { # CONDITION KIND NAME SECONDS
  local condition=$1
  shift
  local watcher said
  type_command "kubectl get $1 -w"
  kubectl get "$1" -w &
  watcher=$!
  if ! said=$(kubectl wait "$1/$2" --for="condition=$condition" --timeout="$3s" 2>&1); then
    kill "$watcher" 2>/dev/null || true
    fail "$1/$2 did not become $condition within $3 s: $said"
  fi
  sleep 0.5
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  echo '^C'
}

# How long each step took.
print_times() {
  local index
  end_step
  printf '\n%s== Summary ==%s\n' "$bold" "$plain"
  for index in "${!step_names[@]}"; do
    printf '%8s s  %s\n' "${step_seconds[$index]}" "${step_names[$index]}"
  done
}
