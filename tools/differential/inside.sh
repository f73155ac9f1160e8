#!/usr/bin/env bash
# The configurations by Microsoft's SDK; differential.sh starts it as the first process of its own user, mount, PID and
# network namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/inside.sh
source "$root/tools/lib/inside.sh"
# shellcheck source=../lib/clients.sh
source "$root/tools/lib/clients.sh"

configurations=$root/tests/differential

begin() {
  local names
  mapfile -t names < <(sed -nE 's/^def ([a-z_]+)\(ws: Workspace\) -> None:$/\1/p' "$configurations/configurations.py" | tr _ - | sed 's/^/w-/' | cut -c1-33)
  python3 tools/differential/seed.py tools/demo/seed.json amlws "${names[@]}" > "$STATE/seed.json"
  ACIVNET_DEMO_RUNNER=none start_azure "$STATE/seed.json"
  point_clients_at_azure
  register_application "$resource_group"
  mkdir "$STATE/certificate"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=churn.ml.corp -addext subjectAltName=DNS:churn.ml.corp \
    -keyout "$STATE/certificate/tls.key" -out "$STATE/certificate/tls.crt" 2> "$STATE/logs/openssl.log"
}

main() {
  enter "$ACIVNET_PLAIN_PYTHON/bin"
  export PYTHONPATH=$root/tools/article-sdk sdk=$ACIVNET_SDK_PYTHON/bin/python
  step "Azure starts"; begin
  step "The network"; "$sdk" tools/article-sdk/portal.py create
  step "The configurations by azureml-core"
  AZUREML_LOG_DEPRECATION_WARNING_ENABLED=False "$sdk" tools/differential/record.py "$configurations" "$root/deploy/examples/article" "$STATE/certificate" "$ACIVNET_SDK_RECORDINGS"
  print_times
}

main "$@"
