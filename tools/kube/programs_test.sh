#!/usr/bin/env bash
# Where programs.sh takes the Kubernetes programs from, and what it passes over, with programs that only tell a version and a
# server on loopback in place of the release downloads. Nothing is compiled: build.sh is a stand-in too.
# usage: programs_test.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../lib/common.sh
source "$here/../lib/common.sh"

names=(etcd kube-apiserver kubectl kube-controller-manager)
checks=0

make_program() { # FILE VERSION
  local said
  case ${1##*/} in
    etcd) said="etcd Version: $2" ;;
    kubectl) said="Client Version: v$2" ;;
    *) said="Kubernetes v$2" ;;
  esac
  mkdir -p "${1%/*}"
  printf '#!/bin/sh\necho "%s"\n' "$said" > "$1"
  chmod +x "$1"
}

make_programs() { # FOLDER KUBERNETES ETCD
  local name
  for name in "${names[@]}"; do
    if [ "$name" = etcd ]; then make_program "$1/$name" "$3"; else make_program "$1/$name" "$2"; fi
  done
}

# A copy of what programs.sh consists of, with releases and a compiler of its own.
set_up() {
  tree=$scratch/tools
  mkdir -p "$tree/kube" "$tree/lib" "$scratch/served" "$scratch/path"
  cp "$here/programs.sh" "$tree/kube/"
  cp "$here/../lib/common.sh" "$tree/lib/"
  printf 'require (\n\tgo.etcd.io/etcd/server/v3 v3.7.0 // indirect\n\tk8s.io/kubernetes v1.37.2 // indirect\n)\n' > "$tree/kube/go.mod"
  cat > "$tree/kube/build.sh" <<'STAND_IN'
#!/bin/sh
folder=$XDG_CACHE_HOME/acivnet/kube-v1.37.2
mkdir -p "$folder"
for name in "$@"; do
  echo "built $name" >&2
  printf '#!/bin/sh\n' > "$folder/$name"
  chmod +x "$folder/$name"
done
STAND_IN
  chmod +x "$tree/kube/build.sh"
  make_programs "$scratch/served" 1.37.1 3.7.1
  mkdir "$scratch/served/etcd-v3.7.1-linux"
  mv "$scratch/served/etcd" "$scratch/served/etcd-v3.7.1-linux/etcd"
  tar -czf "$scratch/served/etcd-v3.7.1-linux.tar.gz" -C "$scratch/served" etcd-v3.7.1-linux
  python3 "$here/stand_in.py" "$scratch/served" > "$scratch/port" &
  server=$!
  for _ in {1..100}; do
    [ ! -s "$scratch/port" ] || break
    sleep 0.05
  done
  address=http://127.0.0.1:$(cat "$scratch/port")
}

# Pins a release. usage: pin PROGRAM MANNER [SHA256]      MANNER is a folder of stand_in.py, or `away` for a port without a server
pin() {
  local file=$1 host=$address architecture
  [ "$1" != etcd ] || file=etcd-v3.7.1-linux.tar.gz
  [ "$2" != away ] || host=http://127.0.0.1:1
  architecture=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
  printf '%s %s v1 %s %s/%s/%s\n' "$1" "$architecture" "${3:-$(sha256sum < "$scratch/served/$file" | cut -c1-64)}" "$host" "$2" "$file" >> "$tree/kube/releases.txt"
}

# Runs programs.sh with an empty cache and nothing on PATH. usage: run [NAME=VALUE]…     the folder goes to `folder`, messages to `said`
run() {
  rm -rf "$scratch/cache"
  run_again "$@"
}

run_again() {
  rm -f "$scratch/served/requests"
  folder=$(env -u ACIVNET_KUBE_BIN -u KUBEBUILDER_ASSETS -u CI PATH="$scratch/path:$tools" XDG_CACHE_HOME="$scratch/cache" \
    ACIVNET_DOWNLOAD_PATIENCE=1 "$@" "$tree/kube/programs.sh" 2> "$scratch/said") || die "programs.sh failed: $(cat "$scratch/said")"
  said=$(cat "$scratch/said")
}

pin_all() { # MANNER [SHA256]
  local name
  : > "$tree/kube/releases.txt"
  for name in "${names[@]}"; do
    pin "$name" "$@"
  done
}

is() { # WHAT COMMAND…
  "${@:2}" || die "$1: it is not so. programs.sh said: ${said:-nothing}"
  checks=$((checks + 1))
}

says() { # TEXT
  [[ $said == *"$1"* ]]
}

silent_about() { # TEXT
  [[ $said != *"$1"* ]]
}

built() { # PROGRAM…     these and no others were compiled
  [ "$(sed -n 's/^built //p' <<<"$said" | xargs)" = "$*" ]
}

requests_are() { # NUMBER
  [ "$(cat "$scratch/served/requests" 2>/dev/null | wc -l)" = "$1" ]
}

tells() { # PROGRAM VERSION
  [[ $("$folder/$1") == *"$2" ]]
}

nothing_unfinished() {
  [ -z "$(find "$scratch/cache" -name '.*' -type f)" ]
}

found() {
  make_programs "$scratch/mine" 1.34.4 3.6.4
  run ACIVNET_KUBE_BIN="$scratch/mine"
  is "a whole ACIVNET_KUBE_BIN is taken in any version" [ "$folder" = "$scratch/mine" ]
  make_programs "$scratch/assets" 1.37.0 3.7.0
  rm "$scratch/assets/kube-controller-manager"
  make_program "$scratch/assets/kubectl" 1.36.9
  make_program "$scratch/path/kubectl" 1.37.9
  run KUBEBUILDER_ASSETS="$scratch/assets"
  is "what fits is taken from KUBEBUILDER_ASSETS" tells kube-apiserver v1.37.0
  is "what does not fit is named" says "$scratch/assets/kubectl is passed over: it is 1.36.9, and 1.37 is needed"
  is "and comes from PATH" tells kubectl v1.37.9
  is "what is nowhere is downloaded" tells kube-controller-manager v1.37.1
  is "nothing is compiled" built
  rm "$scratch/mine/etcd"
  run ACIVNET_KUBE_BIN="$scratch/mine"
  is "what is left of ACIVNET_KUBE_BIN is judged" says "$scratch/mine/kube-apiserver is passed over: it is 1.34.4"
  rm "$scratch/path/kubectl"
}

downloaded() {
  run
  is "an archive is unpacked" tells etcd 3.7.1
  is "all four are downloaded" requests_are 4
  is "nothing is compiled" built
  run_again
  is "they are downloaded once" requests_are 0
}

refused() {
  pin kubectl whole 0000000000000000000000000000000000000000000000000000000000000000
  sed -i '0,/^kubectl/{/^kubectl/d}' "$tree/kube/releases.txt"
  run
  is "another checksum is told" says "not the pinned 0000"
  is "and the program is compiled" built kubectl
  is "nothing of it stays" nothing_unfinished
  pin_all broken
  run
  is "a transfer that breaks off is told" says "kube-apiserver failed (curl: 18)"
  is "and all are compiled, in the order of need" built "${names[@]}"
  is "nothing of it stays" nothing_unfinished
  pin_all stalled
  sed -i '/^kubectl/!d' "$tree/kube/releases.txt"
  run
  is "a transfer that never begins is ended" says "kubectl failed (curl: 28)"
  is "no checksum, no download" says "no checksum is pinned for etcd"
  pin_all away
  run
  is "a server out of reach is told" says "127.0.0.1:1 can't be reached"
  is "once" [ "$(grep -c "can't be reached" <<<"$said")" = 1 ]
  is "and all are compiled" built "${names[@]}"
}

in_ci() {
  pin_all whole
  make_program "$scratch/path/kubectl" 1.37.9
  run CI=true
  is "CI downloads nothing" requests_are 0
  is "and takes nothing from PATH" built "${names[@]}"
}

main() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-programs-test.XXXXXX")
  trap 'kill "${server:-}" 2>/dev/null; rm -rf "$scratch"' EXIT
  # This machine's own programs, without those that are looked for.
  tools=$scratch/tools-on-path
  mkdir "$tools"
  for name in awk basename bash cat chmod curl cut dirname env find flock grep gzip head ln mkdir mktemp mv python3 rm sed sh sha256sum sort tar timeout uname wc xargs; do
    ln -s "$(type -P "$name")" "$tools/$name"
  done
  set_up
  pin_all whole
  found
  downloaded
  refused
  in_ci
  echo "programs of Kubernetes: $checks checks"
}

main "$@"
