{{/* Helm's own labels, the selector's label, and the labels of the values. */}}
{{- define "pullgate.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" "pullgate"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.labels) $own) }}
{{- end }}

{{/* Selectors cannot be changed in an upgrade. They are the same as in manifests/base. */}}
{{- define "pullgate.selector" -}}
app.kubernetes.io/name: pullgate
{{- end }}

{{/* metadata returns labels and annotations. Arguments: the context, and annotations of this object. */}}
{{- define "pullgate.metadata" -}}
{{- $context := index . 0 -}}
labels:
  {{- include "pullgate.labels" $context | nindent 2 }}
{{- with mergeOverwrite (deepCopy $context.Values.annotations) (index . 1) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pullgate.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The mount path of each entry of the value "files". */}}
{{- define "pullgate.mountPaths" -}}
caBundle: /etc/pullgate-ca
certsD: /etc/containerd/certs.d
clientCA: /etc/pullgate-clients
credentialProviderBin: /etc/pullgate-credential-providers/bin
credentialProviderConfig: /etc/pullgate-credential-providers/config
dockerConfig: /etc/pullgate-node
{{- end }}

{{/* The configuration file. Values have priority over the keys that the chart sets. */}}
{{- define "pullgate.configuration" -}}
{{- $paths := include "pullgate.mountPaths" . | fromYaml }}
{{- $nodes := dict }}
{{- if .Values.files.certsD }}{{ $_ := set $nodes "hostsDir" $paths.certsD }}{{ end }}
{{- if .Values.files.dockerConfig }}{{ $_ := set $nodes "dockerConfig" (printf "%s/config.json" $paths.dockerConfig) }}{{ end }}
{{- if .Values.files.credentialProviderConfig }}
{{- $_ := set $nodes "credentialProvider" (dict "config" $paths.credentialProviderConfig "binDir" $paths.credentialProviderBin) }}
{{- end }}
{{- $config := dict "apiVersion" "pullgate.dev/v1alpha1" "kind" "Configuration" "defaultMode" (ternary "warn" "off" .Values.allNamespaces) }}
{{- if $nodes }}{{ $_ := set $config "nodes" $nodes }}{{ end }}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) }}
{{- end }}

{{/* Namespaces that the API server never asks about. */}}
{{- define "pullgate.exemptNamespaces" -}}
{{- $names := list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace }}
{{- if and (eq .Values.certificates.source "cert-manager") (eq .Values.webhook.failurePolicy "Fail") }}
{{- $names = append $names .Values.certificates.certManager.namespace }}
{{- end }}
{{- concat $names .Values.exemptNamespaces | uniq | toJson }}
{{- end }}

{{/* The call of the webhook. */}}
{{- define "pullgate.clientConfig" -}}
service:
  namespace: {{ .Release.Namespace }}
  name: pullgate
  path: /validate
  port: 443
{{- if eq .Values.certificates.source "own" }}
{{- with .Values.certificates.own.caBundle }}
caBundle: {{ b64enc . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Values that the schema cannot compare with each other. */}}
{{- define "pullgate.validate" -}}
{{- if and (eq .Values.certificates.source "own") (not .Values.certificates.own.secretName) }}
{{- fail "certificates.own.secretName is required with certificates.source=own: name the Secret that contains tls.crt and tls.key" }}
{{- end }}
{{- if and .Values.clientAllowedNames (not .Values.files.clientCA) }}
{{- fail "clientAllowedNames has no effect without files.clientCA: give the authority of the client certificate" }}
{{- end }}
{{- if ne (empty .Values.files.credentialProviderConfig) (empty .Values.files.credentialProviderBin) }}
{{- fail "files.credentialProviderConfig and files.credentialProviderBin need each other: give both or none" }}
{{- end }}
{{- if and .Values.rights.namespaces (not .Values.rights.namespacedSecrets) }}
{{- fail "rights.namespaces has no effect without rights.namespacedSecrets=true: Pullgate already reads the pull secrets of all namespaces" }}
{{- end }}
{{- if and .Values.proxy.secretName (or .Values.proxy.httpProxy .Values.proxy.httpsProxy) }}
{{- fail "proxy.secretName replaces proxy.httpProxy and proxy.httpsProxy: give the Secret or the URLs" }}
{{- end }}
{{- end }}

{{/* The namespaces whose pods and workloads are checked. Any mode but "off" matches, so that a misspelt one acts as "warn". */}}
{{- define "pullgate.namespaceSelector" -}}
matchExpressions:
  {{- if not .Values.allNamespaces }}
  - key: pullgate.dev/mode
    operator: Exists
  {{- end }}
  - key: pullgate.dev/mode
    operator: NotIn
    values: ["off"]
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ include "pullgate.exemptNamespaces" . }}
{{- end }}

{{/* The environment of requests to registries: authorities, proxies, and the variables of the values. */}}
{{- define "pullgate.env" -}}
{{- if .Values.files.caBundle }}
- name: SSL_CERT_DIR
  value: {{ get (include "pullgate.mountPaths" . | fromYaml) "caBundle" }}
{{- end }}
{{- $secret := .Values.proxy.secretName }}
{{- range $name, $url := dict "HTTP_PROXY" .Values.proxy.httpProxy "HTTPS_PROXY" .Values.proxy.httpsProxy }}
{{- if $secret }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $name }}
      optional: true
{{- else if $url }}
- name: {{ $name }}
  value: {{ $url | quote }}
{{- end }}
{{- end }}
{{- with .Values.proxy }}
{{- if or .httpProxy .httpsProxy .secretName }}
- name: NO_PROXY
  value: {{ concat (list "$(KUBERNETES_SERVICE_HOST)" ".svc" ".cluster.local") .noProxy | join "," | quote }}
{{- end }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "pullgate.fileMounts" -}}
{{- $paths := include "pullgate.mountPaths" . | fromYaml }}
{{- range $name, $source := .Values.files }}
{{- if $source }}
- name: {{ kebabcase $name }}
  mountPath: {{ get $paths $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "pullgate.fileVolumes" -}}
{{- range $name, $source := .Values.files }}
{{- if $source }}
- name: {{ kebabcase $name }}
  {{- toYaml $source | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
