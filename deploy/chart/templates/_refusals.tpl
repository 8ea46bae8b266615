{{/* Fails with a sentence for each value of Spiderpool's chart that means nothing here. */}}
{{- define "orbweaver.refuse" -}}
{{- $root := . -}}
{{- $said := list -}}
{{- range $.Files.Get "files/spiderpool-values.yaml" | fromYamlArray -}}
{{- $at := $root.Values -}}
{{- $found := true -}}
{{- range splitList "." .value -}}
{{- if and $found (kindIs "map" $at) (hasKey $at .) -}}
{{- $at = index $at . -}}
{{- else -}}
{{- $found = false -}}
{{- end -}}
{{- end -}}
{{- if and $found (not (has (toJson $at) (include "orbweaver.texts" (.allowed | default list) | fromJsonArray))) -}}
{{- $said = append $said (printf "%s: %s" .value .because) -}}
{{- end -}}
{{- end -}}
{{- with $said -}}
{{- fail (printf "values of Spiderpool's chart that Orbweaver does not have:\n  %s" (join "\n  " .)) -}}
{{- end -}}
{{- end -}}

{{/* The JSON text of each item, as a JSON list of texts. */}}
{{- define "orbweaver.texts" -}}
{{- $texts := list -}}
{{- range . -}}{{- $texts = append $texts (toJson .) -}}{{- end -}}
{{- toJson $texts -}}
{{- end -}}
