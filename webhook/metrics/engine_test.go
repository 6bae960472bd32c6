package metrics_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestWatchExportsTheGauges(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.Watch(registry, gauges); err != nil {
		t.Fatalf("Watch() error = %v, want none", err)
	}
	wantSeries(t, registry, `
# HELP pullgate_backoff_registries Registries in backoff after failures.
# TYPE pullgate_backoff_registries gauge
pullgate_backoff_registries 1
# HELP pullgate_cache_entries Cached verdicts.
# TYPE pullgate_cache_entries gauge
pullgate_cache_entries 10000
# HELP pullgate_inflight_checks Registry lookups in progress.
# TYPE pullgate_inflight_checks gauge
pullgate_inflight_checks 8
# HELP pullgate_waiting_checks Registry lookups that wait for a slot.
# TYPE pullgate_waiting_checks gauge
pullgate_waiting_checks 3
`)
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint = %v, %v, want no problems", problems, err)
	}
}

func TestWatchRejectsASecondRegistration(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	for i, wantError := range []bool{false, true} {
		if err := metrics.Watch(registry, gauges); (err != nil) != wantError {
			t.Errorf("registration %d: error = %v, want one: %v", i, err, wantError)
		}
	}
}

func TestCertificateExpiryIsExported(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	var expiry time.Time
	if err := metrics.WatchCertificate(registry, func() time.Time { return expiry }); err != nil {
		t.Fatalf("WatchCertificate() error = %v, want none", err)
	}
	series := `
# HELP pullgate_certificate_expiry_timestamp_seconds End of the serving certificate's validity, in seconds since 1970; 0 without a certificate.
# TYPE pullgate_certificate_expiry_timestamp_seconds gauge
pullgate_certificate_expiry_timestamp_seconds `
	wantSeries(t, registry, series+"0\n")
	expiry = time.Unix(1800000000, 0)
	wantSeries(t, registry, series+"1.8e+09\n")
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint = %v, %v, want no problems", problems, err)
	}
}

func TestCacheLookupCountsHitsAndMisses(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, hit := range []bool{true, false, true} {
		m.CacheLookup(hit)
	}
	wantSeries(t, registry, `
# HELP pullgate_cache_requests_total Cache lookups for one image with one credential, by result (hit, miss).
# TYPE pullgate_cache_requests_total counter
pullgate_cache_requests_total{result="hit"} 2
pullgate_cache_requests_total{result="miss"} 1
`, "pullgate_cache_requests_total")
}
