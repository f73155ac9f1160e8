# shellcheck shell=bash
# acivnet's own programs, as cargo builds them. Always both at once: built alone, one would be built of other features, and all
# that it depends on again.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
both_programs=(--locked -p acivnet-operator -p acivnet-simulator)

# How many crates they consist of.
count_crates() {
  cargo tree "${both_programs[@]}" -e normal,build --prefix none | sed 's/ (\*)$//' | sort -u | wc -l
}

# Reads what `cargo build -v` says, hands on what is no progress, and tells every ten seconds how far it is.
show_crates() { # CRATES_IN_ALL
  local line crates=0 told=$SECONDS started=$SECONDS
  while :; do
    if IFS= read -r -t 10 line; then
      case $line in
        *" Compiling "* | *" Fresh "*) crates=$((crates + 1)) ;;
        *" Running "* | *" Dirty "* | *" Downloaded "* | *" Downloading "* | *" Updating "* | *" Finished "*) ;;
        *) printf '%s\n' "$line" ;;
      esac
    elif [ $? -le 128 ]; then
      return
    fi
    [ $((SECONDS - told)) -ge 10 ] || continue
    told=$SECONDS
    printf '  operator and simulator: %d of %d crates, %d s\n' "$crates" "$1" "$((SECONDS - started))"
  done
}

# Prints the folder of the programs of a profile. usage: build_programs PROFILE
build_programs() {
  local crates
  crates=$(count_crates) || die "cargo can't read the workspace; what it says is above"
  printf 'Building the operator and the simulator: %d crates, profile %s\n' "$crates" "$1" >&2
  cargo build -v --color never --profile "$1" "${both_programs[@]}" --bins 2>&1 | show_crates "$crates" >&2 ||
    die "the build failed; what cargo says is above"
  printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}/$1"
}

# The programs that are published: small and fast, eight minutes on two cores.
release_programs() {
  build_programs release
}

# The programs to play with, unless ACIVNET_BINARIES names a folder that has them.
played_programs() {
  if [ -n "${ACIVNET_BINARIES:-}" ]; then
    printf '%s\n' "$ACIVNET_BINARIES"
  else
    build_programs demo
  fi
}

# The programs out of what `cargo test` has built, with the features that it chose: with `--tests` only they are left to link.
tested_programs() {
  cargo build --workspace --locked --bins --tests >&2 || die "the programs did not compile; what cargo says is above"
  printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}/debug"
}
