{{/*
Whether and as whom `helm test` asks the gateway.
*/}}

{{/* Labels of the test's pod; it must not have those that the Service selects. */}}
{{- define "pushgateway.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "pushgateway.name" . | trunc 58 | trimSuffix "-") }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pushgateway.testUser" -}}
{{- .Values.tests.basicAuthExistingSecret | default .Values.web.basicAuth.existingSecret -}}
{{- end -}}

{{/* Why there is no test, if it could only fail. */}}
{{- define "pushgateway.whyNoTest" -}}
{{- if and .Values.webConfiguration.basicAuthUsers (not (include "pushgateway.testUser" .)) -}}
tests.basicAuthExistingSecret names no user
{{- else if and .Values.web.tls.clientCAExistingSecret (not .Values.tests.clientCertificateExistingSecret) -}}
tests.clientCertificateExistingSecret names no certificate
{{- end -}}
{{- end -}}

{{- define "pushgateway.hasTest" -}}
{{- if and .Values.tests.enabled .Values.replicaCount (not (include "pushgateway.whyNoTest" .)) -}}true{{- end -}}
{{- end -}}
