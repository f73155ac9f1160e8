# shellcheck shell=bash
# A release with rights in two namespaces only, and the operator that it starts. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/article.sh
source "$root/tools/lib/article.sh"

account=system:serviceaccount:acivnet-system:acivnet-operator

start_with_namespaces() {
  start_azure tools/demo/seed.json --issuer-ca "$STATE/kube/ca.crt"
  kubectl create namespace other > "$STATE/logs/namespaces.log"
  kubectl create namespace elsewhere > "$STATE/logs/namespaces.log"
  cluster_id=$(kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')
  show "helm install acivnet charts/acivnet --namespace acivnet-system --values tools/chart/bed.yaml --set crds.enabled=false \\
    --set 'namespaces={ml,other}' --set settings.clusterId=$cluster_id --set settings.azureCaFile=\"\$STATE/azure/ca.pem\" > \"\$STATE/logs/install.log\""
  is "ClusterRoles of the release" "" kubectl get clusterroles,clusterrolebindings -l app.kubernetes.io/part-of=acivnet -o name
  may_not
  kubectl --namespace ml create serviceaccount acivnet
  kubectl --namespace ml annotate serviceaccount acivnet \
    azure.workload.identity/client-id="$client_id" azure.workload.identity/tenant-id="$tenant_id" > "$STATE/logs/identity.log"
  kubectl config set-context --current --namespace ml > "$STATE/logs/context.log"
  start_as_deployed
}

# What a ClusterRole would give is really not given.
may_not() {
  local right
  for right in "list nodes" "list servicecidrs.networking.k8s.io" "get customresourcedefinitions" "get namespaces/kube-system" \
    "list delegatedsubnets.acivnet.dev --all-namespaces" "list configmaps --namespace elsewhere"; do
    # shellcheck disable=SC2086 # words of a command
    [ "$(kubectl auth can-i --as "$account" $right 2>/dev/null || true)" = no ] || fail "the operator may $right"
  done
}

# The operator as a process, with the settings and arguments of the Deployment and nothing else.
start_as_deployed() {
  local words=() settings=()
  operator_kubeconfig
  mapfile -t words < <(kubectl --namespace acivnet-system get deployment acivnet -o json | python3 "$root/tools/chart/process.py")
  while [ "${words[0]}" != -- ]; do
    settings+=("${words[0]}")
    words=("${words[@]:1}")
  done
  note "with ${settings[*]}"
  start operator env -i "KUBECONFIG=$STATE/operator.kubeconfig" "${settings[@]}" "$ACIVNET_BINARIES/acivnet" "${words[@]:1}"
  wait_until "the operator" 30 curl -sf -o /dev/null http://127.0.0.1:8080/readyz
}

work_in_namespaces() {
  kubectl --namespace elsewhere apply --server-side -f deploy/examples/article/subnet.yaml
  apply_the_article
  expect_field .status.endpoint.scoringURI http://10.0.1.4/score
  kubectl get delegatedsubnets,acivnetdeployments -o wide
  is "finalizers of the object that it does not watch" "" \
    kubectl --namespace elsewhere get delegatedsubnet amlsubnet1 -o 'jsonpath={.metadata.finalizers}'
  told "ServiceCIDRs can't be listed"
  told "nodes can't be listed"
}

told() { # TEXT     the log says it, once
  [ "$(grep -cF "$1" "$STATE/logs/operator.log")" = 1 ] || fail "the log does not say once: $1"
}

networks_in_azure() {
  azure_admin GET dump | python3 -c 'import json, sys; print(sum("/virtualnetworks/amlvnet1" == key.lower()[-25:] for key in json.load(sys.stdin)["resources"]))'
}

is_tagged() {
  azure_admin GET dump | grep -q '"team": *"chart"'
}

delete_in_namespaces() {
  show 'kubectl delete acivnetdeployment aciservice --timeout=300s'
  is "networks in Azure" 1 networks_in_azure
  note "the definition goes, and with it the object; what it stands for stays"
  show 'kubectl delete crd delegatedsubnets.acivnet.dev --timeout=120s'
  is "networks in Azure" 1 networks_in_azure
  kubectl apply --server-side -k deploy/crds > "$STATE/logs/kustomize-crds.log"
  kubectl wait --for=condition=Established --timeout=30s crd/delegatedsubnets.acivnet.dev
  show 'kubectl apply --server-side -f deploy/examples/article/subnet.yaml'
  watch_until Ready delegatedsubnets amlsubnet1 "$patience"
  show "kubectl patch delegatedsubnet amlsubnet1 --type merge --patch '{\"spec\": {\"azure\": {\"tags\": [{\"name\": \"team\", \"value\": \"chart\"}]}}}'"
  wait_until "the tag in Azure" 60 is_tagged
  show 'kubectl delete delegatedsubnet amlsubnet1 --timeout=300s'
  is "networks in Azure" 0 networks_in_azure
}
