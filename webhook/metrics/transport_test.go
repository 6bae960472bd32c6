package metrics_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestRequestsAreCountedByCode(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, status := range []int{200, 200, 401, 404, 429, 503, 299, 799, 0} {
		_, _ = get(t, m, returning(status))
	}
	wantSamples(t, registry, "pullgate_registry_requests_total", map[string]float64{
		"200": 2, "401": 1, "404": 1, "429": 1, "503": 1, "error": 1, "other": 2,
	})
	wantSamples(t, registry, "pullgate_registry_request_duration_seconds", map[string]float64{"": 9})
}

// TestUnknownStatusCodesShareOneSeries sends every number as a status code.
func TestUnknownStatusCodesShareOneSeries(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for status := 1; status < 1000; status++ {
		_, _ = get(t, m, returning(status))
	}
	got, err := testutil.GatherAndCount(registry, "pullgate_registry_requests_total")
	if err != nil {
		t.Fatalf("GatherAndCount() error = %v, want none", err)
	}
	if got > 70 {
		t.Errorf("got %d series, want at most 70", got)
	}
}

func TestInstrumentReturnsTheResponseUnchanged(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics(t)
	if resp, err := get(t, m, returning(http.StatusTeapot)); err != nil || resp.StatusCode != http.StatusTeapot {
		t.Errorf("RoundTrip() = %v, %v, want the response", resp, err)
	}
	if resp, err := get(t, m, returning(0)); !errors.Is(err, errUnreachable) || resp != nil {
		t.Errorf("RoundTrip() = %v, %v, want the error", resp, err)
	}
}

func TestCloseIdleConnectionsClosesThoseOfNext(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics(t)
	next := returning(200)
	(&http.Client{Transport: m.Instrument(next)}).CloseIdleConnections()
	if !next.closed {
		t.Error("the inner transport was not called")
	}
}
