# shellcheck shell=bash
# Steps with the objects of deploy/examples/article, for every play that has them.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

# That of tools/demo/seed.json.
resource_group=/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg
# Seconds that an object may take: the first time, the environment is built meanwhile.
patience=600

wait_until_ready() { # KIND/NAME SECONDS
  kubectl wait "$1" --for=condition=Ready --timeout="$2s" > "$STATE/logs/wait.log" 2>&1 || fail "$1 is not Ready after $2 s"
}

deployment_field() { # JSONPATH
  kubectl get acivnetdeployment aciservice -o "jsonpath={$1}"
}

expect_field() { # JSONPATH VALUE
  local have
  have=$(deployment_field "$1")
  [ "$have" = "$2" ] || fail "$1 of acivnetdeployment/aciservice is \"$have\", not \"$2\""
}

# Keeps the moment for what measures from there.
apply_the_article() {
  now > "$STATE/applied-at"
  show 'kubectl apply --server-side -k deploy/examples/article'
  watch_until Ready delegatedsubnets amlsubnet1 "$patience"
  watch_until Ready acivnetdeployments aciservice "$patience"
}

add_client() {
  local subnet=$resource_group/providers/Microsoft.Network/virtualNetworks/amlvnet1/subnets/default said
  said=$(azure_admin POST hosts "{\"name\": \"client\", \"subnetId\": \"$subnet\"}") || fail "no host could be put into subnet default"
  note "a host in subnet default, the network namespace \"client\": $said"
}

score_from_client() { # FILE_FOR_THE_ANSWER
  show "ip netns exec client curl -sS -m 10 -H 'Content-Type: application/json' \\
    -d @deploy/examples/article/sample.json http://10.0.1.4/score | tee \"\$STATE/$1\""
  echo
}

compare_with_plain_python() { # FILE_WITH_THE_ANSWER
  note "the same model file in plain Python"
  show "python deploy/examples/article/predict.py --compare \"\$STATE/$1\""
}

# A namespace `outside` with a network and a default route, none of which leads into the VNet, and `nowhere` with no link.
make_outside_hosts() {
  ip netns add nowhere
  ip netns add internet
  ip netns add outside
  ip link add eth0 netns outside type veth peer name eth0 netns internet
  ip -n outside address add 203.0.113.2/24 dev eth0
  ip -n internet address add 203.0.113.1/24 dev eth0
  ip -n outside link set eth0 up
  ip -n internet link set eth0 up
  ip -n outside route add default via 203.0.113.1
}

ask_from_outside() {
  make_outside_hosts
  note "\"outside\" has a network and a default route, but no part in the VNet; \"nowhere\" has no link at all"
  local host
  for host in outside nowhere; do
    show_refused "ip netns exec $host curl -sS -m 3 -H 'Content-Type: application/json' \\
    -d @deploy/examples/article/sample.json http://10.0.1.4/score"
  done
}
