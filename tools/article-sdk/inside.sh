#!/usr/bin/env bash
# The how-to by Microsoft's SDK; article-sdk.sh starts it as the first process of its own user, mount, PID and network
# namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=../lib/clients.sh
source "$root/tools/lib/clients.sh"

begin() {
  start_azure tools/demo/seed.json
  point_clients_at_azure
  register_application "$resource_group"
}

deploy_by_the_sdk() {
  show 'cat tools/article-sdk/article.py'
  show "(cd deploy/examples/article && \$sdk $root/tools/article-sdk/article.py) | tee \"\$STATE/article.txt\""
  scoring_uri=$(tail -n 1 "$STATE/article.txt")
  [ "$scoring_uri" = http://10.0.1.4/score ] || fail "the scoring URI is \"$scoring_uri\", not http://10.0.1.4/score"
}

ask_by_requests() {
  add_client
  show "ip netns exec client \$sdk tools/article-sdk/request.py $scoring_uri deploy/examples/article/sample.json \"\$STATE/answer.json\""
  compare_with_plain_python answer.json
  ask_from_outside
}

delete_it_again() {
  show "\$sdk tools/article-sdk/clean_up.py"
  azure_admin DELETE hosts/client > "$STATE/logs/client.log" || fail "the client could not be taken out of its subnet"
  show "\$sdk tools/article-sdk/portal.py delete"
  note "what Azure still holds (the simulator's dump)"
  azure_report holdings || fail "something of this run is left in Azure; see above"
}

main() {
  enter "$ACIVNET_PLAIN_PYTHON/bin"
  export sdk=$ACIVNET_SDK_PYTHON/bin/python
  step "Azure starts"; begin
  step "The how-to's steps in the portal"; show "\$sdk tools/article-sdk/portal.py create"
  step "The how-to's Python"; deploy_by_the_sdk
  step "A request from inside the VNet, and from outside"; ask_by_requests
  step "Everything is deleted again"; delete_it_again
  step "What passed, compared with Microsoft's own descriptions"; check_against_specs
  print_times
  printf '\nRequests to Azure     %s\n' "$(azure_requests)"
}

main "$@"
