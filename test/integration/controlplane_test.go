package integration

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// auditPolicy records every request after its response, with its annotations and without its content.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
`

// tracingConfiguration switches tracing on, for requests that have a trace already. Nothing receives the API server's own spans.
const tracingConfiguration = `apiVersion: apiserver.config.k8s.io/v1beta1
kind: TracingConfiguration
endpoint: 127.0.0.1:1
`

// startControlPlane starts etcd and the API server, and stops them when the test ends.
func startControlPlane(t *testing.T, e *environment) {
	t.Helper()
	assets := variable("KUBEBUILDER_ASSETS", "")
	if assets == "" {
		t.Fatal(`KUBEBUILDER_ASSETS is not set: it names the directory with etcd and kube-apiserver. Run "make test", or get them ` +
			`with "setup-envtest use -p path" and set it to the directory that this prints`)
	}
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	writeFile(t, policy, []byte(auditPolicy))
	tracing := filepath.Join(dir, "tracing.yaml")
	writeFile(t, tracing, []byte(tracingConfiguration))
	e.audit = auditLog(filepath.Join(dir, "audit.log"))

	controlPlane := &envtest.Environment{BinaryAssetsDirectory: assets}
	controlPlane.ControlPlane.GetAPIServer().Configure().
		Set("admission-control-config-file", e.writeClientCertificate(t, dir)).
		Set("audit-policy-file", policy).
		Set("audit-log-path", string(e.audit)).
		Set("tracing-config-file", tracing).
		// envtest turns off the admission plugin that copies the pull secrets of service accounts to pods.
		Disable("disable-admission-plugins")
	stop := sync.OnceValue(controlPlane.Stop)
	e.interrupted = stopOnSignal(t, stop)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stopping the control plane: %v", err)
		}
	})
	var err error
	if e.config, err = controlPlane.Start(); err != nil {
		t.Fatalf("starting the control plane: %v", err)
	}
	e.admin = controlPlane.KubeConfig
}

// stopOnSignal stops the control plane if the test is interrupted, because the control plane is in a process group of its own. The
// channel is closed to stop the other processes.
func stopOnSignal(t *testing.T, stop func() error) (interrupted <-chan struct{}) {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	cancel := context.AfterFunc(ctx, func() {
		_ = stop()
		os.Exit(1)
	})
	t.Cleanup(func() {
		cancel()
		release()
	})
	return ctx.Done()
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
