# shellcheck shell=bash
# What is played on, inside the namespaces: Kubernetes, Azure, the operator.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/show.sh
source "$root/tools/lib/show.sh"

# Where tools/demo/seed.json's Azure is, and who signs in there as the operator.
azure=https://localhost:8443
client_id=00000000-0000-0000-0000-00000000000c
tenant_id=00000000-0000-0000-0000-00000000000a
declare -gA programs
# Further options of tools/kube/up.sh.
kubernetes_options=()

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

# Nothing, when it doesn't run. usage: pid_of NAME
pid_of() {
  printf '%s' "${programs[$1]:-}"
}

# Ends programs that `start` started. usage: stop NAME…
stop() {
  local name
  for name in "$@"; do
    kill "${programs[$name]}"
    wait "${programs[$name]}" 2>/dev/null || true
    unset "programs[$name]"
  done
}

check_programs() {
  local name
  for name in "${!programs[@]}"; do
    kill -0 "${programs[$name]}" 2>/dev/null || fail "$name has ended; see $STATE/logs/$name.log"
  done
}

# Without the controller manager where that is still being compiled.
start_kubernetes() {
  start kubernetes "$root/tools/kube/up.sh" "$ACIVNET_KUBE_BIN" "$STATE/kube" 6443 --late-controller-manager "${kubernetes_options[@]}"
  wait_until "the Kubernetes API server" 120 grep -qsx ready "$STATE/logs/kubernetes.log"
  export KUBECONFIG=$STATE/kube/kubeconfig
}

# How containers run is ACIVNET_DEMO_RUNNER: for real (netns), or not at all (none).
start_azure() { # SEED [ARGUMENT_OF_SERVE]…
  local seed=$1
  shift
  start simulator "$ACIVNET_BINARIES/acivnet-simulator" serve --listen 127.0.0.1:8443 --state-dir "$STATE/azure" \
    --seed "$seed" --time-scale "${ACIVNET_DEMO_TIME_SCALE:-0.05}" \
    --runner "${ACIVNET_DEMO_RUNNER:-netns}" --environments-socket "$STATE/environments.sock" --request-log "$STATE/logs/azure-requests.jsonl" "$@"
  wait_until "the Azure simulator" 60 test -f "$STATE/azure/endpoint.json"
}

# The simulator's own interface, which stands for the portal and for what only Microsoft could see.
azure_admin() { # METHOD PATH [JSON]
  curl -sSf --cacert "$STATE/azure/ca.pem" -X "$1" ${3:+-H 'Content-Type: application/json' -d "$3"} "$azure/simulator/$2"
}

azure_report() { # SUBCOMMAND [ARGUMENT]     from what stands in Azure now
  azure_admin GET dump > "$STATE/dump.json"
  python3 "$root/tools/lib/azure.py" "$@" < "$STATE/dump.json"
}

# How many requests of each kind the simulated Azure has had.
azure_requests() {
  azure_admin GET counts | python3 "$root/tools/lib/azure.py" requests
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
  python3 "$root/tools/lib/azure.py" specs < "$STATE/specs.json" ||
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
