package certs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// newManager returns a manager whose API server is away.
func newManager(t *testing.T) manager.Manager {
	t.Helper()
	mgr, err := manager.New(&rest.Config{Host: "http://127.0.0.1:1"}, manager.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatalf("building manager: %v", err)
	}
	return mgr
}

func TestSelfSignedNeedsNoAPIServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "certs")
	if err := SelfSigned(newManager(t), Options{CertDir: dir}); err != nil {
		t.Fatalf("SelfSigned: %v", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatalf("certificate directory: %v", err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("certificate directory: got mode %v, want 0700", got)
	}
}

// brokenManager returns an invalid configuration or rejects runnables.
type brokenManager struct {
	manager.Manager
	config *rest.Config
	addErr error
}

func (m *brokenManager) GetConfig() *rest.Config {
	if m.config != nil {
		return m.config
	}
	return m.Manager.GetConfig()
}

func (m *brokenManager) Add(manager.Runnable) error { return m.addErr }

func TestSelfSignedReturnsErrorsWithTheirCause(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	mustWriteFile(t, file, "")
	tests := map[string]struct {
		dir    string
		config *rest.Config
		addErr error
		want   string
	}{
		"no directory":                       {want: "certificate directory is required"},
		"a directory that cannot be created": {dir: filepath.Join(file, "certs"), want: "creating certificate directory: "},
		"an invalid configuration":           {dir: t.TempDir(), config: &rest.Config{Host: "http://%zz"}, want: "building client for certificates: "},
		"a manager that rejects runnables":   {dir: t.TempDir(), addErr: os.ErrClosed, want: "adding the certificate's reconciler: " + os.ErrClosed.Error()},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mgr := &brokenManager{Manager: newManager(t), config: tc.config, addErr: tc.addErr}
			err := SelfSigned(mgr, Options{Namespace: "gate", CertDir: tc.dir})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("SelfSigned: got error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestIssuerIssuesForTheService(t *testing.T) {
	t.Parallel()
	i := newIssuer("gate")
	want := []string{"pullgate.gate.svc", "pullgate.gate.svc.cluster.local", "localhost"}
	if diff := cmp.Diff(want, append([]string{i.DNSName}, i.ExtraDNSNames...)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
