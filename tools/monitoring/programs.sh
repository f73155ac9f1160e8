#!/usr/bin/env bash
# Prints the folder of `prometheus` and `promtool`: those of this machine, else Debian's package, unpacked into the cache once.
# It is not installed, since that would also start a server; and not compiled, since that takes half an hour on two cores.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../lib/common.sh
source "$here/lib/common.sh"

advice="install prometheus with promtool: apt-get install prometheus (Debian, Ubuntu), or https://prometheus.io/download"

unpack() { # FOLDER
  local part=$1.part
  rm -rf "$part"
  mkdir -p "$part"
  (cd "$part" && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; }) > "$part/log" 2>&1 \
    || die "Debian's package prometheus can't be had: $(tail -n1 "$part/log"); $advice"
  dpkg-deb -x "$part"/prometheus_*.deb "$part"
  rm -f "$part"/prometheus_*.deb
  "$part/usr/bin/promtool" --version >/dev/null || die "Debian's promtool does not run here; $advice"
  mv "$part" "$1"
}

main() {
  local folder program
  if program=$(command -v prometheus) && command -v promtool >/dev/null; then
    dirname "$program"
    return
  fi
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    die "there is no prometheus; $advice"
  fi
  folder=$(cache_folder)/tools/prometheus-debian
  mkdir -p "${folder%/*}"
  take_lock "$folder.lock" "fetching prometheus"
  [ -d "$folder" ] || unpack "$folder"
  printf '%s/usr/bin\n' "$folder"
}

main "$@"
