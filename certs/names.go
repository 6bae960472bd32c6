package certs

// Names that the manifests carry too. A test beside the manifests holds both to the same values.
const (
	// Namespace is where Pullgate is installed unless Options.Namespace says otherwise.
	Namespace = "pullgate-system"
	// SecretName is the Secret that holds the serving certificate.
	SecretName = "pullgate-certs"
	// ServiceName is the Service by which the API server reaches the webhook.
	ServiceName = "pullgate"
	// WebhookConfigurationName is the ValidatingWebhookConfiguration whose CA bundle follows the certificate.
	WebhookConfigurationName = "pullgate"
)

// ServerName returns the name that the API server asks for when it calls the webhook in this namespace.
func ServerName(namespace string) string { return ServiceName + "." + namespace + ".svc" }

// extraNames are the other names that the certificate answers to: the Service's full name, and localhost, so that the
// webhook can be tried outside a cluster.
func extraNames(o Options) []string {
	return append([]string{ServerName(o.Namespace) + ".cluster.local", "localhost"}, o.ExtraDNSNames...)
}
