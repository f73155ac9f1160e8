# shellcheck shell=bash
# What Microsoft's clients need to find the simulated Azure and to sign in there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/article.sh
source "$root/tools/lib/article.sh"

# Where Azure is. Names of storage accounts are not answered by every system's resolver.
point_clients_at_azure() {
  local account
  account=$(azure_admin GET "resources?id=$resource_group/providers/Microsoft.MachineLearningServices/workspaces/amlws" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["properties"]["storageAccount"].rpartition("/")[2])')
  printf '127.0.0.1 localhost %s.blob.localhost\n' "$account" > "$STATE/hosts"
  mount --bind "$STATE/hosts" /etc/hosts
  export REQUESTS_CA_BUNDLE=$STATE/azure/ca.pem SSL_CERT_FILE=$STATE/azure/ca.pem AZURE_RESOURCE_MANAGER=$azure
  export ARM_CLOUD_METADATA_URL="$azure/metadata/endpoints?api-version=2019-05-01" AZUREML_CURRENT_CLOUD=AzureCloud
}

# An application with a secret that lives as long as this run, and with rights on a scope. usage: register_application SCOPE
register_application() {
  local secret object_id=00000000-0000-0000-0000-0000000000d1
  AZURE_CLIENT_ID=00000000-0000-0000-0000-00000000000d
  secret=$(openssl rand -hex 24)
  azure_admin PUT seed "{
    \"applications\": [{\"tenantId\": \"$tenant_id\", \"clientId\": \"$AZURE_CLIENT_ID\", \"objectId\": \"$object_id\",
      \"displayName\": \"data-scientist\", \"secrets\": [\"$secret\"]}],
    \"roleAssignments\": [{\"principalId\": \"$object_id\", \"role\": \"Contributor\", \"scope\": \"$1\"}]}" \
    > "$STATE/logs/application.log" || fail "the simulator did not take the application"
  export AZURE_AUTHORITY_HOST=$azure AZURE_TENANT_ID=$tenant_id AZURE_CLIENT_ID AZURE_CLIENT_SECRET=$secret
}
