#!/usr/bin/env bash
# The demo itself; demo.sh starts it as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=steps.sh
source "$root/tools/demo/steps.sh"
# shellcheck source=summary.sh
source "$root/tools/demo/summary.sh"

build_the_bed() {
  start_kubernetes
  start_azure tools/demo/seed.json --issuer-ca "$STATE/kube/ca.crt"
}

administrate() {
  install_operator
  start_operator
  prepare_namespace
}

controllers_run() {
  [ ! -e "$STATE/parts/kubernetes.failed" ] || fail "a program of Kubernetes did not compile; the compiler's words are above"
  [ -e "$STATE/kube/kube-controller-manager.log" ]
}

# Only they delete what an object owns, and namespaces.
await_controllers() {
  wait_until "the controller manager" 1800 controllers_run
}

keep_standing() {
  cat <<HINTS

Everything stands until you leave this shell. To try:
  kubectl get delegatedsubnets,acivnetdeployments -o wide
  kubectl patch acivnetdeployment aciservice --type merge --patch '{"spec": {"resources": {"cpu": "2"}}}'    # waits for approval
  kubectl get acivnetdeployment aciservice -o jsonpath='{.status.plan}'
  ip netns exec client curl -s -d @deploy/examples/article/sample.json http://10.0.1.4/score
  curl -s --cacert \$STATE/azure/ca.pem https://localhost:8443/simulator/dump | python3 -m json.tool | less
  tail -f \$STATE/logs/operator.log
  kubectl delete -k deploy/examples/article
HINTS
  printf "PS1='acivnet demo \\\\w \$ '\n" > "$STATE/bashrc"
  bash --rcfile "$STATE/bashrc" -i || true
}

main() {
  enter "$ACIVNET_KUBE_BIN" "$ACIVNET_PLAIN_PYTHON/bin"
  step "Kubernetes and Azure start";                       build_the_bed
  step "An administrator installs the operator";           administrate
  step "Two objects, applied";                             apply_the_article
  step "What Kubernetes tells about it";                   look_at_it
  step "A request from inside the VNet, and from outside"; ask_from_inside_and_outside
  step "A new model";                                      change_the_model
  step "Drift: edits in the portal";                       repair_after_the_portal
  if [ -n "${KEEP:-}" ]; then
    print_summary
    keep_standing
    return
  fi
  controllers_run || { step "The rest of Kubernetes is compiled"; await_controllers; }
  step "Everything is deleted again";                      delete_everything
  step "What passed, compared with Microsoft's specs";     check_against_specs
  print_summary
}

main "$@"
