{{/* What the containers of all three programs have alike. */}}
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
  {{- with .Values.apiKey.existingSecret }}
  - name: API_KEY
    valueFrom:
      secretKeyRef:
        name: {{ . }}
        key: {{ $.Values.apiKey.key }}
  {{- end }}
  {{- if eq .Values.preparation.mode "initContainers" }}
  - name: STEP_REPORTS
    value: /var/run/order-food
  {{- end }}
  - name: POD_UID
    valueFrom:
      fieldRef:
        fieldPath: metadata.uid
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  {{- with .Values.tracing.otlpEndpoint }}
  - name: OTEL_EXPORTER_OTLP_ENDPOINT
    value: {{ . | quote }}
  - name: OTEL_RESOURCE_ATTRIBUTES
    value: k8s.namespace.name={{ $.Release.Namespace }},k8s.pod.name=$(POD_NAME),k8s.pod.uid=$(POD_UID)
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- include "common.containerSecurityContext" . | nindent 2 }}
{{- end -}}

{{/* The steps that are switched on, in their order: YAML of a list of {name, resources}. */}}
{{- define "order-food.steps" -}}
{{- $steps := list -}}
{{- with .Values.preparation -}}
{{- if .databaseMigration.enabled -}}
{{- $steps = append $steps (dict "name" "database-migration" "resources" .databaseMigration.resources) -}}
{{- end -}}
{{- if .databaseLoad.enabled -}}
{{- $steps = append $steps (dict "name" "database-load" "resources" .databaseLoad.resources) -}}
{{- end -}}
{{- end -}}
{{- toYaml $steps -}}
{{- end -}}

{{/* The container of a step: (dict "root" . "step" STEP). */}}
{{- define "order-food.stepContainer" -}}
name: {{ .step.name }}
{{ include "order-food.container" .root }}
command: [{{ .step.name }}]
resources:
  {{- toYaml .step.resources | nindent 2 }}
{{- end -}}
