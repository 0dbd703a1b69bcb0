{{/* An image reference: (dict "image" .Values.image "root" .). A digest wins over a tag, and no tag means the appVersion. */}}
{{- define "common.image" -}}
{{- $image := .image -}}
{{- if $image.digest -}}
{{- if $image.tag -}}
{{- printf "%s:%s@%s" $image.repository $image.tag $image.digest -}}
{{- else -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- end -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The two image fields of a container. */}}
{{- define "common.containerImage" -}}
image: {{ include "common.image" . | quote }}
imagePullPolicy: {{ .image.pullPolicy | default "IfNotPresent" }}
{{- end -}}
