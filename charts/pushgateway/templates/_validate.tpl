{{/*
Refuses what would not work, with what helps. The schema has seen to names and types before.
*/}}

{{- define "pushgateway.validate" -}}
{{- include "pushgateway.validateValues" . -}}
{{- include "pushgateway.validateArguments" . -}}
{{- include "pushgateway.validateUsers" . -}}
{{- include "pushgateway.validateMonitor" . -}}
{{- if and .Release.IsUpgrade .Values.checkUpgrades -}}
{{- include "pushgateway.validateUpgrade" . -}}
{{- end -}}
{{- end -}}

{{- define "pushgateway.validateValues" -}}
{{- $values := .Values -}}
{{- if gt (int $values.replicaCount) 1 -}}
{{- fail (printf "replicaCount: %d gateways would split the pushes between them, and each would show Prometheus only its part: they don't share what was pushed. Set it to 1, or install a second release" (int $values.replicaCount)) -}}
{{- end -}}
{{- if and $values.webConfiguration.existingSecret.name (or $values.webConfiguration.basicAuthUsers $values.web.tls.existingSecret $values.web.basicAuth.existingSecret) -}}
{{- fail "webConfiguration.existingSecret: names a whole web configuration file, which says what webConfiguration.basicAuthUsers, web.tls and web.basicAuth would; remove one side" -}}
{{- end -}}
{{- if and $values.web.tls.clientCAExistingSecret (not $values.web.tls.existingSecret) -}}
{{- fail "web.tls.clientCAExistingSecret: clients have certificates only where the gateway has one; set web.tls.existingSecret, too" -}}
{{- end -}}
{{- if and $values.persistentVolume.existingClaim (not $values.persistentVolume.enabled) -}}
{{- fail "persistentVolume.existingClaim: is not used while persistentVolume.enabled is false; set it to true" -}}
{{- end -}}
{{- if and $values.persistentVolume.enabled (not $values.runAsStatefulSet) (ne $values.strategy.type "Recreate") -}}
{{- if ne (($values.strategy.rollingUpdate | default dict).maxSurge | toString) "0" -}}
{{- fail "strategy: a new gateway would wait for the old one to let go of the persistence file, and the old one for the new one to be ready; set type to Recreate, or rollingUpdate.maxSurge to 0" -}}
{{- end -}}
{{- end -}}
{{- if and $values.podDisruptionBudget.minAvailable $values.podDisruptionBudget.maxUnavailable -}}
{{- fail "podDisruptionBudget: minAvailable and maxUnavailable exclude each other; remove one" -}}
{{- end -}}
{{- end -}}

{{- define "pushgateway.validateArguments" -}}
{{- $owners := dict "web.listen-address" "service.port" "web.probe-listen-address" "liveness and readiness" "web.systemd-socket" "service" "web.config.file" "webConfiguration.existingSecret" "web.telemetry-path" "web.telemetryPath" "web.external-url" "web.externalURL" "web.route-prefix" "web.routePrefix" "web.enable-lifecycle" "web.enableLifecycle" "web.enable-admin-api" "web.enableAdminAPI" "web.basic-auth.username-file" "web.basicAuth.existingSecret" "web.basic-auth.password-file" "web.basicAuth.existingSecret" "web.drain-timeout" "terminationGracePeriodSeconds" "push.disable-consistency-check" "push.consistencyCheck" "push.enable-utf8-names" "push.utf8Names" "persistence.file" "persistentVolume.file" "persistence.interval" "persistentVolume.interval" "log.level" "logLevel" "log.format" "logFormat" -}}
{{- range $argument := .Values.extraArgs -}}
{{- $flag := regexFind "^--[^=]*" $argument | trimPrefix "--" | trimPrefix "no-" -}}
{{- $owner := hasPrefix "limit." $flag | ternary "limits" (get $owners $flag) -}}
{{- if $owner -}}
{{- fail (printf "extraArgs: --%s follows from the value %s, and may be given once only; set that value and remove the argument" $flag $owner) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Nothing here may print a password. */}}
{{- define "pushgateway.validateUsers" -}}
{{- range $user, $hash := .Values.webConfiguration.basicAuthUsers -}}
{{- if not (regexMatch "^[$]2[abxy]?[$][0-9]{2}[$][./A-Za-z0-9]{53}$" ($hash | toString)) -}}
{{- fail (printf "webConfiguration.basicAuthUsers.%s: is no bcrypt hash. A template can't hash a password without making another hash, and so another Secret, each time; write what `htpasswd -nBC 10 %s` prints behind the colon, or keep the password in a Secret and set web.basicAuth.existingSecret" $user $user) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pushgateway.monitorHasOtherCredentials" -}}
{{- $monitor := .Values.serviceMonitor -}}
{{- if or $monitor.basicAuth $monitor.authorization $monitor.oauth2 $monitor.bearerTokenFile -}}true{{- end -}}
{{- end -}}

{{- define "pushgateway.validateMonitor" -}}
{{- $monitor := .Values.serviceMonitor -}}
{{- $others := list -}}
{{- range list "basicAuth" "authorization" "oauth2" "bearerTokenFile" -}}
{{- if get $monitor . -}}{{- $others = append $others . -}}{{- end -}}
{{- end -}}
{{- if gt (len $others) 1 -}}
{{- fail (printf "serviceMonitor: %s exclude each other; Prometheus sends one of them" (join " and " $others)) -}}
{{- end -}}
{{- if $monitor.enabled -}}
{{- if and .Values.webConfiguration.basicAuthUsers (not .Values.web.basicAuth.existingSecret) (not $others) -}}
{{- fail "serviceMonitor: Prometheus would be refused, as it has no password that webConfiguration.basicAuthUsers knows; set serviceMonitor.basicAuth to keys of a Secret, or web.basicAuth.existingSecret to a Secret of the type kubernetes.io/basic-auth" -}}
{{- end -}}
{{- if and .Values.web.tls.clientCAExistingSecret (not $monitor.tlsConfig) -}}
{{- fail "serviceMonitor: Prometheus would be refused, as web.tls.clientCAExistingSecret asks it for a certificate; set serviceMonitor.tlsConfig, with ca, cert and keySecret" -}}
{{- end -}}
{{- if and $monitor.namespace (ne $monitor.namespace (include "pushgateway.namespace" .)) -}}
{{- if or (and .Values.web.basicAuth.existingSecret (not $others)) (and .Values.web.tls.existingSecret (not $monitor.tlsConfig)) -}}
{{- fail (printf "serviceMonitor.namespace: a ServiceMonitor can refer only to Secrets of its own namespace; copy them to %s and set serviceMonitor.basicAuth and serviceMonitor.tlsConfig, or leave the namespace empty: Prometheus can select ServiceMonitors of other namespaces" $monitor.namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
What the API server would refuse halfway through an upgrade, and what would delete a claim. Without a cluster (`helm template`)
`lookup` finds nothing.
*/}}
{{- define "pushgateway.validateUpgrade" -}}
{{- $namespace := include "pushgateway.namespace" . -}}
{{- $full := include "pushgateway.fullname" . -}}
{{- $selector := include "pushgateway.selectorLabels" . | fromYaml -}}
{{- $kind := ternary "StatefulSet" "Deployment" .Values.runAsStatefulSet -}}
{{- include "pushgateway.validateClaims" . -}}
{{- include "pushgateway.validateData" . -}}
{{- with lookup "apps/v1" $kind $namespace $full -}}
{{- if ne (toJson .spec.selector.matchLabels) (toJson $selector) -}}
{{- $old := index .spec.selector.matchLabels "app.kubernetes.io/name" | default "" -}}
{{- if and $old (eq (index .spec.selector.matchLabels "app.kubernetes.io/instance" | default "") $.Release.Name) -}}
{{- fail (printf "nameOverride: the %s %s selects its pods by app.kubernetes.io/name=%s, which can't be changed; set nameOverride to %s, or delete the %s first (claims of a StatefulSet stay)" $kind $full $old $old $kind) -}}
{{- end -}}
{{- fail (printf "the %s %s selects its pods by %s, which can't be changed; delete it first: kubectl delete %s %s --namespace %s (claims of a StatefulSet stay)" $kind $full (toJson .spec.selector.matchLabels) (lower $kind) $full $namespace) -}}
{{- end -}}
{{- if eq $kind "StatefulSet" -}}
{{- include "pushgateway.validateStatefulSet" (dict "root" $ "live" .) -}}
{{- end -}}
{{- end -}}
{{- with lookup "v1" "Service" $namespace $full -}}
{{- $old := .spec.clusterIP | default "" -}}
{{- $new := $.Values.service.clusterIP -}}
{{- if and $old (ne $old $new) (or $new (eq $old "None")) -}}
{{- fail (printf "service.clusterIP: the Service %s has the address %s, which can't be changed; delete it first: kubectl delete service %s --namespace %s" $full $old $full $namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Fields of a StatefulSet that can't be changed. Deleting it without its pod is harmless: the next one adopts the pod. */}}
{{- define "pushgateway.validateStatefulSet" -}}
{{- $root := .root -}}
{{- $spec := .live.spec -}}
{{- $full := include "pushgateway.fullname" $root -}}
{{- $namespace := include "pushgateway.namespace" $root -}}
{{- $changed := list -}}
{{- if ne $spec.serviceName (include "pushgateway.headlessName" $root) -}}
{{- $changed = append $changed "serviceName" -}}
{{- end -}}
{{- if ne $spec.podManagementPolicy $root.Values.statefulSet.podManagementPolicy -}}
{{- $changed = append $changed "podManagementPolicy" -}}
{{- end -}}
{{- $old := $spec.volumeClaimTemplates | default list -}}
{{- $grow := "" -}}
{{- if include "pushgateway.makesClaim" $root -}}
{{- if ne (len $old) 1 -}}
{{- $changed = append $changed "volumeClaimTemplates" -}}
{{- else -}}
{{- $claim := index $old 0 -}}
{{- $new := include "pushgateway.claimSpec" $root | fromYaml -}}
{{- $metadata := include "pushgateway.claimMetadata" $root | fromYaml -}}
{{- range list "labels" "annotations" -}}
{{- if ne (get $claim.metadata . | default dict | toJson) (get $metadata . | default dict | toJson) -}}
{{- $changed = append $changed (printf "%s of the claim" .) -}}
{{- end -}}
{{- end -}}
{{- range list "accessModes" "storageClassName" "volumeAttributesClassName" -}}
{{- if ne (get $claim.spec . | toJson) (get $new . | toJson) -}}
{{- $changed = append $changed (printf "%s of the claim" .) -}}
{{- end -}}
{{- end -}}
{{- $from := $claim.spec.resources.requests.storage -}}
{{- $to := $new.resources.requests.storage -}}
{{- if ne (include "pushgateway.bytes" $from) (include "pushgateway.bytes" $to) -}}
{{- $changed = append $changed "size of the claim" -}}
{{- $patch := printf "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"%s\"}}}}" $to -}}
{{- $grow = printf "  kubectl patch pvc storage-volume-%s-0 --namespace %s --patch '%s'\n" $full $namespace $patch -}}
{{- end -}}
{{- end -}}
{{- else if $old -}}
{{- $changed = append $changed "volumeClaimTemplates" -}}
{{- end -}}
{{- with $changed -}}
{{- fail (printf "the StatefulSet %s has a %s other than what is asked for now, which can't be changed in place. The gateway and its claim stay as they are while you run\n%s  kubectl delete statefulset %s --namespace %s --cascade=orphan\nand then this upgrade again" $full (join ", " .) $grow $full $namespace) -}}
{{- end -}}
{{- end -}}

{{/* Claims that belong to the release and that Helm would delete, as what is rendered now does not have them. */}}
{{- define "pushgateway.validateClaims" -}}
{{- $namespace := include "pushgateway.namespace" . -}}
{{- $full := include "pushgateway.fullname" . -}}
{{- $rendered := ternary $full "" (and (not .Values.runAsStatefulSet) (include "pushgateway.makesClaim" . | eq "true")) -}}
{{- range (lookup "v1" "PersistentVolumeClaim" $namespace "").items -}}
{{- $annotations := .metadata.annotations | default dict -}}
{{- $isOurs := eq (get $annotations "meta.helm.sh/release-name") $.Release.Name -}}
{{- $isKept := eq (get $annotations "helm.sh/resource-policy") "keep" -}}
{{- if and $isOurs (eq .metadata.name $rendered) -}}
{{- $wanted := include "pushgateway.claimSpec" $ | fromYaml -}}
{{- $from := .spec.resources.requests.storage -}}
{{- $to := $wanted.resources.requests.storage -}}
{{- if lt (include "pushgateway.bytes" $to | float64) (include "pushgateway.bytes" $from | float64) -}}
{{- fail (printf "persistentVolume.size: the claim %s has %s and can't shrink to %s" .metadata.name $from $to) -}}
{{- end -}}
{{- if ne (toJson .spec.accessModes) (toJson $wanted.accessModes) -}}
{{- fail (printf "persistentVolume.accessModes: those of the claim %s are %s and can't be changed" .metadata.name (toJson .spec.accessModes)) -}}
{{- end -}}
{{- if and (hasKey $wanted "storageClassName") (ne (.spec.storageClassName | default "") $wanted.storageClassName) -}}
{{- fail (printf "persistentVolume.storageClass: that of the claim %s is %q and can't be changed" .metadata.name (.spec.storageClassName | default "")) -}}
{{- end -}}
{{- else if and $isOurs (not $isKept) -}}
{{- fail (printf "this upgrade would delete the claim %s of the release, with all that was pushed. To go on using it, set nameOverride to %q as the claim's labels have it, and runAsStatefulSet to false; or have it kept, kubectl annotate pvc %s --namespace %s helm.sh/resource-policy=keep, and set persistentVolume.existingClaim to its name" .metadata.name (index (.metadata.labels | default dict) "app.kubernetes.io/name" | default "") .metadata.name $namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A workload of the release that has its data on another claim than the one that is to come. */}}
{{- define "pushgateway.validateData" -}}
{{- $namespace := include "pushgateway.namespace" . -}}
{{- $claim := include "pushgateway.claimName" . -}}
{{- if .Values.persistentVolume.enabled -}}
{{- range $kind := list "StatefulSet" "Deployment" -}}
{{- range (lookup "apps/v1" $kind $namespace "").items -}}
{{- if eq (get (.metadata.annotations | default dict) "meta.helm.sh/release-name") $.Release.Name -}}
{{- $name := .metadata.name -}}
{{- $old := "" -}}
{{- range .spec.volumeClaimTemplates -}}
{{- if eq .metadata.name "storage-volume" -}}{{- $old = printf "storage-volume-%s-0" $name -}}{{- end -}}
{{- end -}}
{{- range .spec.template.spec.volumes -}}
{{- if and (eq .name "storage-volume") .persistentVolumeClaim -}}{{- $old = .persistentVolumeClaim.claimName -}}{{- end -}}
{{- end -}}
{{- if and $old (ne $old $claim) -}}
{{- $application := index .spec.selector.matchLabels "app.kubernetes.io/name" | default "" -}}
{{- $rename := ternary "" (printf "set nameOverride to %q, or " $application) (eq $name (include "pushgateway.fullname" $)) -}}
{{- fail (printf "the %s %s of the release keeps what was pushed on the claim %s; this upgrade would begin anew on the claim %s. To go on with what there is, %sset persistentVolume.existingClaim to %q; to begin anew, delete the %s first: kubectl delete %s %s --namespace %s" $kind $name $old $claim $rename $old $kind (lower $kind) $name $namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
