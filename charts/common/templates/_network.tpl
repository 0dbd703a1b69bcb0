{{/*
What may connect to the pods of a release: (dict "root" . "ports" (list "http") "open" true). Ports are names; none
means that nobody may. `open`: from everywhere, else from the release's namespace and common.networkPolicy.extraFrom.
*/}}
{{- define "common.networkPolicy" -}}
{{- if .root.Values.common.networkPolicy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "common.fullname" .root }}
  labels:
    {{- include "common.labels" (dict "root" .root) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "common.selectorLabels" (dict "root" .root) | nindent 6 }}
  policyTypes: [Ingress]
  {{- if .ports }}
  ingress:
    - ports:
        {{- range .ports }}
        - port: {{ . }}
        {{- end }}
      {{- if not .open }}
      from:
        - podSelector: {}
        {{- with .root.Values.common.networkPolicy.extraFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
  {{- else }}
  ingress: []
  {{- end }}
{{- end -}}
{{- end -}}

{{/* An Ingress of any class: (dict "root" . "ingress" .Values.ingress "host" HOST "service" NAME "port" NUMBER). */}}
{{- define "common.ingress" -}}
{{- if .ingress.enabled -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "common.fullname" .root }}
  labels:
    {{- include "common.labels" (dict "root" .root) | nindent 4 }}
  {{- with .ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .ingress.tlsSecretName }}
  tls:
    - hosts: [{{ $.host | quote }}]
      secretName: {{ . }}
  {{- end }}
  rules:
    - host: {{ .host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ .service }}
                port:
                  number: {{ .port }}
{{- end -}}
{{- end -}}

{{/* A route of the Gateway API: (dict "root" . "route" .Values.httpRoute "host" HOST "service" NAME "port" NUMBER). */}}
{{- define "common.httpRoute" -}}
{{- if .route.enabled -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ include "common.fullname" .root }}
  labels:
    {{- include "common.labels" (dict "root" .root) | nindent 4 }}
  {{- with .route.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- required "httpRoute.parentRefs names the gateways" .route.parentRefs | toYaml | nindent 4 }}
  hostnames: [{{ .host | quote }}]
  rules:
    - backendRefs:
        - name: {{ .service }}
          port: {{ .port }}
{{- end -}}
{{- end -}}
