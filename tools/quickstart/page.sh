# shellcheck shell=bash
# The commands of docs/quickstart.md. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

# Prints the commands of the first block below a heading, each ended by a zero byte. usage: commands_below HEADING
commands_below() {
  awk -v heading="## $1" '
    /^## / { below = ($0 == heading) }
    below && /^```/ { if (inside) exit; inside = ($0 == "```sh"); next }
    inside && $0 != "" {
      command = command (command == "" ? "" : "\n") $0
      if ($0 !~ /(\\|\|)$/) { printf "%s%c", command, 0; command = "" }
    }' "$root/docs/quickstart.md"
}

# Carries out the commands below a heading, as a reader would type them; their number goes to `played`, what the last one
# printed to $STATE/printed. usage: play_page HEADING
play_page() {
  local commands
  mapfile -d '' commands < <(commands_below "$1")
  played=${#commands[@]}
  [ "$played" != 0 ] || fail "docs/quickstart.md has no commands below \"$1\""
  local command
  for command in "${commands[@]}"; do
    type_command "$command"
    bash -euo pipefail -c "$command" > "$STATE/printed" &
    local typed=$!
    while kill -0 "$typed" 2>/dev/null; do
      check_programs
      sleep 0.2
    done
    wait "$typed" || fail "this command of docs/quickstart.md failed with exit status $?: $command"
    cat "$STATE/printed"
  done
}

# Fails unless the last command printed what the page shows below the heading, but for spaces and the column AGE.
# usage: compare_with_page HEADING
compare_with_page() {
  local shown
  shown=$(awk -v heading="## $1" '
    /^## / { below = ($0 == heading) }
    below && $0 == "```text" { inside = 1; next }
    inside && /^```/ { exit }
    inside' "$root/docs/quickstart.md")
  [ -n "$shown" ] || fail "docs/quickstart.md shows no output below \"$1\""
  diff <(without_age <<< "$shown") <(without_age < "$STATE/printed") || fail "docs/quickstart.md shows other lines; see above"
}

without_age() {
  awk '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "AGE") age = i }
    { if (age) $age = ""; $1 = $1; print }'
}
