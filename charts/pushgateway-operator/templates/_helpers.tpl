{{- define "pushgateway-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Room is left for what is appended to it: a Service's name has 63 characters at most, and no dot as a release's. */}}
{{- define "pushgateway-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | replace "." "-" | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "pushgateway-operator.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | replace "." "-" | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pushgateway-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* They never change between releases of the chart: selectors of a Deployment can't. */}}
{{- define "pushgateway-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pushgateway-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pushgateway-operator.labels" -}}
{{- $own := include "pushgateway-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "pushgateway" -}}
{{- $_ := set $own "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_" | trunc 63) -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{- define "pushgateway-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pushgateway-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "pushgateway-operator.leaseName" -}}
{{- default (include "pushgateway-operator.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{/* registry/repository:tag@digest of a dict with image and version. */}}
{{- define "pushgateway-operator.reference" -}}
{{- $image := .image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if or $image.tag (not $image.digest) -}}:{{ default .version $image.tag }}{{- end -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "pushgateway-operator.image" -}}
{{- include "pushgateway-operator.reference" (dict "image" .Values.image "version" .Chart.AppVersion) -}}
{{- end -}}

{{/* Empty if the operator is to use the image of its own release. */}}
{{- define "pushgateway-operator.gatewayImage" -}}
{{- with .Values.gatewayImage -}}
{{- if or .registry .repository .tag .digest -}}
{{- $image := dict "registry" (default "ghcr.io" .registry) "repository" (default "pushgateway/pushgateway" .repository) "tag" .tag "digest" .digest -}}
{{- include "pushgateway-operator.reference" (dict "image" $image "version" (default $.Chart.AppVersion $.Values.image.tag)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The namespaces that hold what the operator makes; empty if it is the whole cluster. */}}
{{- define "pushgateway-operator.watched" -}}
{{- join "," .Values.watchNamespaces -}}
{{- end -}}

{{/* Refuses a kind of others that the cluster does not serve; takes a dict with context, kind and value. */}}
{{- define "pushgateway-operator.requireKind" -}}
{{- $api := printf "monitoring.coreos.com/v1/%s" .kind -}}
{{- if not (.context.Capabilities.APIVersions.Has $api) -}}
{{- fail (printf "%s is true, but the cluster serves no %s. Install the Prometheus Operator first, or leave %s false. `helm template` knows no cluster: tell it with --api-versions %s" .value .kind .value $api) -}}
{{- end -}}
{{- end -}}
