#!/usr/bin/env bash
# Says whether this machine has what building, testing and the demo need; names what is missing and how to get it.
# usage: preflight.sh [programs|build|network|images|containers|gitops]…     default: build and network. Exit status 1 when
# something is missing.
#   programs    Rust, C compiler, Python: what acivnet's own programs and the environments are made with
#   build       that, and Go, which compiles the Kubernetes test bed
#   images      what puts images together: Debian's own packages, umoci
#   containers  what pushes images and runs them: images, root, runc, skopeo, a registry
#   gitops      what Argo CD and Flux need: Git, Redis
#   network     iproute2, nftables, util-linux, openssl, curl, and whether an ordinary user may make a veth pair and filter packets
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"

missing=0

lacks() { # WHAT HOW_TO_GET_IT
  missing=$((missing + 1))
  printf 'missing: %s\n    get it: %s\n' "$1" "$2" >&2
}

packages() { # APT_NAMES DNF_NAMES
  printf 'apt-get install %s   (Debian, Ubuntu)   or   dnf install %s   (Fedora, RHEL)' "$1" "$2"
}

check_rust() {
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$here/../Cargo.toml")
  if ! command -v cargo >/dev/null; then
    lacks "Rust (cargo), $wanted or newer" "https://rustup.rs, then open a new shell"
  elif ! have=$(cd "$here/.." && rustc --version 2>&1); then
    lacks "the Rust toolchain that rust-toolchain.toml names; rustc says: ${have##*$'\n'}" "rustup toolchain install $(rust_channel)"
  else
    have=$(awk '{ print $2 }' <<<"$have")
    version_at_least "${have%%-*}" "$wanted" || lacks "Rust $wanted or newer (found $have)" "rustup update, or https://rustup.rs"
  fi
}

rust_channel() {
  sed -n 's/^channel = "\(.*\)"$/\1/p' "$here/../rust-toolchain.toml"
}

check_c_compiler() {
  local compiler=${CC:-cc}
  command -v "${compiler%% *}" >/dev/null || lacks "a C compiler (for the TLS library's assembly)" "$(packages build-essential gcc)"
}

check_go() {
  local have wanted=1.26
  if ! command -v go >/dev/null; then
    lacks "Go $wanted or newer (for the Kubernetes test bed)" "https://go.dev/dl/"
    return
  fi
  have=$(cd / && go env GOVERSION)
  have=${have#go}
  version_at_least "${have%%[- ]*}" "$wanted" || lacks "Go $wanted or newer (found $have)" "https://go.dev/dl/"
}

check_python() {
  if ! command -v python3 >/dev/null; then
    lacks "Python 3.10 or newer" "$(packages 'python3 python3-venv' python3)"
  elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    lacks "Python 3.10 or newer (found $(python3 -V 2>&1))" "$(packages 'python3 python3-venv' python3), or https://www.python.org/downloads/"
  elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    lacks "Python's venv module with pip" "$(packages python3-venv python3-libs)"
  fi
}

check_program() { # PROGRAM APT_PACKAGE DNF_PACKAGE
  command -v "$1" >/dev/null || lacks "$1" "$(packages "$2" "$3")"
}

check_network_programs() {
  local program
  check_program ip iproute2 iproute
  check_program nft nftables nftables
  for program in unshare flock setpriv mount; do
    check_program "$program" util-linux util-linux
  done
  check_program openssl openssl openssl
  check_program curl curl curl
}

# The demo's own entry, with the smallest thing it needs inside: a bridge, a named namespace, a veth pair between them, a
# filter that knows connections.
try_namespaces() {
  unshare -Urnmpf --kill-child --mount-proc bash -euc '
    mount -t tmpfs tmpfs /run
    mkdir -p /run/netns
    ip link set lo up
    ip link add vnet type bridge
    ip netns add probe
    ip link add v-probe type veth peer name eth0 netns probe
    ip link set v-probe master vnet up
    ip netns exec probe nft "add table ip probe { chain in { type filter hook prerouting priority 0; ct state new accept; }; }"' 2>&1
}

kernel_setting() { # NAME_UNDER_PROC_SYS; empty when the kernel has no such setting
  cat "/proc/sys/$1" 2>/dev/null || true
}

check_namespaces() {
  local said
  command -v unshare >/dev/null && command -v ip >/dev/null && command -v nft >/dev/null || return 0
  said=$(try_namespaces) && return
  lacks "the right to make network namespaces as $(id -un); the attempt said: ${said##*$'\n'}" "$(advice_for_namespaces)"
}

advice_for_namespaces() {
  if [ "$(kernel_setting user/max_user_namespaces)" = 0 ]; then
    printf 'sudo sysctl -w user.max_user_namespaces=15000'
  elif [ "$(kernel_setting user/max_net_namespaces)" = 0 ]; then
    printf 'sudo sysctl -w user.max_net_namespaces=15000'
  elif [ "$(kernel_setting kernel/unprivileged_userns_clone)" = 0 ] && [ "$(id -u)" != 0 ]; then
    printf 'sudo sysctl -w kernel.unprivileged_userns_clone=1'
  elif [ "$(kernel_setting kernel/apparmor_restrict_unprivileged_userns)" = 1 ] && [ "$(id -u)" != 0 ]; then
    printf 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu 23.10 and newer)'
  elif [ -f /.dockerenv ] || [ -f /run/.containerenv ]; then
    printf 'run outside this container, or start it with --privileged'
  else
    printf 'the kernel modules bridge, veth and nf_tables (sudo modprobe -a bridge veth nf_tables nft_ct nft_reject_ipv4), and no seccomp or SELinux rule against unshare'
  fi
}

check_own_programs() {
  check_rust
  check_c_compiler
  check_python
}

check_build() {
  check_own_programs
  check_go
}

check_network() {
  check_network_programs
  check_namespaces
}

check_image_programs() {
  local said="apt-get install umoci (Debian; elsewhere: docker build -f deploy/operator/Dockerfile)" program
  for program in dpkg-deb apt-get umoci; do
    command -v "$program" >/dev/null || lacks "$program" "$said"
  done
}

check_containers() {
  local program
  [ "$(id -u)" = 0 ] || lacks "root, to run containers under users of their own" "sudo, on a machine that may be tested on"
  [ -w /sys/fs/cgroup/memory ] || [ -w /sys/fs/cgroup/cgroup.subtree_control ] ||
    lacks "control groups that may be written to" "run outside this container, or start it with --privileged"
  for program in runc skopeo docker-registry; do
    command -v "$program" >/dev/null || lacks "$program" "apt-get install $program   (Debian)"
  done
  [ -f /usr/share/containers/seccomp.json ] || lacks "/usr/share/containers/seccomp.json, the profile RuntimeDefault" "apt-get install golang-github-containers-common   (Debian)"
}

check_gitops() {
  check_program git git git
  check_program redis-server redis-server redis
}

main() {
  local part
  [ "$(uname -s)" = Linux ] || die "this is $(uname -s); the test bed and the demo need Linux"
  for part in "${@:-all}"; do
    case $part in
      programs) check_own_programs ;;
      build) check_build ;;
      network) check_network ;;
      images) check_image_programs ;;
      containers) check_network_programs; check_image_programs; check_containers ;;
      gitops) check_gitops ;;
      all) check_build; check_network ;;
      *) die "unknown part $part; usage: preflight.sh [programs|build|network|images|containers|gitops]…" ;;
    esac
  done
  [ "$missing" = 0 ] || die "$missing thing(s) missing, listed above"
}

main "$@"
