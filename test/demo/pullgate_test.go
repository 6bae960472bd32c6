package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pullgate/pullgate/webhook/config"
)

func TestPullgateConfig(t *testing.T) {
	t.Parallel()
	want := config.Default()
	want.Backoff.InitialDelay = 10 * time.Millisecond
	want.Egress.Allow = []string{"localhost:5000"}
	want.Nodes.Platforms = []string{nodePlatform}
	got, err := config.Load(pullgateConfig("localhost:5000"))
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestTokenConfig(t *testing.T) {
	t.Parallel()
	admin := &rest.Config{Host: "https://127.0.0.1:6443", TLSClientConfig: rest.TLSClientConfig{
		CAData: []byte("ca"), CertData: []byte("cert"), KeyData: []byte("key"),
	}}
	got, err := clientcmd.NewDefaultClientConfig(tokenConfig(admin, "the token"), nil).ClientConfig()
	if err != nil {
		t.Fatalf("ClientConfig: %v", err)
	}
	if got.Host != admin.Host || string(got.CAData) != "ca" || got.BearerToken != "the token" {
		t.Errorf("got host %q, CA %q", got.Host, got.CAData)
	}
	if len(got.CertData)+len(got.KeyData) != 0 {
		t.Error("the administrator's certificate is in there too")
	}
}

func TestStartPullgateFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kubectl, pullgate string
		prepare           func(t *testing.T, s *stage)
		want              string
	}{
		"without a token": {
			kubectl: "echo forbidden; exit 1", want: "forbidden",
		},
		"without a program": {
			kubectl: "echo token", want: "no such file",
		},
		"without a place for the kubeconfig": {
			kubectl: "echo token",
			prepare: func(t *testing.T, s *stage) { mustMkdir(t, filepath.Join(s.dir, "pullgate.kubeconfig")) },
			want:    "writing a kubeconfig",
		},
		"without a place for the configuration": {
			kubectl: "echo token",
			prepare: func(t *testing.T, s *stage) { mustMkdir(t, filepath.Join(s.dir, "config.yaml")) },
			want:    "writing the configuration",
		},
		"when it ends at once": {
			kubectl:  "echo token",
			pullgate: "echo flags wrong; exit 2",
			want:     "pullgate ended early: exit status 2; Pullgate's last words:\nflags wrong",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newTestStage(t, tc.kubectl)
			s.cluster.connection = &rest.Config{}
			s.tools.pullgate = "./there-is-none"
			if tc.pullgate != "" {
				s.tools.pullgate = script(t, "pullgate", tc.pullgate)
			}
			if tc.prepare != nil {
				tc.prepare(t, s)
			}
			err := s.startPullgate(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("startPullgate: got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func mustMkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatalf("making directory: %v", err)
	}
}

func TestAwaitReady(t *testing.T) {
	t.Parallel()
	var asked int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	s, _ := newTestStage(t, "exit 1")
	s.pullgate = sleeping(t)
	if err := s.awaitReady(t.Context(), server.URL); err != nil {
		t.Fatalf("awaitReady: %v", err)
	}
	if asked != 3 {
		t.Errorf("it was asked %d times, want until it is ready", asked)
	}
}

func TestAwaitReadyNeedsAURL(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, "exit 1")
	s.pullgate = sleeping(t)
	if err := s.awaitReady(t.Context(), "http://[broken"); err == nil {
		t.Error("awaitReady: got no error")
	}
}

// The first answers are the API server's alone: it does not know the webhook yet.
func TestAwaitWebhook(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, `echo "$@" >>calls
if test $(wc -l <calls) -lt 3; then echo "pod/probe created (server dry run)"; exit 0; fi
echo 'Error from server (Forbidden): admission webhook "pods.pullgate.dev" denied the request: NotFound' >&2; exit 1`)
	s.pullgate = sleeping(t)
	if err := s.awaitWebhook(t.Context()); err != nil {
		t.Fatalf("awaitWebhook: %v", err)
	}
	calls := strings.Split(strings.TrimSpace(readFile(t, filepath.Join(s.dir, "calls"))), "\n")
	want := "run probe --namespace shop --image " + s.registryHost() + "/shop/web:never-pushed --dry-run=server"
	if diff := cmp.Diff([]string{want, want, want}, calls); diff != "" {
		t.Errorf("calls of kubectl (-want +got):\n%s", diff)
	}
}

func TestAwaitWebhookFails(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, "")
	s.cluster.kubectl.path = "./there-is-none"
	s.pullgate = sleeping(t)
	err := s.awaitWebhook(t.Context())
	if err == nil || !strings.Contains(err.Error(), "waiting: running kubectl") {
		t.Errorf("awaitWebhook: got %v", err)
	}
}
