{{/* Labels of every object */}}
{{- define "odoo-telemetry.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Name of an object: that of the release, and that of a generated file without its folder and ending */}}
{{- define "odoo-telemetry.name" -}}
{{ printf "%s-%s" .release (base .path | trimSuffix (ext .path) | replace "_" "-") | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Labels of Odoo's pods. Not in values.yaml, whose labels Helm would add to those that are given */}}
{{- define "odoo-telemetry.podLabels" -}}
{{ .Values.odoo.podLabels | default (dict "app.kubernetes.io/name" "odoo") | toYaml }}
{{- end }}

{{/* A route of Alertmanager, and those below it, with the operator's names of its keys: groupBy for group_by */}}
{{- define "odoo-telemetry.route" -}}
{{- range $key, $value := omit . "matchers" "routes" }}
{{ $key | camelcase | untitle }}: {{ toJson $value }}
{{- end }}
{{- with .matchers }}
matchers: {{ include "odoo-telemetry.matchers" . }}
{{- end }}
{{- with .routes }}
routes:
  {{- range . }}
  - {{ include "odoo-telemetry.route" . | trim | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Matchers of Alertmanager, such as `team = business`, as the operator's objects, in JSON */}}
{{- define "odoo-telemetry.matchers" -}}
{{- $matchers := list }}
{{- range . }}
  {{- $name := regexFind "^\\w+" . }}
  {{- $type := regexFind "[!=~]+" . }}
  {{- $value := regexReplaceAll "^\\w+ *[!=~]+ *" . "" | trimAll "\"" }}
  {{- $matchers = append $matchers (dict "name" $name "matchType" $type "value" $value) }}
{{- end }}
{{- toJson $matchers }}
{{- end }}
