//go:build install

package install

// rendering is a set of values, and fields of the objects that they render.
type rendering struct {
	values string
	// want has JSON paths in objects of a kind and name, such as "Deployment/pullgate {.spec.replicas}", or kinds, with their
	// number of objects.
	want map[string]string
	// warning is a part of the API server's warning, if it has one for these values.
	warning string
}

const (
	container = "Deployment {.spec.template.spec.containers[0]"
	podSpec   = "Deployment {.spec.template.spec"
	webhooks  = "ValidatingWebhookConfiguration {.webhooks[*]"
	settings  = `ConfigMap {.data.config\.yaml}`
)

// renderings returns values of every kind. A test asserts that each value of the chart is among them.
func renderings() map[string]rendering {
	return map[string]rendering{
		"defaults": {want: map[string]string{
			container + ".image}":                           "ghcr.io/pullgate/pullgate:v0.1.0",
			container + ".args[*]}":                         "serve --config=/etc/pullgate/config.yaml --debug-bind-address=127.0.0.1:6060",
			container + ".resources.limits}":                `{"memory":"256Mi"}`,
			webhooks + ".failurePolicy}":                    "Ignore Ignore Ignore",
			settings:                                        "apiVersion: pullgate.dev/v1alpha1\ndefaultMode: \"off\"\nkind: Configuration\n",
			"Namespace":                                     "0",
			"Secret {.metadata.name}":                       "pullgate-certs",
			"Deployment {.spec.selector}":                   `{"matchLabels":{"app.kubernetes.io/name":"pullgate"}}`,
			"PodDisruptionBudget":                           "1",
			"NetworkPolicy":                                 "1",
			"ResourceQuota":                                 "1",
			"FlowSchema":                                    "1",
			"ValidatingWebhookConfiguration":                "1",
			"Service {.spec.ports[*].port}":                 "443",
			"ClusterRole/pullgate {.rules[*].resources[0]}": "secrets serviceaccounts nodes namespaces validatingwebhookconfigurations",
		}},
		"Events": {values: "denialEvents: true", want: map[string]string{
			container + ".args[*]}":                              "serve --config=/etc/pullgate/config.yaml --debug-bind-address=127.0.0.1:6060 --denial-events",
			"ClusterRole/pullgate-events {.rules[*].verbs}":      `["create","patch"]`,
			"ClusterRoleBinding/pullgate-events {.roleRef.name}": "pullgate-events",
		}},
		"image by tag": {
			values: "image: {repository: registry.example/pullgate, tag: v1, pullPolicy: Always, pullSecrets: [{name: regcred}]}",
			want: map[string]string{
				container + ".image}":                        "registry.example/pullgate:v1",
				container + ".imagePullPolicy}":              "Always",
				podSpec + ".imagePullSecrets[*].name}":       "regcred",
				"ServiceAccount {.imagePullSecrets[*].name}": "regcred",
			},
		},
		"image by digest": {
			values: "image: {tag: v1, digest: 'sha256:" + digest + "'}",
			want:   map[string]string{container + ".image}": "ghcr.io/pullgate/pullgate@sha256:" + digest},
		},
		"configuration": {
			values: "config: {defaultMode: audit, limits: {perRegistry: 4}, nodes: {watch: false}}",
			want: map[string]string{settings: "apiVersion: pullgate.dev/v1alpha1\ndefaultMode: audit\nkind: Configuration\n" +
				"limits:\n  perRegistry: 4\nnodes:\n  watch: false\n"},
		},
		"all namespaces with exemptions": {
			values: "{allNamespaces: true, exemptNamespaces: [calico-system, kube-system]}",
			want: map[string]string{
				settings: "apiVersion: pullgate.dev/v1alpha1\ndefaultMode: warn\nkind: Configuration\n",
				"ValidatingWebhookConfiguration {.webhooks[0].namespaceSelector.matchExpressions[*].operator}":  "NotIn NotIn",
				"ValidatingWebhookConfiguration {.webhooks[1].namespaceSelector.matchExpressions[1].values[*]}": "kube-system kube-public kube-node-lease pullgate-system calico-system",
				"ValidatingWebhookConfiguration {.webhooks[2].namespaceSelector.matchExpressions[2].values[*]}": "kube-system kube-public kube-node-lease pullgate-system calico-system",
			},
		},
		"failing closed": {
			values: "webhook: {failurePolicy: Fail, timeoutSeconds: 10, annotations: {example.com/owner: platform}}",
			want: map[string]string{
				webhooks + ".failurePolicy}":                             "Fail Ignore Ignore",
				webhooks + ".timeoutSeconds}":                            "10 10 10",
				`ValidatingWebhookConfiguration {.metadata.annotations}`: `{"example.com/owner":"platform"}`,
				"ValidatingWebhookConfiguration {.webhooks[0].namespaceSelector.matchExpressions[2].values[*]}": "kube-system kube-public kube-node-lease pullgate-system",
			},
		},
		// cert-manager's pods must start while Pullgate has no certificate.
		"cert-manager, failing closed in all namespaces": {
			values: "{certificates: {source: cert-manager, certManager: {namespace: certificates}}, allNamespaces: true, webhook: {failurePolicy: Fail}}",
			want: map[string]string{
				"ValidatingWebhookConfiguration {.webhooks[0].namespaceSelector.matchExpressions[1].values[*]}": "kube-system kube-public kube-node-lease pullgate-system certificates",
				`ValidatingWebhookConfiguration {.metadata.annotations}`:                                        `{"cert-manager.io/inject-ca-from":"pullgate-system/pullgate"}`,
				container + ".args[*]}":                    "serve --config=/etc/pullgate/config.yaml --debug-bind-address=127.0.0.1:6060 --cert-dir=/var/run/pullgate/certs",
				container + ".env[*].name}":                "POD_NAMESPACE",
				podSpec + ".volumes[1].secret.secretName}": "pullgate-certs",
				"Certificate":                              "2",
				"Secret":                                   "0",
			},
		},
		"cert-manager with an issuer": {
			values: "certificates: {source: cert-manager, certManager: {issuerRef: {kind: ClusterIssuer, name: corporate}}}",
			want: map[string]string{
				"Certificate {.spec.issuerRef}": `{"group":"cert-manager.io","kind":"ClusterIssuer","name":"corporate"}`,
				"Issuer":                        "0",
			},
		},
		"own certificate": {
			values: "certificates: {source: own, own: {secretName: web-tls, caBundle: '-----BEGIN CERTIFICATE-----'}}",
			want: map[string]string{
				podSpec + ".volumes[1].secret.secretName}": "web-tls",
				webhooks + ".clientConfig.caBundle}":       "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
				"Role {.metadata.namespace}":               "kube-public",
				"Secret":                                   "0",
			},
		},
		"rights in single namespaces": {
			values: "rights: {namespacedSecrets: true, namespaces: [shop]}",
			want: map[string]string{
				"ClusterRole/pullgate {.rules[*].resources[*]}":               "nodes namespaces validatingwebhookconfigurations",
				"RoleBinding/pullgate {.metadata.namespace}/{.roleRef.name} ": "shop/pullgate-pull-secrets kube-public/pullgate ",
			},
		},
		"files": {
			values: `
files:
  certsD: {configMap: {name: hosts, items: [{key: docker.io.toml, path: docker.io/hosts.toml}]}}
  dockerConfig: {secret: {secretName: node, items: [{key: .dockerconfigjson, path: config.json}]}}
  credentialProviderConfig: {projected: {sources: [{configMap: {name: providers}}]}}
  credentialProviderBin: {image: {reference: 'registry.example/providers:v1'}}
  caBundle: {configMap: {name: authorities}}
  clientCA: {configMap: {name: clients}}
clientAllowedNames: [apiserver, other]
`,
			want: map[string]string{
				container + ".args[*]}":              "serve --config=/etc/pullgate/config.yaml --debug-bind-address=127.0.0.1:6060 --client-ca-file=/etc/pullgate-clients/ca.crt --client-allowed-names=apiserver,other",
				container + ".volumeMounts[*].name}": "config certs ca-bundle certs-d client-ca credential-provider-bin credential-provider-config docker-config",
				podSpec + ".volumes[*].name}":        "config certs ca-bundle certs-d client-ca credential-provider-bin credential-provider-config docker-config",
				podSpec + ".volumes[5].image}":       `{"reference":"registry.example/providers:v1"}`,
				container + ".volumeMounts[2:].mountPath}": "/etc/pullgate-ca /etc/containerd/certs.d /etc/pullgate-clients /etc/pullgate-credential-providers/bin " +
					"/etc/pullgate-credential-providers/config /etc/pullgate-node",
				container + ".env[2]}": `{"name":"SSL_CERT_DIR","value":"/etc/pullgate-ca"}`,
				settings: "apiVersion: pullgate.dev/v1alpha1\ndefaultMode: \"off\"\nkind: Configuration\nnodes:\n  credentialProvider:\n" +
					"    binDir: /etc/pullgate-credential-providers/bin\n    config: /etc/pullgate-credential-providers/config\n" +
					"  dockerConfig: /etc/pullgate-node/config.json\n  hostsDir: /etc/containerd/certs.d\n",
			},
		},
		"proxies": {
			values: "proxy: {httpProxy: 'http://proxy.example:3128', httpsProxy: 'http://proxy.example:3129', noProxy: [.corp.example]}",
			want: map[string]string{
				container + ".env[2:].name}":  "HTTPS_PROXY HTTP_PROXY NO_PROXY",
				container + ".env[2:].value}": "http://proxy.example:3129 http://proxy.example:3128 $(KUBERNETES_SERVICE_HOST),.svc,.cluster.local,.corp.example",
			},
		},
		"proxies of a Secret": {
			values: "proxy: {secretName: proxy}",
			want: map[string]string{
				container + ".env[2].valueFrom}": `{"secretKeyRef":{"key":"HTTPS_PROXY","name":"proxy","optional":true}}`,
				container + ".env[3].valueFrom}": `{"secretKeyRef":{"key":"HTTP_PROXY","name":"proxy","optional":true}}`,
				container + ".env[4].value}":     "$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local",
			},
		},
		"environment and arguments": {
			values: "{env: [{name: GOMEMLIMIT, value: 200MiB}], args: [--shutdown-delay=5s]}",
			want: map[string]string{
				container + ".env[2]}":  `{"name":"GOMEMLIMIT","value":"200MiB"}`,
				container + ".args[3]}": "--shutdown-delay=5s",
			},
		},
		"large cluster": {
			values: `
replicas: 4
resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 2Gi}}
priorityClassName: system-node-critical
resourceQuota: {pods: 8}
podDisruptionBudget: {maxUnavailable: 50%}
topologySpread: {topologyKeys: [topology.kubernetes.io/zone], whenUnsatisfiable: DoNotSchedule}
nodeSelector: {kubernetes.io/os: linux, pool: system}
tolerations: [{key: pool, operator: Exists}]
affinity: {podAntiAffinity: {}}
networkPolicy: {webhookFrom: [{ipBlock: {cidr: 192.0.2.10/32}}], metricsFrom: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}
flowSchema: {matchingPrecedence: 500, priorityLevel: system}
`,
			want: map[string]string{
				"Deployment {.spec.replicas}":                                       "4",
				container + ".resources}":                                           `{"limits":{"memory":"2Gi"},"requests":{"cpu":1,"memory":"1Gi"}}`,
				podSpec + ".priorityClassName}":                                     "system-node-critical",
				"ResourceQuota {.spec.hard}":                                        `{"pods":"8"}`,
				"ResourceQuota {.spec.scopeSelector.matchExpressions[*].values[*]}": "system-node-critical",
				"PodDisruptionBudget {.spec.maxUnavailable}":                        "50%",
				podSpec + ".topologySpreadConstraints[*].topologyKey}":              "topology.kubernetes.io/zone",
				podSpec + ".topologySpreadConstraints[*].whenUnsatisfiable}":        "DoNotSchedule",
				podSpec + ".nodeSelector}":                                          `{"kubernetes.io/os":"linux","pool":"system"}`,
				podSpec + ".tolerations}":                                           `[{"key":"pool","operator":"Exists"}]`,
				podSpec + ".affinity}":                                              `{"podAntiAffinity":{}}`,
				"NetworkPolicy {.spec.ingress[0].from}":                             `[{"ipBlock":{"cidr":"192.0.2.10/32"}}]`,
				"NetworkPolicy {.spec.ingress[1].from}":                             `[{"namespaceSelector":{"matchLabels":{"name":"monitoring"}}}]`,
				"FlowSchema {.spec.matchingPrecedence}":                             "500",
				"FlowSchema {.spec.priorityLevelConfiguration}":                     `{"name":"system"}`,
			},
		},
		"small cluster": {
			values: "{replicas: 1, priorityClassName: '', topologySpread: {topologyKeys: []}, podDisruptionBudget: {enabled: false}, " +
				"networkPolicy: {enabled: false}, flowSchema: {enabled: false}}",
			want: map[string]string{
				"PodDisruptionBudget": "0", "NetworkPolicy": "0", "FlowSchema": "0", "ResourceQuota": "0",
				podSpec + ".topologySpreadConstraints}": "",
				podSpec + ".priorityClassName}":         "",
			},
		},
		"no quota": {
			values: "resourceQuota: {enabled: false}",
			want:   map[string]string{"ResourceQuota": "0", podSpec + ".priorityClassName}": "system-cluster-critical"},
		},
		"network of the nodes": {
			values:  "{hostNetwork: true, createNamespace: true}",
			warning: "hostNetwork",
			want: map[string]string{
				podSpec + ".hostNetwork}": "true",
				`Namespace {.metadata.labels.pod-security\.kubernetes\.io/enforce}`: "privileged",
			},
		},
		"OpenShift": {
			values: "openshift: true",
			want:   map[string]string{podSpec + ".securityContext}": `{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}`},
		},
		"labels and annotations": {
			values: "{labels: {team: platform}, annotations: {note: a}, podLabels: {sidecar.istio.io/inject: 'false'}, podAnnotations: {note: b}, " +
				"serviceAccount: {annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/pullgate'}}}",
			want: map[string]string{
				"Service {.metadata.labels.team}":                       "platform",
				"Service {.metadata.annotations}":                       `{"note":"a"}`,
				"Deployment {.spec.template.metadata.labels}":           `{"app.kubernetes.io/name":"pullgate","sidecar.istio.io/inject":"false","team":"platform"}`,
				"Deployment {.spec.template.metadata.annotations.note}": "b",
				"Service {.spec.selector}":                              `{"app.kubernetes.io/name":"pullgate"}`,
				"ServiceAccount {.metadata.annotations}":                `{"eks.amazonaws.com/role-arn":"arn:aws:iam::1:role/pullgate","note":"a"}`,
			},
		},
		// The Pod of "helm test" is not part of this rendering; TestHelmTestChecksAnImage has it.
		"test": {values: "test: {image: 'registry.example/shop/web:1.27'}", want: map[string]string{"Pod": "0"}},
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
