#!/usr/bin/env bash
# The bed of the GitOps tools; gitops.sh starts this as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=programs.sh
source "$root/tools/gitops/programs.sh"

# The operator waits a tenth, and Azure takes a fiftieth, of what they do in production.
export ACIVNET_DEMO_PACE=${ACIVNET_DEMO_PACE:-0.1} ACIVNET_DEMO_TIME_SCALE=${ACIVNET_DEMO_TIME_SCALE:-0.02}

# Whether a part is to be played.
wanted() {
  [ -z "${ACIVNET_GITOPS:-}" ] || [[ " $ACIVNET_GITOPS " == *" $1 "* ]]
}

check() { # PART
  local count fails
  rm -f "$STATE/counts"
  python "$root/tools/gitops/run.py" "$1" "$STATE/counts" || [ -s "$STATE/counts" ] || fail "the checks of $1 did not come to their end"
  check_programs
  read -r count fails < "$STATE/counts"
  checks=$((checks + count)) failed=$((failed + fails))
}

start_the_bed() {
  start_kubernetes
  start_azure tools/demo/seed.json --issuer-ca "$STATE/kube/ca.crt"
  kubectl apply --server-side -f tests/faults/probe-of-pods/node.yaml
  start git_server python "$root/tools/gitops/git_server.py" "$STATE/git" 9419
  PYTHONPATH=$root/tools/gitops python -c 'import repository; repository.create()'
  "$ACIVNET_PLAIN_PYTHON/bin/python" deploy/examples/article/train.py --alpha 1 --output "$STATE/model-2.pkl"
}

play_argocd() {
  step "Argo CD installs the operator"
  start_argocd
  check argocd_operator
  start_operator
  step "Argo CD"
  check argocd
  stop_argocd
}

play_flux() {
  step "Flux installs the operator"
  start_flux
  check flux_operator
  # An account that was deleted and made again has other tokens.
  [ -z "$(pid_of operator)" ] || stop operator
  start_operator
  step "Flux"
  check flux
}

main() {
  local checks=0 failed=0
  enter "$ACIVNET_KUBE_BIN" "$ACIVNET_GITOPS_PYTHON/bin" "${KUSTOMIZE%/*}"
  export SIMULATOR=$azure/simulator SSL_CERT_FILE=$STATE/azure/ca.pem PYTHONPATH=$root/tools/clients:$root/tools/faults
  step "Health checks and actions of deploy/argocd"
  ! wanted customizations || check customizations
  if wanted argocd || wanted flux; then
    step "Kubernetes and Azure start"
    start_the_bed
  fi
  ! wanted argocd || play_argocd
  ! wanted flux || play_flux
  trap - EXIT
  print_times
  printf '\nGitOps: %d checks, %d failed\n' "$checks" "$failed"
  [ "$checks" != 0 ] && [ "$failed" = 0 ]
}

main "$@"
