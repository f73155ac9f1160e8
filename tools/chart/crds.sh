#!/usr/bin/env bash
# Writes the definitions of deploy/crds as templates of the chart: the same text, with what Helm adds in lines of their own.
# usage: crds.sh [FOLDER]     default: charts/acivnet/templates
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$root/charts/acivnet/templates}

for file in "$root"/deploy/crds/acivnet.dev_*.yaml; do
  name=${file##*/acivnet.dev_}
  awk '
    NR == 1 { print "{{- if .Values.crds.enabled }}" }
    /\{\{/ { print FILENAME ": a line with braces would be a template action" > "/dev/stderr"; exit 1 }
    { print }
    /^  name: / && !named { print "  {{- include \"acivnet.crdMetadata\" . | nindent 2 }}"; named = 1 }
    END { print "{{- end }}" }' "$file" > "$folder/crd-$name"
done
