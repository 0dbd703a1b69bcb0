{{/*
How many pods of a workload may go at once: (dict "root" . "component" "consumer" "name" NAME), component and name
optional.
*/}}
{{- define "common.disruptionBudget" -}}
{{- if .root.Values.common.disruptionBudget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name | default (include "common.fullname" .root) }}
  labels:
    {{- include "common.labels" (dict "root" .root "component" .component) | nindent 4 }}
spec:
  maxUnavailable: {{ .root.Values.common.disruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "common.selectorLabels" (dict "root" .root "component" .component) | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* Spreads the pods of a workload over nodes: (dict "root" . "component" "consumer"), component optional. */}}
{{- define "common.topologySpread" -}}
{{- with .root.Values.common.topologySpread -}}
{{- if .enabled -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ .topologyKey }}
    whenUnsatisfiable: {{ .whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "common.selectorLabels" (dict "root" $.root "component" $.component) | nindent 8 }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* An autoscaler of a Deployment by CPU: (dict "root" . "autoscaling" .Values.autoscaling). */}}
{{- define "common.autoscaler" -}}
{{- if .autoscaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "common.fullname" .root }}
  labels:
    {{- include "common.labels" (dict "root" .root) | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "common.fullname" .root }}
  minReplicas: {{ .autoscaling.minReplicas }}
  maxReplicas: {{ .autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .autoscaling.targetCPUUtilizationPercentage }}
{{- end -}}
{{- end -}}
