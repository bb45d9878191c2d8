{{- define "armillary.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "armillary.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "armillary.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "armillary.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "armillary.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What selects all pods of the release; with a component, those of one kind. */}}
{{- define "armillary.selector" -}}
app.kubernetes.io/name: {{ include "armillary.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "armillary.labels" -}}
{{ include "armillary.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: armillary
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What is not said here, deploy/container/Containerfile says. */}}
{{- define "armillary.toml" -}}
base_url = {{ .Values.baseUrl | toJson }}
port = 8080
processes = {{ .Values.web.processes }}
workers = 0
worker_slots = {{ .Values.worker.slots }}
long_slots = {{ .Values.worker.longSlots }}
drain_seconds = {{ .Values.worker.drainSeconds }}
results = {{ .Values.results.s3.url | default "/var/lib/armillary/results" | toJson }}
{{- if .Values.metrics.enabled }}
metrics_port = 9464
metrics_host = "0.0.0.0"
{{- end }}
{{- if .Values.examples }}
examples = "/etc/armillary/examples.toml"
{{- end }}
{{- range $name, $value := .Values.settings }}
{{ $name }} = {{ toJson $value }}
{{- end }}
{{- end }}

{{- define "armillary.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.podSecurityContext }}
{{ toYaml . }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "armillary.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Settings whose values are files of a Secret: a dictionary with `secret` and `folder`. */}}
{{- define "armillary.secretVariables" -}}
{{- $folder := .folder }}
{{- range .secret.keys }}
- name: ARMILLARY_{{ . | upper }}_FILE
  value: {{ printf "/run/secrets/%s/%s" $folder . }}
{{- end }}
{{- end }}

{{- define "armillary.secretVolume" -}}
secret:
  secretName: {{ .name }}
  defaultMode: 0440
  items:
    {{- range concat .keys .files }}
    - {key: {{ . | quote }}, path: {{ . | quote }}}
    {{- end }}
{{- end }}

{{- define "armillary.s3Variables" -}}
{{- with .Values.results.s3 }}
{{- if .url }}
- name: AWS_REGION
  value: {{ .region | quote }}
{{- if .endpoint }}
- name: AWS_ENDPOINT_URL
  value: {{ .endpoint | quote }}
{{- end }}
{{- if .secretName }}
{{- $name := .secretName }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: {name: {{ $name }}, key: {{ . }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A volume that lives as long as its pod: a dictionary with `class` and `size`. */}}
{{- define "armillary.scratch" -}}
{{- if .class -}}
ephemeral:
  volumeClaimTemplate:
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: {{ .class }}
      resources:
        requests:
          storage: {{ .size }}
{{- else -}}
emptyDir:
  sizeLimit: {{ .size }}
{{- end }}
{{- end }}

{{/* What web and worker pods share: a dictionary with `root` and `pod`, the values of one of them. */}}
{{- define "armillary.volumes" -}}
- name: settings
  configMap:
    name: {{ include "armillary.fullname" .root }}
- name: secret
  {{- include "armillary.secretVolume" .root.Values.secret | nindent 2 }}
- name: data
  {{- include "armillary.scratch" (dict "class" .root.Values.scratchStorageClassName "size" .pod.scratch) | nindent 2 }}
- name: tmp
  {{- include "armillary.scratch" (dict "class" .root.Values.scratchStorageClassName "size" .pod.tmp) | nindent 2 }}
{{- if not .root.Values.results.s3.url }}
- name: results
  persistentVolumeClaim:
    claimName: {{ .root.Values.results.volume.existingClaim | default (printf "%s-results" (include "armillary.fullname" .root)) }}
{{- end }}
{{- end }}

{{- define "armillary.mounts" -}}
- name: settings
  mountPath: /etc/armillary
  readOnly: true
- name: secret
  mountPath: /run/secrets/armillary
  readOnly: true
- name: data
  mountPath: /var/lib/armillary
- name: tmp
  mountPath: /tmp
{{- if not .Values.results.s3.url }}
- name: results
  mountPath: /var/lib/armillary/results
{{- end }}
{{- end }}

{{- define "armillary.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* As many workers as there may be at once. */}}
{{- define "armillary.mostWorkers" -}}
{{- with .Values.worker }}
{{- if eq .autoscaling.kind "none" }}{{ .replicas }}{{ else }}{{ .autoscaling.maxReplicas }}{{ end }}
{{- end }}
{{- end }}

{{/* A pod that is a superuser of the database: a dictionary with `root`, `name`, `settings` (a ConfigMap) and `run`, its command or arguments. */}}
{{- define "armillary.adminPod" -}}
{{- $ := .root -}}
metadata:
  labels:
    {{- include "armillary.labels" $ | nindent 4 }}
    app.kubernetes.io/component: {{ .name }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 5
  securityContext:
    {{- include "armillary.podSecurity" $ | nindent 4 }}
  {{- with $.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "armillary.image" $ | quote }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      {{- toYaml .run | nindent 6 }}
      env:
        # The role of readers gets as many connections as all pods together may want.
        - name: ARMILLARY_PROCESSES
          value: {{ mul $.Values.web.replicas $.Values.web.processes | quote }}
        - name: ARMILLARY_WORKERS
          value: {{ include "armillary.mostWorkers" $ | quote }}
        {{- include "armillary.secretVariables" (dict "secret" $.Values.secret "folder" "armillary") | nindent 8 }}
        {{- include "armillary.secretVariables" (dict "secret" $.Values.migrate.secret "folder" "migrate") | nindent 8 }}
        {{- include "armillary.s3Variables" $ | nindent 8 }}
      securityContext:
        {{- include "armillary.containerSecurity" $ | nindent 8 }}
      resources:
        {{- toYaml $.Values.migrate.resources | nindent 8 }}
      volumeMounts:
        - name: settings
          mountPath: /etc/armillary
          readOnly: true
        - name: secret
          mountPath: /run/secrets/armillary
          readOnly: true
        - name: admin
          mountPath: /run/secrets/migrate
          readOnly: true
        - name: data
          mountPath: /var/lib/armillary
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: settings
      configMap:
        name: {{ .settings }}
    - name: secret
      {{- include "armillary.secretVolume" $.Values.secret | nindent 6 }}
    - name: admin
      {{- include "armillary.secretVolume" $.Values.migrate.secret | nindent 6 }}
    {{- range list "data" "tmp" }}
    - name: {{ . }}
      {{- include "armillary.scratch" (dict "class" $.Values.scratchStorageClassName "size" $.Values.migrate.scratch) | nindent 6 }}
    {{- end }}
{{- end }}
