# shellcheck shell=bash disable=SC2016 # `show` expands what it is given
# The chart's life on an API server. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

chart=$root/charts/acivnet
crds="crd/acivnetdeployments.acivnet.dev crd/delegatedsubnets.acivnet.dev"
release="acivnet $chart --namespace acivnet-system --values tools/chart/values/default.yaml"

is() { # WHAT WANTED COMMAND…
  local what=$1 wanted=$2 have
  shift 2
  have=$("$@") || fail "$what can't be asked for"
  [ "$have" = "$wanted" ] || fail "$what is \"$have\", not \"$wanted\""
  note "$what: $have"
}

field() { # KIND/NAME JSONPATH     of the operator's namespace
  kubectl --namespace acivnet-system get "$1" -o "jsonpath={$2}"
}

# Definitions of the Prometheus Operator stand in for it, where they are at hand.
dry_runs() {
  local name namespace file
  for namespace in acivnet-system team-a team-b leases; do
    kubectl create namespace "$namespace" > "$STATE/logs/namespaces.log"
  done
  [ -z "${ACIVNET_MONITORING_CRDS:-}" ] || kubectl apply --server-side -f "$ACIVNET_MONITORING_CRDS" > "$STATE/logs/monitoring.log"
  for file in tools/chart/values/*.yaml; do
    name=$(basename "$file" .yaml)
    helm template acivnet "$chart" --namespace acivnet-system --values "$file" > "$STATE/$name.yaml"
    kubectl apply --server-side --dry-run=server -f "$STATE/$name.yaml" > "$STATE/logs/dry-run-$name.log" \
      || fail "the API server refuses the render of $name"
    note "$name: $(grep -c 'serverside-applied' "$STATE/logs/dry-run-$name.log") objects"
  done
  kubectl delete namespace acivnet-system team-a team-b leases > "$STATE/logs/namespaces.log"
}

install_upgrade_rollback() {
  show "helm install $release --create-namespace > \"\$STATE/logs/install.log\""
  grep -q 'Check it:' "$STATE/logs/install.log" || fail "the notes are not shown"
  # shellcheck disable=SC2086 # two names
  kubectl wait --for=condition=Established --timeout=30s $crds > "$STATE/logs/crds.log"
  kubectl label namespace acivnet-system pod-security.kubernetes.io/enforce=restricted > "$STATE/logs/label.log"
  is "replicas" 2 field deployment/acivnet .spec.replicas
  show "helm upgrade $release --set replicas=3,settings.logLevel=debug > \"\$STATE/logs/upgrade.log\""
  is "replicas" 3 field deployment/acivnet .spec.replicas
  is "log level" debug field deployment/acivnet '.spec.template.spec.containers[0].env[?(@.name=="ACIVNET_LOG_LEVEL")].value'
  show 'helm rollback acivnet 1 --namespace acivnet-system'
  is "replicas" 2 field deployment/acivnet .spec.replicas
  is "log level" info field deployment/acivnet '.spec.template.spec.containers[0].env[?(@.name=="ACIVNET_LOG_LEVEL")].value'
  wait_until "Pods, which security level restricted admits" 30 pods_are_made
}

pods_are_made() {
  [ -n "$(kubectl --namespace acivnet-system get pods -o name)" ]
}

uninstall_and_reinstall() {
  kubectl create namespace ml > "$STATE/logs/namespaces.log"
  kubectl --namespace ml apply --server-side -f deploy/examples/article/subnet.yaml
  local uid
  uid=$(kubectl --namespace ml get delegatedsubnet amlsubnet1 -o 'jsonpath={.metadata.uid}')
  show 'helm uninstall acivnet --namespace acivnet-system --wait > "$STATE/logs/uninstall.log"'
  is "what is left of the release" "" left
  is "the object" "$uid" kubectl --namespace ml get delegatedsubnet amlsubnet1 -o 'jsonpath={.metadata.uid}'
  show "helm install $release > \"\$STATE/logs/reinstall.log\""
  is "the object" "$uid" kubectl --namespace ml get delegatedsubnet amlsubnet1 -o 'jsonpath={.metadata.uid}'
  helm uninstall acivnet --namespace acivnet-system --wait > "$STATE/logs/uninstall.log"
}

# Everything of the release but its definitions, by any of the kinds that it has.
left() {
  kubectl get clusterroles,clusterrolebindings,deployments,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets \
    --all-namespaces --selector app.kubernetes.io/part-of=acivnet -o name
}

take_over_from_kustomize() {
  local uid
  # shellcheck disable=SC2086 # two names
  kubectl delete --namespace ml delegatedsubnet amlsubnet1 > "$STATE/logs/delete.log" && kubectl delete $crds > "$STATE/logs/delete.log"
  kubectl apply --server-side -k deploy/crds > "$STATE/logs/kustomize-crds.log"
  # shellcheck disable=SC2086 # two names
  kubectl wait --for=condition=Established --timeout=30s $crds > "$STATE/logs/crds.log"
  show 'kubectl apply --server-side -k deploy/operator > "$STATE/logs/kustomize.log"'
  uid=$(field deployment/acivnet .metadata.uid)
  show_refused "helm install $release > \"\$STATE/logs/refused.log\" 2>&1"
  show "helm install $release --take-ownership --force-conflicts > \"\$STATE/logs/take-over.log\""
  is "the Deployment" "$uid" field deployment/acivnet .metadata.uid
  is "its image" registry.example.org/ml/acivnet:0.1.0 field deployment/acivnet '.spec.template.spec.containers[0].image'
  show 'helm uninstall acivnet --namespace acivnet-system --wait > "$STATE/logs/uninstall.log"'
  is "what is left" "" left
}

as_a_subchart() {
  local wrapper=$STATE/platform
  mkdir -p "$wrapper/templates"
  cat > "$wrapper/Chart.yaml" <<YAML
apiVersion: v2
name: platform
version: 1.0.0
dependencies:
  - {name: acivnet, version: 0.1.0, repository: "file://$chart", condition: acivnet.enabled}
YAML
  cat > "$wrapper/values.yaml" <<'YAML'
global: {registry: registry.example.org}
acivnet:
  enabled: true
  fullnameOverride: acivnet
  image: {registry: registry.example.org/ml}
  settings: {clusterNetworks: [10.244.0.0/16]}
YAML
  show 'helm dependency build "$STATE/platform" > "$STATE/logs/dependency.log"'
  helm lint --quiet --strict "$wrapper"
  show 'helm install platform "$STATE/platform" --namespace acivnet-system --take-ownership > "$STATE/logs/platform.log"'
  is "the image of the parent's value" registry.example.org/ml/acivnet:0.1.0 field deployment/acivnet '.spec.template.spec.containers[0].image'
  show_refused 'helm upgrade platform "$STATE/platform" --namespace acivnet-system --set acivnet.setings.pace=1 > "$STATE/logs/refused.log" 2>&1'
  show 'helm upgrade platform "$STATE/platform" --namespace acivnet-system --set acivnet.enabled=false > "$STATE/logs/platform.log"'
  is "what is left without the condition" "" left
  helm uninstall platform --namespace acivnet-system --wait > "$STATE/logs/uninstall.log"
}
