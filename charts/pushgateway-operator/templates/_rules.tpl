{{/* What the operator may do where PushGateways are. No Secrets: pods mount them, and the operator only names them. */}}
{{- define "pushgateway-operator.rules" -}}
{{- $optional := .Values.rbac.optionalKinds -}}
- apiGroups: [pushgateway.io]
  resources: [pushgateways]
  verbs: [get, list, watch]
- apiGroups: [pushgateway.io]
  resources: [pushgateways/status]
  verbs: [get, patch]
# For owner references that block, where the cluster checks them.
- apiGroups: [pushgateway.io]
  resources: [pushgateways/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
{{- if $optional.podDisruptionBudgets }}
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if $optional.ingresses }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if $optional.networkPolicies }}
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if $optional.httpRoutes }}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if $optional.serviceMonitors }}
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
# To let volumes grow; the StatefulSet makes and keeps the claims.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, patch]
# To say why one is not ready.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if $optional.prometheuses }}
# To say whether a Prometheus selects the ServiceMonitor.
- apiGroups: [monitoring.coreos.com]
  resources: [prometheusagents, prometheuses]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- end }}
{{- end -}}
