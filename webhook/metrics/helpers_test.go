package metrics_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
)

var errUnreachable = errors.New("unreachable")

// transport is an http.RoundTripper that returns a status, or an error if the status is zero.
type transport struct {
	status int
	closed bool
}

func returning(status int) *transport { return &transport{status: status} }

func (r *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.status == 0 {
		return nil, errUnreachable
	}
	return &http.Response{StatusCode: r.status, Body: http.NoBody, Request: req}, nil
}

func (r *transport) CloseIdleConnections() { r.closed = true }

// get sends one request through the instrumented transport.
func get(t *testing.T, m *metrics.Metrics, next http.RoundTripper) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example/v2/", nil)
	if err != nil {
		t.Fatalf("NewRequest() error = %v, want none", err)
	}
	return m.Instrument(next).RoundTrip(req)
}

func newMetrics(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		t.Fatalf("New() error = %v, want none", err)
	}
	return m, registry
}

// wantSeries compares the named metrics with the exposition format.
func wantSeries(t *testing.T, registry *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func finding(reason imagepull.Reason) imagepull.Finding {
	return imagepull.Finding{
		Use:     imagepull.Use{Name: "web", Image: "registry.example/shop/web:1", Path: "spec.containers[0].image"},
		Verdict: imagepull.Verdict{Reason: reason, Detail: "not a label", Credential: "secret/shop/regcred"},
	}
}

func always(n int) func() int { return func() int { return n } }

func gauges() metrics.Gauges {
	return metrics.Gauges{CacheEntries: always(10000), Inflight: always(8), Waiting: always(3), BackedOff: always(1)}
}
