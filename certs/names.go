package certs

// The names in the manifests. A test in package manifests compares both.
const (
	// Namespace is the default of Options.Namespace.
	Namespace = "pullgate-system"
	// SecretName is the Secret that holds the serving certificate.
	SecretName = "pullgate-certs"
	// ServiceName is the Service through which the API server calls the webhook.
	ServiceName = "pullgate"
	// WebhookConfigurationName is the ValidatingWebhookConfiguration with the CA bundle.
	WebhookConfigurationName = "pullgate"
)

// ServerName returns the DNS name with which the API server calls the webhook in this namespace.
func ServerName(namespace string) string { return ServiceName + "." + namespace + ".svc" }

// extraNames returns the other DNS names in the certificate: the Service's full name, and localhost for use outside a cluster.
func extraNames(namespace string) []string {
	return []string{ServerName(namespace) + ".cluster.local", "localhost"}
}
