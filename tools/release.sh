# shellcheck shell=bash disable=SC2034,SC2154 # `root` is the sourcing script's, the names set here are for it
# What a release is called; sourced by the scripts that make parts of one.

workspace_version() {
  sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml"
}

in_git() {
  git -C "$root" "$@" 2>/dev/null
}

# Sets and exports version, ACIVNET_REVISION and SOURCE_DATE_EPOCH. Files that are not as committed are told by `-dirty`.
name_the_release() {
  version=$(workspace_version)
  if [ -z "${ACIVNET_REVISION:-}" ]; then
    ACIVNET_REVISION=$(in_git rev-parse HEAD) || die "this is no git checkout; set ACIVNET_REVISION and SOURCE_DATE_EPOCH"
    in_git diff --quiet HEAD || ACIVNET_REVISION+=-dirty
  fi
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(in_git log -1 --format=%ct)} || die "this is no git checkout; set SOURCE_DATE_EPOCH"
  created=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
  export ACIVNET_REVISION SOURCE_DATE_EPOCH
}
