#!/usr/bin/env bash
# The test itself; test.sh starts it as the first process of its own mount, PID and network namespaces, as root.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=node.sh
source "$root/tools/dist/node.sh"

registry=127.0.0.1:5000
export ACIVNET_DEMO_PACE=0.1 ACIVNET_DEMO_TIME_SCALE=0.02

start_registry() {
  mkdir "$STATE/registry"
  start registry env REGISTRY_LOG_LEVEL=warn docker-registry serve "$root/tools/dist/registry.yaml"
  wait_until "the registry" 30 curl -sf -o /dev/null "http://$registry/v2/"
}

# Prints NAME@DIGEST of an image or a chart in the registry. usage: published image|chart NAME
published() {
  sed -n "s,^$1 $registry/\(charts/\)\?\($2@\),\2,p" "$STATE/published"
}

publish() {
  show "ACIVNET_PLAIN_HTTP=1 tools/dist/publish.sh $registry $STATE/dist | tee $STATE/published"
  [ -n "$(published image acivnet)" ] && [ -n "$(published image acivnet-simulator)" ] || fail "an image was not published"
}

# Azure itself, from its image.
start_azure_from_its_image() {
  local program=acivnet-simulator
  kubectl create namespace azure
  kubectl create configmap seed --namespace azure --from-file=seed.json=tools/demo/seed.json
  sed "s,IMAGE,$registry/$(published image $program)," tools/dist/simulator.yaml | kubectl apply --server-side -f -
  start_pod azure pod/simulator simulator
  wait_until "the Azure simulator" 60 test -f "$(inside_of simulator)/state/endpoint.json"
  mkdir "$STATE/azure"
  cp "$(inside_of simulator)/state/ca.pem" "$STATE/azure/ca.pem"
  is_confined simulator
}

# What this Azure, and this test, are told to the operator as in any cluster.
settings() {
  printf '%s\n' CLOUD=Custom "RESOURCE_MANAGER_ENDPOINT=$azure" "AUTHORITY_HOST=$azure" MACHINE_LEARNING_SUFFIX=localhost:8443 \
    BLOB_SUFFIX=localhost:8443 AZURE_CA_FILE=/etc/acivnet/ca/ca.crt "PACE=$ACIVNET_DEMO_PACE" | sed s/^/ACIVNET_/
}

install_by_manifest() {
  local words
  kubectl create namespace acivnet-system
  kubectl create configmap azure-ca --namespace acivnet-system --from-file=ca.crt="$STATE/azure/ca.pem"
  show "kubectl apply --server-side -f $STATE/dist/install.yaml | wc -l"
  mapfile -t words < <(settings)
  kubectl set env deployment/acivnet --namespace acivnet-system "${words[@]}"
  kubectl set image deployment/acivnet --namespace acivnet-system "acivnet=$registry/$(published image acivnet)"
  kubectl patch deployment/acivnet --namespace acivnet-system --patch-file tools/dist/ca.yaml
}

operator_works() {
  wait_until "the operator" 60 curl -sf -o /dev/null http://127.0.0.1:8080/readyz
  is_confined operator
  wait_until "the Lease to name the Pod" 30 holds_the_lease
  curl -sf http://127.0.0.1:8080/metrics | grep -q '^acivnet_leader 1' || fail "the operator does not say that it leads"
}

holder() {
  kubectl get lease acivnet --namespace acivnet-system -o jsonpath='{.spec.holderIdentity}' 2>/dev/null
}

holds_the_lease() {
  [[ $(holder) == "$(pod_of operator)"* ]]
}

is_at_rest() {
  kubectl wait delegatedsubnet/amlsubnet1 --for=condition=Ready --timeout=90s
}

an_object_gets_ready() {
  prepare_namespace
  show 'kubectl apply --server-side -f deploy/examples/article/subnet.yaml'
  is_at_rest || fail "the subnet did not get ready"
}

# SIGTERM as a node sends it: exit status 0, and the Lease is given back.
operator_ends() {
  stop_pod operator
  [ -z "$(holder)" ] || fail "the Lease is still held by $(holder)"
}

writes() {
  azure_admin GET counts | json "sum(number for verb, number in it['byVerb'].items() if verb not in ('GET', 'HEAD'))"
}

install_by_chart() {
  local before
  before=$(writes)
  note "the chart takes over what the manifest made; only the Deployment's selector can't be changed"
  kubectl delete deployment acivnet --namespace acivnet-system --wait
  show "helm install acivnet oci://$registry/charts/$(published chart acivnet) --plain-http --namespace acivnet-system --take-ownership --force-conflicts \\
    --set fullnameOverride=acivnet,image.registry=$registry,image.digest=$(published image acivnet | cut -d@ -f2) \\
    --set settings.cloud=Custom,settings.resourceManagerEndpoint=$azure,settings.authorityHost=$azure,settings.pace=$ACIVNET_DEMO_PACE \\
    --set settings.machineLearningSuffix=localhost:8443,settings.blobSuffix=localhost:8443,caBundle.configMap=azure-ca > $STATE/logs/helm.log"
  start_pod acivnet-system deployment/acivnet operator
  operator_works
  kubectl annotate delegatedsubnet/amlsubnet1 acivnet.dev/reconcile-requested-at=chart
  kubectl wait delegatedsubnet/amlsubnet1 --for=jsonpath='{.status.lastHandledReconcileAt}'=chart --timeout=60s ||
    fail "the operator of the chart did not look at the subnet"
  is_at_rest || fail "the subnet is no longer ready"
  [ "$(writes)" = "$before" ] || fail "the take-over wrote to Azure: $before before, $(writes) after"
}

azure_of_the_chart_answers() {
  curl -sf --insecure -o /dev/null https://localhost/simulator/counts
}

install_simulator_by_chart() {
  show "helm install acivnet-simulator oci://$registry/charts/$(published chart acivnet-simulator) --plain-http --namespace azure-chart --create-namespace \\
    --set image.registry=$registry,image.digest=$(published image acivnet-simulator | cut -d@ -f2),createNamespaces=false > $STATE/logs/helm-simulator.log"
  start_pod azure-chart deployment/acivnet-simulator simulator-of-chart
  wait_until "the simulated Azure of the chart" 60 azure_of_the_chart_answers
  is_confined simulator-of-chart
  stop_pod simulator-of-chart
}

main() {
  enter "$ACIVNET_KUBE_BIN" "${ACIVNET_HELM%/*}"
  step "Kubernetes and a registry start";         start_kubernetes; start_registry
  step "What is published is pushed";             publish
  step "Azure runs from its image";               start_azure_from_its_image
  step "The operator by install.yaml, by digest"; install_by_manifest
  start_pod acivnet-system deployment/acivnet operator
  operator_works
  step "An object is reconciled";                 an_object_gets_ready
  step "The operator ends";                       operator_ends
  if [ -n "$(published chart acivnet)" ]; then
    step "The operator by its chart, by digest";  install_by_chart
    operator_ends
  fi
  if [ -n "$(published chart acivnet-simulator)" ]; then
    step "The simulator by its chart";            install_simulator_by_chart
  fi
  print_times
  trap - EXIT
  stop_containers
  echo "dist: pushed, pulled by digest, installed and run"
}

main "$@"
