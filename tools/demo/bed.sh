# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the other parts of play.sh
# Starts what the demo plays on: Kubernetes, Azure, the operator. Sourced by play.sh.

azure=https://localhost:8443
client_id=00000000-0000-0000-0000-00000000000c
tenant_id=00000000-0000-0000-0000-00000000000a
# How containers run: for real.
runner=netns
declare -A programs=()

# Makes the namespaces habitable. usage: enter FOLDER_OF_PROGRAMS…
enter() {
  cd "$root" || exit
  local folders
  printf -v folders '%s:' "$@"
  export PATH=$folders$PATH PYTHONDONTWRITEBYTECODE=1
  # No settings of the user's own kubectl, and no proxy: there is no network here.
  export HOME=$STATE/home KUBECONFIG=$STATE/kube/kubeconfig
  unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
  mkdir -p "$HOME"
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns
  ip link set lo up
}

# usage: start NAME COMMAND…     output goes to $STATE/logs/NAME.log
start() {
  local name=$1
  shift
  "$@" > "$STATE/logs/$name.log" 2>&1 < /dev/null &
  programs[$name]=$!
}

check_programs() {
  local name
  for name in "${!programs[@]}"; do
    kill -0 "${programs[$name]}" 2>/dev/null || fail "$name has ended; see $STATE/logs/$name.log"
  done
}

# Without the controller manager where that is still being compiled.
start_kubernetes() {
  start kubernetes "$root/tools/kube/up.sh" "$ACIVNET_KUBE_BIN" "$STATE/kube" 6443 --late-controller-manager
  wait_until "the Kubernetes API server" 120 grep -qx ready "$STATE/logs/kubernetes.log"
  export KUBECONFIG=$STATE/kube/kubeconfig
}

start_azure() { # SEED [ARGUMENT_OF_SERVE]…
  local seed=$1
  shift
  start simulator "$ACIVNET_BINARIES/acivnet-simulator" serve --listen 127.0.0.1:8443 --state-dir "$STATE/azure" \
    --seed "$seed" --time-scale "${ACIVNET_DEMO_TIME_SCALE:-0.05}" \
    --runner "$runner" --environments-socket "$STATE/environments.sock" --request-log "$STATE/logs/azure-requests.jsonl" "$@"
  wait_until "the Azure simulator" 60 test -f "$STATE/azure/endpoint.json"
}

# The simulator's own interface, which stands for the portal and for what only Microsoft could see.
azure_admin() { # METHOD PATH [JSON]
  curl -sSf --cacert "$STATE/azure/ca.pem" -X "$1" ${3:+-H 'Content-Type: application/json' -d "$3"} "$azure/simulator/$2"
}

azure_report() { # SUBCOMMAND [ARGUMENT]     from what stands in Azure now
  azure_admin GET dump > "$STATE/dump.json"
  python3 "$root/tools/demo/azure.py" "$@" < "$STATE/dump.json"
}

install_operator() {
  show 'kubectl apply --server-side -k deploy/crds'
  kubectl wait --for=condition=Established --timeout=30s \
    crd/acivnetdeployments.acivnet.dev crd/delegatedsubnets.acivnet.dev > "$STATE/logs/crds.log"
  note "deploy/operator: rights, Deployment (with 0 replicas: this cluster has no node, the binary runs as a process)"
  show 'kubectl apply --server-side -k tools/demo/operator'
}

# Fails when something that passed is not what Microsoft's API descriptions say, where the simulator was given any.
check_against_specs() {
  if [ -z "${ACIVNET_AZURE_SPECS:-}" ]; then
    note "not checked against Microsoft's specs: set ACIVNET_AZURE_SPECS"
    return
  fi
  azure_admin GET specs > "$STATE/specs.json"
  python3 "$root/tools/demo/azure.py" specs < "$STATE/specs.json" ||
    fail "what passed is not as Microsoft's specs in $ACIVNET_AZURE_SPECS say; see above"
}

# A kubeconfig with the operator's ServiceAccount token and nothing else.
operator_kubeconfig() {
  local token
  token=$(kubectl create token acivnet-operator --namespace acivnet-system --duration 24h)
  (
    umask 077
    cat > "$STATE/operator.kubeconfig" <<KUBECONFIG
apiVersion: v1
kind: Config
clusters: [{name: demo, cluster: {server: "https://127.0.0.1:6443", certificate-authority: "$STATE/kube/ca.crt"}}]
users: [{name: acivnet-operator, user: {token: "$token"}}]
contexts: [{name: demo, context: {cluster: demo, user: acivnet-operator}}]
current-context: demo
KUBECONFIG
  )
}

start_operator() {
  operator_kubeconfig
  start operator env KUBECONFIG="$STATE/operator.kubeconfig" "$ACIVNET_BINARIES/acivnet" run \
    --cloud Custom --resource-manager-endpoint "$azure" --authority-host "$azure" \
    --machine-learning-suffix localhost:8443 --blob-suffix localhost:8443 --azure-ca-file "$STATE/azure/ca.pem" \
    --admin-address 127.0.0.1:8080 --pace "${ACIVNET_DEMO_PACE:-0.5}"
  wait_until "the operator" 30 curl -sf -o /dev/null http://127.0.0.1:8080/readyz
}

# What the administrator of a cluster does for a team, once.
prepare_namespace() {
  show 'kubectl create namespace ml'
  show 'kubectl create serviceaccount acivnet --namespace ml'
  show "kubectl annotate serviceaccount acivnet --namespace ml \\
    azure.workload.identity/client-id=$client_id azure.workload.identity/tenant-id=$tenant_id"
  show 'kubectl config set-context --current --namespace ml'
}

# A namespace `outside` with a network and a default route, none of which leads into the VNet, and `nowhere` with no link.
make_outside_hosts() {
  ip netns add nowhere
  ip netns add internet
  ip netns add outside
  ip link add eth0 netns outside type veth peer name eth0 netns internet
  ip -n outside address add 203.0.113.2/24 dev eth0
  ip -n internet address add 203.0.113.1/24 dev eth0
  ip -n outside link set eth0 up
  ip -n internet link set eth0 up
  ip -n outside route add default via 203.0.113.1
}
