package integration

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/test/registry"
)

// clientName is the common name in the API server's certificate for webhooks.
const clientName = "pullgate-webhook-client"

// writeClientCertificate creates the API server's certificate for webhooks, and returns the path of the AdmissionConfiguration that
// names it. The API server presents it to servers that request one.
func (e *environment) writeClientCertificate(t *testing.T, dir string) string {
	t.Helper()
	e.clients = newCA(t)
	cert, key, err := registry.EncodePEM(clientCertificate(t, e.clients, clientName))
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, "webhooks", name) }
	writeFile(t, path("client.crt"), cert)
	writeFile(t, path("client.key"), key)
	writeFile(t, path("kubeconfig.yaml"), []byte(`apiVersion: v1
kind: Config
users:
  - name: "*"
    user:
      client-certificate: `+path("client.crt")+`
      client-key: `+path("client.key")+`
`))
	writeFile(t, path("admission.yaml"), []byte(`apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: ValidatingAdmissionWebhook
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: WebhookAdmissionConfiguration
      kubeConfigFile: `+path("kubeconfig.yaml")+`
`))
	return path("admission.yaml")
}

func newCA(t *testing.T) *registry.CA {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func clientCertificate(t *testing.T, ca *registry.CA, name string) tls.Certificate {
	t.Helper()
	cert, err := ca.ClientCertificate(name)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// testClients runs a process that requires client certificates. The API server has one, and others are refused before they can
// send a review.
func testClients(t *testing.T, e *environment) {
	file := filepath.Join(t.TempDir(), "ca.crt")
	writeFile(t, file, e.clients.PEM())
	p, ca := e.startWithCertDir(t, "guarded", "pullgate", "--client-ca-file="+file, "--client-allowed-names="+clientName)
	namespace := e.namespace(t, "enforce")
	review := podRequest(t, namespace, e.registry.expand(imageGone))

	for name, test := range map[string]struct {
		certs []tls.Certificate
		want  bool
	}{
		"the API server's certificate": {[]tls.Certificate{clientCertificate(t, e.clients, clientName)}, true},
		"no certificate":               {nil, false},
		"another name":                 {[]tls.Certificate{clientCertificate(t, e.clients, "kubelet")}, false},
		"another CA":                   {[]tls.Certificate{clientCertificate(t, newCA(t), clientName)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newEndpoint(t, p, ca.Pool(), test.certs...).send(t.Context(), review)
			if (err == nil) != test.want || got != nil && got.Allowed {
				t.Errorf("got %v, %v; want a denial: %t", got, err, test.want)
			}
		})
	}
	t.Run("a real API server", func(t *testing.T) { e.testGuardedWebhook(t, p, ca.PEM()) })
	t.Run("probes and metrics", func(t *testing.T) {
		if sum := p.metrics(t).sum("go_goroutines"); sum == 0 {
			t.Error("no metrics")
		}
	})
}

// testGuardedWebhook makes the API server call the process for one namespace.
func (e *environment) testGuardedWebhook(t *testing.T, p *pullgate, bundle []byte) {
	namespace, c := e.namespace(t, "enforce"), e.caller(t)
	configuration := guardedWebhook(p.launch.webhookURL(), namespace, bundle)
	c.must(c.create(configuration))
	t.Cleanup(func() {
		if err := c.client.Delete(context.Background(), configuration); err != nil {
			t.Errorf("deleting the webhook configuration: %v", err)
		}
	})
	// The shipped webhook denies the pod too, so that the log shows which process was called.
	eventually(t, "a decision of the guarded process", func(context.Context) bool {
		got := c.create(newPod(namespace, e.registry.expand(imageGone)), client.DryRunAll)
		return got.denied() && strings.Contains(p.launch.log(t), `"namespace":"`+namespace+`"`)
	})
}

// guardedWebhook returns a webhook for the pods of one namespace. If the API server cannot call it, every pod is an error.
func guardedWebhook(url, namespace string, bundle []byte) *admissionregistrationv1.ValidatingWebhookConfiguration {
	return &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "test-guarded"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name:                    "guarded.pullgate.dev",
			AdmissionReviewVersions: []string{"v1"},
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: bundle},
			FailurePolicy:           new(admissionregistrationv1.Fail),
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	}
}
