package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/metrics"
)

func always(n int) func() int { return func() int { return n } }

func gauges() metrics.Gauges {
	return metrics.Gauges{CacheEntries: always(10000), Inflight: always(8), Waiting: always(3), BackedOff: always(1)}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.Watch(registry, gauges()); err != nil {
		t.Fatalf("Watch() error = %v, want none", err)
	}
	wantSeries(t, registry, `
# HELP pullgate_backoff_registries Registries that are left alone for a while after failures.
# TYPE pullgate_backoff_registries gauge
pullgate_backoff_registries 1
# HELP pullgate_cache_entries Answers of registries that are kept in memory.
# TYPE pullgate_cache_entries gauge
pullgate_cache_entries 10000
# HELP pullgate_inflight_checks Questions to registries that are under way.
# TYPE pullgate_inflight_checks gauge
pullgate_inflight_checks 8
# HELP pullgate_waiting_checks Questions to registries that wait for their turn.
# TYPE pullgate_waiting_checks gauge
pullgate_waiting_checks 3
`)
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint = %v, %v, want nothing", problems, err)
	}
}

func TestWatchRefusesASecondRegistration(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	for i, wantError := range []bool{false, true} {
		if err := metrics.Watch(registry, gauges()); (err != nil) != wantError {
			t.Errorf("registration %d: error = %v, want one: %v", i, err, wantError)
		}
	}
}

func TestCacheAsked(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, hit := range []bool{true, false, true} {
		m.CacheAsked(hit)
	}
	wantSeries(t, registry, `
# HELP pullgate_cache_requests_total Questions about one image with one credential, by whether memory had the answer (hit, miss).
# TYPE pullgate_cache_requests_total counter
pullgate_cache_requests_total{result="hit"} 2
pullgate_cache_requests_total{result="miss"} 1
`, "pullgate_cache_requests_total")
}
