{{/*
Labels of an object: (dict "root" . "component" "consumer"), component optional.
Pod templates and volumeClaimTemplates take common.selectorLabels instead: the chart's version in them would restart pods
for nothing, and a StatefulSet would refuse the upgrade.
*/}}
{{- define "common.labels" -}}
helm.sh/chart: {{ include "common.chart" .root }}
{{ include "common.selectorLabels" . }}
{{- with .root.Chart.AppVersion }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* The labels that never change, for selectors and pod templates: (dict "root" . "component" "consumer"). */}}
{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ include "common.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}
