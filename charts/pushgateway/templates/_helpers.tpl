{{/*
Names, labels, and what several templates need to agree on.
*/}}

{{/* Name of the application. */}}
{{- define "pushgateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
Name of all objects, made as in the community chart. A name that is too long for the pods of a StatefulSet ends in a hash in place
of what is cut off, so that two of them stay apart.
*/}}
{{- define "pushgateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- if gt (len $full) 52 -}}
{{- $full = printf "%s-%s" (trunc 43 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- $full | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Namespace of all objects. */}}
{{- define "pushgateway.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* Labels that pods are selected by. They never change: no version, nothing that users add. */}}
{{- define "pushgateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pushgateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of all objects, as a map for "pushgateway.metadata". */}}
{{- define "pushgateway.labels" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "pushgateway.selectorLabels" . }}
{{- if regexMatch "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$" $tag }}
app.kubernetes.io/version: {{ $tag | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/*
Metadata of an object: (dict "root" $ "name" … "namespace" … "labels" … "annotations" …), all but root optional. Labels that
something is selected by win over those of users.
*/}}
{{- define "pushgateway.metadata" -}}
{{- $root := .root -}}
{{- $common := tpl (toYaml ($root.Values.commonLabels | default dict)) $root | fromYaml -}}
{{- $labels := mergeOverwrite (dict) $common (.labels | default dict) (include "pushgateway.labels" $root | fromYaml) (.fixed | default dict) -}}
{{- $annotations := mergeOverwrite (dict) (tpl (toYaml ($root.Values.commonAnnotations | default dict)) $root | fromYaml) (.annotations | default dict) -}}
name: {{ .name | default (include "pushgateway.fullname" $root) }}
namespace: {{ .namespace | default (include "pushgateway.namespace" $root) }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pushgateway.headlessName" -}}
{{- printf "%s-headless" (include "pushgateway.fullname" .) -}}
{{- end -}}

{{- define "pushgateway.webConfigName" -}}
{{- printf "%s-web-config" (include "pushgateway.fullname" .) -}}
{{- end -}}

{{/* Name of the claim that the pod mounts and the chart itself makes; that of a StatefulSet is named by its controller. */}}
{{- define "pushgateway.claimName" -}}
{{- if .Values.persistentVolume.existingClaim -}}
{{- .Values.persistentVolume.existingClaim -}}
{{- else if .Values.runAsStatefulSet -}}
{{- printf "storage-volume-%s-0" (include "pushgateway.fullname" .) -}}
{{- else -}}
{{- include "pushgateway.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* Whether there is a claim template or a claim of the chart's making. */}}
{{- define "pushgateway.makesClaim" -}}
{{- if and .Values.persistentVolume.enabled (not .Values.persistentVolume.existingClaim) -}}true{{- end -}}
{{- end -}}

{{/* Whether there is a persistence file, on whichever volume. */}}
{{- define "pushgateway.hasFile" -}}
{{- if or .Values.persistentVolume.enabled (kindIs "map" .Values.persistentVolume.emptyDir) -}}true{{- end -}}
{{- end -}}

{{- define "pushgateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "pushgateway.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "pushgateway.image" -}}
{{- $image := .Values.image -}}
{{- $registry := $image.registry | default .Values.global.imageRegistry -}}
{{- if and (not $registry) (not (regexMatch "^(localhost|[^/]*[.:][^/]*)/" $image.repository)) -}}
{{- $registry = "ghcr.io" -}}
{{- end -}}
{{- $tag := ternary $image.tag ($image.tag | default .Chart.AppVersion) (not (empty $image.digest)) -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- with $tag }}:{{ . }}{{ end -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* The prefix of all paths, without a slash at its end; empty for none. */}}
{{- define "pushgateway.prefix" -}}
{{- $web := .Values.web -}}
{{- $path := $web.routePrefix | default "" -}}
{{- if and (not $path) $web.externalURL -}}
{{- $path = (urlParse $web.externalURL).path -}}
{{- end -}}
{{- trimSuffix "/" $path -}}
{{- end -}}

{{/* What clients speak. A whole web configuration file does not say; that Prometheus is told to use TLS is a sign. */}}
{{- define "pushgateway.scheme" -}}
{{- $monitor := .Values.serviceMonitor -}}
{{- if .Values.web.tls.existingSecret -}}
https
{{- else if and .Values.webConfiguration.existingSecret.name (or $monitor.tlsConfig (eq $monitor.scheme "https")) -}}
https
{{- else -}}
http
{{- end -}}
{{- end -}}

{{/* Name of the Service as certificates have it. */}}
{{- define "pushgateway.host" -}}
{{- printf "%s.%s.svc" (include "pushgateway.fullname" .) (include "pushgateway.namespace" .) -}}
{{- end -}}

{{/* Where to push to. */}}
{{- define "pushgateway.url" -}}
{{- printf "%s://%s:%v%s" (include "pushgateway.scheme" .) (include "pushgateway.host" .) .Values.service.port (include "pushgateway.prefix" .) -}}
{{- end -}}

{{/* Where the web configuration file comes from: an existing Secret, a Secret of ours for hashes, a ConfigMap of ours. */}}
{{- define "pushgateway.webConfigSource" -}}
{{- if .Values.webConfiguration.existingSecret.name -}}existing
{{- else if .Values.webConfiguration.basicAuthUsers -}}secret
{{- else if .Values.web.tls.existingSecret -}}configMap
{{- end -}}
{{- end -}}

{{/* The web configuration file, if it is ours. It names files of mounted Secrets; the gateway follows all of them. */}}
{{- define "pushgateway.webConfig" -}}
{{- $web := .Values.web -}}
{{- if $web.tls.existingSecret -}}
tls_server_config:
  cert_file: /etc/pushgateway/tls/tls.crt
  key_file: /etc/pushgateway/tls/tls.key
  {{- if $web.tls.clientCAExistingSecret }}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: /etc/pushgateway/client-ca/ca.crt
  {{- end }}
  min_version: {{ $web.tls.minVersion }}
{{ end -}}
{{- with .Values.webConfiguration.basicAuthUsers -}}
basic_auth_users:
  {{- range $user, $hash := . }}
  {{ $user | quote }}: {{ $hash | quote }}
  {{- end }}
{{ end -}}
{{- end -}}

{{/* Bytes of a quantity, for comparing; the quantity itself if it is not understood. */}}
{{- define "pushgateway.bytes" -}}
{{- $factors := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- $text := toString . -}}
{{- if regexMatch "^[0-9]+([.][0-9]+)?([kMGTPE]|[KMGTPE]i)?$" $text -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- mulf $number (get $factors (regexFind "[A-Za-z]*$" $text)) | printf "%.0f" -}}
{{- else -}}
{{- $text -}}
{{- end -}}
{{- end -}}
