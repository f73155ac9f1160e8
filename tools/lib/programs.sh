# shellcheck shell=bash disable=SC2154 # `root` is the repository, set by the script that sources this
# acivnet's own programs, as cargo builds them. Always both at once: built alone, one would be built of other features, and all
# that it depends on again.

# Prints the folder of the programs of a profile. usage: build_programs PROFILE
build_programs() {
  echo "Building the operator and the simulator (profile $1)" >&2
  cargo build --profile "$1" --locked -p acivnet-operator -p acivnet-simulator --bins >&2 ||
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
