{{/*
The ServiceAccount of a pod, or nothing for the namespace's default: (dict "root" . "hook" true). A hook's pod may run
before the release's own account is there.
*/}}
{{- define "common.serviceAccountName" -}}
{{- if .root.Values.serviceAccountName -}}
{{- .root.Values.serviceAccountName -}}
{{- else if and .root.Values.common.serviceAccount.create (not .hook) -}}
{{- include "common.fullname" .root -}}
{{- end -}}
{{- end -}}

{{/* The ServiceAccount of the release, if it has one of its own. */}}
{{- define "common.serviceAccount" -}}
{{- if and .Values.common.serviceAccount.create (not .Values.serviceAccountName) -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "common.fullname" . }}
  labels:
    {{- include "common.labels" (dict "root" .) | nindent 4 }}
  {{- with .Values.common.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{/*
Fields of a pod's spec that do not depend on its containers: (dict "root" . "securityContext" (dict "runAsUser" 70)
"hook" true "ownUser" true), the last two for pods of hooks, and for those that do not run as the chart's values say.
Service links stay off: they would add variables such as DATABASE_PORT=tcp://... to every container.
No chart here talks to the API server, so no pod gets a token.
*/}}
{{- define "common.podSettings" -}}
{{- $values := .root.Values -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "common.serviceAccountName" . }}
serviceAccountName: {{ . }}
{{- end }}
{{- with $values.common.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  {{- mergeOverwrite (deepCopy $values.common.podSecurityContext) (.securityContext | default dict) (ternary dict ($values.podSecurityContext | default dict) (.ownUser | default false)) | toYaml | nindent 2 }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The security context of a container: the library's defaults under the chart's own. */}}
{{- define "common.containerSecurityContext" -}}
{{- mergeOverwrite (deepCopy .Values.common.securityContext) (.Values.securityContext | default dict) | toYaml -}}
{{- end -}}

{{/*
The probes of a container as the values have them, templates in them included; a probe that is null or empty is left
out: (dict "root" . "probes" .Values.probes).
*/}}
{{- define "common.probes" -}}
{{- $result := dict -}}
{{- range $kind, $probe := .probes -}}
{{- if $probe -}}
{{- $_ := set $result (printf "%sProbe" $kind) $probe -}}
{{- end -}}
{{- end -}}
{{- if $result -}}
{{- tpl (toYaml $result) .root -}}
{{- end -}}
{{- end -}}
