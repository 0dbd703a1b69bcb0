{{/*
The pod template of a worker: (dict "root" . "name" "consumer" "worker" .Values.consumer). The name is the verb as well.
*/}}
{{- define "orocommerce.workerPod" -}}
{{- $root := .root -}}
{{- $image := dict "root" $root "role" "runtime" "override" $root.Values.image -}}
metadata:
  labels:
    {{- include "common.selectorLabels" (dict "root" $root "component" .name) | nindent 4 }}
spec:
  {{- include "common.oro.podSettings" $root | nindent 2 }}
  {{- with include "common.topologySpread" (dict "root" $root "component" .name) }}
  {{- . | nindent 2 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .worker.terminationGracePeriodSeconds }}
  initContainers:
    {{- include "common.oro.checkCode" $image | nindent 4 }}
    {{- with $root.Values.initContainers.extra }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  containers:
    - name: {{ .name }}
      {{- include "common.oro.containerImage" $image | nindent 6 }}
      args: [{{ .name }}]
      env:
        {{- include "common.oro.environment" $root | nindent 8 }}
        {{- with $root.Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      securityContext:
        {{- include "common.containerSecurityContext" $root | nindent 8 }}
      resources:
        {{- toYaml .worker.resources | nindent 8 }}
      volumeMounts:
        {{- include "common.oro.volumeMounts" (dict "root" $root "readOnly" (list "code") "readWrite" (list "cache" "public" "private" "state")) | nindent 8 }}
        - name: tmp
          mountPath: /tmp
  volumes:
    {{- include "common.oro.volumes" (dict "root" $root "claims" (list "code" "cache" "public" "private" "state")) | nindent 4 }}
    - name: tmp
      emptyDir: {}
{{- end -}}
