#!/usr/bin/env bash
# Runs etcd, kube-apiserver and (unless told otherwise) kube-controller-manager on loopback until TERM, INT, or the end
# of the process that started it. No account of this machine, no port and no folder is shared with another bed.
#
# usage: up.sh BIN_DIR STATE_DIR [PORT] [--without-controller-manager|--late-controller-manager] [--apiserver-flag FLAG]…
#   BIN_DIR    what programs.sh or build.sh printed
#   STATE_DIR  made when absent; afterwards holds kubeconfig (cluster-admin), ca.crt, *.log and etcd's data.
#              A second run over the same folder finds the objects of the first.
#   --late-controller-manager   starts it when it appears in BIN_DIR, which may be later than the others
#   PORT       of the API server; the next two are etcd's. Absent or 0: a free block of three
# Prints `ready` on a line of its own when the API server answers. The ServiceAccount issuer is the server's own URL;
# its keys can be read without an account, trusting ca.crt.
set -euo pipefail

die() {
  printf 'up.sh: %s\n' "$*" >&2
  exit 1
}

read_arguments() {
  local words=()
  with_controller_manager=yes apiserver_flags=()
  while [ $# -gt 0 ]; do
    case $1 in
      --without-controller-manager) with_controller_manager=no ;;
      --late-controller-manager) with_controller_manager=late ;;
      --apiserver-flag) apiserver_flags+=("${2:?--apiserver-flag needs a value}") && shift ;;
      -*) die "unknown option $1; see the head of this file" ;;
      *) words+=("$1") ;;
    esac
    shift
  done
  [ "${#words[@]}" -ge 2 ] || die "usage: up.sh BIN_DIR STATE_DIR [PORT]"
  bin=$(cd "${words[0]}" && pwd)
  mkdir -p "${words[1]}"
  state=$(cd "${words[1]}" && pwd)
  port=${words[2]:-0}
  local program programs=(etcd kube-apiserver kubectl)
  [ "$with_controller_manager" != yes ] || programs+=(kube-controller-manager)
  for program in "${programs[@]}"; do
    [ -x "$bin/$program" ] || die "$bin has no $program; run tools/kube/programs.sh"
  done
}

# A block of three ports is ours while we hold its lock file; somebody else's listener on it is seen by connecting.
claim_free_ports() {
  local locks try candidate descriptor
  locks=${TMPDIR:-/tmp}/acivnet-ports-$(id -u)
  mkdir -p "$locks"
  for ((try = 0; try < 200; try++)); do
    candidate=$((20000 + (RANDOM % 4000) * 3))
    exec {descriptor}>"$locks/$candidate"
    if flock -n "$descriptor" && ports_are_free "$candidate"; then
      port=$candidate
      return
    fi
    exec {descriptor}>&-
  done
  die "found no free block of three ports between 20000 and 32000 on 127.0.0.1"
}

ports_are_free() { # FIRST
  local number
  for number in "$1" $(($1 + 1)) $(($1 + 2)); do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$number") 2>/dev/null || return 1
  done
}

# One small authority per bed signs the API server's certificate; one key signs ServiceAccount tokens.
make_credentials() {
  [ -f token ] && return
  cat > openssl.cnf <<'CNF'
[req]
distinguished_name = name
prompt = no
[name]
CN = acivnet test bed
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc
CNF
  {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key
    openssl req -x509 -new -config openssl.cnf -extensions authority -key ca.key -days 3650 -out ca.crt
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out apiserver.key
    openssl req -new -config openssl.cnf -key apiserver.key -subj /CN=kube-apiserver -out apiserver.csr
    openssl x509 -req -in apiserver.csr -CA ca.crt -CAkey ca.key -set_serial 2 -days 3650 \
      -extfile openssl.cnf -extensions server -out apiserver.crt
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out sa.key
    openssl pkey -in sa.key -pubout -out sa.pub
  } 2> openssl.log || die "openssl failed: $(tail -n1 openssl.log)"
  local token
  token=$(openssl rand -hex 16)
  printf '%s,admin,admin,system:masters\n' "$token" > tokens.csv
  printf '%s' "$token" > token
}

write_kubeconfig() {
  cat > kubeconfig.part <<KUBECONFIG
apiVersion: v1
kind: Config
clusters: [{name: bed, cluster: {server: "https://127.0.0.1:$port", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: admin, user: {token: $(cat token)}}]
contexts: [{name: bed, context: {cluster: bed, user: admin}}]
current-context: bed
KUBECONFIG
  mv kubeconfig.part kubeconfig
}

# Starts a program that can't outlive this script, whatever ends it. usage: start NAME ARGUMENT…
start() {
  local name=$1
  shift
  setpriv --pdeathsig KILL "$bin/$name" "$@" > "$name.log" 2>&1 < /dev/null &
  pids+=($!)
  names[$!]=$name
}

start_etcd() {
  local client=http://127.0.0.1:$((port + 1)) peer=http://127.0.0.1:$((port + 2))
  start etcd --data-dir etcd --unsafe-no-fsync --log-level error \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
}

start_apiserver() {
  start kube-apiserver --etcd-servers "http://127.0.0.1:$((port + 1))" --secure-port "$port" --bind-address 127.0.0.1 \
    --advertise-address 192.0.2.1 --endpoint-reconciler-type none \
    --tls-cert-file apiserver.crt --tls-private-key-file apiserver.key --token-auth-file tokens.csv --authorization-mode RBAC \
    --service-account-issuer "https://127.0.0.1:$port" --service-account-jwks-uri "https://127.0.0.1:$port/openid/v1/jwks" \
    --service-account-key-file sa.pub --service-account-signing-key-file sa.key \
    --service-cluster-ip-range 10.96.0.0/16 ${apiserver_flags[@]+"${apiserver_flags[@]}"}
}

# What is needed without nodes: namespace deletion, garbage collection, ServiceAccounts, aggregated roles, Deployments.
start_controller_manager() {
  start kube-controller-manager --kubeconfig kubeconfig --leader-elect=false --secure-port 0 \
    --service-account-private-key-file sa.key --root-ca-file ca.crt --use-service-account-credentials \
    --controllers "namespace-controller,garbage-collector-controller,serviceaccount-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller,deployment-controller,replicaset-controller"
}

start_late_controller_manager() {
  [ "$with_controller_manager" = late ] && [ -x "$bin/kube-controller-manager" ] || return 0
  start_controller_manager
  with_controller_manager=yes
}

wait_for_apiserver() {
  local deadline=$((SECONDS + 120))
  until curl -sf -m 5 --cacert ca.crt -o /dev/null "https://127.0.0.1:$port/readyz"; do
    report_ended
    [ "$SECONDS" -lt "$deadline" ] || die "kube-apiserver did not get ready within 120 s; see $state/kube-apiserver.log"
    sleep 0.1
  done
}

# Sign-in authorities read the issuer's keys without an account of the cluster.
publish_issuer_keys() {
  "$bin/kubectl" --kubeconfig kubeconfig create clusterrolebinding issuer-discovery \
    --clusterrole system:service-account-issuer-discovery \
    --group system:unauthenticated --group system:authenticated > issuer-discovery.log 2>&1 \
    || grep -q 'already exists' issuer-discovery.log || die "$(cat issuer-discovery.log)"
}

report_ended() {
  local pid
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || die "${names[$pid]} ended: $(tail -n1 "${names[$pid]}.log"); see $state/${names[$pid]}.log"
  done
}

# What stands in etcd outlives this: it is in the page cache, and nothing here survives a crash of the machine anyway.
end_all() {
  trap - EXIT
  trap '' TERM INT HUP
  kill -KILL "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
}

# Waits without a child process that could be left behind. usage: pause SECONDS
pause() {
  read -rt "$1" -u "$silence" || true
}

parent_of_this_script() {
  local fields
  read -r -a fields < "/proc/$$/stat" && printf '%s\n' "${fields[3]}"
}

# Ends when one of the programs does or when whoever started this script is gone.
stay_up() {
  local parent
  parent=$(parent_of_this_script)
  while [ "$(parent_of_this_script)" = "$parent" ]; do
    report_ended
    start_late_controller_manager
    pause 1
  done
}

main() {
  read_arguments "$@"
  cd "$state"
  umask 077
  exec {state_lock}> lock
  flock -n "$state_lock" || die "another bed runs in $state"
  exec {silence}<> <(:)
  pids=()
  declare -gA names=()
  trap end_all EXIT
  trap 'exit 0' TERM INT HUP
  [ "$port" != 0 ] || claim_free_ports
  make_credentials
  start_etcd
  start_apiserver
  write_kubeconfig
  wait_for_apiserver
  [ "$with_controller_manager" != yes ] || start_controller_manager
  publish_issuer_keys
  echo ready
  stay_up
}

main "$@"
