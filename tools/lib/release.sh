# shellcheck shell=bash
# What a release is called; sourced by the scripts that make parts of one.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"

workspace_version() {
  sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml"
}

in_git() {
  git -C "$root" "$@" 2>/dev/null
}

# Exports ACIVNET_REVISION and SOURCE_DATE_EPOCH. Files that are not as committed are told by `-dirty`.
name_the_release() {
  if [ -z "${ACIVNET_REVISION:-}" ]; then
    ACIVNET_REVISION=$(in_git rev-parse HEAD) || die "this is no git checkout; set ACIVNET_REVISION and SOURCE_DATE_EPOCH"
    in_git diff --quiet HEAD || ACIVNET_REVISION+=-dirty
  fi
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(in_git log -1 --format=%ct)} || die "this is no git checkout; set SOURCE_DATE_EPOCH"
  export ACIVNET_REVISION SOURCE_DATE_EPOCH
}

# The moment of a release, as images carry it.
release_moment() {
  date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ
}
