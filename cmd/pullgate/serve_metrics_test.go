package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/policy"
)

// hostile implements Checker and Modes, with a mode that a namespace cannot have, and findings that no registry gives.
type hostile struct{}

func (hostile) Check(_ context.Context, pod imagepull.Pod, _ *corev1.PodSpec) []imagepull.Finding {
	var findings []imagepull.Finding
	for _, use := range pod.Uses {
		findings = append(findings, imagepull.Finding{Use: use, Verdict: imagepull.Verdict{Reason: imagepull.Reason(use.Image)}})
	}
	return findings
}

func (hostile) Mode(_ context.Context, namespace string) (policy.Mode, error) {
	if strings.HasPrefix(namespace, "unknown") {
		return "", errors.New(namespace)
	}
	return policy.Mode(namespace), nil
}

// An author of objects chooses namespaces, kinds, names and images. A caller chooses everything else of a review. Neither may make
// more series than the vocabularies have.
func TestHostileReviewsMakeABoundedNumberOfSeries(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	m, err := metrics.New(registry, vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := webhook.Endpoint(&webhook.Handler{
		Checker: hostile{}, Modes: hostile{}, Observe: counted(m), Budget: webhook.Budget{Admission: time.Second},
		Log: slog.New(slog.DiscardHandler),
	})
	send := func(round int) (allowed int) {
		text := func(word string) string { return fmt.Sprintf("%s-%d", word, round) }
		for _, review := range []string{
			reviewOf("v1", "Pod", text("mode"), text("registry.example/web:1")),
			reviewOf("apps/v1", "Deployment", text("mode"), text("registry.example/web:1")),
			reviewOf("v1", text("Kind"), text("mode"), text("registry.example/web:1")),
			reviewOf(text("group.example/v1"), "Pod", text("mode"), text("registry.example/web:1")),
			reviewOf("v1", "Pod", text("unknown"), text("registry.example/web:1")),
			reviewOf("v1", "Pod", text("Not A Label"), text("registry.example/web:1")),
			text("no review"),
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, strings.NewReader(review))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			endpoint.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), `"allowed":true`) {
				allowed++
			}
		}
		return allowed
	}
	count := func() int {
		n, err := testutil.GatherAndCount(registry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := send(0); got != 6 {
		t.Errorf("%d reviews were admitted, want 6", got)
	}
	first := count()
	for round := range 100 {
		send(round + 1)
	}
	if last := count(); last != first {
		t.Errorf("%d series after the first round, %d after the last, want no more", first, last)
	}
}

func reviewOf(apiVersion, kind, namespace, image string) string {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	spec := fmt.Sprintf(`{"containers":[{"name":"web","image":%q}]}`, image)
	if kind != "Pod" {
		spec = fmt.Sprintf(`{"template":{"spec":%s}}`, spec)
	}
	return fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":%q,`+
		`"kind":{"group":%q,"version":%q,"kind":%q},"resource":{"group":%[2]q,"version":%[3]q},`+
		`"object":{"apiVersion":%[5]q,"kind":%[4]q,"metadata":{"name":"web"},"spec":%[6]s}}}`, namespace, group, version, kind, apiVersion, spec)
}

func TestHashOfTheConfigurationIsThatOfTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// sha256sum prints it.
	const want = "0d66b168bc88"
	if _, got, err := loadConfiguration(file); err != nil || got != want {
		t.Errorf("hash %q, %v, want %q", got, err, want)
	}
}

func TestNodesAreLoggedOnceTheyAreKnown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reported nodes.Reported
		want     []string
	}{
		"complete lists": {nodes.Reported{All: 3}, []string{`"level":"INFO"`, `"all":3,"truncated":0,"none":0`}},
		"cut-off lists":  {nodes.Reported{All: 2, Truncated: 1}, []string{`"level":"WARN"`, `"all":2,"truncated":1,"none":0`, "nodeStatusMaxImages"}},
		"no nodes":       {nodes.Reported{}, []string{`"level":"WARN"`, "no node is known"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			ready := func() error { return nil }
			logNodes(t.Context(), ready, func() nodes.Reported { return test.reported }, slog.New(slog.NewJSONHandler(&log, nil)))
			for _, want := range test.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log lacks %s:\n%s", want, &log)
				}
			}
		})
	}
}

// A client that refuses the certificate of the webhook counts too: the API server does so if the caBundle is wrong.
func TestFailedHandshakesAreCounted(t *testing.T) {
	t.Parallel()
	ca, clients, others := newCA(t), newCA(t), newCA(t)
	for name, test := range map[string]struct {
		client *tls.Config
		// connect is used instead of a TLS client.
		connect func(*testing.T, net.Conn)
		want    bool
	}{
		"accepted":              {client: &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{clientCertificate(t, clients, "api-server")}}},
		"no client certificate": {client: &tls.Config{RootCAs: ca.Pool()}, want: true},
		"of another authority":  {client: &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{clientCertificate(t, others, "api-server")}}, want: true},
		"the client refuses":    {client: &tls.Config{RootCAs: others.Pool(), Certificates: []tls.Certificate{clientCertificate(t, clients, "api-server")}}, want: true},
		"no TLS":                {connect: func(_ *testing.T, c net.Conn) { _, _ = fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n") }, want: true},
		"a TCP probe":           {connect: func(*testing.T, net.Conn) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serving, err := ca.Certificate()
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config = newServer(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
			failed, closed := make(chan struct{}, 1), make(chan struct{}, 1)
			count := countHandshakes(t.Context(), func() { failed <- struct{}{} })
			server.Config.ConnState = func(c net.Conn, state http.ConnState) {
				count(c, state)
				if state == http.StateClosed {
					closed <- struct{}{}
				}
			}
			server.Listener = tls.NewListener(server.Listener, &tls.Config{
				MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{serving}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.Pool(),
			})
			server.Start()
			t.Cleanup(server.Close)
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if test.connect != nil {
				test.connect(t, conn)
			} else {
				test.client.ServerName = "127.0.0.1"
				secured := tls.Client(conn, test.client)
				if err := secured.HandshakeContext(t.Context()); err == nil {
					_, _ = fmt.Fprint(secured, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
					_, _ = secured.Read(make([]byte, 1)) // the server has read the client's certificate
				}
			}
			_ = conn.Close()
			<-closed
			if got := len(failed) > 0; got != test.want {
				t.Errorf("counted: %t, want %t", got, test.want)
			}
		})
	}
}

// exportedMetrics returns the lines of the golden file of package metrics by the metric's name.
func exportedMetrics(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "webhook", "metrics", "testdata", "metrics.golden"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, _, _ := strings.Cut(line, "{")
		lines[name] = strings.TrimSpace(line)
	}
	return lines
}

// checkExported compares what the process exports with the golden file of package metrics.
func checkExported(t *testing.T, gatherer prometheus.Gatherer) {
	t.Helper()
	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	missing := exportedMetrics(t)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "pullgate_") {
			continue
		}
		var labels []string
		for _, pair := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		got := fmt.Sprintf("%s{%s} %s: %s", f.GetName(), strings.Join(labels, ","), strings.ToLower(f.GetType().String()), f.GetHelp())
		if want := missing[f.GetName()]; got != want {
			t.Errorf("exported: %s\nwant: %s", got, want)
		}
		delete(missing, f.GetName())
	}
	// The values of their labels are not known before the first decision and the first request, and the API server of the test has
	// no webhook configuration.
	for _, later := range []string{
		"pullgate_admission_decisions_total", "pullgate_registry_requests_total", "pullgate_webhook_configuration_present",
	} {
		delete(missing, later)
	}
	if len(missing) > 0 {
		t.Errorf("not exported: %v", slices.Sorted(maps.Keys(missing)))
	}
}
