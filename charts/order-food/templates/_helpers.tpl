{{/* What all three containers have alike. */}}
{{- define "order-food.container" -}}
{{- include "common.containerImage" (dict "root" . "image" .Values.image) }}
env:
  - name: DB_HOST
    value: {{ .Values.database.host | quote }}
  - name: DB_PORT
    value: {{ .Values.database.port | quote }}
  - name: DB_NAME
    value: {{ .Values.database.name | quote }}
  - name: DB_SSLMODE
    value: {{ .Values.database.sslMode | quote }}
  - name: DB_USER
    valueFrom:
      secretKeyRef:
        name: {{ .Values.database.secretName }}
        key: {{ .Values.database.usernameKey }}
  - name: DB_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ .Values.database.secretName }}
        key: {{ .Values.database.passwordKey }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- include "common.containerSecurityContext" . | nindent 2 }}
{{- end -}}
