{{/* The Secret with the first user's password: the given one, or the one this chart makes. */}}
{{- define "install.adminSecretName" -}}
{{- .Values.admin.existingSecret | default (include "common.suffixedName" (dict "root" . "suffix" "admin")) -}}
{{- end -}}

{{/* Spec of the Job that installs or restores. */}}
{{- define "install.jobSpec" -}}
{{- $image := dict "root" . "role" (ternary "application" "applicationInit" (eq .Values.mode "install")) "override" .Values.image -}}
{{- if not (has .Values.mode (list "install" "restore")) -}}
{{- fail (printf "mode is %q, but it has to be install or restore" .Values.mode) -}}
{{- end -}}
backoffLimit: {{ .Values.job.backoffLimit }}
activeDeadlineSeconds: {{ .Values.job.activeDeadlineSeconds }}
template:
  metadata:
    labels:
      {{- include "common.selectorLabels" (dict "root" .) | nindent 6 }}
  spec:
    restartPolicy: Never
    {{- include "common.oro.podSettings" . | nindent 4 }}
    initContainers:
      {{- include "common.oro.checkCode" $image | nindent 6 }}
    containers:
      - name: {{ .Values.mode }}
        {{- include "common.oro.containerImage" $image | nindent 8 }}
        args:
          - {{ .Values.mode }}
          {{- if eq .Values.mode "install" }}
          {{- range .Values.options }}
          - {{ . | quote }}
          {{- end }}
          {{- end }}
        env:
          {{- include "common.oro.environment" . | nindent 10 }}
          - name: ORO_SAMPLE_DATA
            value: {{ ternary "y" "n" .Values.sampleData | quote }}
          - name: ORO_USER_NAME
            value: {{ .Values.admin.username | quote }}
          - name: ORO_USER_FIRSTNAME
            value: {{ .Values.admin.firstName | quote }}
          - name: ORO_USER_LASTNAME
            value: {{ .Values.admin.lastName | quote }}
          - name: ORO_USER_EMAIL
            value: {{ .Values.admin.email | quote }}
          - name: ORO_USER_PASSWORD
            valueFrom:
              secretKeyRef:
                name: {{ include "install.adminSecretName" . }}
                key: password
          - name: ORO_ORGANIZATION_NAME
            value: {{ .Values.organization | quote }}
          - name: ORO_LANGUAGE
            value: {{ .Values.language | quote }}
          - name: ORO_FORMATTING_CODE
            value: {{ .Values.formattingCode | quote }}
        securityContext:
          {{- include "common.containerSecurityContext" . | nindent 10 }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
        volumeMounts:
          {{- include "common.oro.volumeMounts" (dict "root" . "readOnly" (list "code") "readWrite" (list "cache" "public" "private" "state")) | nindent 10 }}
          - name: tmp
            mountPath: /tmp
    volumes:
      {{- include "common.oro.volumes" (dict "root" . "claims" (list "code" "cache" "public" "private" "state")) | nindent 6 }}
      - name: tmp
        emptyDir: {}
{{- end -}}
