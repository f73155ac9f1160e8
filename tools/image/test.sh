#!/usr/bin/env bash
# Both images, made twice: the same digests; user, labels, files, list of contents and size are as they must be. Needs no root.
# usage: test.sh      by environment: ACIVNET_BINARIES, see image.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/release.sh
source "$root/tools/lib/release.sh"
# shellcheck source=../lib/programs.sh
source "$root/tools/lib/programs.sh"

most_bytes=12000000
source_url=https://git.example.com/acivnet

same() { # PROGRAM
  local first second
  first=$(python3 "$root/tools/image/describe.py" "$folder/first/$1" digest)
  second=$(python3 "$root/tools/image/describe.py" "$folder/second/$1" digest)
  [ "$first" = "$second" ] || die "$1 is $first the first time and $second the second; compare the layers of $folder"
  cmp "$folder/first/$1-$version"-*.oci.tar "$folder/second/$1-$version"-*.oci.tar || die "the archives of $1 differ, see $folder"
}

# What the machine or the user may have set otherwise, the second time.
make_twice() {
  tools/image/image.sh "$folder/first"
  mkdir "$folder/tmp"
  (umask 077 && TZ=Asia/Tokyo LC_ALL=C TMPDIR=$folder/tmp tools/image/image.sh "$folder/second")
}

# What names a version of Rust, or of this, names the one that is built.
check_names() {
  local rust file
  rust=rust:$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)-bookworm
  for file in deploy/operator/Dockerfile .github/workflows/release.yml; do
    grep -q "[= ]$rust\b" "$file" || die "$file does not build in $rust"
  done
  for file in acivnet acivnet-simulator; do
    [[ "$("$ACIVNET_BINARIES/$file" --version)" == "$file $version"* ]] || die "$file --version does not say $version"
  done
  grep -qx "ARG VERSION=$version" deploy/operator/Dockerfile || die "deploy/operator/Dockerfile does not say VERSION=$version"
  [ -f "docs/release-notes/$version.md" ] || die "docs/release-notes/$version.md is not there"
}

main() {
  local program
  cd "$root"
  tools/preflight.sh images || exit 77
  # Before the release has a name, so that tools/dist/test.sh finds them built and not others that know the commit.
  ACIVNET_BINARIES=${ACIVNET_BINARIES:-$(release_programs)}
  export ACIVNET_BINARIES
  name_the_release
  version=$(workspace_version)
  check_names
  # Debian may have gone on since this commit.
  export PYTHONDONTWRITEBYTECODE=1 ACIVNET_IMAGE_BASE=newest ACIVNET_SOURCE=$source_url
  folder=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-image-test.XXXXXX")
  make_twice
  for program in acivnet acivnet-simulator; do
    same "$program"
    python3 tools/image/check.py "$folder/first/$program" "$program" "$version" "$ACIVNET_REVISION" "$source_url" \
      "$folder/first/$program.cdx.json" "$most_bytes" || die "$program is not as it must be; see above"
  done
  rm -rf "$folder"
  echo "image: both are the same twice, and as they must be"
}

main "$@"
