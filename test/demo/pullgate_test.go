package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pullgate/pullgate/webhook/config"
)

func TestPullgateConfigChangesTheDefaults(t *testing.T) {
	t.Parallel()
	want := config.Default()
	want.Backoff.InitialDelay = 10 * time.Millisecond
	want.Egress.Allow = []string{"127.0.0.1:5000"}
	want.Nodes.Platforms = []string{nodePlatform}
	got, err := config.Load(pullgateConfig("localhost:5000"))
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestTokenConfigHasNothingButTheToken(t *testing.T) {
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
		t.Error("the kubeconfig has the administrator's certificate")
	}
}

func TestStartPullgateFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kubectl, pullgate string
		prepare           func(t *testing.T, d *demo)
		want              string
	}{
		"kubectl fails": {
			kubectl: "echo forbidden; exit 1", want: "forbidden",
		},
		"missing program": {
			kubectl: "echo token", want: "no such file",
		},
		"kubeconfig cannot be written": {
			kubectl: "echo token",
			prepare: func(t *testing.T, d *demo) { mustMkdir(t, filepath.Join(d.dir, "pullgate.kubeconfig")) },
			want:    "writing a kubeconfig",
		},
		"configuration cannot be written": {
			kubectl: "echo token",
			prepare: func(t *testing.T, d *demo) { mustMkdir(t, filepath.Join(d.dir, "config.yaml")) },
			want:    "writing the configuration",
		},
		"Pullgate ends immediately": {
			kubectl:  "echo token",
			pullgate: "echo flags wrong; exit 2",
			want:     "pullgate ended: exit status 2; the end of its output:\nflags wrong",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := newTestDemo(t, tc.kubectl)
			d.cluster.admin = &rest.Config{}
			d.programs.pullgate = "./no-such-program"
			if tc.pullgate != "" {
				d.programs.pullgate = script(t, "pullgate", tc.pullgate)
			}
			if tc.prepare != nil {
				tc.prepare(t, d)
			}
			err := d.startPullgate(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("startPullgate: got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// In the first responses the API server does not call the webhook yet.
func TestAwaitWebhookWaitsForADenial(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, `echo "$@" >>calls
if test $(wc -l <calls) -lt 3; then echo "pod/probe created (server dry run)"; exit 0; fi
echo 'Error from server (Forbidden): admission webhook "pods.pullgate.dev" denied the request: NotFound' >&2; exit 1`)
	d.pullgate = sleeping(t)
	if err := d.awaitWebhook(t.Context()); err != nil {
		t.Fatalf("awaitWebhook: %v", err)
	}
	calls := strings.Split(strings.TrimSpace(readFile(t, filepath.Join(d.dir, "calls"))), "\n")
	want := "run probe --namespace shop --image " + d.registryHost() + "/shop/web:never-pushed --dry-run=server"
	if diff := cmp.Diff([]string{want, want, want}, calls); diff != "" {
		t.Errorf("calls of kubectl (-want +got):\n%s", diff)
	}
}

func TestAwaitWebhookFails(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, "")
	d.cluster.kubectl.path = "./no-such-program"
	d.pullgate = sleeping(t)
	err := d.awaitWebhook(t.Context())
	if err == nil || !strings.Contains(err.Error(), "running kubectl") {
		t.Errorf("awaitWebhook: got %v", err)
	}
}
