package metrics_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestWatchExportsTheGauges(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.Watch(registry, gauges); err != nil {
		t.Fatalf("Watch() error = %v, want none", err)
	}
	for metric, want := range map[string]float64{
		"pullgate_backoff_registries": 1, "pullgate_cache_entries": 10000, "pullgate_inflight_checks": 8, "pullgate_waiting_checks": 3,
	} {
		wantSamples(t, registry, metric, map[string]float64{"": want})
	}
	if err := metrics.Watch(registry, gauges); err == nil {
		t.Error("a second registration succeeds")
	}
}

func TestCertificateExpiryIsExported(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	var expiry time.Time
	if err := metrics.WatchCertificate(registry, func() time.Time { return expiry }); err != nil {
		t.Fatalf("WatchCertificate() error = %v, want none", err)
	}
	const metric = "pullgate_certificate_expiry_timestamp_seconds"
	wantSamples(t, registry, metric, map[string]float64{})
	expiry = time.Unix(1800000000, 0)
	wantSamples(t, registry, metric, map[string]float64{"": 1.8e9})
}
