{{/*
The claim, of a StatefulSet's template or of its own.
*/}}

{{/* Labels and annotations. They can't change in a template, so nothing that varies is among them: no version, nothing common. */}}
{{- define "pushgateway.claimMetadata" -}}
labels:
  {{- $managed := dict "app.kubernetes.io/managed-by" .Release.Service }}
  {{- toYaml (mergeOverwrite (dict) (.Values.persistentVolumeLabels | default dict) $managed (include "pushgateway.selectorLabels" . | fromYaml)) | nindent 2 }}
{{- with .Values.persistentVolume.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pushgateway.claimSpec" -}}
{{- $volume := .Values.persistentVolume -}}
accessModes:
  {{- toYaml $volume.accessModes | nindent 2 }}
resources:
  requests:
    storage: {{ $volume.size | quote }}
{{- if eq ($volume.storageClass | default "") "-" }}
storageClassName: ""
{{- else if $volume.storageClass }}
storageClassName: {{ $volume.storageClass | quote }}
{{- end }}
{{- with $volume.volumeAttributesClassName }}
volumeAttributesClassName: {{ . | quote }}
{{- end }}
volumeMode: Filesystem
{{- end -}}
