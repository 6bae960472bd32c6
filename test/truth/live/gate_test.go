//go:build cluster

package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
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

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/test/truth"
)

const (
	nodeIP = "10.88.0.1"
	// gateLabel chooses the gate of a namespace, and modeLabel switches it on.
	gateLabel = "truth.pullgate.dev/gate"
	modeLabel = "pullgate.dev/mode"
	firstPort = 20000
)

// gates are the webhooks in front of the API server, one for each configuration.
type gates struct {
	mu   sync.Mutex
	open map[string]*gate
}

// gate is one of them: a process of Pullgate with its configuration, and the shipped webhook configuration, which is for
// those namespaces only that are labelled with its id.
type gate struct {
	once   sync.Once
	id     string
	port   int
	config string
	// roots is a file with the authorities that Pullgate's system knows.
	roots string
}

// gateFor returns the gate of a scenario, and starts it if it is the first to need it.
func (s *stage) gateFor(t *testing.T, w *truth.World) *gate {
	t.Helper()
	config, err := s.profile.Config(w.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	key := string(config)
	if w.Scenario.Pullgate.Trusts || w.Scenario.SharesNames() {
		key += w.Scenario.Name // its authority is its own, or what Pullgate remembers by its names
	}
	g := s.gates.get(key)
	g.once.Do(func() {
		dir := filepath.Join(s.dir, "gate-"+g.id)
		g.config, g.roots = filepath.Join(dir, "config.yaml"), filepath.Join(dir, "roots.pem")
		var roots []byte
		if w.Scenario.Pullgate.Trusts {
			roots = w.CA.PEM()
		}
		write(t, g.config, config)
		write(t, g.roots, roots)
		s.startGate(t, g, dir)
	})
	return g
}

func (g *gates) get(key string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:12]
	if g.open == nil {
		g.open = map[string]*gate{}
	}
	if g.open[id] == nil {
		g.open[id] = &gate{id: id, port: firstPort + 2*len(g.open)}
	}
	return g.open[id]
}

func (s *stage) startGate(t *testing.T, g *gate, dir string) {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Certificate(nodeIP)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var chain bytes.Buffer
	for _, der := range pair.Certificate {
		_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes everything
	}
	write(t, filepath.Join(dir, "tls.crt"), chain.Bytes())
	write(t, filepath.Join(dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	// It outlives the test that is the first to need it, and ends with the cluster.
	cmd := s.pullgate(context.Background(), g, "serve", "--config", g.config, "--kubeconfig", s.Kubeconfig(), "--cert-dir", dir,
		fmt.Sprintf("--webhook-port=%d", g.port), "--metrics-bind-address=0",
		fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", g.port+1))
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := s.Start(cmd); err != nil {
		t.Fatal(err)
	}
	// The cluster's end ends it, and waits until somebody has noticed.
	go func() { _ = cmd.Wait() }()
	s.register(t, g, ca.PEM())
}

// register registers the shipped webhooks with the process, and waits until they are in force.
func (s *stage) register(t *testing.T, g *gate, ca []byte) {
	t.Helper()
	data, err := os.ReadFile("../../../manifests/base/70-validatingwebhookconfiguration.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := yaml.UnmarshalStrict(data, config); err != nil {
		t.Fatal(err)
	}
	config.Name = "truth-" + g.id
	url := fmt.Sprintf("https://%s:%d/validate", nodeIP, g.port)
	for i := range config.Webhooks {
		hook := &config.Webhooks[i]
		hook.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: ca}
		if hook.NamespaceSelector == nil {
			hook.NamespaceSelector = &metav1.LabelSelector{}
		}
		hook.NamespaceSelector.MatchLabels = map[string]string{gateLabel: g.id}
	}
	if _, err := s.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(
		t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitGate(t, g)
}

// awaitGate waits until a name that no node accepts is refused.
func (s *stage) awaitGate(t *testing.T, g *gate) {
	t.Helper()
	namespace := "gate-" + g.id
	s.createNamespace(t, namespace, map[string]string{gateLabel: g.id, modeLabel: "enforce"})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "https://not.a.name"}}},
	}
	var last error
	await(t, func(ctx context.Context) (bool, error) {
		_, last = s.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return last != nil && strings.Contains(last.Error(), "InvalidImageName"), nil
	}, func() string { return fmt.Sprintf("the gate lets an invalid name in, or: %v", last) })
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
