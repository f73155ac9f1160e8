#!/usr/bin/env bash
# Two subnets with a host each, and an appliance in a third; says after each change whether a request gets through.
# Runs as the first process of its own namespaces; SIMULATOR is the program, STATE an empty folder.
set -euo pipefail

group=/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg
network=$group/providers/Microsoft.Network/virtualNetworks/v
server_group=$group/providers/Microsoft.Network/networkSecurityGroups/server
client_group=$group/providers/Microsoft.Network/networkSecurityGroups/client
table=$group/providers/Microsoft.Network/routeTables/t

admin() { # METHOD PATH [JSON]
  curl -sS --fail-with-body --cacert "$STATE/azure/ca.pem" -X "$1" ${3:+-H 'Content-Type: application/json' -d "$3"} \
    "https://localhost:8443/simulator/$2" > "$STATE/answer" || { echo "$1 $2: $(<"$STATE/answer")" >&2; return 1; }
}

put() { # ID JSON
  admin PUT "resources?id=$1" "$2"
}

subnet() { # NAME PREFIX [GROUP [TABLE]]
  local links=
  [ -z "${3:-}" ] || links+=", \"networkSecurityGroup\": {\"id\": \"$3\"}"
  [ -z "${4:-}" ] || links+=", \"routeTable\": {\"id\": \"$4\"}"
  put "$network/subnets/$1" "{\"properties\": {\"addressPrefix\": \"$2\"$links}}"
}

rule() { # NAME PRIORITY DIRECTION ACCESS PORT
  printf '{"name": "%s", "properties": {"priority": %d, "direction": "%s", "access": "%s", "protocol": "*",
    "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "%s"}}' "$@"
}

rules() { # GROUP RULE…
  local group=$1 all
  shift
  all=$(IFS=, && printf '%s' "$*")
  put "$group" "{\"location\": \"westeurope\", \"properties\": {\"securityRules\": [$all]}}"
}

route() { # NEXT_HOP_TYPE [ADDRESS]
  local hop="\"nextHopType\": \"$1\""
  [ -z "${2:-}" ] || hop+=", \"nextHopIpAddress\": \"$2\""
  put "$table" "{\"location\": \"westeurope\", \"properties\": {\"routes\": [{\"name\": \"r\", \"properties\":
    {\"addressPrefix\": \"10.0.1.0/24\", $hop}}]}}"
}

ask() { # WHAT COMMAND…
  local what=$1
  shift
  if "$@" curl -s -m 2 -o /dev/null "http://10.0.1.4:${port:-80}/"; then
    echo "$what: passes"
  else
    echo "$what: lost"
  fi
}


start() {
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns
  ip link set lo up
  cat > "$STATE/seed.json" <<'SEED'
{"tenants": ["00000000-0000-0000-0000-00000000000a"],
 "subscriptions": [{"subscriptionId": "00000000-0000-0000-0000-000000000001",
   "tenantId": "00000000-0000-0000-0000-00000000000a", "displayName": "s"}],
 "resourceGroups": [{"subscriptionId": "00000000-0000-0000-0000-000000000001", "name": "rg", "location": "westeurope"}]}
SEED
  "$SIMULATOR" serve --state-dir "$STATE/azure" --seed "$STATE/seed.json" --runner netns \
    --environments-socket "$STATE/none.sock" > "$STATE/log" 2>&1 &
  local waited
  for waited in $(seq 200); do
    [ ! -e "$STATE/azure/endpoint.json" ] || return 0
    sleep 0.05
  done
  echo "the simulator is not ready after $waited looks" >&2
  return 1
}

build() {
  put "$network" '{"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}'
  subnet servers 10.0.1.0/24
  subnet clients 10.0.2.0/24
  subnet appliances 10.0.3.0/24
  local host
  for host in server:servers neighbour:servers client:clients appliance:appliances; do
    admin POST hosts "{\"name\": \"${host%:*}\", \"subnetId\": \"$network/subnets/${host#*:}\"}"
  done
  mkdir "$STATE/empty"
  for port in 80 81; do
    ip netns exec server python3 -m http.server --directory "$STATE/empty" "$port" > /dev/null 2>&1 &
  done
  unset port
  local waited
  for waited in $(seq 100); do
    if ip netns exec server curl -s -o /dev/null http://127.0.0.1:80/ && ip netns exec server curl -s -o /dev/null http://127.0.0.1:81/; then
      return 0
    fi
    sleep 0.05
  done
  echo "the servers are not ready after $waited looks" >&2
  return 1
}

# A connection that is opened before a change and used after it.
keep_a_connection() {
  mkfifo "$STATE/go"
  ip netns exec client python3 -c '
import socket, sys
held = socket.create_connection(("10.0.1.4", 80), 5)
print("open", flush=True)
open(sys.argv[1]).read()
held.settimeout(2)
held.sendall(b"GET / HTTP/1.0\r\n\r\n")
print("passes" if held.recv(12) else "lost", flush=True)
' "$STATE/go" > "$STATE/held" &
  held=$!
  local waited
  for waited in $(seq 100); do
    if grep -q open "$STATE/held"; then return 0; fi
    sleep 0.05
  done
  echo "no connection after $waited looks" >&2
  return 1
}

security_groups() {
  local deny_all allow_80
  deny_all=$(rule denyall 200 Inbound Deny '*')
  allow_80=$(rule allow 100 Inbound Allow 80)
  ask "without rules" ip netns exec client
  rules "$server_group" "$deny_all"
  subnet servers 10.0.1.0/24 "$server_group"
  ask "a rule denies all" ip netns exec client
  ask "the client of the same subnet" ip netns exec neighbour
  ask "the gateway, from outside of all subnets" env
  rules "$server_group" "$allow_80" "$deny_all"
  ask "an allow rule before it" ip netns exec client
  port=81 ask "another port" ip netns exec client
  rules "$client_group" "$(rule denyout 100 Outbound Deny 80)"
  subnet clients 10.0.2.0/24 "$client_group"
  ask "a denied way out of the client's subnet" ip netns exec client
  subnet clients 10.0.2.0/24
  ask "the group taken off the client's subnet" ip netns exec client
  keep_a_connection
  rules "$server_group" "$deny_all"
  : > "$STATE/go"
  wait "$held"
  echo "a connection that stands, once denied: $(tail -n 1 "$STATE/held")"
  rules "$server_group"
  ask "the default rules" ip netns exec client
}

route_tables() {
  route None
  subnet clients 10.0.2.0/24 "" "$table"
  ask "a route to nowhere" ip netns exec client
  route VirtualAppliance 10.0.3.4
  ask "a route to an appliance that does not pass on" ip netns exec client
  admin DELETE hosts/appliance
  admin POST hosts "{\"name\": \"appliance\", \"subnetId\": \"$network/subnets/appliances\", \"ipForwarding\": true}"
  ask "a route to one that does" ip netns exec client
  subnet clients 10.0.2.0/24
  ask "no table any more" ip netns exec client
}

start
build
echo "addresses of IPv6: $(ip -n client -6 -o address show dev eth0 | wc -l)"
security_groups
route_tables
