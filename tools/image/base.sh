#!/usr/bin/env bash
# What a program needs beside itself, taken out of Debian's own packages: the C library, libgcc, certificate authorities, a
# user without rights. No shell, no package manager. The packages and versions are those of base.lock; Debian's own signature
# on its lists vouches for what is fetched, and it is kept in the cache folder.
# usage: base.sh FOLDER      by environment: ACCEPT=1 takes what Debian has now into base.lock
#                            ACIVNET_IMAGE_BASE=newest takes what Debian has now if it no longer has what base.lock names
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../lib/common.sh
source "$here/../lib/common.sh"
lock=$here/base.lock

# apt-get with lists and a cache of its own, so that no right of root is needed.
own_apt() {
  mkdir -p "$debs/apt/lists/partial" "$debs/apt/cache/archives/partial"
  apt-get -qq -o Dir::State="$debs/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$debs/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" "$@"
}

# A package that comes from a new version of Debian's lists is the same: name, version and architecture name it.
package_file() { # NAME VERSION      prints its path, if it has been fetched
  local file
  for file in "$debs/$1_${2//:/%3a}_$architecture.deb" "$debs/$1_${2//:/%3a}_all.deb"; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}

# From the lists that this machine has, or from fresh ones.
fetch() { # NAME VERSION
  [ -z "$(package_file "$1" "$2")" ] || return 0
  (cd "$debs" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$1=$2" 2>/dev/null) && return
  refresh
  (cd "$debs" && own_apt download "$1=$2")
}

refresh() {
  [ -z "${refreshed:-}" ] || return 0
  own_apt update >&2 || die "apt-get could not read Debian's lists; its words are above"
  refreshed=1
}

newest() { # NAME      prints its version in Debian's lists
  apt-cache -o Dir::State="$debs/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$debs/apt/cache" policy "$1" |
    awk '$1 == "Candidate:" { print $2 }'
}

# Names and versions, one a line.
wanted() {
  grep -v '^#' "$lock"
}

what_debian_has() {
  local name
  refresh
  while read -r name _; do
    printf '%s %s\n' "$name" "$(newest "$name")"
  done < <(wanted)
}

accept() {
  local list
  list=$(what_debian_has)
  { grep '^#' "$lock" && printf '%s\n' "$list"; } > "$lock.part"
  mv "$lock.part" "$lock"
}

fetch_all() { # LIST
  local name version
  while read -r name version; do
    fetch "$name" "$version" || return 1
  done <<<"$1"
}

# Prints the list that was fetched.
packages() {
  local list
  [ -z "${ACCEPT:-}" ] || accept
  list=$(wanted)
  if ! fetch_all "$list" >&2; then
    [ "${ACIVNET_IMAGE_BASE:-}" = newest ] ||
      die "Debian's lists on this machine do not have all that $lock names (another release, or an update of Debian). ACCEPT=1 takes what they have"
    printf 'base.sh: base.lock is behind what Debian has; going on with that\n' >&2
    list=$(what_debian_has)
    fetch_all "$list" >&2 || die "apt-get could not fetch the base; its words are above"
  fi
  printf '%s\n' "$list"
}

# All that is used of the packages, by its place in them.
keep() { # UNPACKED FOLDER
  local place
  (
    cd "$1"
    for place in lib/*-linux-gnu*/{ld-linux*,libc.so.6,libm.so.6,libgcc_s.so.1} lib64/ld-linux* lib/ld-linux* \
      usr/share/doc/*/copyright; do
      [ ! -e "$place" ] && [ ! -L "$place" ] || cp -a --parents "$place" "$2"
    done
  )
  # One file in the order of names, as Debian's update-ca-certificates makes it.
  mkdir -p "$2/etc/ssl/certs"
  (cd "$1/usr/share/ca-certificates" && printf '%s\0' mozilla/*.crt | LC_ALL=C sort -z | xargs -0 cat) > "$2/etc/ssl/certs/ca-certificates.crt"
}

# What an image scanner knows Debian's packages by.
describe() { # PACKAGE_FILE FOLDER
  mkdir -p "$2/var/lib/dpkg/status.d"
  dpkg-deb --field "$1" > "$2/var/lib/dpkg/status.d/$(dpkg-deb --field "$1" Package)"
}

# Name resolution asks /etc/hosts first, which the kubelet writes, and 65532 has a name in messages.
configure() { # FOLDER
  mkdir -p "$1/etc"
  printf 'hosts: files dns\n' > "$1/etc/nsswitch.conf"
  printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' > "$1/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' > "$1/etc/group"
}

main() {
  local folder=${1:?usage: base.sh FOLDER} name version file unpacked list
  for name in dpkg-deb apt-get; do
    command -v "$name" >/dev/null || die "$name is missing; images are made on Debian, or by deploy/operator/Dockerfile"
  done
  architecture=$(dpkg --print-architecture)
  debs=$(cache_folder)/debian
  mkdir -p "$debs" "$folder"
  take_lock "$debs/.lock" "fetching Debian's packages"
  list=$(packages)
  unpacked=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-base.XXXXXX")
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$unpacked'" EXIT
  while read -r name version; do
    file=$(package_file "$name" "$version")
    dpkg-deb -x "$file" "$unpacked"
    describe "$file" "$folder"
  done <<<"$list"
  keep "$unpacked" "$(cd "$folder" && pwd)"
  configure "$folder"
}

main "$@"
