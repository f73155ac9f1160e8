# shellcheck shell=bash
# What a node does: pulls the image of a Pod, gives it its volumes, runs it, ends it. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

declare -A pods=()

json() { # EXPRESSION_OF_it < JSON
  python3 -c "import json, sys; it = json.load(sys.stdin); print($1)"
}

# By digest only: of the index that it names comes the image for this machine, and that is the one that was made.
pull() { # REFERENCE LAYOUT
  local digest name=${1##*/}
  [[ $1 == *@sha256:* ]] || fail "$1 is no digest"
  # A tag beside the digest says nothing.
  skopeo copy --quiet --preserve-digests --src-tls-verify=false "docker://$(sed -E 's/:[^:@/]+@/@/' <<<"$1")" "oci:$2:latest"
  digest=$(python3 "$root/tools/image/describe.py" "$2" digest)
  grep -q "^${name%%[:@]*}:.*@$digest\$" "$STATE/dist/images.txt" || fail "of $1 came $digest, which was not made here"
}

# The controllers have made a ReplicaSet of the Deployment as it is now.
is_carried_out() { # NAMESPACE deployment/NAME
  [ "$(kubectl get "$2" --namespace "$1" -o jsonpath='{.metadata.generation}')" = \
    "$(kubectl get "$2" --namespace "$1" -o jsonpath='{.status.observedGeneration}')" ]
}

# The first Pod that the controllers made. usage: find_pod NAMESPACE pod/NAME|deployment/NAME FILE
find_pod() {
  local name=${2#*/}
  if [ "${2%/*}" = pod ]; then
    kubectl get pod "$name" --namespace "$1" -o json > "$3"
    return
  fi
  is_carried_out "$1" "$2" || return 1
  kubectl get replicasets --namespace "$1" -o json | python3 "$root/tools/dist/newest.py" "$name" > "$3.replicaset" || return 1
  kubectl get pods --namespace "$1" -o json | python3 "$root/tools/dist/newest.py" "$(cat "$3.replicaset")" --whole > "$3"
}

start_pod() { # NAMESPACE pod/NAME|deployment/NAME CONTAINER
  local folder=$STATE/containers/$3
  rm -rf "$folder"
  mkdir -p "$folder/volumes"
  wait_until "the Pod of $2" 30 find_pod "$1" "$2" "$folder/pod.json"
  pods[$3]=$(json "it['metadata']['name']" < "$folder/pod.json")
  pull "$(json "it['spec']['containers'][0]['image']" < "$folder/pod.json")" "$folder/image"
  umoci unpack --image "$folder/image:latest" "$folder/bundle"
  python3 "$root/tools/dist/pod.py" "$folder/bundle" "$folder/volumes" 6443 < "$folder/pod.json" || fail "this Pod can't be run"
  start "$3" runc --root "$STATE/runc" run --bundle "$folder/bundle" --pid-file "$folder/pid" "$3"
  wait_until "container $3" 30 test -s "$folder/pid"
}

pod_of() { # CONTAINER
  printf '%s\n' "${pods[$1]}"
}

# The container's own file system, seen from outside.
inside_of() { # CONTAINER
  printf '/proc/%s/root\n' "$(cat "$STATE/containers/$1/pid")"
}

status_is() { # CONTAINER FIELD VALUE
  local have
  have=$(awk -v field="$2:" '$1 == field { $1 = ""; print substr($0, 2) }' "/proc/$(cat "$STATE/containers/$1/pid")/status")
  [ "$have" = "$3" ] || fail "$2 of container $1 is $have, not $3"
}

memory_limit() { # CONTAINER
  local group
  group=$(sed -n 's/^[0-9]*:memory://p' "/proc/$(cat "$STATE/containers/$1/pid")/cgroup")
  if [ -n "$group" ]; then
    cat "/sys/fs/cgroup/memory$group/memory.limit_in_bytes"
  else
    cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(cat "$STATE/containers/$1/pid")/cgroup")/memory.max"
  fi
}

# User, rights, system calls, file system and memory are what the level `restricted` and the Pod ask for.
is_confined() { # CONTAINER
  local files said limit
  limit=$(json "it['spec']['containers'][0]['resources']['limits']['memory']" < "$STATE/containers/$1/pod.json" | numfmt --from=auto)
  files=$(inside_of "$1")
  status_is "$1" Uid "65532 65532 65532 65532"
  status_is "$1" Gid "65532 65532 65532 65532"
  status_is "$1" CapEff 0000000000000000
  status_is "$1" CapBnd 0000000000000000
  status_is "$1" NoNewPrivs 1
  # 2: filtered
  status_is "$1" Seccomp 2
  ! said=$(LC_ALL=C touch "$files/written" 2>&1) || fail "the root of container $1 can be written to"
  [[ $said == *"Read-only file system"* ]] || fail "a write to the root of container $1 failed otherwise: $said"
  [ ! -e "$files/bin/sh" ] || fail "container $1 has a shell"
  [ "$(memory_limit "$1")" = "$limit" ] || fail "the memory limit of container $1 is $(memory_limit "$1"), not $limit"
}

stop_pod() { # CONTAINER
  local status=0 process
  process=$(pid_of "$1")
  # It may end now.
  unset "programs[$1]"
  runc --root "$STATE/runc" kill "$1" TERM
  wait "$process" || status=$?
  [ "$status" = 0 ] || fail "container $1 ended with status $status at SIGTERM; see $STATE/logs/$1.log"
}

# Their control groups go with them, which those of the namespaces do not.
stop_containers() {
  local name
  for name in $(runc --root "$STATE/runc" list --quiet 2>/dev/null); do
    runc --root "$STATE/runc" delete --force "$name" || true
  done
}
