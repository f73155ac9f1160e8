# shellcheck shell=bash
# Puts one image together. Sourced by image.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/release.sh
source "$root/tools/lib/release.sh"

tag=latest

description() { # PROGRAM
  case $1 in
    acivnet) echo "Kubernetes operator that puts machine-learning models on Azure Container Instances inside virtual networks" ;;
    acivnet-simulator) echo "An Azure to try acivnet against" ;;
  esac
}

# The program with all that is about it.
program_root() { # PROGRAM FOLDER SBOM
  install -D -m 755 "$ACIVNET_BINARIES/$1" "$2/usr/local/bin/$1"
  install -D -m 644 "$root/LICENSE" "$2/usr/share/doc/$1/copyright"
  install -D -m 644 "$3" "$2/usr/share/doc/$1/$1.cdx.json"
}

# Every library that the program asks for is the base's own, and so is each version of its symbols.
check_libraries() { # PROGRAM BASE
  local loader said
  loader=$(echo "$2"/lib/*-linux-gnu*/ld-linux*)
  said=$("$loader" --inhibit-cache --library-path "${loader%/*}" --list "$ACIVNET_BINARIES/$1" 2>&1) ||
    die "$1 does not run on this base: ${said##*$'\n'}. Build it on the release of Debian that tools/image/base.lock is of"
  ! grep -F '=>' <<<"$said" | grep -vqF "=> $2/" || die "$1 asks for a library that tools/image/base.sh does not keep: $said"
}

# A tar archive whose bytes depend on names and contents only, whatever the umask, the owner and the moment.
pack() { # FOLDER FILE SECONDS_SINCE_1970 NAME…
  tar --create --file "$2" --directory "$1" --sort=name --mtime="@$3" --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX --format=gnu "${@:4}"
}

# Not `umoci insert`, whose layers end without the two blocks that end an archive.
add_layer() { # LAYOUT FOLDER WHAT SECONDS_SINCE_1970
  local file=$2.tar
  pack "$2" "$file" "$4" .
  umoci raw add-layer --image "$1:$tag" --history.created "$(release_moment)" --history.created_by "$3" --history.author acivnet "$file"
}

labels() { # PROGRAM
  printf '%s\n' "title=$1" "description=$(description "$1")" "version=$(workspace_version)" "revision=$ACIVNET_REVISION" \
    "created=$(release_moment)" licenses=Apache-2.0 "vendor=acivnet"
  [ -z "${ACIVNET_SOURCE:-}" ] || printf '%s\n' "source=$ACIVNET_SOURCE" "url=$ACIVNET_SOURCE" "documentation=$ACIVNET_SOURCE/tree/main/docs"
}

configure() { # PROGRAM LAYOUT
  local word words=()
  while IFS= read -r word; do
    words+=(--config.label "org.opencontainers.image.$word" --manifest.annotation "org.opencontainers.image.$word")
  done < <(labels "$1")
  # One heap for all threads: with one each, a tenth of the memory of 1,000 objects lies free in those of threads at rest.
  # What is free at the heap's end goes back to the system: else glibc keeps twice the largest block that it ever returned
  # (mallopt(3), M_TRIM_THRESHOLD), which is a page of a list.
  umoci config --image "$2:$tag" --no-history --created "$(release_moment)" --author acivnet --os linux \
    --architecture "$(dpkg --print-architecture)" --config.user 65532:65532 --config.workingdir / \
    --config.env MALLOC_ARENA_MAX=1 --config.env MALLOC_TRIM_THRESHOLD_=131072 --config.entrypoint "/usr/local/bin/$1" "${words[@]}"
}

# usage: make_image PROGRAM OUT WORK      WORK has the base
make_image() {
  local layout=$2/$1 base=$3/base sbom=$2/$1.cdx.json version
  version=$(workspace_version)
  check_libraries "$1" "$base"
  "$root/tools/image/sbom.sh" "$1" "$base" "$sbom"
  program_root "$1" "$3/$1" "$sbom"
  rm -rf "$layout"
  umoci init --layout "$layout"
  umoci new --image "$layout:$tag"
  # The base is as old as its C library, so that images of several releases share it.
  add_layer "$layout" "$base" "Debian's libc6, libgcc-s1 and ca-certificates" "$(stat -c %Y "$base"/lib/*-linux-gnu*/libc.so.6)"
  add_layer "$layout" "$3/$1" "$1 $version" "$SOURCE_DATE_EPOCH"
  configure "$1" "$layout"
  umoci gc --layout "$layout"
  python3 "$root/tools/image/name.py" "$layout" "docker.io/library/$1:$version"
  # The layout as one file, as `skopeo copy oci-archive:` reads it.
  pack "$layout" "$2/$1-$version-linux-$(dpkg --print-architecture).oci.tar" "$SOURCE_DATE_EPOCH" blobs index.json oci-layout
  printf '%s %s\n' "$1" "$(python3 "$root/tools/image/describe.py" "$layout")"
}
