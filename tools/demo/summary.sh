# shellcheck shell=bash
# The last screen. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

operator_metric_by() { # METRIC LABEL     prints "value label-value" lines, added up
  curl -sf http://127.0.0.1:8080/metrics | awk -v metric="$1" -v label="$2" '
    index($0, metric "{") == 1 {
      if (match($0, label "=\"[^\"]*\"")) {
        key = substr($0, RSTART + length(label) + 2, RLENGTH - length(label) - 3)
        sum[key] += $NF
      }
    }
    END { for (key in sum) printf "%s %d, ", key, sum[key] }'
}

# What was made ready before, at the same time.
print_parts() {
  local part
  printf '\nMade ready, at the same time\n'
  for part in "programs:operator and simulator" "kubernetes:Kubernetes" "python:plain Python" "environment:the model's environment"; do
    printf '%8s s  %s\n' "$(cat "$STATE/parts/${part%%:*}.seconds" 2>/dev/null || echo …)" "${part#*:}"
  done
}

print_summary() {
  local writes
  print_times
  print_parts
  writes=$(operator_metric_by acivnet_kubernetes_writes_total kind)
  printf '\nBegin to first answer %s s\n' "$(cat "$STATE/begin-to-answer")"
  printf 'Apply to first answer %s s (with all that is described in between)\n' "$(cat "$STATE/apply-to-answer")"
  printf 'Requests to Azure     %s\n' "$(azure_requests)"
  printf 'Writes to Kubernetes  %s\n' "${writes%, }"
  printf 'Memory and size       not of these programs, which are built for speed of building: make bench, docs/operations.md\n'
}
