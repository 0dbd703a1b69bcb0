{{/*
A pod that `helm test` runs: (dict "root" . "script" SCRIPT), optionally "image" (the two
image fields as YAML), "env", "volumes" and "volumeMounts" (YAML), "securityContext" of the pod. Its labels are none that
a Service of the release selects.
*/}}
{{- define "common.test" -}}
{{- $nobody := dict "runAsUser" 65534 "runAsGroup" 65534 -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "common.suffixedName" (dict "root" .root "suffix" "test") }}
  labels:
    helm.sh/chart: {{ include "common.chart" .root }}
    app.kubernetes.io/name: {{ include "common.name" .root | trunc 58 | trimSuffix "-" }}-test
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  {{- $settings := dict "root" .root "hook" true "securityContext" (.securityContext | default $nobody) "ownUser" true }}
  {{- include "common.podSettings" $settings | nindent 2 }}
  containers:
    - name: test
      {{- if .image }}
      {{- .image | nindent 6 }}
      {{- else }}
      {{- include "common.containerImage" (dict "root" .root "image" .root.Values.common.test.image) | nindent 6 }}
      {{- end }}
      command: [sh, -ec]
      args:
        - |
          {{- .script | trim | nindent 10 }}
      {{- with .env }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "common.containerSecurityContext" .root | nindent 8 }}
      resources:
        requests: {cpu: 10m, memory: 16Mi}
        limits: {memory: 128Mi}
      {{- with .volumeMounts }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
  {{- with .volumes }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}
