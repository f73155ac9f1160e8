#!/usr/bin/env bash
# Builds kube-apiserver, kube-controller-manager, kubectl and etcd from the Go modules pinned here, once.
# usage: build.sh [--oldest] [DIR]     default: ${XDG_CACHE_HOME:-~/.cache}/acivnet/kube-<version>
#   --oldest   the oldest Kubernetes that is supported (oldest/go.mod) instead of the newest (go.mod)
# Prints the folder on standard output, progress on standard error. Interrupted, it goes on where it was.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../common.sh
source "$here/../common.sh"

binaries=(
  "etcd go.etcd.io/etcd/server/v3"
  "kubectl k8s.io/kubernetes/cmd/kubectl"
  "kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver"
  "kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager"
)

require_go() {
  local wanted have
  wanted=$(awk '$1 == "go" { print $2 }' "$modules/go.mod")
  command -v go >/dev/null || die "Go is missing; the Kubernetes test bed needs Go $wanted or newer: https://go.dev/dl/"
  have=$(cd / && go env GOVERSION)
  have=${have#go}
  version_at_least "${have%%[- ]*}" "$wanted" || die "Go $have is too old; the test bed needs $wanted or newer: https://go.dev/dl/"
}

kubernetes_version() {
  sed -nE 's/^(require|\t)? *k8s\.io\/kubernetes (v[0-9.]+).*/\2/p' "$modules/go.mod"
}

linker_flags() { # VERSION
  local minor=${1#v1.} package=k8s.io/component-base/version
  printf -- '-s -w -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s' "$package" "$1" "$package" "$package" "${minor%%.*}"
}

# Reads the package names that `go build -v` prints, and says every few seconds how far it is.
show_progress() { # NAME
  local line modules=0 packages=0 started=$SECONDS told=$SECONDS
  while IFS= read -r line; do
    case $line in
      "go: downloading "*) modules=$((modules + 1)) ;;
      *[!a-zA-Z0-9._/@~-]*) printf '%s\n' "$line" >&2 ;;
      *) packages=$((packages + 1)) ;;
    esac
    [ $((SECONDS - told)) -ge 10 ] || continue
    told=$SECONDS
    printf '  %s: %d modules fetched, %d packages compiled, %d s\n' "$1" "$modules" "$packages" "$((SECONDS - started))" >&2
  done
  printf '  %s: done, %d packages compiled, %d s\n' "$1" "$packages" "$((SECONDS - started))" >&2
}

build_binary() { # DIR NUMBER NAME PACKAGE FLAGS
  printf 'Building %s (%d of %d; needed once, ten minutes in all on two cores)\n' "$3" "$2" "${#binaries[@]}" >&2
  CGO_ENABLED=0 go build -C "$modules" -v -trimpath -ldflags "$5" -o "$1/$3.part" "$4" 2> >(show_progress "$3") \
    || die "$3 did not compile; the compiler's words are above. Run the same command again to go on"
  mv "$1/$3.part" "$1/$3"
}

main() {
  local version dir flags number=0 entry name package
  modules=$here
  if [ "${1:-}" = --oldest ]; then
    modules=$here/oldest
    shift
  fi
  version=$(kubernetes_version)
  dir=${1:-$(cache_folder)/kube-$version}
  mkdir -p "$dir"
  for entry in "${binaries[@]}"; do
    read -r name package <<<"$entry"
    number=$((number + 1))
    [ -x "$dir/$name" ] && continue
    if [ -z "${flags:-}" ]; then
      require_go
      take_lock "$dir/.lock" "building the Kubernetes test bed"
      flags=$(linker_flags "$version")
    fi
    [ -x "$dir/$name" ] || build_binary "$dir" "$number" "$name" "$package" "$flags"
  done
  printf '%s\n' "$dir"
}

main "$@"
