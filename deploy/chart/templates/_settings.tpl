{{/* The settings of a part, with what users of Spiderpool's chart gave under its names. */}}
{{- define "orbweaver.agent" -}}
{{- mergeOverwrite (deepCopy .Values.agent) (deepCopy (.Values.spiderpoolAgent | default dict)) | toYaml -}}
{{- end -}}

{{- define "orbweaver.controller" -}}
{{- mergeOverwrite (deepCopy .Values.controller) (deepCopy (.Values.spiderpoolController | default dict)) | toYaml -}}
{{- end -}}

{{/* Older charts of Spiderpool had "feature" where newer ones have "ipam". */}}
{{- define "orbweaver.ipam" -}}
{{- $feature := deepCopy (.Values.feature | default dict) -}}
{{- if hasKey $feature "enableSpiderSubnet" -}}
{{- $_ := set $feature "spiderSubnet" (dict "enable" $feature.enableSpiderSubnet) -}}
{{- $_ := unset $feature "enableSpiderSubnet" -}}
{{- end -}}
{{- $given := deepCopy .Values.ipam -}}
{{- if hasKey $given "subnetDefaultFlexibleIPNumber" -}}
{{- $_ := set $given.spiderSubnet.autoPool "defaultRedundantIPNumber" $given.subnetDefaultFlexibleIPNumber -}}
{{- end -}}
{{- mergeOverwrite $given $feature | toYaml -}}
{{- end -}}

{{/* Empty where the API server has no such policies. Takes [root, agent or controller]. */}}
{{- define "orbweaver.hasAdmissionPolicies" -}}
{{- $part := include (printf "orbweaver.%s" (index . 1)) (index . 0) | fromYaml -}}
{{- if and $part.admissionPolicies ((index . 0).Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") -}}
true
{{- end -}}
{{- end -}}

{{/* Certificates of the connection to the IaaS provider. */}}
{{- define "orbweaver.providerMounts" -}}
{{- $tls := (.Values.iaasNetworkProvider | default dict).tls | default dict -}}
{{- if $tls.caSecret }}
- {name: iaas-provider-ca, mountPath: /etc/iaas-provider/ca, readOnly: true}
{{- end }}
{{- if $tls.clientSecret }}
- {name: iaas-provider-client, mountPath: /etc/iaas-provider/client, readOnly: true}
{{- end }}
{{- end -}}

{{/* Takes [root, mode of the files]. */}}
{{- define "orbweaver.providerVolumes" -}}
{{- $mode := index . 1 -}}
{{- $tls := ((index . 0).Values.iaasNetworkProvider | default dict).tls | default dict -}}
{{- with $tls.caSecret }}
- name: iaas-provider-ca
  secret: {secretName: {{ . }}, defaultMode: {{ $mode }}}
{{- end }}
{{- with $tls.clientSecret }}
- name: iaas-provider-client
  secret: {secretName: {{ . }}, defaultMode: {{ $mode }}}
{{- end }}
{{- end -}}
