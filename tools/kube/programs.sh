#!/usr/bin/env bash
# Prints a folder with etcd, kube-apiserver, kubectl and kube-controller-manager. Each is taken from the first of these that
# has it in a version that fits:
#   1. the folder ACIVNET_KUBE_BIN; when it has all four, it is taken as it is, whatever its version
#   2. the folder KUBEBUILDER_ASSETS
#   3. PATH
#   4. the cache folder: compiled or downloaded before
#   5. the release downloads of releases.txt, each against the checksum there
#   6. the modules of go.mod, compiled by build.sh (once; ten minutes on two cores)
# Where CI is set, 2, 3 and 5 are left out: what is tested there doesn't depend on the machine.
# Fitting is the minor version that go.mod pins, of Kubernetes and of etcd. The controller manager must not be newer than the
# API server, and the API server is tested with the etcd of its own release; patch releases change neither API nor flags.
# usage: programs.sh     by environment: ACIVNET_DOWNLOAD_PATIENCE (seconds without progress that end a download; default 20)
# The folder is printed as soon as it is known; what has to be compiled appears in it one by one, in the order above, until
# the script ends.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../lib/common.sh
source "$here/../lib/common.sh"

# In the order in which a cluster needs them.
programs=(etcd kube-apiserver kubectl kube-controller-manager)
declare -A place=() out_of_reach=()

say() {
  printf 'Kubernetes: %s\n' "$*" >&2
}

pinned_version() { # PROGRAM
  local module=k8s.io/kubernetes
  [ "$1" != etcd ] || module=go.etcd.io/etcd/server/v3
  sed -nE "s,^(require|\t)? *$module v([0-9.]+).*,\2,p" "$here/go.mod"
}

# Nothing, when it doesn't say.
version_of() { # FILE
  local question=--version
  [ "${1##*/}" != kubectl ] || question="version --client"
  # shellcheck disable=SC2086 # two words
  timeout 10 "$1" $question 2>/dev/null | sed -nE 's/.*(etcd Version: |Kubernetes v|Client Version: v|GitVersion:"v)([0-9]+\.[0-9]+\.[0-9]+).*/\2/p' || true
}

# Takes the program from a file when there is one that fits, and says so when there is one that doesn't.
take() { # PROGRAM FILE
  local have wanted
  [ -f "$2" ] && [ -x "$2" ] || return 1
  have=$(version_of "$2")
  wanted=$(pinned_version "$1")
  if [ "${have%.*}" = "${wanted%.*}" ]; then
    place[$1]=$2
    return
  fi
  say "$2 is passed over: it is ${have:-of no version that it tells}, and ${wanted%.*} is needed"
  return 1
}

on_path() { # PROGRAM; prints nothing when it is not there
  type -P "$1" || true
}

find_on_this_machine() { # PROGRAM
  if [ -n "${ACIVNET_KUBE_BIN:-}" ]; then
    take "$1" "$ACIVNET_KUBE_BIN/$1" && return
  fi
  [ -z "${CI:-}" ] || return 1
  if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    take "$1" "$KUBEBUILDER_ASSETS/$1" && return
  fi
  take "$1" "$(on_path "$1")"
}

find_built() { # PROGRAM
  [ -x "$built/$1" ] || return 1
  place[$1]=$built/$1
}

architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

# Prints version, checksum and address.
release_of() { # PROGRAM
  awk -v program="$1" -v architecture="$(architecture)" '$1 == program && $2 == architecture { print $3, $4, $5 }' "$here/releases.txt"
}

# Bounded: ended when nothing comes for some seconds, and after ten minutes in any case. A host that did not even take the
# connection is not asked again.
fetch() { # ADDRESS FILE
  local status=0 host connected patience=${ACIVNET_DOWNLOAD_PATIENCE:-20}
  host=$(cut -d/ -f3 <<<"$1")
  [ -z "${out_of_reach[$host]:-}" ] || return 1
  connected=$(curl --fail --silent --location --connect-timeout 5 --max-time 600 --speed-limit 1000 --speed-time "$patience" \
    --write-out '%{time_connect}' --output "$2" "$1") || status=$?
  [ "$status" != 0 ] || return 0
  rm -f "$2"
  if [[ $connected == *[1-9]* ]]; then
    say "the transfer of $1 failed (curl: $status)"
  else
    out_of_reach[$host]=yes
    say "$host can't be reached (curl: $status)"
  fi
  return 1
}

# Nothing of a download is unpacked or made executable before its checksum is the pinned one.
is_genuine() { # FILE SHA256 ADDRESS
  local have
  have=$(sha256sum < "$1")
  [ "${have%% *}" != "$2" ] || return 0
  say "$3 has the SHA-256 ${have%% *}, not the pinned $2; it is thrown away"
  rm -f "$1"
  return 1
}

# Of an archive the program remains. usage: unpack PROGRAM DOWNLOAD ADDRESS
unpack() {
  local archive=${3##*/}
  [[ $archive == *.tar.gz ]] || return 0
  if tar -xzOf "$2" "${archive%.tar.gz}/$1" > "$2.unpacked"; then
    mv "$2.unpacked" "$2"
    return
  fi
  say "$3 has no $1"
  rm -f "$2" "$2.unpacked"
  return 1
}

# Moved in place as the last step, so that a program that is there is whole.
place_download() { # PROGRAM FILE SHA256 ADDRESS
  local part=${2%/*}/.${2##*/}.$$
  mkdir -p "${2%/*}" || return 1
  fetch "$4" "$part" || return 1
  is_genuine "$part" "$3" "$4" || return 1
  unpack "$1" "$part" "$4" || return 1
  chmod 755 "$part" || return 1
  mv "$part" "$2"
}

download() { # PROGRAM
  local version sum address file
  read -r version sum address < <(release_of "$1") || {
    say "no checksum is pinned for $1 on $(architecture), so it is not downloaded"
    return 1
  }
  file=$(cache_folder)/kube-releases/$version/$1
  if [ ! -x "$file" ]; then
    say "downloading $1 $version"
    place_download "$1" "$file" "$sum" "$address" || return 1
  fi
  place[$1]=$file
}

# One folder for programs that are in several: its name is that of its content.
folder_of_links() {
  local folder name links
  folder=$(cache_folder)/kube-found-$(printf '%s\n' "${place[@]}" | sort | sha256sum | cut -c1-12)
  if [ ! -d "$folder" ]; then
    links=$(mktemp -d "$folder.XXXXXX")
    for name in "${programs[@]}"; do
      ln -s "${place[$name]}" "$links/$name"
    done
    mv -T "$links" "$folder" 2>/dev/null || rm -rf "$links"
  fi
  printf '%s\n' "$folder"
}

print_folder() {
  local name folders
  folders=$(for name in "${programs[@]}"; do dirname "${place[$name]}"; done | sort -u)
  if [ "$(wc -l <<<"$folders")" = 1 ]; then
    printf '%s\n' "$folders"
  else
    folder_of_links
  fi
}

has_all() { # FOLDER
  local name
  for name in "${programs[@]}"; do
    [ -x "$1/$name" ] || return 1
  done
}

main() {
  local name missing=()
  if [ -n "${ACIVNET_KUBE_BIN:-}" ] && has_all "$ACIVNET_KUBE_BIN"; then
    (cd "$ACIVNET_KUBE_BIN" && pwd)
    return
  fi
  built=$(cache_folder)/kube-v$(pinned_version kubectl)
  for name in "${programs[@]}"; do
    find_on_this_machine "$name" || find_built "$name" || { [ -z "${CI:-}" ] && download "$name"; } || {
      missing+=("$name")
      place[$name]=$built/$name
    }
  done
  print_folder
  [ "${#missing[@]}" = 0 ] || "$here/build.sh" "${missing[@]}" > /dev/null
}

main "$@"
