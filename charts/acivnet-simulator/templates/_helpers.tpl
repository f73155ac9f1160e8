{{- define "simulator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Shortened so that `-credentials` still fits. */}}
{{- define "simulator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "simulator.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "simulator.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "simulator.selectorLabels" -}}
app.kubernetes.io/name: acivnet-simulator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "simulator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "simulator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: acivnet
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "simulator.image" -}}
{{- with .Values.image }}
{{- with .registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Where Azure is. Port 443 everywhere: what the operator's NetworkPolicy lets out. */}}
{{- define "simulator.host" -}}
{{ include "simulator.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Storage accounts are ACCOUNT.blob. and this. */}}
{{- define "simulator.blobSuffix" -}}
{{ .Release.Namespace }}.svc
{{- end }}

{{- define "simulator.tlsSecret" -}}
{{ default (printf "%s-tls" (include "simulator.fullname" .)) .Values.tls.secret }}
{{- end }}

{{/* Of all workspaces the one storage account that cluster DNS knows. */}}
{{- define "simulator.seed" -}}
{{- $seed := deepCopy .Values.seed }}
{{- range $seed.workspaces }}
{{- if and .storageAccount (ne .storageAccount $.Values.storageAccount) }}
{{- fail (printf "seed.workspaces: %s has the storage account %s; leave storageAccount out, or set the value storageAccount to it, for there is one" .name .storageAccount) }}
{{- end }}
{{- $_ := set . "storageAccount" $.Values.storageAccount }}
{{- end }}
{{- toPrettyJson $seed }}
{{- end }}

{{/* The values of charts/acivnet that point the operator here. */}}
{{- define "simulator.operatorValues" -}}
replicas: 1
settings:
  cloud: Custom
  resourceManagerEndpoint: https://{{ include "simulator.host" . }}
  authorityHost: https://{{ include "simulator.host" . }}
  machineLearningSuffix: {{ include "simulator.host" . }}
  blobSuffix: {{ include "simulator.blobSuffix" . }}
  pace: {{ .Values.operator.pace }}
  # No route leads into a virtual network of the simulator: it answers for it.
  scoringProxy: https://{{ include "simulator.host" . }}
caBundle:
  configMap: {{ include "simulator.fullname" . }}-operator
{{- end }}
