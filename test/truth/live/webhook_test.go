//go:build cluster

package live

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/test/truth"
)

const (
	nodeIP = "10.88.0.1"
	// webhookLabel selects the webhook of a namespace. modeLabel turns it on.
	webhookLabel = "truth.pullgate.dev/webhook"
	modeLabel    = "pullgate.dev/mode"
	firstPort    = 20000
)

// webhooks are the processes of Pullgate, one for each configuration.
type webhooks struct {
	mu   sync.Mutex
	open map[string]*webhook
}

// webhook is a process of Pullgate with its configuration. The shipped webhook configuration selects only the
// namespaces with its id as label.
type webhook struct {
	once   sync.Once
	id     string
	port   int
	config string
	// roots is a file with the CAs in the system pool of Pullgate.
	roots string
	// hosts is a hosts file for Pullgate's view of DNS, or "".
	hosts string
}

// webhookFor returns the webhook of a scenario's configuration, and starts it if necessary.
func (s *testCluster) webhookFor(t *testing.T, w *truth.Fixture, views *site) *webhook {
	t.Helper()
	config, err := s.profile.Config(w.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	key := string(config)
	if w.Scenario.Pullgate.Trusts || w.Scenario.SharesNames() || w.Scenario.HasViews() {
		key += w.Scenario.Name // a CA, cache entries or a hosts file of its own
	}
	h := s.webhooks.get(key)
	h.once.Do(func() {
		dir := filepath.Join(s.dir, "webhook-"+h.id)
		h.config, h.roots = filepath.Join(dir, "config.yaml"), filepath.Join(dir, "roots.pem")
		var roots []byte
		if w.Scenario.Pullgate.Trusts {
			roots = w.CA.PEM()
		}
		write(t, h.config, config)
		write(t, h.roots, roots)
		if w.Scenario.HasViews() {
			h.hosts = filepath.Join(dir, "hosts")
			write(t, h.hosts, views.hostsFile())
		}
		s.startWebhook(t, h, dir)
	})
	return h
}

func (h *webhooks) get(key string) *webhook {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:12]
	if h.open == nil {
		h.open = map[string]*webhook{}
	}
	if h.open[id] == nil {
		h.open[id] = &webhook{id: id, port: firstPort + 2*len(h.open)}
	}
	return h.open[id]
}

func (s *testCluster) startWebhook(t *testing.T, h *webhook, dir string) {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.CertificatePEM(nodeIP)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tls.crt"), cert)
	write(t, filepath.Join(dir, "tls.key"), key)
	// The process outlives the test that starts it. The shutdown of the cluster ends it and waits until it is reaped.
	cmd := s.pullgate(context.Background(), h, "serve", "--shutdown-delay", "0s", "--config", h.config, "--kubeconfig", s.Kubeconfig(), "--cert-dir", dir,
		fmt.Sprintf("--webhook-port=%d", h.port), "--metrics-bind-address=0",
		fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", h.port+1))
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := process.Start(cmd, process.Options{Output: log, Start: s.Start}); err != nil {
		t.Fatal(err)
	}
	s.register(t, h, ca.PEM())
}

// register creates the shipped webhook configuration for the process, and waits until it is active.
func (s *testCluster) register(t *testing.T, h *webhook, ca []byte) {
	t.Helper()
	data, err := os.ReadFile("../../../manifests/base/70-validatingwebhookconfiguration.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := yaml.UnmarshalStrict(data, config); err != nil {
		t.Fatal(err)
	}
	config.Name = "truth-" + h.id
	url := fmt.Sprintf("https://%s:%d/validate", nodeIP, h.port)
	for i := range config.Webhooks {
		hook := &config.Webhooks[i]
		hook.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: ca}
		if hook.NamespaceSelector == nil {
			hook.NamespaceSelector = &metav1.LabelSelector{}
		}
		hook.NamespaceSelector.MatchLabels = map[string]string{webhookLabel: h.id}
	}
	if _, err := s.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(
		t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitWebhook(t, h)
}

// awaitWebhook waits until the webhook denies an invalid image name.
func (s *testCluster) awaitWebhook(t *testing.T, h *webhook) {
	t.Helper()
	namespace := "webhook-" + h.id
	s.createNamespace(t, namespace, map[string]string{webhookLabel: h.id, modeLabel: "enforce"})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "https://not.a.name"}}},
	}
	var last error
	await(t, func(ctx context.Context) (bool, error) {
		_, last = s.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return last != nil && strings.Contains(last.Error(), "InvalidImageName"), nil
	}, func() string { return fmt.Sprintf("the webhook admits an invalid name, or: %v", last) })
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
