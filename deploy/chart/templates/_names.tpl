{{/* Labels of every object. */}}
{{- define "orbweaver.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
app.kubernetes.io/part-of: orbweaver
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- with .Values.global.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Annotations of every object, as the whole field; nothing if there are none. Takes [root, own annotations]. */}}
{{- define "orbweaver.annotations" -}}
{{- $all := merge (dict) (index . 1 | default dict) (index . 0).Values.global.commonAnnotations -}}
{{- with $all }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The reference of an image. Takes [root, image]. */}}
{{- define "orbweaver.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := $root.Values.global.imageRegistryOverride | default $image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (ne $registry "") -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $image.tag | default (printf "v%s" $root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{/* Takes [root, image]. */}}
{{- define "orbweaver.pullSecrets" -}}
{{- with concat (index . 0).Values.global.imagePullSecrets (index . 1).imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where the API server is, for clusters without kube-proxy. */}}
{{- define "orbweaver.apiServerEnvironment" -}}
{{- with .Values.k8sServiceHost }}
- name: KUBERNETES_SERVICE_HOST
  value: {{ . | quote }}
{{- end }}
{{- with .Values.k8sServicePort }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* The folders of CNI files on the nodes, and the socket of the runtime: binFolder, confFolder, runtimeSocket. */}}
{{- define "orbweaver.folders" -}}
{{- $platform := index (.Files.Get "files/platforms.json" | fromJson) .Values.platform -}}
binFolder: {{ .Values.global.cniBinHostPath | default $platform.binFolder }}
confFolder: {{ .Values.global.cniConfHostPath | default $platform.confFolder }}
runtimeSocket: {{ $platform.runtimeSocket }}
{{- end -}}
