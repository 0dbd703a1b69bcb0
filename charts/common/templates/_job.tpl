{{/*
A Job whose name carries a digest of all that it is: (dict "root" . "spec" "install.jobSpec"), `spec` names the template
of the Job's spec. A Job can't be changed once it exists. So a change of anything in it is a new Job, an upgrade that
changes nothing leaves the finished one alone, and a rollback finds its own. It is no hook: helm keeps it in the
release, so that its pods, logs and failure stay in sight.
*/}}
{{- define "common.job" -}}
{{- $spec := include .spec .root -}}
{{- $digest := printf "%s/%s" $spec (.root.Values.rerun | default "" | toString) | sha256sum | trunc 10 -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "common.suffixedName" (dict "root" .root "suffix" $digest) }}
  labels:
    {{- include "common.labels" (dict "root" .root) | nindent 4 }}
spec:
  {{- $spec | nindent 2 }}
{{- end -}}
