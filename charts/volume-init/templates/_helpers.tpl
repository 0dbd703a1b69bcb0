{{/* Spec of the Job that copies the code. */}}
{{- define "volume-init.jobSpec" -}}
backoffLimit: {{ .Values.job.backoffLimit }}
activeDeadlineSeconds: {{ .Values.job.activeDeadlineSeconds }}
template:
  metadata:
    labels:
      {{- include "common.selectorLabels" (dict "root" .) | nindent 6 }}
  spec:
    restartPolicy: Never
    # The copy may be killed at any moment, and should not run on beside the one of the next Job.
    terminationGracePeriodSeconds: 1
    {{- include "common.oro.podSettings" . | nindent 4 }}
    containers:
      - name: copy-code
        {{- include "common.oro.containerImage" (dict "root" . "role" "application" "override" .Values.image) | nindent 8 }}
        # The image's entrypoint is not needed: this is plain file work, and the volume is mounted elsewhere, since a
        # claim mounted at the code's own path would hide it.
        command: [sh, -c]
        args:
          - |
            {{- .Files.Get "files/copy-code.sh" | nindent 12 }}
        env:
          - name: CODE_SOURCE
            value: {{ .Values.codeSource | quote }}
          - name: CODE_VERSION
            value: {{ include "common.oro.codeVersion" (dict "root" . "override" .Values.image) | quote }}
          - name: CODE_VOLUME
            value: /mnt/code
          - name: CACHE_VOLUME
            value: /mnt/cache
          - name: STATE_VOLUME
            value: /mnt/state
          - name: KEEP_VERSIONS
            value: {{ .Values.keepVersions | quote }}
        securityContext:
          {{- include "common.containerSecurityContext" . | nindent 10 }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
        volumeMounts:
          - name: code
            mountPath: /mnt/code
          - name: cache
            mountPath: /mnt/cache
          - name: state
            mountPath: /mnt/state
          - name: tmp
            mountPath: /tmp
    volumes:
      {{- include "common.oro.volumes" (dict "root" . "claims" (list "code" "cache" "state")) | nindent 6 }}
      - name: tmp
        emptyDir: {}
{{- end -}}
