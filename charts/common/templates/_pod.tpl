{{/*
Fields of a pod's spec that do not depend on its containers: (dict "root" . "securityContext" (dict "runAsUser" 70)).
Service links stay off: they would add variables such as DATABASE_PORT=tcp://... to every container.
No chart here talks to the API server, so no pod gets a token.
*/}}
{{- define "common.podSettings" -}}
{{- $values := .root.Values -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with $values.common.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  {{- mergeOverwrite (deepCopy $values.common.podSecurityContext) (.securityContext | default dict) ($values.podSecurityContext | default dict) | toYaml | nindent 2 }}
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
