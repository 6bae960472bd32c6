package certs

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	secretFound    = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"pullgate-certs"}}`
	secretNotFound = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`
	secretDenied   = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}`
)

// newManager returns a manager whose API server sends one response to every request.
func newManager(t *testing.T, status int, body string) manager.Manager {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if _, err := w.Write([]byte(body)); err != nil {
			t.Errorf("responding: %v", err)
		}
	}))
	t.Cleanup(server.Close)
	return managerFor(t, &rest.Config{Host: server.URL})
}

func managerFor(t *testing.T, config *rest.Config) manager.Manager {
	t.Helper()
	mgr, err := manager.New(config, manager.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatalf("building manager: %v", err)
	}
	return mgr
}

// uniqueNamespace returns a new namespace: the name of a controller must be unique in a process.
func uniqueNamespace() string { return "ns-" + strconv.FormatInt(time.Now().UnixNano(), 36) }

func TestSelfSignedCreatesTheDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "certs")
	o := Options{Namespace: uniqueNamespace(), CertDir: dir}
	ready, err := SelfSigned(t.Context(), newManager(t, http.StatusOK, secretFound), o)
	if err != nil {
		t.Fatalf("SelfSigned: %v", err)
	}
	select {
	case <-ready:
		t.Error("ready before the manager runs")
	default:
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatalf("certificate directory: %v", err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("certificate directory: got mode %v, want 0700", got)
	}

	_, err = SelfSigned(t.Context(), newManager(t, http.StatusOK, secretFound), o)
	if err == nil || !strings.Contains(err.Error(), "adding certificate rotator: ") {
		t.Errorf("SelfSigned again: got error %v, want an error of the rotator", err)
	}
}

func TestSelfSignedReturnsErrorsWithTheirCause(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	mustWriteFile(t, file, "")
	tests := map[string]struct {
		options Options
		status  int
		body    string
		want    string
	}{
		"no directory": {
			status: http.StatusOK, body: secretFound,
			want: "certificate directory is required",
		},
		"a directory that cannot be created": {
			options: Options{CertDir: filepath.Join(file, "certs")}, status: http.StatusOK, body: secretFound,
			want: "creating certificate directory: ",
		},
		"no secret, default namespace": {
			options: Options{CertDir: t.TempDir()}, status: http.StatusNotFound, body: secretNotFound,
			want: "secret pullgate-system/pullgate-certs not found: apply the manifests first",
		},
		"no secret, another namespace": {
			options: Options{CertDir: t.TempDir(), Namespace: "gate"}, status: http.StatusNotFound, body: secretNotFound,
			want: "secret gate/pullgate-certs not found: apply the manifests first",
		},
		"access to the secret denied": {
			options: Options{CertDir: t.TempDir()}, status: http.StatusForbidden, body: secretDenied,
			want: "reading secret pullgate-system/pullgate-certs: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := SelfSigned(t.Context(), newManager(t, tc.status, tc.body), tc.options)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("SelfSigned: got error %v, want %q", err, tc.want)
			}
		})
	}
}

// brokenManager returns an invalid configuration or rejects the secretSync.
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

// Add rejects the secretSync, which is added after the rotator's cache, loop and controller.
func (m *brokenManager) Add(r manager.Runnable) error {
	if _, ok := r.(*secretSync); ok && m.addErr != nil {
		return m.addErr
	}
	return m.Manager.Add(r)
}

func TestSelfSignedReturnsErrorsOfTheManager(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config *rest.Config
		addErr error
		want   string
	}{
		"an invalid configuration": {
			config: &rest.Config{Host: "http://%zz"},
			want:   "building client for secrets: ",
		},
		"a manager that rejects runnables": {
			addErr: os.ErrClosed,
			want:   "adding secret sync: " + os.ErrClosed.Error(),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mgr := &brokenManager{Manager: newManager(t, http.StatusOK, secretFound), config: tc.config, addErr: tc.addErr}
			_, err := SelfSigned(t.Context(), mgr, Options{Namespace: uniqueNamespace(), CertDir: t.TempDir()})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("SelfSigned: got error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestRotatorIssuesForTheService(t *testing.T) {
	t.Parallel()
	cr := newRotator(Options{Namespace: "gate", CertDir: "/certs", ExtraDNSNames: []string{"pullgate.example"}})

	if want := (types.NamespacedName{Namespace: "gate", Name: SecretName}); cr.SecretKey != want {
		t.Errorf("secret: got %v, want %v", cr.SecretKey, want)
	}
	names := append([]string{cr.DNSName}, cr.ExtraDNSNames...)
	want := []string{"pullgate.gate.svc", "pullgate.gate.svc.cluster.local", "localhost", "pullgate.example"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	hooks := []rotator.WebhookInfo{{Name: WebhookConfigurationName, Type: rotator.Validating}}
	if diff := cmp.Diff(hooks, cr.Webhooks); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if cr.CertDir != "/certs" {
		t.Errorf("directory: got %q, want /certs", cr.CertDir)
	}
	if cr.RestartOnSecretRefresh {
		t.Error("a rotation restarts the process, want none: secretSync updates the files")
	}
	if cr.RequireLeaderElection {
		t.Error("the first certificate waits for a leader")
	}
}
