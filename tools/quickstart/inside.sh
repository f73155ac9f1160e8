#!/usr/bin/env bash
# The page on the bed; quickstart.sh starts this as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=page.sh
source "$root/tools/quickstart/page.sh"

start_the_bed() {
  start_kubernetes
  start node env API_SERVER=127.0.0.1:6443 python3 "$root/tools/quickstart/node.py" "$STATE/node" "$STATE/logs"
  wait_until "the stand-in for a node" 30 test -f "$STATE/node/hosts"
}

five_commands() {
  play_page "Five commands"
  [ "$played" -le 5 ] || fail "docs/quickstart.md has $played commands below \"Five commands\""
  compare_with_page "Five commands"
}

# What was made at random stays; nothing of it is another Pod's.
made() {
  kubectl get secrets --namespace acivnet-system acivnet-simulator-tls acivnet-simulator-credentials --output jsonpath='{.items[*].data}'
  kubectl get secret --namespace ml acivnet-azure --output jsonpath='{.data}'
  kubectl get pods --namespace acivnet-system --output jsonpath='{.items[*].metadata.uid}'
}

upgrade() {
  local before
  before=$(made)
  show 'helm upgrade acivnet-simulator charts/acivnet-simulator --namespace acivnet-system --reuse-values --wait'
  [ "$(made)" = "$before" ] || fail "helm upgrade made certificates, the secret or the Pod anew"
}

check_chart() {
  show 'helm lint --strict charts/acivnet-simulator'
  show_refused 'helm lint charts/acivnet-simulator --set timescale=1'
  show_refused "helm template charts/acivnet-simulator --set 'seed.workspaces[0].storageAccount=other'"
  # the server warns of Pods that the level would not admit
  show "kubectl label namespace acivnet-system pod-security.kubernetes.io/enforce=restricted --dry-run=server 2>&1 | tee \"\$STATE/level\""
  ! grep -i warning "$STATE/level" || fail "Pods of the charts are not admitted to the level restricted"
}

# In place of `kubectl port-forward`, which needs a kubelet.
forward() {
  start forward python3 "$root/tools/quickstart/forward.py" 8443 443
  wait_until "the forwarded port" 10 bash -c '{ : < /dev/tcp/127.0.0.1/8443; } 2> /dev/null'
}

ask() {
  forward
  cd "$STATE" # for the file that the commands leave
  ln -s "$root/deploy" deploy
  play_page "A request of your own"
  cd "$root"
  grep -q '"models":\["mymodel:1"\]' "$STATE/printed" || fail "the answer does not say what was deployed"
}

# One request after the other until the file $STATE/enough is there, for two minutes at most.
keep_asking() {
  local answered=0 failed=0
  while [ ! -e "$STATE/enough" ] && [ $((answered + failed)) -lt 1200 ]; do
    if curl --fail --silent --max-time 5 --proxy https://localhost:8443 --proxy-cacert "$STATE/ca.crt" --output /dev/null \
      --header 'Content-Type: application/json' --data "@$root/deploy/examples/article/sample.json" http://10.213.1.4/score; then
      answered=$((answered + 1))
    else
      failed=$((failed + 1))
    fi
    sleep 0.1
  done
  printf '%d answered, %d failed\n' "$answered" "$failed" > "$STATE/asked"
}

# What would change something in Azure.
writes_to_azure() {
  curl --silent --fail --cacert "$STATE/ca.crt" "https://localhost:8443/simulator/requests?since=0" |
    grep -cE '"verb": ?"(PUT|PATCH|DELETE)"' || true
}

# Both Pods of the operator are replaced, and replaced back, while somebody asks the model.
replace_the_operator() {
  local before asking
  before=$(writes_to_azure)
  [ "$before" -gt 0 ] || fail "the simulator tells of no writes at all"
  keep_asking & asking=$!
  show 'helm upgrade acivnet charts/acivnet --namespace acivnet-system --reuse-values --set podAnnotations.version=next --wait'
  show 'helm rollback acivnet --namespace acivnet-system --wait'
  show 'kubectl wait acivnetdeployment/aciservice --namespace ml --for=condition=Ready --timeout=1m'
  touch "$STATE/enough"
  wait "$asking"
  cat "$STATE/asked"
  grep -qE '^[1-9][0-9]* answered, 0 failed$' "$STATE/asked" || fail "the model was not there for a moment"
  [ "$(writes_to_azure)" = "$before" ] || fail "an upgrade or its rollback wrote to Azure"
}

end_it() {
  play_page "The end"
  local left
  left=$(kubectl get namespaces,clusterroles,clusterrolebindings --selector app.kubernetes.io/part-of=acivnet --output name)
  [ -z "$left" ] || fail "left behind: $left"
}

main() {
  enter "$ACIVNET_KUBE_BIN" "${ACIVNET_HELM%/*}"
  step "A cluster";             start_the_bed
  step "The five commands";     five_commands
  step "The chart";             check_chart
  step "An upgrade";            upgrade
  step "A request of your own"; ask
  step "Another operator";      replace_the_operator
  step "The end";               end_it
  end_step
  trap - EXIT
  print_times
}

main "$@"
