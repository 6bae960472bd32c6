package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Gauges read the state of the engine at each scrape. All are required.
type Gauges struct {
	// CacheEntries returns the number of cached verdicts.
	CacheEntries func() int
	// Inflight and Waiting return the number of lookups in progress, and of lookups that wait for a slot.
	Inflight, Waiting func() int
	// BackedOff returns the number of registries in backoff.
	BackedOff func() int
}

// Watch registers the gauges. The function is called at each scrape, since a reload of the configuration may replace the engine.
func Watch(registry prometheus.Registerer, current func() Gauges) error {
	gauge := func(name, help string, read func(Gauges) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read(current())) })
	}
	return register(registry,
		gauge("pullgate_cache_entries", "Cached verdicts.", func(g Gauges) int { return g.CacheEntries() }),
		gauge("pullgate_inflight_checks", "Registry lookups in progress.", func(g Gauges) int { return g.Inflight() }),
		gauge("pullgate_waiting_checks", "Registry lookups that wait for a slot.", func(g Gauges) int { return g.Waiting() }),
		gauge("pullgate_backoff_registries", "Registries in backoff after failures.", func(g Gauges) int { return g.BackedOff() }),
	)
}

// WatchCertificate registers a gauge with the end of the serving certificate's validity, or 0 if there is no certificate.
func WatchCertificate(registry prometheus.Registerer, expiry func() time.Time) error {
	return register(registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pullgate_certificate_expiry_timestamp_seconds",
		Help: "End of the serving certificate's validity, in seconds since 1970; 0 without a certificate.",
	}, func() float64 {
		if end := expiry(); !end.IsZero() {
			return float64(end.Unix())
		}
		return 0
	}))
}

// CacheLookup counts one cache lookup.
func (m *Metrics) CacheLookup(hit bool) {
	result := "miss"
	if hit {
		result = "hit"
	}
	m.cacheRequests.WithLabelValues(result).Inc()
}
