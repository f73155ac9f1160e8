{{/* The rights of deploy/operator/cluster-role.yaml; a test compares. These are about a namespace's own objects. */}}
{{- define "acivnet.namespaceRules" -}}
- apiGroups: [acivnet.dev]
  resources: [acivnetdeployments, delegatedsubnets]
  verbs: [list, watch, patch]
- apiGroups: [acivnet.dev]
  resources: [acivnetdeployments/status, delegatedsubnets/status]
  verbs: [update]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
# Model, scoring script, conda file and sample request of a deployment.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
# A namespace's identity towards Azure has a fixed name. Without resourceNames, `create` on tokens would equal cluster-admin.
- apiGroups: [""]
  resources: [serviceaccounts]
  resourceNames: [acivnet]
  verbs: [get]
- apiGroups: [""]
  resources: [serviceaccounts/token]
  resourceNames: [acivnet]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [acivnet-azure]
  verbs: [get, patch]
{{- end }}

{{/* These are about the cluster. */}}
{{- define "acivnet.clusterRules" -}}
# Its uid names the cluster in the owner mark of every Azure resource.
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
# A definition that is being deleted takes its objects with it; what they stand for in Azure stays then.
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: [acivnetdeployments.acivnet.dev, delegatedsubnets.acivnet.dev]
  verbs: [get]
# Addresses of the cluster are refused as scoring endpoints: those of its Services, API servers, nodes and Pods.
- apiGroups: [networking.k8s.io]
  resources: [servicecidrs]
  verbs: [list]
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  resourceNames: [kubernetes]
  verbs: [get]
{{- end }}

{{/* What a namespace whose objects name Secrets gives. */}}
{{- define "acivnet.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, watch, create]
{{- end }}

{{- define "acivnet.subjects" -}}
- kind: ServiceAccount
  name: {{ include "acivnet.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
