#!/usr/bin/env bash
# The clients, one after another, each with an Azure of its own; clients.sh starts this as the first process of its own user,
# mount, PID and network namespaces, out of which no route leads.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=../lib/clients.sh
source "$root/tools/lib/clients.sh"
subscription=/subscriptions/00000000-0000-0000-0000-000000000001

# The certificate of an issuer of tokens that Azure trusts, as it trusts a cluster's.
make_issuer_certificate() {
  export ISSUER_CERTIFICATE=$STATE/issuer.pem ISSUER_KEY=$STATE/issuer.key
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout "$ISSUER_KEY" -out "$ISSUER_CERTIFICATE" 2> "$STATE/logs/openssl.log"
}

# An Azure in which nothing happened yet. usage: begin_client NAME RUNNER
begin_client() {
  export HOME=$STATE/$1/home WORK=$STATE/$1/work AZURE_CONFIG_DIR=$STATE/$1/azure-config
  mkdir -p "$HOME" "$WORK" "$AZURE_CONFIG_DIR"
  rm -rf "$STATE/azure"
  ACIVNET_DEMO_RUNNER=$2 ACIVNET_DEMO_TIME_SCALE=${ACIVNET_DEMO_TIME_SCALE:-0.01} start_azure tools/demo/seed.json --issuer-ca "$ISSUER_CERTIFICATE" \
    --identity-listen 169.254.169.254:80
  point_clients_at_azure
  register_application "$subscription"
}

end_client() { # NAME
  [ -z "${ACIVNET_AZURE_SPECS:-}" ] || azure_admin GET specs > "$STATE/specs/$1"
  stop simulator
  umount /etc/hosts
}

# Runs the steps of a client and keeps what it counted. usage: run_client NAME RUNNER FOLDER_OF_PYTHON
run_client() {
  [[ " ${ACIVNET_CLIENTS:-sdk serving management az} " == *" $1 "* ]] || return 0
  step "$1"
  begin_client "$1" "$2"
  PATH=$3/bin:$PATH "$3/bin/python" "$root/tools/clients/run.py" "$1" "$STATE/counts/$1" ||
    [ -s "$STATE/counts/$1" ] || fail "the checks of $1 did not come to their end"
  end_client "$1"
}

# Adds up what the clients counted; fails when a check failed or, with the specifications at hand, traffic is not as they say.
report() {
  local checks failed found
  print_times
  read -r checks failed < <(cat "$STATE"/counts/* | awk '{ checks += $1; failed += $2 } END { print checks + 0, failed + 0 }')
  if [ -z "${ACIVNET_AZURE_SPECS:-}" ]; then
    note "not checked against Microsoft's specs: set ACIVNET_AZURE_SPECS"
  else
    for found in "$STATE"/specs/*; do
      printf '%s: ' "${found##*/}"
      python3 "$root/tools/lib/azure.py" specs < "$found" || failed=$((failed + 1))
    done
  fi
  printf '\nClients: %d checks, %d failed\n' "$checks" "$failed"
  [ "$checks" != 0 ] && [ "$failed" = 0 ]
}

main() {
  enter "$ACIVNET_PLAIN_PYTHON/bin"
  mkdir "$STATE/counts" "$STATE/specs"
  # Compiled once for all runs: az is a new process each time.
  unset PYTHONDONTWRITEBYTECODE
  export PYTHONPYCACHEPREFIX=${ACIVNET_AZ_PYTHON%/*}/bytecode
  export SIMULATOR=$azure/simulator PYTHONPATH=$root/tools/article-sdk ARTICLE_ENVIRONMENT=$root/deploy/examples/article/myenv.yml
  make_issuer_certificate
  # Where every machine in Azure asks for its identity.
  ip address add 169.254.169.254/32 dev lo
  run_client sdk none "$ACIVNET_SDK_PYTHON"
  [ -n "${ACIVNET_CLIENTS_QUICK:-}" ] || run_client serving netns "$ACIVNET_SDK_PYTHON"
  run_client management none "$ACIVNET_MANAGEMENT_PYTHON"
  run_client az none "$ACIVNET_AZ_PYTHON"
  trap - EXIT
  report
}

main "$@"
