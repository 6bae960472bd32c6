package integration

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// changeWebhooks changes every webhook of the configuration. It retries after conflicts with other writers.
func (e *environment) changeWebhooks(t *testing.T, change func(*admissionregistrationv1.ValidatingWebhook)) {
	t.Helper()
	c := e.caller(t)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current := webhooks()
		c.get(current)
		for i := range current.Webhooks {
			change(&current.Webhooks[i])
		}
		return c.update(current).err
	})
	if err != nil {
		t.Fatalf("changing the webhook configuration: %v", err)
	}
}

// replaceWebhooks replaces the webhooks by the webhooks of other manifests at another address, and keeps their CA bundle.
func (e *environment) replaceWebhooks(t *testing.T, objects manifests, url string) {
	t.Helper()
	var shipped admissionregistrationv1.ValidatingWebhookConfiguration
	objects.decode(t, webhookKind, &shipped)
	byName := map[string]admissionregistrationv1.ValidatingWebhook{}
	for _, webhook := range shipped.Webhooks {
		byName[webhook.Name] = webhook
	}
	e.changeWebhooks(t, func(webhook *admissionregistrationv1.ValidatingWebhook) {
		bundle := webhook.ClientConfig.CABundle
		*webhook = byName[webhook.Name]
		webhook.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: bundle}
	})
}

// webhooks returns an empty webhook configuration with its name, for reading it.
func webhooks() *admissionregistrationv1.ValidatingWebhookConfiguration {
	return &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "pullgate"}}
}
