package stage

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMetric(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# HELP allocations of all kinds\nallocations_total 9\nallocations 1.5e+06\n"))
	}))
	defer server.Close()
	p := &Process{metrics: strings.TrimPrefix(server.URL, "http://")}
	if got, err := p.Metric(t.Context(), "allocations"); err != nil || got != 1.5e6 {
		t.Errorf("Metric() = %v, %v; want 1500000", got, err)
	}
	if _, err := p.Metric(context.Background(), "others"); err == nil {
		t.Error("Metric() error = nil for a missing metric, want an error")
	}
}
