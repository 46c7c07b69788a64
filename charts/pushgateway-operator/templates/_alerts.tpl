{{/* The alerts, as a list under the key `rules`. They select what the ServiceMonitor scrapes: job is the Service. */}}
{{- define "pushgateway-operator.alerts" -}}
{{- $operator := printf "job=%q, namespace=%q" (printf "%s-metrics" (include "pushgateway-operator.fullname" .)) (include "pushgateway-operator.namespace" .) -}}
rules:
  - alert: PushgatewayOperatorDown
    expr: absent(up{ {{- $operator }}} == 1)
    for: 10m
    labels:
      severity: critical
    annotations:
      summary: No operator of Pushgateways is up.
      description: Prometheus scrapes no operator in {{ include "pushgateway-operator.namespace" . }}. Gateways go on running, but changes of PushGateways have no effect.
{{- if .Values.leaderElection.enabled }}
  - alert: PushgatewayOperatorNoLeader
    expr: max(leader_election_master_status{name={{ include "pushgateway-operator.leaseName" . | quote }}, {{ $operator }}}) == 0
    for: 5m
    labels:
      severity: critical
    annotations:
      summary: No operator of Pushgateways leads.
      description: The operators in {{ include "pushgateway-operator.namespace" . }} run, but none has the lease {{ include "pushgateway-operator.leaseName" . }}. Their logs say why.
{{- end }}
  - alert: PushgatewayOperatorReconcileErrors
    expr: sum(rate(controller_runtime_reconcile_errors_total{controller="pushgateway", {{ $operator }}}[10m])) > 0
    for: 15m
    labels:
      severity: warning
    annotations:
      summary: The operator of Pushgateways fails again and again.
      description: Reconciles end with errors for a quarter of an hour. The operator's log names the PushGateways, and says what failed.
  - alert: PushgatewayOperatorWatchErrors
    expr: sum by (kind) (rate(pushgateway_operator_watch_errors_total{ {{- $operator }}}[10m])) > 0
    for: 15m
    labels:
      severity: warning
    annotations:
      summary: The operator of Pushgateways can't watch a kind.
      description: {{ "Watches of {{ $labels.kind }} fail again and again, so that changes are noticed late. The operator's log says why." | quote }}
  - alert: PushgatewayOperatorHotLoop
    expr: sum by (kind) (rate(pushgateway_operator_child_apply_total{outcome="unchanged", {{ $operator }}}[5m])) > 0.1
    for: 15m
    labels:
      severity: warning
    annotations:
      summary: The operator of Pushgateways applies objects that do not change.
      description: {{ "{{ $value | humanize }} objects of kind {{ $labels.kind }} a second are applied without a change. Settled objects are not applied at all, so this is a fault; please report it." | quote }}
  - alert: PushgatewayOperatorContested
    expr: sum by (kind) (rate(pushgateway_operator_child_apply_total{outcome="changed", {{ $operator }}}[5m])) > 0.1
    for: 30m
    labels:
      severity: warning
    annotations:
      summary: Somebody undoes what the operator of Pushgateways does.
      description: {{ "{{ $value | humanize }} objects of kind {{ $labels.kind }} a second are changed back. The audit log, or kubectl get --show-managed-fields, tells who changes them." | quote }}
  - alert: PushgatewayInvalid
    expr: sum(pushgateway_operator_invalid_objects{ {{- $operator }}}) > 0
    for: 15m
    labels:
      severity: warning
    annotations:
      summary: A PushGateway can't be obeyed.
      description: {{ "{{ $value }} PushGateways can't be obeyed. The condition Ready of each says which field is wrong." | quote }}
  - alert: PushgatewayNotReady
    expr: sum(pushgateway_operator_resources{condition="Ready", status="False", {{ $operator }}}) > 0
    for: 15m
    labels:
      severity: warning
    annotations:
      summary: A PushGateway is not ready.
      description: {{ "{{ $value }} PushGateways are not ready. The condition Ready of each says why." | quote }}
{{- end -}}
