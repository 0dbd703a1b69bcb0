{{/*
One of the three OroCommerce images with a chart's own override: (dict "root" . "role" "runtime" "override" .Values.image).
An override that says a repository or tag, but no digest, leaves the shared digest behind: it is of another image.
The result is YAML of {repository, tag, digest, pullPolicy}.
*/}}
{{- define "common.oro.image" -}}
{{- $override := .override | default dict -}}
{{- $image := deepCopy (get .root.Values.common.oro.images .role) -}}
{{- if or $override.repository $override.tag -}}
{{- $_ := set $image "digest" "" -}}
{{- end -}}
{{- range $key, $value := $override -}}
{{- if $value -}}
{{- $_ := set $image $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $image -}}
{{- end -}}

{{/* The image fields of a container with one of the OroCommerce images; arguments as for common.oro.image. */}}
{{- define "common.oro.containerImage" -}}
{{- include "common.containerImage" (dict "root" .root "image" (include "common.oro.image" . | fromYaml)) -}}
{{- end -}}

{{/*
Name of the directory that holds the code: (dict "root" . "override" .Values.image). Two builds under one tag differ in
their digest, so the digest is a part of the name when there is one.
*/}}
{{- define "common.oro.codeVersion" -}}
{{- with .root.Values.common.oro.codeVersion -}}
{{- . -}}
{{- else -}}
{{- $image := include "common.oro.image" (dict "root" .root "role" "application" "override" .override) | fromYaml -}}
{{- $digest := $image.digest | default "" | replace ":" "-" | trunc 19 -}}
{{- list $image.tag $digest | compact | join "-" -}}
{{- end -}}
{{- end -}}

{{/* Pod settings of an OroCommerce pod: it runs as the owner of the shared files. */}}
{{- define "common.oro.podSettings" -}}
{{- $user := .Values.common.oro.user -}}
{{- include "common.podSettings" (dict "root" . "securityContext" (dict "runAsUser" (int64 $user.uid) "runAsGroup" (int64 $user.gid) "fsGroup" (int64 $user.gid))) -}}
{{- end -}}

{{/*
The init container that looks whether the mounted code is the version this pod was made for. A claim's subPath that does
not exist is created empty by the kubelet, so without it a pod whose volume-init has not run would start without code.
The kubelet mounts anew at every restart of the container: the pod recovers by itself when the code has arrived.
Arguments as for common.oro.image: the image of the pod's main container saves a pull.
*/}}
{{- define "common.oro.checkCode" -}}
- name: check-code
  {{- include "common.oro.containerImage" . | nindent 2 }}
  command: [sh, -ec]
  args:
    - |
      found=$(cat /var/www/oro/.code-version 2>/dev/null || true)
      if [ "$found" != "$CODE_VERSION" ]; then
        echo "no complete code of version $CODE_VERSION on claim $CODE_CLAIM: has volume-init run for it? (found: ${found:-nothing})" >&2
        exit 1
      fi
      echo "code of version $CODE_VERSION is in place"
  env:
    - name: CODE_VERSION
      value: {{ include "common.oro.codeVersion" (dict "root" .root) | quote }}
    - name: CODE_CLAIM
      value: {{ .root.Values.common.oro.claims.code | quote }}
  securityContext:
    {{- include "common.containerSecurityContext" .root | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 64Mi}
  volumeMounts:
    {{- include "common.oro.volumeMounts" (dict "root" .root "readOnly" (list "code")) | nindent 4 }}
{{- end -}}

{{/* A script for the runtime image that succeeds if this SQL says yes: a query of one boolean. */}}
{{- define "common.oro.askDatabase" -}}
php -r '
  $dsn = parse_url(getenv("ORO_DB_DSN"));
  $pdo = new PDO("pgsql:host={$dsn["host"]};port={$dsn["port"]};dbname=" . trim($dsn["path"], "/"), $dsn["user"], $dsn["pass"]);
  exit($pdo->query($argv[1])->fetchColumn() ? 0 : 1);
' {{ . | squote }}
{{- end -}}
