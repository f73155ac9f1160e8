#!/usr/bin/env bash
# Everything that is published with a release, in one folder: both images as OCI archives and their lists of contents, the
# charts as packages, install.yaml, JSON schemas of both kinds, checksums.
# usage: dist.sh [FOLDER]      default: target/dist
# By environment: ACIVNET_REGISTRY (where install.yaml takes the image from; default: registry.example.com, to be replaced), and
# all of tools/image/image.sh.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/release.sh
source "$root/tools/lib/release.sh"

registry=${ACIVNET_REGISTRY:-registry.example.com}

# name, tag and digest of each image, as `skopeo copy --preserve-digests` keeps them.
images() {
  local program
  tools/image/image.sh "$work" >&2
  for program in acivnet acivnet-simulator; do
    mv "$work/$program-$version"-*.oci.tar "$work/$program.cdx.json" "$out/"
    printf '%s:%s@%s\n' "$program" "$version" "$(python3 tools/image/describe.py "$work/$program" digest)"
  done > "$out/images.txt"
}

# helm writes the moment into its packages; packed again they are the same for the same commit.
charts() {
  local chart helm name
  helm=$(tools/go-tool.sh helm)
  for chart in charts/*/; do
    [ -f "$chart/Chart.yaml" ] || continue
    name=$(basename "$chart")
    "$helm" package "$chart" --version "$version" --app-version "$version" --destination "$work" > "$work/helm.log" ||
      die "helm could not package $chart: $(cat "$work/helm.log")"
    mkdir "$work/unpacked"
    tar -xzf "$work/$name-$version.tgz" -C "$work/unpacked"
    tar --create --directory "$work/unpacked" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
      --mode=u=rwX,go=rX --format=gnu "$name" | gzip --no-name --best > "$out/$name-$version.tgz"
    rm -rf "$work/unpacked"
  done
}

kubectl() {
  local program
  program=$(type -P kubectl || true)
  [ -n "$program" ] || program=$(tools/kube/programs.sh)/kubectl
  "$program" "$@"
}

# Definitions first, so that one `kubectl apply --server-side -f` takes it.
manifest() {
  {
    printf '# acivnet %s. Replace %s by your registry: sed s,%s,…,\n' "$version" "$registry" "$registry"
    kubectl kustomize deploy/crds
    echo ---
    kubectl kustomize deploy/operator | sed -E "s,^( *image: )acivnet:.*$,\1$registry/acivnet:$version,"
  } > "$out/install.yaml"
  grep -q "image: $registry/acivnet:$version$" "$out/install.yaml" || die "deploy/operator names no image acivnet"
}

main() {
  cd "$root"
  out=${1:-${CARGO_TARGET_DIR:-$root/target}/dist}
  rm -rf "$out"
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  name_the_release
  version=$(workspace_version)
  work=$(mktemp -d "${TMPDIR:-/tmp}/acivnet-dist.XXXXXX")
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$work'" EXIT
  images
  charts
  manifest
  cp -r deploy/schemas "$out/schemas"
  (cd "$out" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) > "$work/sums"
  mv "$work/sums" "$out/SHA256SUMS"
  printf '%s\n' "$out"
}

main "$@"
