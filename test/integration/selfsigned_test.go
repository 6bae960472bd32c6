package integration

import (
	"bytes"
	"context"
	"crypto/x509"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/test/registry"
)

// testSelfSigned checks the self-signed certificate, and removes the objects that it depends on.
func testSelfSigned(t *testing.T, e *environment) {
	t.Run("created and injected", func(t *testing.T) {
		secret := e.certificateSecret(t)
		if !e.isTrusted(t, secret) {
			t.Error("the API server does not trust the served certificate")
		}
		for _, key := range []string{"ca.crt", "ca.key", "tls.crt", "tls.key"} {
			if len(secret.Data[key]) == 0 {
				t.Errorf("the Secret lacks %s", key)
			}
		}
	})
	t.Run("secret emptied", func(t *testing.T) {
		secret := e.certificateSecret(t)
		before := secret.Data["ca.crt"]
		secret.Data = nil
		c := e.caller(t)
		c.must(c.update(secret))
		e.awaitTrusted(t, before)
		e.awaitDecisions(t)
	})
	t.Run("secret deleted", func(t *testing.T) {
		secret := e.certificateSecret(t)
		c := e.caller(t)
		if err := c.client.Delete(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another secret", func(ctx context.Context) bool {
			return c.client.Get(ctx, client.ObjectKeyFromObject(secret), &corev1.Secret{}) == nil
		})
		e.awaitTrusted(t, secret.Data["ca.crt"])
		e.awaitDecisions(t)
	})
	other, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	for name, bundle := range map[string][]byte{"bundle emptied": nil, "bundle of another CA": other.PEM()} {
		t.Run(name, func(t *testing.T) {
			e.changeWebhooks(t, func(webhook *admissionregistrationv1.ValidatingWebhook) { webhook.ClientConfig.CABundle = bundle })
			e.awaitTrusted(t, bundle)
			e.awaitDecisions(t)
		})
	}
}

func (e *environment) certificateSecret(t *testing.T) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "pullgate-certs"}}
	e.caller(t).get(secret)
	return secret
}

// awaitTrusted waits until the API server trusts a CA other than the old one.
func (e *environment) awaitTrusted(t *testing.T, old []byte) {
	t.Helper()
	eventually(t, "a certificate that the API server trusts", func(context.Context) bool {
		secret := e.certificateSecret(t)
		return !bytes.Equal(secret.Data["ca.crt"], old) && e.isTrusted(t, secret)
	})
}

// isTrusted reports whether every webhook of the configuration trusts the CA in the Secret, and the process serves a certificate
// of that CA.
func (e *environment) isTrusted(t *testing.T, secret *corev1.Secret) bool {
	t.Helper()
	configuration := webhooks()
	e.caller(t).get(configuration)
	for _, webhook := range configuration.Webhooks {
		if len(secret.Data["ca.crt"]) == 0 || !bytes.Equal(webhook.ClientConfig.CABundle, secret.Data["ca.crt"]) {
			return false
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(secret.Data["ca.crt"])
	for _, name := range []string{"localhost", "pullgate.pullgate-system.svc"} {
		if _, err := e.pullgate.servedCertificate(t, roots, name); err != nil {
			return false
		}
	}
	return true
}
