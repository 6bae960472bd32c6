package integration

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// changeWebhooks changes the webhook configuration, as often as someone else changes it at the same time.
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

// replaceWebhooks puts the rules of other manifests in place, which reach the same process.
func (e *environment) replaceWebhooks(t *testing.T, objects manifests) {
	t.Helper()
	var shipped admissionregistrationv1.ValidatingWebhookConfiguration
	objects.decode(t, webhookKind, &shipped)
	byName := map[string]admissionregistrationv1.ValidatingWebhook{}
	for _, webhook := range shipped.Webhooks {
		byName[webhook.Name] = webhook
	}
	e.changeWebhooks(t, func(webhook *admissionregistrationv1.ValidatingWebhook) {
		reached := webhook.ClientConfig
		*webhook = byName[webhook.Name]
		webhook.ClientConfig = reached
	})
}

// webhooks returns the webhook configuration's name, to be read.
func webhooks() *admissionregistrationv1.ValidatingWebhookConfiguration {
	return &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "pullgate"}}
}
