package metrics

import "github.com/prometheus/client_golang/prometheus"

// Reloads exports the version of the configuration in use, and whether changes of it were accepted.
type Reloads struct {
	total      *prometheus.CounterVec
	successful prometheus.Gauge
	info       *prometheus.GaugeVec
}

// NewReloads registers the metrics. The hash is the version of the configuration at start.
func NewReloads(registry prometheus.Registerer, hash string) (*Reloads, error) {
	r := &Reloads{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_config_reloads_total",
			Help: "Changes of the configuration file, by result (success, failure). After a failure the former configuration stays in use.",
		}, []string{"result"}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pullgate_config_last_reload_successful",
			Help: "Whether the configuration file is in use (1), or was refused (0).",
		}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pullgate_config_info",
			Help: "Always 1, with the hash of the configuration in use: the first 12 digits of its SHA-256.",
		}, []string{"hash"}),
	}
	r.total.WithLabelValues("success")
	r.total.WithLabelValues("failure")
	r.use(hash)
	return r, register(registry, r.total, r.successful, r.info)
}

// Accepted counts a change that is in use.
func (r *Reloads) Accepted(hash string) {
	r.total.WithLabelValues("success").Inc()
	r.use(hash)
}

// Refused counts a change that is not used.
func (r *Reloads) Refused() {
	r.total.WithLabelValues("failure").Inc()
	r.successful.Set(0)
}

// use sets the hash. There is one series at a time.
func (r *Reloads) use(hash string) {
	r.successful.Set(1)
	r.info.Reset()
	r.info.WithLabelValues(hash).Set(1)
}
