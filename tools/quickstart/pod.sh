#!/usr/bin/env bash
# Runs a program with a root directory of its own: this machine's libraries, and the volumes of a Pod. node.py starts it in a
# mount namespace of its own.
# usage: pod.sh ROOT HOSTS [FOLDER:PATH]… -- [NAME=VALUE]… PROGRAM [ARGUMENT]…
set -euo pipefail

folder() { # FROM TO
  mkdir -p "$root$2"
  mount --rbind "$1" "$root$2"
}

main() {
  root=$1 hosts=$2
  shift 2
  mkdir -p "$root"
  mount -t tmpfs tmpfs "$root"
  local path
  for path in /usr /lib /lib64 /dev /proc /etc/ssl; do
    [ ! -d "$path" ] || folder "$path" "$path"
  done
  mkdir -p "$root/bin" "$root/etc"
  # names are read from it at every look-up, and it is rewritten as Pods come and go
  : > "$root/etc/hosts"
  mount --bind "$hosts" "$root/etc/hosts"
  while [ "$1" != -- ]; do
    folder "${1%%:*}" "${1#*:}"
    shift
  done
  shift
  local environment=()
  while [[ $1 == *=* ]]; do
    environment+=("$1")
    shift
  done
  cp "$1" "$root/bin/program"
  shift
  exec chroot "$root" /usr/bin/env -i "${environment[@]}" /bin/program "$@"
}

main "$@"
