#!/usr/bin/env bash
# The page on the bed; quickstart.sh starts this as the first process of its own user, mount, PID and network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../demo/play.sh
source "$root/tools/demo/play.sh"
# shellcheck source=page.sh
source "$root/tools/quickstart/page.sh"

start_the_bed() {
  start_kubernetes
  start node env API_SERVER=127.0.0.1:6443 python3 "$root/tools/quickstart/node.py" "$STATE/node"
  wait_until "the stand-in for a node" 30 test -f "$STATE/node/hosts"
}

five_commands() {
  play_page "Five commands"
  [ "$played" -le 5 ] || fail "docs/quickstart.md has $played commands below \"Five commands\""
  compare_with_page "Five commands"
}

# In place of `kubectl port-forward`, which needs a kubelet.
forward() {
  start forward python3 "$root/tools/quickstart/forward.py" 8443 443
  wait_until "the forwarded port" 10 bash -c ': < /dev/tcp/127.0.0.1/8443'
}

ask() {
  forward
  cd "$STATE" # for the file that the commands leave
  ln -s "$root/deploy" deploy
  play_page "A request of your own"
  cd "$root"
  grep -q '"models":\["mymodel:1"\]' "$STATE/printed" || fail "the answer does not say what was deployed"
}

end_it() {
  play_page "The end"
  local left
  left=$(kubectl get all,configmaps,secrets --namespace acivnet-system --output name | grep -v kube-root-ca.crt || true)
  [ -z "$left" ] || fail "left behind: $left"
}

main() {
  enter "$ACIVNET_KUBE_BIN" "${ACIVNET_HELM%/*}"
  step "A cluster";             start_the_bed
  step "The five commands";     five_commands
  step "A request of your own"; ask
  step "The end";               end_it
  end_step
  trap - EXIT
  print_times
}

main "$@"
