{{/*
Mounts of the shared volumes: (dict "root" . "readOnly" (list "code") "readWrite" (list "cache" "public")).
Names are those of common.oro.claims. Code and cache show the directory of their version only.
*/}}
{{- define "common.oro.volumeMounts" -}}
{{- $version := include "common.oro.codeVersion" (dict "root" .root) -}}
{{- $mounts := dict
  "code" (list (dict "mountPath" "/var/www/oro" "subPath" $version))
  "cache" (list (dict "mountPath" "/var/www/oro/var/cache" "subPath" $version))
  "public" (list (dict "mountPath" "/var/www/oro/public/media"))
  "private" (list (dict "mountPath" "/var/www/oro/var/data"))
  "state" (list
    (dict "mountPath" "/var/www/oro/var/maintenance" "subPath" "maintenance")
    (dict "mountPath" "/var/www/oro/var/multihost" "subPath" "multihost"))
-}}
{{- $result := list -}}
{{- range $access := list "readOnly" "readWrite" -}}
{{- range $claim := get $ $access | default list -}}
{{- range get $mounts $claim -}}
{{- $mount := merge (dict "name" $claim) . -}}
{{- if eq $access "readOnly" -}}
{{- $_ := set $mount "readOnly" true -}}
{{- end -}}
{{- $result = append $result $mount -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $result -}}
{{- end -}}

{{/* Volumes of a pod, one a claim: (dict "root" . "claims" (list "code" "cache")). */}}
{{- define "common.oro.volumes" -}}
{{- $result := list -}}
{{- range $claim := .claims -}}
{{- $name := get $.root.Values.common.oro.claims $claim -}}
{{- $result = append $result (dict "name" $claim "persistentVolumeClaim" (dict "claimName" $name)) -}}
{{- end -}}
{{- toYaml $result -}}
{{- end -}}
