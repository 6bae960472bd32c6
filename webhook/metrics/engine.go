package metrics

import "github.com/prometheus/client_golang/prometheus"

// Gauges read the state of what asks registries, whenever somebody scrapes. All are required.
type Gauges struct {
	// CacheEntries counts remembered answers.
	CacheEntries func() int
	// Inflight and Waiting count questions: those under way, and those that wait for their turn.
	Inflight, Waiting func() int
	// BackedOff counts registries that are left alone for a while.
	BackedOff func() int
}

// Watch registers the gauges.
func Watch(registry prometheus.Registerer, g Gauges) error {
	gauge := func(name, help string, read func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	return register(registry,
		gauge("pullgate_cache_entries", "Answers of registries that are kept in memory.", g.CacheEntries),
		gauge("pullgate_inflight_checks", "Questions to registries that are under way.", g.Inflight),
		gauge("pullgate_waiting_checks", "Questions to registries that wait for their turn.", g.Waiting),
		gauge("pullgate_backoff_registries", "Registries that are left alone for a while after failures.", g.BackedOff),
	)
}

// CacheAsked counts one look into memory.
func (m *Metrics) CacheAsked(hit bool) {
	result := "miss"
	if hit {
		result = "hit"
	}
	m.cacheRequests.WithLabelValues(result).Inc()
}
