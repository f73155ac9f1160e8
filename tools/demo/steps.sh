# shellcheck shell=bash
# What the demo does and sees beyond the steps of tools/lib/article.sh, in order. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/article.sh
source "$root/tools/lib/article.sh"

look_at_it() {
  show 'kubectl describe delegatedsubnet amlsubnet1'
  show 'kubectl describe acivnetdeployment aciservice'
  show 'kubectl get delegatedsubnets,acivnetdeployments -o wide'
  expect_field .status.endpoint.scoringURI http://10.0.1.4/score
  expect_field .status.modelLabel mymodel:1
}

ask_from_inside_and_outside() {
  add_client
  score_from_client answer-1.json
  seconds_since "$ACIVNET_DEMO_BEGAN" > "$STATE/begin-to-answer"
  seconds_since "$(cat "$STATE/applied-at")" > "$STATE/apply-to-answer"
  compare_with_plain_python answer-1.json
  ask_from_outside
}

# From here on the example's folder is a copy, seen at the same path inside the demo only.
copy_the_example() {
  local folder=$root/deploy/examples/article
  cp -r "$folder" "$STATE/article"
  mount --bind "$STATE/article" "$folder"
}

change_the_model() {
  copy_the_example
  show 'python deploy/examples/article/train.py --alpha 1'
  show 'kubectl apply --server-side -k deploy/examples/article'
  note "the old model goes on answering until the new one is in place, so Ready alone does not tell"
  watch_until RolloutComplete acivnetdeployments aciservice "$patience"
  wait_until_ready acivnetdeployment/aciservice 60
  expect_field .status.modelLabel mymodel:2
  expect_field .status.endpoint.scoringURI http://10.0.1.4/score
  [ "$(azure_report services | wc -l)" = 1 ] || fail "there is more than one web service: $(azure_report services)"
  score_from_client answer-2.json
  compare_with_plain_python answer-2.json
  ! cmp -s "$STATE/answer-1.json" "$STATE/answer-2.json" || fail "the new model gave the old answer"
}

# A hand in the portal: done in Azure at once, and acivnet hears nothing of it.
in_the_portal() { # WHAT METHOD ID [JSON]
  note "somebody in the portal $1: $2 ${3##*/providers/}${4:+ $4}"
  azure_admin "$2" "resources?id=$3" "${4:-}" > "$STATE/logs/portal.log" || fail "the simulator refused $2 of $3"
}

edit_in_the_portal() {
  note "look at Azure every 30 s instead of every 300 s (--pace ${ACIVNET_DEMO_PACE:-0.5} shortens every wait of this operator besides)"
  local kind
  for kind in delegatedsubnet/amlsubnet1 acivnetdeployment/aciservice; do
    show "kubectl patch $kind --type merge --patch '{\"spec\": {\"drift\": {\"intervalSeconds\": 30}}}'"
    wait_until_ready "$kind" 60
  done
  in_the_portal "removes the security rule" PATCH "$resource_group/providers/Microsoft.Network/networkSecurityGroups/amlnsg" '{"properties": {"securityRules": []}}'
  in_the_portal "deletes the web service" DELETE "$resource_group/providers/Microsoft.MachineLearningServices/workspaces/amlws/services/aciservice"
}

rule_is_back() {
  azure_report rules amlnsg | grep -qx AllowAzureMachineLearning
}

service_answers() {
  ip netns exec client curl -sf -m 5 -o "$STATE/answer-3.json" -H 'Content-Type: application/json' \
    -d @deploy/examples/article/sample.json http://10.0.1.4/score
}

see_it_come_back() {
  local watcher
  type_command 'kubectl get acivnetdeployments -w'
  kubectl get acivnetdeployments -w &
  watcher=$!
  wait_until "the security rule to be put back" 120 rule_is_back
  wait_until "the web service to be put back" 120 azure_report service aciservice
  wait_until "the web service to answer again" 240 service_answers
  wait_until_ready acivnetdeployment/aciservice 60
  sleep 0.5
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  echo '^C'
  show 'kubectl events --for delegatedsubnet/amlsubnet1 | tail -n 6'
  show 'kubectl events --for acivnetdeployment/aciservice | tail -n 6'
  local kind
  for kind in delegatedsubnet/amlsubnet1 acivnetdeployment/aciservice; do
    kubectl events --for "$kind" | grep -q DriftCorrected || fail "no event of $kind tells that drift was corrected"
  done
  score_from_client answer-3.json
  compare_with_plain_python answer-3.json
}

repair_after_the_portal() {
  edit_in_the_portal
  see_it_come_back
}

delete_everything() {
  note "the client leaves subnet default, which Azure would not delete under it"
  azure_admin DELETE hosts/client > "$STATE/logs/client.log" || fail "the client could not be taken out of its subnet"
  show 'kubectl delete -k deploy/examples/article --timeout 180s'
  note "what Azure still holds (the simulator's dump)"
  azure_report holdings || fail "something of ours is left in Azure; see above"
  show 'kubectl delete namespace ml --timeout 120s'
}
