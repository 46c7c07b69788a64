{{/*
The pod of both workloads. The operator makes the same one of the same settings.
*/}}

{{- define "pushgateway.podTemplate" -}}
metadata:
  {{- /* No checksum of the web configuration: the gateway follows the file and all that it names, without a restart. */}}
  labels:
    {{- $managed := dict "app.kubernetes.io/managed-by" .Release.Service }}
    {{- $common := tpl (toYaml (.Values.commonLabels | default dict)) . | fromYaml }}
    {{- toYaml (mergeOverwrite (dict) $common (.Values.podLabels | default dict) $managed (include "pushgateway.selectorLabels" . | fromYaml)) | nindent 4 }}
  {{- with mergeOverwrite (dict) (tpl (toYaml (.Values.commonAnnotations | default dict)) . | fromYaml) (.Values.podAnnotations | default dict) }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if or .Values.serviceAccount.create .Values.serviceAccount.name }}
  serviceAccountName: {{ include "pushgateway.serviceAccountName" . }}
  {{- end }}
  automountServiceAccountToken: {{ .Values.automountServiceAccountToken }}
  enableServiceLinks: {{ .Values.enableServiceLinks }}
  {{- with .Values.global.imagePullSecrets | default .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  restartPolicy: Always
  dnsPolicy: {{ .Values.dnsPolicy }}
  {{- with .Values.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  schedulerName: {{ .Values.schedulerName }}
  {{- if kindIs "bool" .Values.hostUsers }}
  hostUsers: {{ .Values.hostUsers }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with .Values.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with .Values.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "pushgateway.affinity" . | fromYaml }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    {{- $selector := dict "labelSelector" (dict "matchLabels" (include "pushgateway.selectorLabels" $ | fromYaml)) }}
    - {{- toYaml (hasKey . "labelSelector" | ternary . (merge (dict) . $selector)) | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- with .Values.extraInitContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    {{- include "pushgateway.container" . | nindent 4 }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with concat (include "pushgateway.volumes" . | fromYamlArray) (.Values.extraVolumes | default list) }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "pushgateway.container" -}}
- name: pushgateway
  image: {{ include "pushgateway.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    {{- include "pushgateway.arguments" . | nindent 4 }}
  {{- with .Values.extraVars }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.envFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: http
      containerPort: 9091
      protocol: TCP
    - name: probes
      containerPort: 9092
      protocol: TCP
  {{- include "pushgateway.probe" (dict "root" $ "name" "liveness" "path" "/-/healthy") | nindent 2 }}
  {{- include "pushgateway.probe" (dict "root" $ "name" "readiness" "path" "/-/ready") | nindent 2 }}
  {{- include "pushgateway.probe" (dict "root" $ "name" "startup" "path" "/-/ready") | nindent 2 }}
  {{- with .Values.lifecycle }}
  lifecycle:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.containerSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat (include "pushgateway.volumeMounts" . | fromYamlArray) (.Values.extraVolumeMounts | default list) }}
  volumeMounts:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationMessagePath: /dev/termination-log
  terminationMessagePolicy: File
{{- end -}}

{{/* A probe, by default of the port that is plain and asks for no password, whatever `web` says. */}}
{{- define "pushgateway.probe" -}}
{{- $probe := index .root.Values .name -}}
{{- if $probe.enabled -}}
{{- $own := dict "successThreshold" 1 -}}
{{- if not (or $probe.probe.httpGet $probe.probe.tcpSocket $probe.probe.exec $probe.probe.grpc) -}}
{{- $path := printf "%s%s" (include "pushgateway.prefix" .root) .path -}}
{{- $own = merge $own (dict "httpGet" (dict "path" $path "port" "probes" "scheme" "HTTP")) -}}
{{- end -}}
{{ .name }}Probe:
  {{- toYaml (mergeOverwrite $own $probe.probe) | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "pushgateway.arguments" -}}
{{- $web := .Values.web -}}
- --web.listen-address=:9091
- --web.probe-listen-address=:9092
- --web.drain-timeout={{ sub .Values.terminationGracePeriodSeconds 10 }}s
- --web.telemetry-path={{ $web.telemetryPath }}
{{- with $web.externalURL }}
- --web.external-url={{ . }}
{{- end }}
{{- if or $web.externalURL (include "pushgateway.prefix" .) }}
- --web.route-prefix={{ include "pushgateway.prefix" . | default "/" }}
{{- end }}
{{- if $web.enableAdminAPI }}
- --web.enable-admin-api
{{- end }}
{{- if $web.enableLifecycle }}
- --web.enable-lifecycle
{{- end }}
{{- if include "pushgateway.webConfigSource" . }}
- --web.config.file=/etc/pushgateway/web-config/web-config.yaml
{{- end }}
{{- if $web.basicAuth.existingSecret }}
- --web.basic-auth.username-file=/etc/pushgateway/basic-auth/username
- --web.basic-auth.password-file=/etc/pushgateway/basic-auth/password
{{- end }}
{{- if not .Values.push.consistencyCheck }}
- --push.disable-consistency-check
{{- end }}
{{- if .Values.push.utf8Names }}
- --push.enable-utf8-names
{{- end }}
{{- $limits := .Values.limits }}
{{- range list "bodyBytes" "inflatedBodyBytes" "bodiesInFlightBytes" "groups" "series" "seriesPerGroup" "labelsPerSeries" "labelNameBytes" "labelValueBytes" "helpBytes" "headBytes" "headTimeout" "bodyTimeout" "idleTimeout" "connections" "queuedPushes" }}
{{- $flag := kebabcase . }}
{{- with get $limits . }}
{{- /* Numbers of a values file are floating-point ones. */}}
- --limit.{{ $flag }}={{ kindIs "float64" . | ternary (int64 . | toString) . }}
{{- end }}
{{- end }}
{{- if include "pushgateway.hasFile" . }}
- --persistence.file={{ trimSuffix "/" .Values.persistentVolume.mountPath }}/{{ .Values.persistentVolume.file }}
- --persistence.interval={{ .Values.persistentVolume.interval }}
{{- end }}
- --log.level={{ .Values.logLevel }}
- --log.format={{ .Values.logFormat }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "pushgateway.volumeMounts" -}}
{{- if include "pushgateway.hasFile" . }}
- name: storage-volume
  mountPath: {{ .Values.persistentVolume.mountPath }}
  {{- with .Values.persistentVolume.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- $folders := dict "web-config" (include "pushgateway.webConfigSource" .) "tls" .Values.web.tls.existingSecret "client-ca" .Values.web.tls.clientCAExistingSecret "basic-auth" .Values.web.basicAuth.existingSecret }}
{{- range list "web-config" "tls" "client-ca" "basic-auth" }}
{{- if get $folders . }}
- name: {{ . }}
  mountPath: /etc/pushgateway/{{ . }}
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{/* The volumes that the pod itself brings; a claim template brings its own. Secrets show only the keys that are read. */}}
{{- define "pushgateway.volumes" -}}
{{- $volume := .Values.persistentVolume }}
{{- if and $volume.enabled (or $volume.existingClaim (not .Values.runAsStatefulSet)) }}
- name: storage-volume
  persistentVolumeClaim:
    claimName: {{ include "pushgateway.claimName" . }}
{{- else if and (not $volume.enabled) (kindIs "map" $volume.emptyDir) }}
- name: storage-volume
  emptyDir: {{- toYaml $volume.emptyDir | nindent 4 }}
{{- end }}
{{- $source := include "pushgateway.webConfigSource" . }}
{{- if eq $source "configMap" }}
- name: web-config
  configMap:
    name: {{ include "pushgateway.webConfigName" . }}
    defaultMode: 288
{{- else if eq $source "secret" }}
- name: web-config
  {{- include "pushgateway.secret" (dict "name" (include "pushgateway.webConfigName" .) "keys" (list "web-config.yaml")) | nindent 2 }}
{{- else if eq $source "existing" }}
{{- $existing := .Values.webConfiguration.existingSecret }}
- name: web-config
  secret:
    secretName: {{ $existing.name }}
    defaultMode: 288
    items:
      - key: {{ $existing.key }}
        path: web-config.yaml
{{- end }}
{{- with .Values.web.tls.existingSecret }}
- name: tls
  {{- include "pushgateway.secret" (dict "name" . "keys" (list "tls.crt" "tls.key")) | nindent 2 }}
{{- end }}
{{- with .Values.web.tls.clientCAExistingSecret }}
- name: client-ca
  {{- include "pushgateway.secret" (dict "name" . "keys" (list "ca.crt")) | nindent 2 }}
{{- end }}
{{- with .Values.web.basicAuth.existingSecret }}
- name: basic-auth
  {{- include "pushgateway.secret" (dict "name" . "keys" (list "username" "password")) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The source of a volume with keys of a Secret as files that the pod's group may read (288 is 0440). */}}
{{- define "pushgateway.secret" -}}
secret:
  secretName: {{ .name }}
  defaultMode: 288
  items:
    {{- range .keys }}
    - key: {{ . }}
      path: {{ . }}
    {{- end }}
{{- end -}}

{{/* What users say, and gateways keeping away from each other. */}}
{{- define "pushgateway.affinity" -}}
{{- $affinity := deepCopy (.Values.affinity | default dict) -}}
{{- with .Values.podAntiAffinity -}}
{{- $term := dict "topologyKey" $.Values.podAntiAffinityTopologyKey "labelSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" (include "pushgateway.name" $))) -}}
{{- $field := ternary "requiredDuringSchedulingIgnoredDuringExecution" "preferredDuringSchedulingIgnoredDuringExecution" (eq . "hard") -}}
{{- if eq . "soft" -}}
{{- $term = dict "weight" 100 "podAffinityTerm" $term -}}
{{- end -}}
{{- $anti := $affinity.podAntiAffinity | default dict -}}
{{- $_ := set $anti $field (append (get $anti $field | default list) $term) -}}
{{- $_ := set $affinity "podAntiAffinity" $anti -}}
{{- end -}}
{{- toYaml $affinity -}}
{{- end -}}
