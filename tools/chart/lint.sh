# shellcheck shell=bash
# What linters say of the renders in $STATE and of deploy. Sourced by inside.sh. Each exception has its reason here.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

# kube-score, by name of the test.
unscored=(
  # Tags are never used twice, and `image.digest` pins; Kubernetes' own default spares a registry that is away.
  container-image-pull-policy
  # A leader that is throttled renews its Lease late, and loses it. Requests are set, and a memory limit.
  container-resources
  # The root is read-only and nothing is mounted to write to: what counts are logs, which the kubelet rotates.
  container-ephemeral-storage-request-and-limit
)

linters() {
  local renders=()
  kubectl kustomize deploy/operator > "$STATE/kustomize.yaml"
  kubectl kustomize deploy/crds > "$STATE/crds.yaml"
  kubectl kustomize deploy/examples/article > "$STATE/article.yaml"
  renders=("$STATE"/{default,everything,least,namespaces,kustomize,crds,article}.yaml)
  score "$STATE"/{default,everything,namespaces,kustomize}.yaml
  conform "${renders[@]}" deploy/examples/quota
  scan "$STATE"/{default,everything,namespaces,kustomize}.yaml
}

score() { # FILE…
  local file ignored
  ignored=$(printf -- '--ignore-test %s ' "${unscored[@]}")
  for file in "$@"; do
    # shellcheck disable=SC2086 # words of a command
    kube-score score --kubernetes-version v1.34 --exit-one-on-warning $ignored --output-format ci "$file" > "$STATE/logs/kube-score.log" \
      || fail "kube-score on ${file##*/}: $(grep -E 'CRITICAL|WARNING' "$STATE/logs/kube-score.log")"
    note "kube-score: ${file##*/} is clean in $(grep -c '^\[OK\]' "$STATE/logs/kube-score.log") tests"
  done
}

# With schemas of this very API server, which knows no field but its own.
conform() { # FILE…
  wait_until "the schemas of our kinds" 60 write_schemas
  kubeconform -strict -summary -schema-location "$STATE/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$@" \
    || fail "kubeconform does not take all of it"
}

# The API server publishes those of a definition a while after it.
write_schemas() {
  mkdir -p "$STATE/schemas"
  kubectl get --raw /openapi/v2 | python3 "$root/tools/chart/schemas.py" "$STATE/schemas" > "$STATE/logs/schemas.log"
  [ -f "$STATE/schemas/acivnetdeployment-acivnet-v1alpha1.json" ] && [ -f "$STATE/schemas/delegatedsubnet-acivnet-v1alpha1.json" ]
}

scan() { # FILE…
  local file
  for file in "$@"; do
    "$ACIVNET_CHECKOV" --config-file tools/chart/checkov.yaml --file "$file" > "$STATE/logs/checkov.log" 2>&1 \
      || fail "checkov on ${file##*/}: $(grep -E '^Check|FAILED' "$STATE/logs/checkov.log")"
    note "checkov: ${file##*/}: $(grep -m1 'Passed checks' "$STATE/logs/checkov.log")"
  done
}
