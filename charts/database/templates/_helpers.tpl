{{/* The Secret with user name and password: the given one, or the one this chart makes. */}}
{{- define "database.secretName" -}}
{{- .Values.auth.existingSecret | default (include "common.suffixedName" (dict "root" . "suffix" "credentials")) -}}
{{- end -}}
