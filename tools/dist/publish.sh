#!/usr/bin/env bash
# Pushes what dist.sh made to a registry: each image for every architecture that there is a folder of, one index over them, and
# the charts. Prints a line `KIND REFERENCE@DIGEST` for each image and chart, to be signed.
# usage: publish.sh REGISTRY FOLDER…      FOLDER is what dist.sh made on one architecture
# By environment: ACIVNET_PLAIN_HTTP=1 for a registry without TLS. Who pushes is what `skopeo login` was told.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"

# Prints the digest of the image in the registry, which is that of the archive. usage: push ARCHIVE REFERENCE WANTED
push() {
  local digest
  skopeo copy --quiet --preserve-digests --dest-tls-verify="$tls" "oci-archive:$1" "docker://$2" >&2
  digest=$("$crane" digest ${insecure[@]+"${insecure[@]}"} "$2")
  [ "$digest" = "$3" ] || die "$2 has the digest $digest in the registry; it was made with $3"
  printf '%s\n' "$digest"
}

push_image() { # PROGRAM VERSION
  local folder file architecture digest wanted manifests=()
  for folder in "${folders[@]}"; do
    for file in "$folder/$1-$2-linux-"*.oci.tar; do
      architecture=${file##*-linux-}
      architecture=${architecture%.oci.tar}
      wanted=$(sed -n "s/^$1:$2@//p" "$folder/images.txt")
      digest=$(push "$file" "$registry/$1:$2-$architecture" "$wanted")
      manifests+=(--manifest "$registry/$1@$digest")
    done
  done
  "$crane" index append ${insecure[@]+"${insecure[@]}"} --docker-empty-base=false "${manifests[@]}" --tag "$registry/$1:$2" >&2
  printf 'image %s/%s@%s\n' "$registry" "$1" "$("$crane" digest ${insecure[@]+"${insecure[@]}"} "$registry/$1:$2")"
}

push_chart() { # FILE
  local said digest name=${1##*/}
  said=$("$helm" push "$1" "oci://$registry/charts" ${plain[@]+"${plain[@]}"} 2>&1) || die "helm could not push $1: $said"
  digest=$(sed -n 's/^Digest: //p' <<<"$said")
  [ -n "$digest" ] || die "helm told no digest of $1: $said"
  printf 'chart %s/charts/%s@%s\n' "$registry" "${name%-*.tgz}" "$digest"
}

main() {
  local image chart
  [ $# -ge 2 ] || die "usage: publish.sh REGISTRY FOLDER…"
  registry=$1
  folders=("${@:2}")
  crane=${ACIVNET_CRANE:-$("$root/tools/go-tool.sh" crane)}
  helm=${ACIVNET_HELM:-$("$root/tools/go-tool.sh" helm)}
  tls=true insecure=() plain=()
  if [ -n "${ACIVNET_PLAIN_HTTP:-}" ]; then tls=false insecure=(--insecure) plain=(--plain-http); fi
  while IFS=:@ read -r image version _; do
    push_image "$image" "$version"
  done < "${folders[0]}/images.txt"
  for chart in "${folders[0]}"/*.tgz; do
    [ ! -f "$chart" ] || push_chart "$chart"
  done
}

main "$@"
