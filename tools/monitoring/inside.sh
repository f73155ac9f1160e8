#!/usr/bin/env bash
# The bed of the alerts; monitoring.sh starts this as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"

# The operator waits a tenth, and Azure takes a fiftieth, of what they do in production.
export ACIVNET_DEMO_PACE=${ACIVNET_DEMO_PACE:-0.1} ACIVNET_DEMO_TIME_SCALE=${ACIVNET_DEMO_TIME_SCALE:-0.02}
export ACIVNET_STALLED_AFTER_SECONDS=3 ACIVNET_METRICS_PER_OBJECT=true ACIVNET_LEASE_DURATION_SECONDS=5

start_prometheus() {
  mkdir "$STATE/prometheus"
  python "$root/tools/monitoring/checks.py" --shortened "$STATE/prometheus"
  start prometheus "$prometheus" --config.file "$STATE/prometheus/prometheus.yml" --storage.tsdb.path "$STATE/prometheus/data" \
    --web.listen-address 127.0.0.1:9090
  wait_until "Prometheus" 60 curl -sf -o /dev/null http://127.0.0.1:9090/-/ready
}

# The operator is told to end by the play, which starts it again by these.
how_to_start_the_operator() {
  cat <<'SCRIPT'
exec env KUBECONFIG="$STATE/operator.kubeconfig" "$ACIVNET_BINARIES/acivnet" run \
  --cloud Custom --resource-manager-endpoint "$AZURE" --authority-host "$AZURE" \
  --machine-learning-suffix localhost:8443 --blob-suffix localhost:8443 --azure-ca-file "$STATE/azure/ca.pem" \
  --admin-address 127.0.0.1:8080 --pace "$ACIVNET_DEMO_PACE"
SCRIPT
}

main() {
  local checks failed prometheus
  prometheus=$(command -v prometheus)
  enter "$ACIVNET_KUBE_BIN" "$ACIVNET_PLAIN_PYTHON/bin"
  step "Kubernetes, Azure, the operator and Prometheus start"
  start_kubernetes
  start_azure tools/demo/seed.json --issuer-ca "$STATE/kube/ca.crt"
  install_operator
  kubectl apply --server-side -f tests/faults/probe-of-pods/node.yaml
  start_operator
  start_prometheus
  step "Each alert fires and clears"
  OPERATOR_PID=$(pid_of operator)
  export SIMULATOR=$azure/simulator AZURE=$azure SSL_CERT_FILE=$STATE/azure/ca.pem OPERATOR_PID
  export PYTHONPATH=$root/tools/clients:$root/tools/faults
  how_to_start_the_operator > "$STATE/operator.sh"
  python "$root/tools/monitoring/play.py" "$STATE/counts" || [ -s "$STATE/counts" ] || fail "the checks did not come to their end"
  trap - EXIT
  print_times
  read -r checks failed < "$STATE/counts"
  printf '\nMonitoring: %d checks, %d failed\n' "$checks" "$failed"
  [ "$checks" != 0 ] && [ "$failed" = 0 ]
}

main "$@"
