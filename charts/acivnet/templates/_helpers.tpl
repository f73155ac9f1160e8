{{- define "acivnet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Shortened so that `-dashboard-…` and `-operator` still fit. */}}
{{- define "acivnet.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "acivnet.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "acivnet.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Those of deploy/operator too, so that the chart can take it over: a Deployment's selector never changes. */}}
{{- define "acivnet.selectorLabels" -}}
app.kubernetes.io/name: acivnet
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of every object. */}}
{{- define "acivnet.labels" -}}
{{- include "acivnet.labelsWith" (list . dict) }}
{{- end }}

{{/* The same and more: a list of the context and of what comes on top. */}}
{{- define "acivnet.labelsWith" -}}
{{- $context := first . }}
{{- with $context }}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" "acivnet"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/part-of" "acivnet" }}
{{- toYaml (mergeOverwrite $own (deepCopy .Values.commonLabels) (deepCopy (last $))) }}
{{- end }}
{{- end }}

{{/* Labels of the Pods. Those of the selector always win. */}}
{{- define "acivnet.podLabels" -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.commonLabels) (deepCopy .Values.podLabels) (include "acivnet.selectorLabels" . | fromYaml)) }}
{{- end }}

{{- define "acivnet.serviceAccountName" -}}
{{- $name := default (ternary (printf "%s-operator" (include "acivnet.fullname" .)) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- if eq $name "acivnet" }}
{{- fail "serviceAccount.name: `acivnet` is the name of a tenant's identity towards Azure, and the operator may ask for tokens of it; choose another" }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "acivnet.leaseNamespace" -}}
{{- default .Release.Namespace .Values.settings.leaseNamespace }}
{{- end }}

{{- define "acivnet.image" -}}
{{- with .Values.image }}
{{- with .registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "acivnet.adminPort" -}}
{{- regexFind "[0-9]+$" .Values.settings.adminAddress }}
{{- end }}

{{/* A setting as the operator reads it: lists with commas, whole numbers without an exponent. */}}
{{- define "acivnet.setting" -}}
{{- if kindIs "slice" . }}{{ join "," . }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}
{{- else }}{{ toString . }}
{{- end }}
{{- end }}

{{/* Every setting under its env name. What is empty is left to the operator, but for the two that deploy/operator names. */}}
{{- define "acivnet.env" -}}
{{- $settings := deepCopy .Values.settings }}
{{- $_ := set $settings "namespaces" .Values.namespaces }}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret }}
{{- $_ := set $settings "azureCaFile" (printf "/etc/acivnet/ca/%s" .Values.caBundle.key) }}
{{- end }}
{{- range $name, $value := $settings }}
{{- $text := "" }}
{{- if not (kindIs "invalid" $value) }}{{ $text = include "acivnet.setting" $value }}{{ end }}
{{- if or $text (eq $name "clusterNetworks") }}
- name: ACIVNET_{{ $name | snakecase | upper }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- with .Values.proxy.https }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.noProxy }}
- name: NO_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What goes together, told before anything is installed. */}}
{{- define "acivnet.check" -}}
{{- with .Values }}
{{- if and .caBundle.configMap .caBundle.secret }}{{ fail "caBundle: a configMap or a secret, not both" }}{{ end }}
{{- if and .settings.azureCaFile (or .caBundle.configMap .caBundle.secret) }}{{ fail "settings.azureCaFile: leave it empty, caBundle sets it" }}{{ end }}
{{- if and .namespaces (not .settings.clusterId) }}
{{- fail "namespaces: the operator can't read the uid that names the cluster then; set settings.clusterId to what `kubectl get namespace kube-system -o jsonpath={.metadata.uid}` prints, or once to any UUID" }}
{{- end }}
{{- if and .namespaces (not .settings.clusterNetworks) }}
{{- fail "namespaces: the operator can't learn the cluster's networks then; set settings.clusterNetworks to those of Services, nodes and Pods" }}
{{- end }}
{{- if and (gt (int .replicas) 1) (eq .settings.leaderElection "Disabled") }}{{ fail "replicas: without leaderElection two that work at once would both write to Azure; set replicas to 1" }}{{ end }}
{{- end }}
{{- end }}

{{/* Of a CustomResourceDefinition. */}}
{{- define "acivnet.crdMetadata" -}}
{{- $annotations := deepCopy .Values.crds.annotations }}
{{- if .Values.crds.keep }}{{ $_ := set $annotations "helm.sh/resource-policy" "keep" }}{{ end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
labels:
  {{- include "acivnet.labelsWith" (list . .Values.crds.labels) | nindent 2 }}
{{- end }}
