package metrics_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/metrics"
)

var errUnreachable = errors.New("unreachable")

// transport is an http.RoundTripper that answers with a status, or not at all when it is zero.
type transport struct {
	status int
	closed bool
}

func answering(status int) *transport { return &transport{status: status} }

func (r *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.status == 0 {
		return nil, errUnreachable
	}
	return &http.Response{StatusCode: r.status, Body: http.NoBody, Request: req}, nil
}

func (r *transport) CloseIdleConnections() { r.closed = true }

// get makes one request through the instrumented transport.
func get(t *testing.T, m *metrics.Metrics, next http.RoundTripper) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example/v2/", nil)
	if err != nil {
		t.Fatalf("NewRequest() error = %v, want none", err)
	}
	return m.Instrument(next).RoundTrip(req)
}

func TestRequestsAreCountedByCode(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, status := range []int{200, 200, 401, 404, 429, 503, 299, 799, 0} {
		_, _ = get(t, m, answering(status))
	}
	wantSeries(t, registry, `
# HELP pullgate_registry_requests_total HTTP requests to registries and their token services, by status code, or "other" or "error" without a known one.
# TYPE pullgate_registry_requests_total counter
pullgate_registry_requests_total{code="200"} 2
pullgate_registry_requests_total{code="401"} 1
pullgate_registry_requests_total{code="404"} 1
pullgate_registry_requests_total{code="429"} 1
pullgate_registry_requests_total{code="503"} 1
pullgate_registry_requests_total{code="error"} 1
pullgate_registry_requests_total{code="other"} 2
`, "pullgate_registry_requests_total")
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("Gather() error = %v, want none", err)
	}
	for _, family := range families {
		if family.GetName() != "pullgate_registry_request_duration_seconds" {
			continue
		}
		if got := family.GetMetric()[0].GetHistogram().GetSampleCount(); got != 9 {
			t.Errorf("%d durations were observed, want 9", got)
		}
	}
}

// TestHostileStatusCodes: a registry that answers with every number there is makes no more series than HTTP has codes.
func TestHostileStatusCodes(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for status := 1; status < 1000; status++ {
		_, _ = get(t, m, answering(status))
	}
	got, err := testutil.GatherAndCount(registry, "pullgate_registry_requests_total")
	if err != nil {
		t.Fatalf("GatherAndCount() error = %v, want none", err)
	}
	if got > 70 {
		t.Errorf("got %d series, want at most 70", got)
	}
}

// TestInstrumentChangesNothing of what goes through it.
func TestInstrumentChangesNothing(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics(t)
	if resp, err := get(t, m, answering(http.StatusTeapot)); err != nil || resp.StatusCode != http.StatusTeapot {
		t.Errorf("RoundTrip() = %v, %v, want the response", resp, err)
	}
	if resp, err := get(t, m, answering(0)); !errors.Is(err, errUnreachable) || resp != nil {
		t.Errorf("RoundTrip() = %v, %v, want the error", resp, err)
	}
}

func TestCloseIdleConnectionsIsPassedOn(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics(t)
	next := answering(200)
	(&http.Client{Transport: m.Instrument(next)}).CloseIdleConnections()
	if !next.closed {
		t.Error("the inner transport was not told")
	}
}
