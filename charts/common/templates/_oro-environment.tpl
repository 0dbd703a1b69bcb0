{{/*
The environment of everything that runs OroCommerce's code. Host names are said once, in common.oro, because the
application builds most of them into longer values: a Service under another name must be changed at one place only.
The order matters: $(NAME) refers to entries above it.
*/}}
{{- define "common.oro.environment" -}}
{{- $oro := .Values.common.oro -}}
{{ include "common.oro.siteEnvironment" . }}
- name: ORO_DB_HOST
  value: {{ $oro.database.host | quote }}
- name: ORO_DB_PORT
  value: {{ $oro.database.port | quote }}
- name: ORO_DB_NAME
  value: {{ $oro.database.name | quote }}
- name: ORO_DB_VERSION
  value: {{ $oro.database.serverVersion | quote }}
- name: ORO_DB_USER
  valueFrom:
    secretKeyRef:
      name: {{ $oro.database.secretName }}
      key: {{ $oro.database.usernameKey }}
- name: ORO_DB_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $oro.database.secretName }}
      key: {{ $oro.database.passwordKey }}
- name: ORO_DB_DSN
  value: postgres://$(ORO_DB_USER):$(ORO_DB_PASSWORD)@$(ORO_DB_HOST):$(ORO_DB_PORT)/$(ORO_DB_NAME)?sslmode={{ $oro.database.sslMode }}&charset=utf8&serverVersion=$(ORO_DB_VERSION)
- name: ORO_MAILER_DSN
  value: {{ printf "smtp://%s:%v" $oro.mail.host $oro.mail.port | quote }}
- name: ORO_MQ_DSN
  value: "dbal:"
{{- with $oro.redis.secretName }}
- name: ORO_REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $oro.redis.passwordKey }}
{{- end }}
- name: ORO_SESSION_DSN
  value: {{ $oro.sessionDsn | quote }}
{{- with $oro.redis.cacheDsn }}
- name: ORO_REDIS_CACHE_DSN
  value: {{ . | quote }}
{{- end }}
{{- with $oro.redis.doctrineDsn }}
- name: ORO_REDIS_DOCTRINE_DSN
  value: {{ . | quote }}
{{- end }}
{{- with $oro.redis.layoutDsn }}
- name: ORO_REDIS_LAYOUT_DSN
  value: {{ . | quote }}
{{- end }}
- name: ORO_SEARCH_ENGINE_DSN
  value: "orm:?prefix=oro_search"
- name: ORO_WEBSITE_SEARCH_ENGINE_DSN
  value: "orm:?prefix=oro_website_search"
{{- with $oro.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The part of the environment that nginx has use for: it is given no credentials. */}}
{{- define "common.oro.siteEnvironment" -}}
{{- $oro := .Values.common.oro -}}
{{- $port := ternary 443 80 (eq $oro.protocol "https") -}}
- name: ORO_ENV
  value: {{ $oro.environment | quote }}
- name: ORO_APP_DOMAIN
  value: {{ $oro.domain | quote }}
- name: ORO_APP_PROTOCOL
  value: {{ $oro.protocol | quote }}
- name: ORO_APP_URL
  value: {{ printf "%s://%s/" $oro.protocol $oro.domain | quote }}
- name: ORO_LOG_PATH
  value: php://stderr
- name: ORO_WEBSOCKET_SERVER_DSN
  value: {{ printf "//0.0.0.0:%v" $oro.websocket.port | quote }}
- name: ORO_WEBSOCKET_FRONTEND_DSN
  value: {{ printf "//*:%d/ws" $port | quote }}
- name: ORO_WEBSOCKET_BACKEND_DSN
  value: {{ printf "tcp://%s:%v" $oro.websocket.host $oro.websocket.port | quote }}
- name: ORO_PHP_FPM_HOST
  value: {{ $oro.phpFpm.host | quote }}
- name: ORO_PHP_FPM_PORT
  value: {{ $oro.phpFpm.port | quote }}
- name: ORO_MULTIHOST_OPERATION_FOLDER
  value: /var/www/oro/var/multihost
- name: ORO_MAINTENANCE_LOCK_FOLDER
  value: /var/www/oro/var/maintenance
{{- end -}}
