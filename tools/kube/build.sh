#!/usr/bin/env bash
# Builds kube-apiserver, kube-controller-manager, kubectl and etcd from the Go modules pinned here, once.
# usage: build.sh [--oldest] [PROGRAM]…     without names all four, in the order in which a cluster needs them
#   --oldest   the oldest Kubernetes that is supported (oldest/go.mod) instead of the newest (go.mod)
# Prints the folder, ${XDG_CACHE_HOME:-~/.cache}/acivnet/kube-<version>, on standard output, progress on standard error.
# Interrupted, it goes on where it was. What needs a cluster, but not this very version, asks programs.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../lib/common.sh
source "$here/../lib/common.sh"

package_of() { # PROGRAM
  case $1 in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    kube-apiserver | kubectl | kube-controller-manager) echo "k8s.io/kubernetes/cmd/$1" ;;
    *) die "unknown program $1; known: etcd kube-apiserver kubectl kube-controller-manager" ;;
  esac
}

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

# Prints how many packages the compiler has not in its cache yet. Modules that are missing are fetched on the way.
packages_left() { # PACKAGE
  CGO_ENABLED=0 go -C "$modules" list -trimpath -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' "$1" 2> >(grep -v '^go: downloading' >&2) | awk 'NF' | wc -l
}

# Reads the package names that `go build -v` prints, and says every few seconds how far it is.
show_progress() { # NAME PACKAGES_IN_ALL
  local line packages=0 started=$SECONDS told=$SECONDS
  while IFS= read -r line; do
    case $line in
      "go: downloading "*) ;;
      *[!a-zA-Z0-9._/@~-]*) printf '%s\n' "$line" >&2 ;;
      *) packages=$((packages + 1)) ;;
    esac
    [ $((SECONDS - told)) -ge 10 ] || continue
    told=$SECONDS
    printf '  %s: %d of %d packages compiled, %d s\n' "$1" "$packages" "$2" "$((SECONDS - started))" >&2
  done
  printf '  %s: done, %d packages compiled, %d s\n' "$1" "$packages" "$((SECONDS - started))" >&2
}

build() { # DIR NAME PACKAGE FLAGS WHAT_IS_LEFT
  local packages
  packages=$(packages_left "$3") || die "the modules of $2 could not be fetched; what Go says is above"
  printf 'Building %s: %d packages%s\n' "$2" "$packages" "${5:+; then $5}" >&2
  CGO_ENABLED=0 go build -C "$modules" -v -trimpath -ldflags "$4" -o "$1/$2.part" "$3" 2>&1 | show_progress "$2" "$packages" \
    || die "$2 did not compile; what the compiler says is above. Run the same command again to go on"
  mv "$1/$2.part" "$1/$2"
}

main() {
  local version dir flags package
  modules=$here
  if [ "${1:-}" = --oldest ]; then
    modules=$here/oldest
    shift
  fi
  [ $# -gt 0 ] || set -- etcd kube-apiserver kubectl kube-controller-manager
  version=$(kubernetes_version)
  dir=$(cache_folder)/kube-$version
  mkdir -p "$dir"
  while [ $# -gt 0 ]; do
    package=$(package_of "$1")
    if [ ! -x "$dir/$1" ] && [ -z "${flags:-}" ]; then
      require_go
      take_lock "$dir/.lock" "building the Kubernetes test bed"
      flags=$(linker_flags "$version")
    fi
    [ -x "$dir/$1" ] || build "$dir" "$1" "$package" "$flags" "${*:2}"
    shift
  done
  printf '%s\n' "$dir"
}

main "$@"
